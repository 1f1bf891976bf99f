//! `chaoschain log mirror` and `log monitor`.

use std::{
    collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path, process::ExitCode,
    sync::Arc, time::Duration,
};

use chaos_api::{Alarm, Disclosure, Mirror, Source, Standings, Watch, Watched, watch};
use chaos_store::{DATABASE_FILE, holds_database};
use serde_json::{Value, json};

use super::{findings, publish::publication};
use crate::{
    args::{CopyArgs, MirrorArgs, MonitorArgs},
    clock,
    commands::policy::LogPolicy,
    exit::{Failure, Kind},
    folders::{Making, ensure_home},
    kinds::KINDS,
    output,
    runtime::{self, Stop},
};

pub(super) fn mirror(args: &MirrorArgs) -> Result<ExitCode, Failure> {
    let source = Arc::new(source(&args.copy.source, &args.copy.folder)?);
    let mut mirror = open(&args.copy)?;
    mirror.fold_by(KINDS);
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
    // What stands is told in every round, whatever else becomes of it.
    let done = match done.and_then(|done| Ok(mirror.fold(KINDS, clock::now_ms()).map(|()| done)?)) {
        Ok(done) => done,
        Err(failure) => {
            let found = mirror.standings()?;
            if !args.json {
                findings::tell(&found);
            } else if found.is_open() {
                let mut line = findings_in_json(&found);
                line["log"] = json!(mirror.key().to_string());
                line["source"] = json!(source.to_string());
                output::json(&line)?;
            }
            return Err(failure.context(&source));
        }
    };
    let found = mirror.standings()?;
    let refused = mirror.refused(KINDS)?;
    let head = done.head.claimed();
    if args.json {
        let mut line = findings_in_json(&found);
        line["log"] = json!(mirror.key().to_string());
        line["source"] = json!(source.to_string());
        line["old_size"] = json!(done.old_size);
        line["size"] = json!(head.size());
        line["root"] = json!(head.root().to_string());
        line["refused"] = json!(refused);
        output::json(&line)?;
    } else {
        output::sentence(format_args!(
            "{}, {} of them new, root {}",
            output::count(head.size(), "entry", "entries"),
            head.size().saturating_sub(done.old_size),
            head.root()
        ));
        output::sentence("every new tile and leaf is the signed tree's, every receipt its leaf's");
        findings::tell(&found);
        tell_refused(&refused);
        if found.findings.is_empty() {
            output::sentence("every receipt's signatures hold, and the log's time never goes back");
            output::sentence(if mirror.states_what_it_folds_to()? {
                "the log states what it folds to, and folds to that"
            } else {
                "the log states nothing of what it folds to"
            });
        } else if !found.is_open() {
            output::sentence(format_args!(
                "nothing is wrong in the log but what was accepted here: {}",
                output::count(found.findings.len() as u64, "finding", "findings")
            ));
        }
    }
    Ok(findings::code(&found))
}

/// What stands, as far as a script is told of it.
fn findings_in_json(found: &Standings) -> Value {
    let open: Vec<_> = found.open().collect();
    json!({
        "findings": open.iter().map(|finding| &finding.detail).collect::<Vec<_>>(),
        "findings_names": open.iter().map(|finding| &finding.name).collect::<Vec<_>>(),
        "findings_left_out": found.left_out,
        "findings_accepted": found.findings.len() - open.len(),
    })
}

/// Entries that the log's rules refuse are in the log as any other, and count for nothing.
fn tell_refused(refused: &BTreeMap<String, u64>) {
    if refused.is_empty() {
        return;
    }
    let by_reason: Vec<_> = refused.iter().map(|(code, count)| format!("{count} {code}")).collect();
    let (number, by_reason) = (refused.values().sum(), by_reason.join(", "));
    let entries = output::count(number, "entry is", "entries are");
    output::sentence(format_args!(
        "{entries} refused by the log's rules and {} for nothing: {by_reason}; `chaoschain log show` says why",
        if number == 1 { "counts" } else { "count" },
    ));
}

pub(super) fn monitor(args: &MonitorArgs) -> Result<ExitCode, Failure> {
    let source = Arc::new(source(&args.copy.source, &args.copy.folder)?);
    let mut mirror = open(&args.copy)?;
    let watching = Watch { followed: args.follow.iter().copied().collect(), kinds: KINDS };
    let runtime = runtime::server()?;
    runtime.block_on(async {
        let stop = Stop::new()?;
        tokio::pin! { let asked_to_stop = stop.asked(); }
        let mut rounds = Rounds::default();
        loop {
            let seen = tokio::select! {
                seen = watch(&mut mirror, &source, clock::now_ms(), &watching) => seen,
                () = &mut asked_to_stop => return rounds.end(),
            };
            rounds.failed = None;
            match seen {
                Ok(seen) => {
                    rounds.take(&seen);
                    tell(&seen, args.json)?;
                    // What nobody could read was told to nobody, and is told by the next round.
                    if output::is_read() {
                        seen.told(&mut mirror)?;
                    } else if args.every.is_some() {
                        return Err(unread());
                    }
                }
                // Whoever watches goes on when the way there fails; it says so each time.
                Err(error) => {
                    let failure = Failure::from(error).context(&source);
                    if args.every.is_none() {
                        return Err(failure);
                    }
                    failure.report();
                    rounds.failed = Some(failure);
                }
            }
            let Some(seconds) = args.every else { return rounds.end() };
            tokio::select! {
                () = &mut asked_to_stop => return rounds.end(),
                () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            }
        }
    })
}

