//! `chaoschain log repair`.

use std::{ops::RangeInclusive, path::Path, process::ExitCode, sync::Arc};

use chaos_api::{Continuation, Repaired, Source, chain};
use chaos_ledger::{Ledger, holds_key};
use chaos_store::{Refilled, Shortened, Store, holds_database};
use chaos_types::Did;
use serde_json::{Value, json};

use super::copy::{code, source};
use crate::{
    args::RepairArgs,
    clock,
    exit::{Failure, Kind, UNREADABLE},
    kinds::KINDS,
    ledger, output, runtime,
};

pub(super) fn run(args: &RepairArgs) -> Result<ExitCode, Failure> {
    let dir = &args.data.data;
    let source = Arc::new(source(&args.from, dir)?);
    let was_there = holds_database(dir);
    refill(dir)?;
    recover(args)?;
    let is_filled = chaos_ledger::is_filled_from_copy(dir)?;
    let mut done = match mend(dir, &source) {
        Err(failure) if !was_there => {
            // What was made for a log that did not come holds none, and says whose it would have been.
            Store::discard_empty(dir).map_err(|source| opening(dir, source))?;
            return Err(failure);
        }
        done => done?,
    };
    if args.drop_unsigned
        && let Some(first) = done.entries_left.first().copied()
        && first >= done.signed
        && !done.is_copy
    {
        tell_shortened(first, &Store::shorten(dir, first).map_err(|error| opening(dir, error))?);
        done = mend(dir, &source)?;
    }
    report(&done, is_filled, args.json)?;
    if is_filled && done.checked.is_ok() {
        chaos_ledger::filled_from_copy(dir)?;
    }
    if done.is_copy {
        // What a copy has found in its log no source has.
        chaos_api::standings(dir)?;
    }
    if done.checked.as_ref().is_ok_and(|head| head.size > 0) {
        // Rows that were folded from what was mended say what is not so, and those whose mark is damaged nothing.
        let below = done.entries.iter().any(|index| *index < done.old_size);
        let opened = if below { None } else { ledger::open_rows(dir).ok() };
        match opened {
            Some(ledger) => drop(ledger),
            None => drop(ledger::rebuild(dir)?),
        }
    }
    if is_filled && !args.json {
        output::say(format_args!(
            "what an earlier database had behind the source's {} entries is not here; whoever has it still repairs that \
             one, in a copy of this directory, before anything is written to this",
            done.source_size
        ));
    }
    Ok(code_of(&done))
}

/// What a repair ends with.
fn code_of(done: &Repaired) -> ExitCode {
    let left = !done.entries_left.is_empty()
        || !done.unproved.is_empty()
        || !done.blobs_left.is_empty()
        || !done.unsigned.is_empty()
        || done.policy_damaged;
    match done.continuation {
        // Nothing shows that the log signed what is here.
        Continuation::Other { .. } => ExitCode::from(Kind::Storage as u8),
        Continuation::Behind { .. } => code(false),
        Continuation::Copy
        | Continuation::NotRemembered
        | Continuation::Damaged
        | Continuation::Continues { .. } => code(done.checked.is_ok() && !left),
    }
}

fn tell_shortened(first: u64, shortened: &Shortened) {
    let former = shortened.former.display();
    if shortened.given_up == 0 {
        output::tell(format_args!(
            "the log ends before entry {first} now: nothing that is here came after it, and only a note said that there \
             was more. The database as it was is {former}"
        ));
        return;
    }
    output::tell(format_args!(
        "the log ends before entry {first} now: {} given up, which no head covers as far as is known here. The database \
         as it was is {former}",
        output::count(shortened.given_up, "entry", "entries")
    ));
}

fn opening(dir: &Path, source: chaos_store::OpenError) -> chaos_ledger::Error {
    chaos_ledger::Error::Open { dir: dir.to_owned(), source }
}

/// A fresh database in the place of one whose pages do not fit together.
fn refill(dir: &Path) -> Result<(), Failure> {
    if !holds_database(dir) {
        return Ok(());
    }
    // Whose log it is its entries say, or the keys there; what a copy was told of a log it alone has written down.
    let refilled = Store::refill(dir, holds_key(dir)).map_err(|source| opening(dir, source))?;
    if let Some(Refilled { former, .. }) = refilled {
        output::tell(format_args!(
            "the database's pages did not fit together: what can be read of it was taken into a fresh one, and the \
             former is {}",
            former.display()
        ));
    }
    Ok(())
}

/// Makes sure that the directory says whose log it holds.
fn recover(args: &RepairArgs) -> Result<(), Failure> {
    let dir = &args.data.data;
    let root = args.log.as_ref().and_then(|key| Did::from_public_bytes(key.public()));
    let recovered = Ledger::recover(dir, ledger::from_environment().as_ref(), root, clock::SYSTEM);
    let was = recovered.map_err(|error| match error {
        // What creates a data directory begins another log.
        chaos_ledger::Error::NoData { .. } => Failure::from(error).hint(
            "repair needs a key of the log's in `keys` there, or what is left of its database. Where both are \
             gone, `chaoschain log mirror SOURCE DIR --log KEY` makes a copy, which becomes the log's once its \
             keys lie in `keys`; `agent register` would begin another log",
        ),
        error => error.into(),
    })?;
    if let Some(was) = was {
        output::tell(format_args!(
            "the database said that `{was}` runs the log: put right by the log's entries"
        ));
    }
    Ok(())
}

