//! `chaoschain log findings`, and what stands as the other commands print it.

use std::{path::Path, process::ExitCode};

use chaos_api::{Left, Mirror, Standing, Standings, standings};
use serde_json::json;

use crate::{
    args::FindingsArgs,
    clock,
    exit::{Failure, Kind},
    output,
};

/// What accepts everything that stands.
const ALL: &str = "all";

pub(super) fn run(args: &FindingsArgs) -> Result<ExitCode, Failure> {
    let begins_anew = !args.accept.is_empty() && accept(args)?;
    let found = standings(&args.folder)?;
    for finding in &found.findings {
        show(finding, args);
    }
    if args.json {
        let open = found.open().count();
        output::json(&json!({
            "event": "standing",
            "size": found.size,
            "open": open,
            "left_out": found.left_out,
        }))?;
    } else if let (true, Some(size)) = (found.findings.is_empty(), found.size) {
        let entries = output::count(size, "entry", "entries");
        output::sentence(format_args!("nothing was found wrong in the log so far: {entries}"));
    } else {
        further(&found);
    }
    // A decision that is written down is all that was asked for.
    let is_decided = begins_anew || (!args.accept.is_empty() && !found.findings.is_empty());
    if found.size.is_none() && !found.is_open() && !is_decided {
        return Err(unread(&args.folder, found.findings.is_empty()));
    }
    if found.is_forked() {
        output::hint(
            "the proof shows the fork to anybody (`chaoschain verify FILE`). With --accept the branch is \
             followed that this directory holds; for the other one, make a new copy. What a retired key signed \
             is put aside then, and the log itself followed",
        );
    }
    Ok(code(&found))
}

/// What a copy says that has nothing to judge yet, or not all: to have found nothing is then no finding.
fn unread(folder: &Path, found_nothing: bool) -> Failure {
    let folder = folder.display();
    let what = if found_nothing {
        format!(
            "`{folder}` has not read the log yet: nothing was looked at, so nothing could be found"
        )
    } else {
        format!(
            "`{folder}` has not read the log to its end: what comes after the entries that it has was not \
             looked at"
        )
    };
    Failure::message(Kind::Outside, what).hint(
        "a round of `chaoschain log mirror` or `log monitor` that ends well looks at all of it",
    )
}

/// Whether the copy begins anew, since what it held is not the start of the log.
fn accept(args: &FindingsArgs) -> Result<bool, Failure> {
    let mut mirror = Mirror::open(&args.folder, None)?;
    let standing = mirror.standings()?;
    let mut names = Vec::new();
    for name in &args.accept {
        if name == ALL {
            names.extend(standing.open().map(|finding| finding.name.clone()));
        } else {
            names.push(name.clone());
        }
    }
    names.sort_unstable();
    names.dedup();
    mirror.accept(&names, clock::now_ms())?;
    let (_, left) = mirror.leave_retired()?;
    match &left {
        Left::Database(aside) => output::say(format_args!(
            "this copy held what a retired key signed, which is not the start of the log: it is in {} now, and \
             the next round copies the log that the root key's delegations lead to",
            aside.display()
        )),
        Left::Checkpoint(size) => output::say(format_args!(
            "the checkpoint of {size} entries that a retired key signed is forgotten; none of them was stored"
        )),
        Left::Nothing => {}
    }
    Ok(matches!(left, Left::Database(_)))
}

fn show(finding: &Standing, args: &FindingsArgs) {
    let Standing { name, alarm, detail, seen_at_ms, accepted_at_ms, .. } = finding;
    let proof = finding.is_fork().then(|| args.folder.join("alarms").join(format!("{name}.fork")));
    if args.json {
        return output::line(json!({
            "event": "finding",
            "name": name,
            "alarm": alarm,
            "detail": detail,
            "seen_at_ms": seen_at_ms.to_string(),
            "accepted_at_ms": accepted_at_ms.map(|at| at.to_string()),
            "proof": proof,
        }));
    }
    let word = if finding.is_open() { output::bad(name) } else { output::dim(name) };
    let accepted = if finding.is_open() { "" } else { ", accepted" };
    output::sentence(format_args!("{word} {}{accepted}", output::one_line(detail)));
    if let Some(proof) = proof {
        output::sentence(format_args!("  proof in {}", proof.display()));
    }
}

/// One line for each finding that nobody has accepted.
pub(super) fn tell(found: &Standings) {
    for Standing { name, detail, .. } in found.open() {
        output::sentence(format_args!("wrong in the log: {} ({name})", output::one_line(detail)));
    }
    further(found);
}

fn further(found: &Standings) {
    if found.left_out > 0 {
        output::sentence(format_args!(
            "and {} more, which get their names once these are accepted",
            found.left_out
        ));
    }
}

/// The exit code that what stands asks for.
pub(super) fn code(found: &Standings) -> ExitCode {
    if found.is_forked() {
        ExitCode::from(Kind::Fork as u8)
    } else if found.is_open() {
        ExitCode::from(Kind::Check as u8)
    } else {
        ExitCode::SUCCESS
    }
}