/// What the rounds of a monitor came to.
#[derive(Default)]
struct Rounds {
    done: u64,
    alarmed: bool,
    forked: bool,
    /// Why the last round failed. A later round that does not has seen all that it would have seen.
    failed: Option<Failure>,
}

impl Rounds {
    fn take(&mut self, seen: &Watched) {
        self.done += 1;
        self.alarmed |= !seen.alarms.is_empty() || seen.left_out > 0;
        self.forked |= seen.alarms.iter().any(|alarm| matches!(alarm, Alarm::Fork(_)));
    }

    fn end(self) -> Result<ExitCode, Failure> {
        match self.failed {
            _ if self.forked => Ok(ExitCode::from(Kind::Fork as u8)),
            _ if self.alarmed => Ok(code(false)),
            // It was told when it happened.
            Some(failure) => Ok(failure.code()),
            None if self.done > 0 => Ok(code(true)),
            None => Err(stopped()),
        }
    }
}

/// What a monitor ends with that nobody listens to.
fn unread() -> Failure {
    Failure::message(Kind::Storage, "what the monitor prints is read by nobody any more").hint(
        "what was not told is told by the next round; the alarms are in the directory, under `alarms`",
    )
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
            output::sentence(format_args!("{name} {alarm}\n  kept in {}", file.display()));
        }
    }
    let size = seen.head.as_ref().map_or(0, |head| head.claimed().size());
    if as_json {
        output::json(&json!({
            "event": "round",
            "size": size,
            "examined": seen.examined,
            "examined_again": seen.examined_again,
            "refused": seen.refused,
            "alarms": seen.alarms.len(),
            "left_out": seen.left_out,
        }))?;
    } else {
        output::sentence(format_args!(
            "{}, {} of them examined now, {}",
            output::count(size, "entry", "entries"),
            seen.examined,
            output::count(seen.alarms.len() as u64 + seen.left_out, "alarm", "alarms")
        ));
        if seen.examined_again > 0 {
            output::sentence(format_args!(
                "{} looked at again, for whom --follow names now and did not before",
                output::count(seen.examined_again, "earlier entry", "earlier entries")
            ));
        }
        tell_refused(&seen.refused);
    }
    Ok(())
}

fn open(args: &CopyArgs) -> Result<Mirror, Failure> {
    ensure_home(Making::Copy, &args.folder)?;
    let policy = args.log_policy.as_deref().map(LogPolicy::of_reader).transpose()?;
    let Some(policy) = policy else {
        return Ok(Mirror::open(&args.folder, args.log.as_ref())?);
    };
    if let Some(log) = &args.log {
        policy.ensure_names(log)?;
    }
    let mirror = Mirror::open(&args.folder, args.log.as_ref().or_else(|| policy.only_log()))?;
    policy.ensure_names(mirror.key())?;
    Ok(mirror.witnessed_by(Some(policy.into_rule())))
}

/// A URL, or a folder that is not the one which is held against it.
pub(super) fn source(text: &str, copy: &Path) -> Result<Source, Failure> {
    if text.contains("://") {
        return Ok(Source::http(text)?);
    }
    let folder = Path::new(text);
    if !folder.is_dir() {
        let refusal = format!("`{text}` is neither a URL nor a folder");
        return Err(Failure::message(Kind::Input, refusal).hint(
            "a log is published at the URL that `chaoschain log serve` prints, and in the folder that \
             `chaoschain log export` writes",
        ));
    }
    if is_one_place(folder, copy)
        || is_one_place(&folder.join(DATABASE_FILE), &copy.join(DATABASE_FILE))
    {
        let refusal = format!("`{text}` and `{}` are one folder", copy.display());
        return Err(Failure::message(Kind::Input, refusal)
            .hint("what is held against itself shows nothing; name another copy of the log"));
    }
    if holds_database(folder) {
        return Ok(Source::data(folder, publication(folder, Disclosure::by_default(&KINDS))?)?);
    }
    Ok(Source::folder(folder))
}

/// Whether two paths lead to one file or folder, by whatever names.
pub(super) fn is_one_place(one: &Path, other: &Path) -> bool {
    let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) else { return false };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

pub(super) fn code(holds: bool) -> ExitCode {
    if holds { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) }
}
