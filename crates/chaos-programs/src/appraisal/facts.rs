use std::fmt::Display;

use chaos_agency::calendar::date;
use chaos_attestation::{
    Claims,
    claims::{Measurements, TcbLevel},
};

/// One thing that a verified quote says, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The name of the field; a claim of the EAR draft has the draft's name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// What a verified quote says, in the order in which people read it.
#[must_use]
pub fn facts(claims: &Claims) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |name, value: &dyn Display| facts.push(Fact { name, value: value.to_string() });
    fact("evidence", &claims.evidence_id);
    fact("workload", &claims.workload_id);
    let version = claims.quote_version;
    fact("environment", &format_args!("{}, quote version {version}", claims.tee_type.as_str()));
    fact("anchor class", &claims.anchor_class.as_str());
    fact("root_key_id", &claims.root_key_id);
    let tcb = &claims.tcb;
    fact("attester_tcb_status", &tcb.attester_tcb_status.as_str());
    fact("attester_advisory_ids", &list(&tcb.attester_advisory_ids));
    fact("platform level", &level(&tcb.platform));
    if let Some(current) = &tcb.platform_current {
        fact("platform level now", &level(current));
    }
    fact("quoting enclave level", &level(&tcb.qe));
    fact("dbgstat", &claims.dbgstat.as_str());
    match &claims.measurements {
        Measurements::Tdx(td) => {
            fact("tdx_mrtd", &td.tdx_mrtd);
            fact("tdx_rtmr0", &td.tdx_rtmr0);
            fact("tdx_rtmr1", &td.tdx_rtmr1);
            fact("tdx_rtmr2", &td.tdx_rtmr2);
            fact("tdx_rtmr3", &td.tdx_rtmr3);
            fact("tdx_mrconfigid", &td.tdx_mrconfigid);
            fact("tdx_xfam", &td.tdx_xfam);
            fact("tdx_td_attributes", &td.tdx_td_attributes);
            match &td.tdx_mrservicetd {
                Some(hash) if hash.is_zero() => fact("tdx_mrservicetd", &"none"),
                Some(hash) => fact("tdx_mrservicetd", hash),
                None => {}
            }
        }
        Measurements::Sgx(enclave) => {
            fact("sgx_mrenclave", &enclave.sgx_mrenclave);
            fact("sgx_mrsigner", &enclave.sgx_mrsigner);
            fact("sgx_isvprodid", &enclave.sgx_isvprodid);
            fact("sgx_isvsvn", &enclave.sgx_isvsvn);
            fact("sgx_attributes", &enclave.sgx_attributes);
        }
    }
    fact("report_data", &claims.report_data);
    let platform = &claims.platform;
    fact("fmspc", &platform.fmspc);
    fact("ppid_hash", &platform.ppid_hash);
    let flags = [platform.smt_enabled, platform.dynamic_platform, platform.cached_keys];
    fact("smt, dynamic, cached", &flags.map(|flag| flag.as_str()).join(", "));
    let collateral = &claims.collateral;
    fact("evaluation number", &collateral.tcb_evaluation_data_number);
    fact("collateral", &collateral.digest);
    let (from, to) = (collateral.latest_issue_s, collateral.earliest_expiration_s);
    fact("valid", &format_args!("{} to {}", date(from), date(to)));
    facts
}

fn level(level: &TcbLevel) -> String {
    format!("{}, of {}", level.status, date(level.date_s))
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(" ") }
}
