//! `chaoschain log mirror`, `log monitor` and `log repair`.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use chaos_api::{Alarm, Disclosure, Mirror, Repaired, Source, Watch, Watched, watch};
use chaos_ledger::Ledger;
use chaos_store::DATABASE_FILE;
use serde_json::json;

use super::publish::publication;
use crate::{
    args::{CopyArgs, MirrorArgs, MonitorArgs, RepairArgs},
    clock,
    exit::{Failure, Kind},
    kinds::KINDS,
    ledger, output,
    runtime::{self, Stop},
};

pub(super) fn mirror(args: &MirrorArgs) -> Result<ExitCode, Failure> {
    let source = Arc::new(source(&args.copy.source)?);
    let mut mirror = open(&args.copy)?;
    let bar = output::progress("mirroring", 0);
    let told = |stored: u64, size: u64| {
        bar.set_length(size);
        bar.set_position(stored);
    };
    let runtime = runtime::server()?;
    let done = runtime.block_on(async {
        let stop = Stop::new()?;
        tokio::select! {
            done = mirror.follow(&source, clock::now_ms(), &told) => Ok(done?),
            () = stop.asked() => Err(stopped()),
        }
    });
    bar.finish_and_clear();
    let mut done = done?;
    let head = done.head.claimed();
    // A log that says something false of its own state is told each time.
    done.findings.extend(mirror.fold(KINDS, 0..head.size())?);
    let wrong = done.findings.len() as u64 + done.findings_left_out;
    if args.json {
        let findings: Vec<_> = done.findings.iter().map(ToString::to_string).collect();
        output::json(&json!({
            "log": mirror.key().to_string(),
            "source": source.to_string(),
            "old_size": done.old_size,
            "size": head.size(),
            "root": head.root().to_string(),
            "findings": findings,
            "findings_left_out": done.findings_left_out,
            "findings_before": done.findings_before,
        }))?;
    } else {
        output::line(format_args!(
            "{} entries, {} of them new, root {}",
            head.size(),
            head.size().saturating_sub(done.old_size),
            head.root()
        ));
        output::line(
            "every new leaf leads to the signed root, every receipt has its leaf's digest",
        );
        for finding in &done.findings {
            output::line(format_args!("wrong in the log: {finding}"));
        }
        if done.findings_left_out > 0 {
            output::line(format_args!("and {} more", done.findings_left_out));
        }
        let before = done.findings_before;
        if wrong == 0 && before == 0 {
            output::line("every receipt's signatures hold, and the log's time never goes back");
            output::line("where the log states what it folds to, it folds to that");
        } else if wrong == 0 {
            output::line(format_args!(
                "nothing new is wrong in the log; {before} findings were told before"
            ));
        }
    }
    Ok(code(wrong == 0))
}

pub(super) fn monitor(args: &MonitorArgs) -> Result<ExitCode, Failure> {
    let source = Arc::new(source(&args.copy.source)?);
    let mut mirror = open(&args.copy)?;
    let watching = Watch { followed: args.follow.iter().copied().collect(), kinds: KINDS };
    let folder = &args.copy.folder;
    let runtime = runtime::server()?;
    let (mut quiet, mut forked) = (true, false);
    runtime.block_on(async {
        let stop = Stop::new()?;
        tokio::pin! { let asked_to_stop = stop.asked(); }
        let mut rounds = 0_u64;
        loop {
            let ended = |rounds| if rounds > 0 { Ok(()) } else { Err(stopped()) };
            let seen = tokio::select! {
                seen = watch(&mut mirror, folder, &source, clock::now_ms(), &watching) => seen,
                () = &mut asked_to_stop => return ended(rounds),
            };
            match (seen, args.every) {
                (Ok(seen), _) => {
                    rounds += 1;
                    quiet &= seen.alarms.is_empty();
                    forked |= seen.alarms.iter().any(|alarm| matches!(alarm, Alarm::Fork(_)));
                    tell(&seen, args.json)?;
                }
                // Whoever watches goes on when the way there fails; it says so each time.
                (Err(error), Some(_)) => {
                    Failure::from(error).report();
                }
                (Err(error), None) => return Err(Failure::from(error)),
            }
            let Some(seconds) = args.every else { return Ok(()) };
            tokio::select! {
                () = &mut asked_to_stop => return ended(rounds),
                () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            }
        }
    })?;
    Ok(if forked { ExitCode::from(Kind::Fork as u8) } else { code(quiet) })
}

