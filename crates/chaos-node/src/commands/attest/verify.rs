//! `chaoschain attest verify`: the three steps, each shown.

mod show;

use std::{collections::BTreeSet, path::Path, process::ExitCode};

use chaos_attestation::{
    Anchor, Appraisal, Collateral, EvidenceId, Policy, Quote, Refusal, ReportData, WorkloadId,
    Workloads,
    allowlist::{ALLOWLIST_BYTES_MAX, State, Trust},
    collateral::COLLATERAL_BYTES_MAX,
    quote::QUOTE_BYTES_MAX,
    verify,
};
use serde_json::json;

use crate::{
    args::AttestVerifyArgs,
    clock,
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// A root certificate is at most this long, in bytes.
const ROOT_BYTES_MAX: usize = 4096;

pub(crate) fn run(args: &AttestVerifyArgs) -> Result<ExitCode, Failure> {
    let policy = chaos_programs::policy::named(&args.policy)?;
    let anchor = args.root.as_deref().map_or_else(|| Ok(Anchor::intel()), root)?;
    let report_data = args.report_data.as_deref().map(report_data).transpose()?;
    let quote = chaos_files::read(&args.quote, QUOTE_BYTES_MAX)?;
    let collateral = chaos_files::read(&args.collateral, COLLATERAL_BYTES_MAX)?;
    let at_s = args.at.unwrap_or_else(clock::now_s);
    let workloads = workloads(args, at_s)?;

    let mut evidence = None;
    let verified = Quote::parse(&quote).and_then(|quote| {
        evidence = Some(quote.id());
        verify(&quote, &Collateral::parse(&collateral)?, &[anchor], at_s)
    });
    let claims = match verified {
        Ok(claims) => claims,
        Err(refusal) => return refused(args, evidence, &refusal),
    };
    let mut appraisal = policy.appraise(claims, workloads.as_deref(), at_s);
    if let Some(expected) = &report_data {
        appraisal = appraisal.with_binding(expected);
    }
    appraised(args, &policy, &appraisal)
}

/// What is allowed: the list, if it holds now, or what was named one by one.
fn workloads(args: &AttestVerifyArgs, at_s: u64) -> Result<Option<Box<dyn Workloads>>, Failure> {
    if let (Some(path), Some(issuer)) = (&args.allowlist, args.issuer) {
        let builders = args.builders.iter().copied().collect();
        let mut state = State::new(Trust { issuer, builders, rebuilds_min: args.rebuilds });
        state
            .accept(&chaos_files::read(path, ALLOWLIST_BYTES_MAX)?, at_s)
            .or_fail(Kind::Input)
            .map_err(|failure| failure.context(path.display()))?;
        return Ok(Some(Box::new(state)));
    }
    let named: BTreeSet<WorkloadId> = args.workload.iter().copied().collect();
    Ok((!named.is_empty()).then(|| Box::new(named) as Box<dyn Workloads>))
}

fn root(path: &Path) -> Result<Anchor, Failure> {
    let der = chaos_files::read(path, ROOT_BYTES_MAX)?;
    Anchor::from_root(&der).or_fail(Kind::Input).map_err(|failure| failure.context(path.display()))
}

pub(super) fn report_data(digits: &str) -> Result<ReportData, Failure> {
    let mut bytes = [0; 64];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| {
        Failure::message(Kind::Input, "--report-data: expected 128 hexadecimal digits")
    })?;
    Ok(ReportData::from_bytes(bytes))
}

/// The quote did not verify, so there are no claims to show.
fn refused(
    args: &AttestVerifyArgs,
    evidence: Option<EvidenceId>,
    refusal: &Refusal,
) -> Result<ExitCode, Failure> {
    if args.json {
        output::json(&json!({
            "verdict": "refused",
            "code": refusal.code,
            "detail": refusal.detail,
            "evidence_id": evidence,
            "result": null,
        }))?;
    } else {
        if let Some(evidence) = evidence {
            show::field("evidence", &evidence.to_string());
        }
        show::refusal(refusal);
    }
    Ok(ExitCode::from(Kind::Check as u8))
}

fn appraised(
    args: &AttestVerifyArgs,
    policy: &Policy,
    appraisal: &Appraisal,
) -> Result<ExitCode, Failure> {
    let verdict = appraisal.ensure_accepted();
    if args.json {
        output::json(&json!({
            "verdict": if verdict.is_ok() { "accepted" } else { "refused" },
            "code": verdict.as_ref().err().map(|refusal| refusal.code),
            "detail": verdict.as_ref().err().map(|refusal| &refusal.detail),
            "evidence_id": appraisal.claims().evidence_id,
            "result": appraisal.ear(),
        }))?;
    } else {
        show::claims(appraisal.claims());
        show::decisions(appraisal.decisions());
        match &verdict {
            Ok(()) => show::accepted(policy),
            Err(refusal) => show::refusal(refusal),
        }
    }
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}
