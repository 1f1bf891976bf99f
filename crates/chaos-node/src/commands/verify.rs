//! `chaoschain verify`.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_agency::pipeline::{self, Options, Outcome, Report, Status};
use chaos_chains::AnchorProof;
use chaos_log::VerifierKey;
use chaos_types::{Check, Rejection};
use serde_json::json;

use crate::{
    args::VerifyArgs,
    exit::{Failure, Kind, OrFail as _},
    output,
    programs::{self, Inputs},
};

/// A bundle larger than this is refused before it is read: 64 MiB.
const BUNDLE_BYTES_MAX: u64 = 64 << 20;

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let trusted: Option<VerifierKey> = match &args.log {
        Some(text) => Some(
            text.parse::<VerifierKey>()
                .or_fail(Kind::Input)
                .map_err(|failure| failure.context("--log"))?,
        ),
        None => None,
    };
    let mut rejected = 0_usize;
    for path in &args.files {
        let bytes = read(path)?;
        let folders = if args.inputs.is_empty() {
            path.canonicalize()
                .ok()
                .and_then(|p| Some(p.parent()?.parent()?.to_owned()))
                .into_iter()
                .collect()
        } else {
            args.inputs.clone()
        };
        let report = check(&bytes, trusted.as_ref(), args.reexecute.then(|| Inputs::new(folders)));
        rejected += usize::from(report.result.is_err());
        if args.json {
            print_json(path, &report)?;
        } else {
            print_human(path, &report);
        }
    }
    if !args.json && args.files.len() > 1 {
        let accepted = args.files.len() - rejected;
        output::line(format_args!("{accepted} accepted, {rejected} rejected"));
    }
    Ok(if rejected == 0 { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}

/// Verifies one bundle's bytes with everything this program can check.
pub(crate) fn check(bytes: &[u8], log: Option<&VerifierKey>, inputs: Option<Inputs>) -> Report {
    let reexecute = |receipt: &_, attachments: &_| match &inputs {
        Some(inputs) => programs::reexecute(receipt, attachments, inputs),
        None => Err(Rejection::new(Check::Evidence, "re-execution was not asked for")),
    };
    let options = Options {
        log,
        reexecute: inputs.as_ref().map(|_| &reexecute as pipeline::Reexecute<'_>),
        anchor: Some(&check_anchor),
    };
    pipeline::verify(bytes, &options)
}

/// The chain's proof must say what the operator's anchor receipt says.
fn check_anchor(
    proof: &serde_json::Value,
    anchor: &chaos_agency::action::Anchor,
    checkpoint: &chaos_log::Checkpoint,
) -> Result<String, Rejection> {
    let reject = |reason: String| Rejection::new(Check::Anchor, reason);
    let proof: AnchorProof = serde_json::from_value(proof.clone())
        .map_err(|error| reject(format!("anchor proof: {error}")))?;
    let fact = proof
        .verify(checkpoint.size(), *checkpoint.root().as_bytes())
        .map_err(|error| reject(format!("{:#}", anyhow::Error::from(error))))?;
    let found = (
        fact.chain.to_string(),
        format!("{:#x}", fact.contract),
        fact.block_number,
        format!("{:#x}", fact.block_hash),
    );
    let claimed = (
        anchor.chain.to_string(),
        anchor.contract.clone(),
        anchor.block_number,
        anchor.block_hash.clone(),
    );
    if found != claimed {
        return Err(reject(format!("the proof shows {found:?}, the operator signed {claimed:?}")));
    }
    Ok(format!(
        "in block {} {} of {}, contract {}; compare that block's hash with the chain",
        fact.block_number, claimed.3, fact.chain, claimed.1
    ))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = || format!("cannot read {}", path.display());
    let length = fs::metadata(path).with_context(cannot).or_fail(Kind::Input)?.len();
    if length > BUNDLE_BYTES_MAX {
        return Err(Failure::message(
            Kind::Input,
            format!("{} has {length} bytes, a bundle at most {BUNDLE_BYTES_MAX}", path.display()),
        ));
    }
    fs::read(path).with_context(cannot).or_fail(Kind::Input)
}

fn print_json(path: &Path, report: &Report) -> Result<(), Failure> {
    let receipt = report.result.as_ref().ok().map(|receipt| {
        json!({
            "id": receipt.id,
            "agent": receipt.agent,
            "kind": receipt.action.kind(),
            "evidence": receipt.evidence.class(),
        })
    });
    output::json(&json!({
        "file": path.display().to_string(),
        "verdict": if report.result.is_ok() { "accepted" } else { "rejected" },
        "receipt": receipt,
        "checks": report.outcomes,
    }))
}

fn print_human(path: &Path, report: &Report) {
    output::line(output::bold(&path.display().to_string()));
    for Outcome { check, status, detail } in &report.outcomes {
        let mark = match status {
            Status::Passed => output::good("ok  "),
            Status::Failed => output::bad("FAIL"),
            Status::NotApplicable => output::dim("n/a "),
        };
        output::line(format_args!("  {mark}  {:<10}  {detail}", check.to_string()));
    }
    match &report.result {
        Ok(receipt) => output::line(format_args!(
            "  {}  {} {}, evidence {}",
            output::good("accepted"),
            receipt.action.kind(),
            receipt.id,
            receipt.evidence.class()
        )),
        Err(rejection) => {
            output::line(format_args!("  {}  by {}", output::bad("rejected"), rejection.check));
        }
    }
    output::line("");
}