/// What a command says that was asked to stop before anything was shown.
fn stopped() -> Failure {
    Failure::message(Kind::Outside, "stopped before the end of a round; what was stored stays")
}

fn tell(seen: &Watched, as_json: bool) -> Result<(), Failure> {
    for alarm in &seen.alarms {
        let file = seen.folder.join(alarm.file());
        if as_json {
            output::json(&json!({
                "event": "alarm",
                "alarm": alarm.name(),
                "detail": alarm.to_string(),
                "file": file,
            }))?;
        } else {
            let name = output::bad(alarm.name());
            output::line(format_args!("{name} {alarm}\n  kept in {}", file.display()));
        }
    }
    let size = seen.head.as_ref().map_or(0, |head| head.claimed().size());
    if as_json {
        output::json(&json!({
            "event": "round",
            "size": size,
            "examined": seen.examined,
            "alarms": seen.alarms.len(),
        }))?;
    } else {
        output::line(format_args!(
            "{size} entries, {} of them examined now, {} alarms",
            seen.examined,
            seen.alarms.len()
        ));
    }
    Ok(())
}

pub(super) fn repair(args: &RepairArgs) -> Result<ExitCode, Failure> {
    let source = Arc::new(source(&args.from)?);
    let dir = &args.data.data;
    Ledger::recover(dir, ledger::from_environment().as_ref(), clock::SYSTEM)?;
    let runtime = runtime::server()?;
    let done = runtime.block_on(chaos_api::repair(dir, &source, &KINDS))?;
    report(&done, args.json)?;
    let left = !done.entries_left.is_empty() || !done.blobs_left.is_empty();
    Ok(code(done.checked.is_ok() && !left))
}

fn report(done: &Repaired, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&json!({
            "source_size": done.source_size,
            "size": done.checked.as_ref().ok().map(|head| head.size),
            "root": done.checked.as_ref().ok().map(|head| head.root.to_string()),
            "wrong": done.checked.as_ref().err().map(|error| chain(error)),
            "entries": done.entries,
            "tiles": done.tiles,
            "blobs": done.blobs,
            "entries_left": done.entries_left,
            "blobs_left": done.blobs_left,
        }));
    }
    output::line(format_args!(
        "fetched {} entries and {} blobs, computed {} tiles anew",
        done.entries.len(),
        done.blobs.len(),
        done.tiles
    ));
    for index in &done.entries_left {
        output::line(format_args!(
            "entry {index} is damaged, and the source ends at {}",
            done.source_size
        ));
    }
    for digest in &done.blobs_left {
        output::line(format_args!("blob {digest} is damaged, and the source does not publish it"));
    }
    match &done.checked {
        Ok(head) => output::line(format_args!(
            "{} entries, root {}: every record, leaf, tile and checkpoint fits",
            head.size, head.root
        )),
        Err(error) => output::line(format_args!("still damaged: {}", chain(error))),
    }
    Ok(())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn open(args: &CopyArgs) -> Result<Mirror, Failure> {
    Ok(Mirror::open(&args.folder, args.log.as_ref())?)
}

/// A URL, or a folder.
fn source(text: &str) -> Result<Source, Failure> {
    if text.contains("://") {
        return Ok(Source::http(text)?);
    }
    let folder = Path::new(text);
    if !folder.is_dir() {
        return Err(Failure::message(
            Kind::Input,
            format!("`{text}` is neither a URL nor a folder"),
        ));
    }
    if folder.join(DATABASE_FILE).exists() {
        return Ok(Source::data(folder, publication(folder, Disclosure::by_default(&KINDS))?)?);
    }
    Ok(Source::folder(folder))
}

fn code(holds: bool) -> ExitCode {
    if holds { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) }
}