fn mend(dir: &Path, source: &Arc<Source>) -> Result<Repaired, Failure> {
    let heads = ledger::remembered(dir)?;
    let runtime = runtime::server()?;
    let now_ms = clock::now_ms();
    Ok(runtime.block_on(chaos_api::repair(dir, source, &KINDS, heads.as_ref(), now_ms))?)
}

/// What is to be done where something is still damaged.
fn way_on(done: &Repaired) -> String {
    match done.entries_left.first() {
        None => UNREADABLE.to_owned(),
        Some(first) if done.is_copy => format!(
            "a copy holds nothing that was not signed: another source may have entry {first}, which --from names; a new copy, \
             by `chaoschain log mirror` into another directory, has what its source publishes"
        ),
        Some(first) if *first < done.signed => format!(
            "the log has signed entry {first}: another copy may have it, which --from names. Without it this log cannot \
             go on"
        ),
        Some(first) => format!(
            "another copy may have more, which --from names. As far as is known here no head covers entry {first} or what \
             comes after it: --drop-unsigned lets the log end before it, and keeps the database as it is beside the new one"
        ),
    }
}

/// A source that has more than it shows is of use once its owner signs.
fn tell_unsigned_source(done: &Repaired) {
    let more = done.source_stored.filter(|stored| *stored > done.source_size);
    let size = done.checked.as_ref().map_or(0, |head| head.size);
    if let Some(stored) = more.filter(|stored| !done.is_copy && size < *stored) {
        output::hint(&format!(
            "the directory that --from names holds {stored} entries, and its newest head covers {}: what is past that is \
             taken only where a tile here has its leaf. `chaoschain log checkpoint --data` on a copy of it signs a head \
             over all of them",
            done.source_size
        ));
    }
}

/// Numbers that rise, as ranges.
fn ranges(numbers: &[u64]) -> Vec<RangeInclusive<u64>> {
    let mut ranges: Vec<RangeInclusive<u64>> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if last.end() + 1 == *number => *last = *last.start()..=*number,
            _ => ranges.push(*number..=*number),
        }
    }
    ranges
}

/// Entries as the subject of a sentence, with its verb.
fn entries(range: &RangeInclusive<u64>) -> String {
    let (first, last) = (range.start(), range.end());
    if first == last {
        format!("entry {first} is")
    } else {
        format!("entries {first} to {last} are")
    }
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
        Continuation::Damaged | Continuation::Copy => None,
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
    if done.policy_damaged {
        output::sentence(
            "the log's policy of witnesses is damaged, so that no line of theirs was judged: `chaoschain log checkpoint \
             --log-policy FILE` sets it anew",
        );
    }
    for size in &done.unsigned {
        output::sentence(format_args!(
            "the kept checkpoint of {size} entries is not signed by the log, as far as is known here, and was left"
        ));
    }
}

fn in_json(done: &Repaired, is_filled: bool) -> Value {
    json!({
        "source_size": done.source_size,
        "size": done.checked.as_ref().ok().map(|head| head.size),
        "root": done.checked.as_ref().ok().map(|head| head.root.to_string()),
        "wrong": done.checked.as_ref().err().map(|error| chain(error)),
        "source_stored": done.source_stored,
        "former_database_lost": is_filled,
        "rows": done.rows,
        "entries": done.entries,
        "tiles": done.tiles,
        "checkpoints": done.checkpoints,
        "checkpoints_falsified": done.falsified,
        "checkpoints_unsigned": done.unsigned,
        "policy_damaged": done.policy_damaged,
        "blobs": done.blobs,
        "entries_left": done.entries_left,
        "entries_unproved": done.unproved,
        "blobs_left": done.blobs_left,
        "continuation": continuation(done),
    })
}

fn report(done: &Repaired, is_filled: bool, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&in_json(done, is_filled));
    }
    output::sentence(format_args!(
        "fetched {} entries and {} blobs, computed {} tiles anew",
        done.entries.len(),
        done.blobs.len(),
        done.tiles
    ));
    if done.rows > 0 {
        output::sentence(format_args!(
            "{} put right by record and tile: the digest, the leaf's or the place was another",
            output::count(done.rows, "row of an entry", "rows of entries")
        ));
    }
    tell_checkpoints(done);
    for range in ranges(&done.entries_left) {
        output::sentence(format_args!(
            "{} damaged or missing, and the source ends at {}",
            entries(&range),
            done.source_size
        ));
    }
    for range in ranges(&done.unproved) {
        output::sentence(format_args!(
            "{} kept as record and leaf have it: the tile had another hash, and no head tells which of the two is right",
            entries(&range)
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
            output::hint(&way_on(done));
        }
    }
    if let Some(continuation) = continuation(done) {
        output::sentence(continuation);
    }
    tell_unsigned_source(done);
    Ok(())
}
