//! What a study prints.

use chaos_governance::study::{Rows, Summary, summary};
use chaos_programs::study::{StudyFile, StudyRun};
use chaos_types::Digest;
use serde_json::json;

use crate::{exit::Failure, output};

pub(super) fn json(
    file: &StudyFile,
    run: &StudyRun,
    receipt: Option<Digest>,
) -> Result<(), Failure> {
    let StudyRun { result, written } = run;
    output::json(&json!({
        "result_digest": written.digest,
        "study": file.digest,
        "name": result.name,
        "chain": result.chain,
        "generated": result.generated,
        "parameters": result.parameters,
        "judgements": result.scenarios.first().map(|main| &main.judgements),
        "metrics": result.scenarios.first().map(|main| &main.flow),
        "flags": result.flags,
        "folder": written.folder,
        "files": written.files,
        "receipt": receipt,
        "bundle": written.bundle,
    }))
}

/// What was found and where it is; `receipt` is what was signed just now.
pub(super) fn human(file: &StudyFile, run: &StudyRun, receipt: Option<Digest>) {
    let StudyRun { result, written } = run;
    output::sentence(format_args!("{}", output::bold(&file.study.title)));
    for (name, from, to) in result.parameters.proposal.changes_from(&result.parameters.baseline) {
        output::sentence(format_args!(
            "  {}: {from} -> {to} {}",
            name.flag(),
            name.definition().unit
        ));
    }
    output::sentence(format_args!(""));
    let Summary { thresholds, scenarios, alternatives } = summary(result);
    if thresholds.rows.is_empty() {
        output::sentence("the study names no thresholds");
    } else {
        output::table(thresholds.header, &thresholds.rows);
    }
    for Rows { header, rows } in [scenarios].into_iter().chain(alternatives) {
        output::sentence("");
        output::table(header, &rows);
    }
    if !result.flags.is_empty() {
        output::sentence(format_args!("\nread this first"));
        for flag in &result.flags {
            output::sentence(format_args!("  {flag}"));
        }
    }
    output::sentence(format_args!(
        "\nreport         {}",
        written.folder.join("report.html").display()
    ));
    let folder = written.folder.display();
    match (receipt, written.bundle) {
        (Some(receipt), _) => output::sentence(format_args!("receipt        {receipt}")),
        (None, Some(_)) => {
            output::sentence("receipt        that of an earlier run with this result")
        }
        (None, None) => output::sentence(
            "receipt        none: not signed. The same command with --agent NAME --data DIR signs it, and keeps the \
             cells that are done",
        ),
    }
    if written.bundle.is_some() {
        output::line(format_args!("verify         chaoschain verify {folder} --reexecute"));
    }
    output::line(format_args!(
        "repeat         chaoschain simulate --experiment {folder}/study.toml --out again"
    ));
    output::sentence(format_args!("result digest  {}", written.digest));
}
