//! Claims and decisions for people, in lines of at most 80 characters.

use chaos_attestation::{
    Claims, Decision, Policy, Refusal, Verdict,
    claims::{Measurements, TcbLevel},
};

use crate::output;

/// The columns that a field's name takes.
const NAME_COLUMNS: usize = 22;

/// The columns that a value may take.
const VALUE_COLUMNS: usize = 56;

/// One field. Registers are longer than a line: they go on under themselves.
pub(super) fn field(name: &str, value: &str) {
    let value = output::one_line(value);
    let mut name = name;
    let mut rest = value.as_str();
    loop {
        let cut = rest.char_indices().nth(VALUE_COLUMNS).map_or(rest.len(), |(at, _)| at);
        // an even cut for registers, a cut at a blank for sentences
        let cut = if cut == rest.len() {
            cut
        } else {
            rest[..cut].rfind(' ').map_or(rest.len().div_ceil(2).min(cut), |blank| blank + 1)
        };
        output::line(format_args!("  {name:<NAME_COLUMNS$}{}", rest[..cut].trim_end()));
        rest = &rest[cut..];
        name = "";
        if rest.is_empty() {
            return;
        }
    }
}

pub(super) fn claims(claims: &Claims) {
    output::line(output::bold("claims"));
    field("evidence", &claims.evidence_id.to_string());
    field("workload", &claims.workload_id.to_string());
    field(
        "environment",
        &format!("{}, quote version {}", claims.tee_type.as_str(), claims.quote_version),
    );
    field("anchor class", claims.anchor_class.as_str());
    field("root_key_id", &claims.root_key_id.to_string());
    let tcb = &claims.tcb;
    field("attester_tcb_status", tcb.attester_tcb_status.as_str());
    field("attester_advisory_ids", &list(&tcb.attester_advisory_ids));
    field("platform level", &level(&tcb.platform));
    if let Some(current) = &tcb.platform_current {
        field("platform level now", &level(current));
    }
    field("quoting enclave level", &level(&tcb.qe));
    field("dbgstat", claims.dbgstat.as_str());
    match &claims.measurements {
        Measurements::Tdx(td) => {
            for (name, value) in [
                ("tdx_mrtd", &td.tdx_mrtd),
                ("tdx_rtmr0", &td.tdx_rtmr0),
                ("tdx_rtmr1", &td.tdx_rtmr1),
                ("tdx_rtmr2", &td.tdx_rtmr2),
                ("tdx_rtmr3", &td.tdx_rtmr3),
                ("tdx_mrconfigid", &td.tdx_mrconfigid),
            ] {
                field(name, &value.to_string());
            }
            field("tdx_xfam", &td.tdx_xfam.to_string());
            field("tdx_td_attributes", &td.tdx_td_attributes.to_string());
            if let Some(hash) = &td.tdx_mrservicetd {
                field(
                    "tdx_mrservicetd",
                    &if hash.is_zero() { "none".to_owned() } else { hash.to_string() },
                );
            }
        }
        Measurements::Sgx(enclave) => {
            field("sgx_mrenclave", &enclave.sgx_mrenclave.to_string());
            field("sgx_mrsigner", &enclave.sgx_mrsigner.to_string());
            field("sgx_isvprodid", &enclave.sgx_isvprodid.to_string());
            field("sgx_isvsvn", &enclave.sgx_isvsvn.to_string());
            field("sgx_attributes", &enclave.sgx_attributes.to_string());
        }
    }
    field("report_data", &claims.report_data.to_string());
    machine(claims);
}

fn machine(claims: &Claims) {
    let platform = &claims.platform;
    field("fmspc", &platform.fmspc.to_string());
    field("ppid_hash", &platform.ppid_hash.to_string());
    field(
        "smt, dynamic, cached",
        &[platform.smt_enabled, platform.dynamic_platform, platform.cached_keys]
            .map(|flag| flag.as_str())
            .join(", "),
    );
    let collateral = &claims.collateral;
    field("evaluation number", &collateral.tcb_evaluation_data_number.to_string());
    field("collateral", &collateral.digest.to_string());
    field(
        "valid",
        &format!(
            "{} to {}",
            chaos_programs::date(collateral.latest_issue_s),
            chaos_programs::date(collateral.earliest_expiration_s)
        ),
    );
}

pub(super) fn decisions(decisions: &[Decision]) {
    output::line("");
    output::line(output::bold("policy"));
    for decision in decisions {
        let mark = match decision.verdict {
            Verdict::Passed => output::good("ok  "),
            Verdict::Refused => output::bad("FAIL"),
            Verdict::NotApplicable => output::dim("n/a "),
        };
        let found = fit(&output::one_line(&decision.found), 50);
        output::line(format_args!("  {mark}  {:<18}  {found}", decision.rule.as_str()));
        if decision.verdict == Verdict::Refused {
            let expected = fit(&output::one_line(&decision.expected), 41);
            output::line(format_args!("  {:<24}  expected {expected}", ""));
        }
    }
    output::line("");
}

pub(super) fn accepted(policy: &Policy) {
    output::line(format_args!("{}  by policy {}", output::good("accepted"), policy.id()));
}

pub(super) fn refusal(refusal: &Refusal) {
    output::line(format_args!("{}  {}", output::bad("refused"), refusal.code));
    field("", &refusal.detail);
    field("", refusal.code.meaning());
}

fn level(level: &TcbLevel) -> String {
    format!("{}, of {}", level.status, chaos_programs::date(level.date_s))
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(" ") }
}

/// The text, or its beginning and an ellipsis.
fn fit(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns - 1).chain(['…']).collect()
}
