//! `chaoschain verify`.

use std::{collections::BTreeSet, fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_attestation::{Anchor, AnchorClass, WorkloadId, Workloads};
use chaos_log::VerifierKey;
use chaos_programs::{
    Reader,
    appraisal::{Appraiser, known_anchors},
    check, policy,
    reexecution::Inputs,
};
use chaos_verify::{Outcome, Report, Status};
use serde_json::json;

use crate::{
    args::{Required, VerifyArgs},
    exit::{Failure, Kind, OrFail as _},
    kinds::KINDS,
    narration::Terminal,
    output,
};

/// A bundle larger than this is refused: 16 MiB.
const BUNDLE_BYTES_MAX: usize = 16 << 20;

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let trusted: Option<VerifierKey> = match &args.log {
        Some(text) => Some(
            text.parse::<VerifierKey>()
                .or_fail(Kind::Input)
                .map_err(|failure| failure.context("--log"))?,
        ),
        None => None,
    };
    let appraiser = appraiser(args)?;
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
        let inputs = args.reexecute.then(|| Inputs::new(folders));
        let report = check(
            &bytes,
            Reader { log: trusted.as_ref(), kinds: KINDS },
            &appraiser,
            inputs.as_ref(),
            &Terminal::default(),
        );
        rejected += usize::from(report.result.is_err());
        let class = appraiser.take_class();
        let wanted = Wanted::of(&args.require, &report, args.reexecute);
        rejected += usize::from(report.result.is_ok() && wanted.is_err());
        if args.json {
            print_json(path, &report, class, &wanted)?;
        } else {
            print_human(path, &report, class, &wanted);
        }
    }
    if !args.json && args.files.len() > 1 {
        let accepted = args.files.len() - rejected;
        output::line(format_args!("{accepted} accepted, {rejected} rejected"));
    }
    Ok(if rejected == 0 { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}

/// The trust anchors and the policy that the command line names.
fn appraiser(args: &VerifyArgs) -> Result<Appraiser, Failure> {
    let mut anchors = known_anchors();
    for path in &args.root {
        let der = fs::read(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .or_fail(Kind::Input)?;
        let anchor = Anchor::from_root(&der).or_fail(Kind::Input);
        anchors.push(anchor.map_err(|failure| failure.context(path.display()))?);
    }
    let policy = args.policy.as_deref().map(policy::named).transpose()?;
    let workloads: BTreeSet<WorkloadId> = args.workload.iter().copied().collect();
    let allowed = (!workloads.is_empty()).then(|| Box::new(workloads) as Box<dyn Workloads>);
    Ok(Appraiser::new(anchors, policy, allowed))
}

/// The bytes of a bundle.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = chaos_files::read(path, BUNDLE_BYTES_MAX)?;
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(Failure::message(
            Kind::Input,
            format!("{} is larger than a bundle, at most {BUNDLE_BYTES_MAX} bytes", path.display()),
        ));
    }
    Ok(bytes)
}

/// What the reader asked the evidence to be.
struct Wanted;

impl Wanted {
    /// Whether an accepted receipt has the evidence that was asked for, or what it lacks.
    fn of(required: &[Required], report: &Report, reexecuted: bool) -> Result<(), String> {
        let Ok(receipt) = &report.result else { return Ok(()) };
        for required in required {
            let held = match required {
                Required::Attested => receipt.evidence.attested().is_some(),
                Required::Replayable => receipt.evidence.replay().is_some(),
                Required::Reexecuted => reexecuted && receipt.evidence.replay().is_some(),
            };
            if !held {
                return Err(format!(
                    "--require {}: the evidence is {}",
                    required.name(),
                    receipt.evidence.classes()
                ));
            }
        }
        Ok(())
    }
}

fn print_json(
    path: &Path,
    report: &Report,
    class: Option<AnchorClass>,
    wanted: &Result<(), String>,
) -> Result<(), Failure> {
    let receipt = report.result.as_ref().ok().map(|receipt| {
        json!({
            "id": receipt.id,
            "agent": receipt.agent,
            "kind": receipt.action.kind(),
            "evidence": receipt.evidence.classes(),
            "anchor_class": class,
        })
    });
    output::json(&json!({
        "file": path.display().to_string(),
        "verdict": if report.result.is_ok() && wanted.is_ok() { "accepted" } else { "rejected" },
        "lacks": wanted.as_ref().err(),
        "receipt": receipt,
        "checks": report.outcomes,
    }))
}

fn print_human(
    path: &Path,
    report: &Report,
    class: Option<AnchorClass>,
    wanted: &Result<(), String>,
) {
    output::line(output::bold(&output::one_line(&path.display().to_string())));
    for Outcome { check, status, detail, .. } in &report.outcomes {
        let mark = match status {
            Status::Passed => output::good("ok  "),
            Status::Failed => output::bad("FAIL"),
            Status::NotApplicable => output::dim("n/a "),
        };
        let detail = output::one_line(detail);
        output::line(format_args!("  {mark}  {:<11}  {detail}", check.to_string()));
    }
    match &report.result {
        Ok(receipt) => {
            let trust = match class {
                Some(AnchorClass::Development) => " (development trust: no hardware)",
                Some(AnchorClass::IntelProduction) => " (intel-production)",
                None => "",
            };
            let verdict = match wanted {
                Ok(()) => output::good("accepted"),
                Err(_) => output::bad("rejected"),
            };
            output::line(format_args!(
                "  {verdict}  {} {}, evidence {}{trust}",
                receipt.action.kind(),
                receipt.id,
                receipt.evidence.classes()
            ));
            if let Err(lacks) = wanted {
                output::line(format_args!("  {lacks}"));
            }
        }
        Err(rejection) => {
            output::line(format_args!(
                "  {}  by {} ({})",
                output::bad("rejected"),
                rejection.check,
                rejection.code
            ));
        }
    }
    output::line("");
}

#[cfg(test)]
mod tests;
