//! `chaoschain log mirror`, `log monitor` and `log repair`.

use std::{
    collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path, process::ExitCode,
    sync::Arc, time::Duration,
};

use chaos_api::{
    Alarm, Continuation, Disclosure, Mirror, Repaired, Source, Standings, Watch, Watched, chain,
    watch,
};
use chaos_ledger::Ledger;
use chaos_store::{DATABASE_FILE, Store, holds_database};
use chaos_types::Did;
use serde_json::{Value, json};

use super::{findings, publish::publication};
use crate::{
    args::{CopyArgs, MirrorArgs, MonitorArgs, RepairArgs},
    clock,
    commands::policy::LogPolicy,
    exit::{Failure, Kind, UNREADABLE},
    kinds::KINDS,
    ledger, output,
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
        tell_refused(&seen.refused);
    }
    Ok(())
}

pub(super) fn repair(args: &RepairArgs) -> Result<ExitCode, Failure> {
    let dir = &args.data.data;
    let source = Arc::new(source(&args.from, dir)?);
    let root = args.log.as_ref().and_then(|key| Did::from_public_bytes(key.public()));
    let open = |source| chaos_ledger::Error::Open { dir: dir.clone(), source };
    if holds_database(dir)
        && let Some(former) = Store::refill(dir).map_err(open)?
    {
        output::tell(format_args!(
            "the database's pages did not fit together: what can be read of it was taken into a fresh one, and the \
             former is {}",
            former.display()
        ));
    }
    Ledger::recover(dir, ledger::from_environment().as_ref(), root, clock::SYSTEM).map_err(
        |error| match error {
            // What creates a data directory begins another log.
            chaos_ledger::Error::NoData { .. } => Failure::from(error).hint(
                "repair needs a key of the log's in `keys` there, or what is left of its database. Where both are \
                 gone, `chaoschain log mirror SOURCE DIR --log KEY` makes a copy, which becomes the log's once its \
                 keys lie in `keys`; `agent register` would begin another log",
            ),
            error => error.into(),
        },
    )?;
    let runtime = runtime::server()?;
    let heads = ledger::remembered(dir)?;
    let now_ms = clock::now_ms();
    let done = runtime.block_on(chaos_api::repair(dir, &source, &KINDS, heads.as_ref(), now_ms))?;
    report(&done, args.json)?;
    if done.checked.is_ok() {
        // Rows that were folded from what was mended say what is not so.
        let below = done.entries.iter().any(|index| *index < done.old_size);
        drop(if below { ledger::rebuild(dir)? } else { ledger::open_rows(dir)? });
    }
    let left =
        !done.entries_left.is_empty() || !done.blobs_left.is_empty() || !done.unsigned.is_empty();
    Ok(match done.continuation {
        // Nothing shows that the log signed what is here.
        Continuation::Other { .. } => ExitCode::from(Kind::Storage as u8),
        Continuation::Behind { .. } => code(false),
        Continuation::NotRemembered | Continuation::Damaged | Continuation::Continues { .. } => {
            code(done.checked.is_ok() && !left)
        }
    })
}

/// What is to be done about how a directory stands to what was signed.
fn continuation(done: &Repaired) -> Option<String> {
    match done.continuation {
        Continuation::Behind { signed, found } => Some(format!(
            "the log signed a head of {signed} entries, and {found} are here, the source has {}: it is an \
             old copy still, and nothing is added from a source that ends before what was signed. Another \
             copy may have the rest; if none has, this log cannot go on, and a new one begins in another \
             data directory",
            done.source_size
        )),
        Continuation::Other { signed } => Some(format!(
            "the log signed another root for its first {signed} entries, and not the one that is here: only \
             the directory that signed it goes on"
        )),
        Continuation::Continues { signed } => {
            Some(format!("it goes on from the head of {signed} entries that was signed here"))
        }
        Continuation::NotRemembered => Some(
            "nothing here remembers what the log has signed; before anything is written to it, \
             `chaoschain log resume` says that"
                .to_owned(),
        ),
        Continuation::Damaged => None,
    }
}

fn tell_checkpoints(done: &Repaired) {
    if done.checkpoints > 0 {
        let checkpoints = output::count(done.checkpoints, "checkpoint", "checkpoints");
        output::sentence(format_args!(
            "{checkpoints} under another size than the own, or unreadable: put in place, or dropped"
        ));
    }
    for size in &done.falsified {
        output::sentence(format_args!(
            "the kept checkpoint of {size} entries was not the one that the log signed: what is false of it was dropped"
        ));
    }
    for size in &done.unsigned {
        output::sentence(format_args!(
            "the kept checkpoint of {size} entries is not signed by the log, as far as is known here, and was left"
        ));
    }
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
            "checkpoints": done.checkpoints,
            "checkpoints_falsified": done.falsified,
            "checkpoints_unsigned": done.unsigned,
            "blobs": done.blobs,
            "entries_left": done.entries_left,
            "blobs_left": done.blobs_left,
            "continuation": continuation(done),
        }));
    }
    output::sentence(format_args!(
        "fetched {} entries and {} blobs, computed {} tiles anew",
        done.entries.len(),
        done.blobs.len(),
        done.tiles
    ));
    tell_checkpoints(done);
    for index in &done.entries_left {
        output::sentence(format_args!(
            "entry {index} is damaged, and the source ends at {}",
            done.source_size
        ));
    }
    for digest in &done.blobs_left {
        output::sentence(format_args!(
            "blob {digest} is damaged, and the source does not publish it"
        ));
    }
    match &done.checked {
        // What is here is not the whole log then, which is said below.
        Ok(_) if matches!(done.continuation, Continuation::Behind { .. }) => {}
        Ok(head) if !done.unsigned.is_empty() => output::sentence(format_args!(
            "{} entries, root {}: every record, leaf and tile fits",
            head.size, head.root
        )),
        Ok(head) => output::sentence(format_args!(
            "{} entries, root {}: every record, leaf and tile fits, and every checkpoint, which the log has signed",
            head.size, head.root
        )),
        Err(error) => {
            output::sentence(format_args!("still damaged: {}", chain(error)));
            output::hint(UNREADABLE);
        }
    }
    if let Some(continuation) = continuation(done) {
        output::sentence(continuation);
    }
    Ok(())
}

fn open(args: &CopyArgs) -> Result<Mirror, Failure> {
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
fn source(text: &str, copy: &Path) -> Result<Source, Failure> {
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
fn is_one_place(one: &Path, other: &Path) -> bool {
    let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) else { return false };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn code(holds: bool) -> ExitCode {
    if holds { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) }
}
