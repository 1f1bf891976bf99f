//! `chaoschain log`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
    process::ExitCode,
};

use chaos_agency::calendar::moment;
use chaos_agency::{action::Role, views::RefusedRow};
use chaos_api::{MirrorError, Standings};
use chaos_ledger::{Comparison, KeptAnchor, Ledger, NotHere, holds_key};
use chaos_log::{SignedCheckpoint, prove_consistency, root_at};
use chaos_store::Records as _;
use chaos_types::Digest;
use serde_json::json;

use crate::{
    args::{LogArgs, LogCommand, LogShowArgs, ProveArgs, RebuildArgs, ResumeArgs},
    commands::{tell_unanchored, write_file},
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

mod clock;
mod copy;
mod findings;
mod keys;
mod publish;
mod repair;
mod report;
mod sign;

pub(crate) fn run(args: &LogArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        LogCommand::Show(args) => show(args),
        LogCommand::Checkpoint(args) => sign::checkpoint(args),
        LogCommand::Prove(args) => prove(args),
        LogCommand::RotateKey(args) => keys::hand_over(args, Role::Checkpoints),
        LogCommand::ReplaceOperator(args) => keys::hand_over(args, Role::Operator),
        LogCommand::Resume(args) => resume(args),
        LogCommand::AcceptClock(args) => clock::accept(args),
        LogCommand::CorrectTime(args) => clock::correct(args),
        LogCommand::ReportFork(args) => report::fork(args),
        LogCommand::Rebuild(args) => rebuild(args),
        LogCommand::Serve(args) => publish::serve(args),
        LogCommand::Export(args) => publish::export(args),
        LogCommand::Mirror(args) => copy::mirror(args),
        LogCommand::Monitor(args) => copy::monitor(args),
        LogCommand::Findings(args) => findings::run(args),
        LogCommand::Repair(args) => repair::run(args),
    }
}

fn show(args: &LogShowArgs) -> Result<ExitCode, Failure> {
    let ledger = ledger::read(&args.data.data)?;
    let size = ledger.size();
    let from = args.last.map_or(0, |last| size.saturating_sub(last));
    let mut names = BTreeMap::new();
    let mut rows = Vec::new();
    for index in from..size {
        let (action, refused) = (ledger.action(index)?, ledger.refused(index)?);
        if args.json {
            output::json(&json!({"index": index, "action": action, "refused": refused}))?;
            continue;
        }
        rows.push(match (action, refused) {
            (Some(action), _) => {
                let name = match names.entry(action.agent) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => {
                        let found = ledger.agent(&action.agent)?;
                        place.insert(found.map_or_else(|| "?".to_owned(), |a| a.profile.name))
                    }
                };
                vec![
                    index.to_string(),
                    moment(action.integrated_at_ms),
                    name.clone(),
                    action.kind.clone(),
                    action.evidence.clone(),
                    action.parents.len().to_string(),
                    action.receipt.to_string(),
                ]
            }
            (None, Some(refused)) => vec![
                index.to_string(),
                "-".to_owned(),
                "-".to_owned(),
                "refused".to_owned(),
                refused.check.to_string(),
                "0".to_owned(),
                refused.reason.clone(),
            ],
            (None, None) => vec![index.to_string()],
        });
    }
    if !args.json {
        output::table(
            &["entry", "dated", "agent", "kind", "evidence", "parents", "receipt"],
            &rows,
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// How documents that are not here are had.
const FETCH: &str =
    "`chaoschain log repair --from SOURCE` fetches what a mirror, a server or an export publishes";

/// A checkpoint larger than this is none.
const NOTE_BYTES_MAX: usize = 64 << 10;

fn resume(args: &ResumeArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open_rows(&args.data.data)?;
    let heads = ledger::heads()?;
    let mut known = Vec::new();
    for path in &args.from {
        let bytes = chaos_files::read(path, NOTE_BYTES_MAX)?;
        let signed = SignedCheckpoint::parse(&bytes).or_fail(Kind::Input);
        known.push(signed.map_err(|failure| failure.context(path.display()))?);
    }
    let resumed = ledger.resume(&heads, &known).map_err(|error| match error {
        chaos_ledger::Error::HeadForeign { place, .. } => match args.from.get(place) {
            Some(path) => Failure::from(error).context(path.display()),
            None => error.into(),
        },
        error => error.into(),
    })?;
    if args.json {
        let aside = resumed.aside.as_ref().map(|head| {
            json!({"size": head.size, "key": head.key, "index": head.index, "file": head.path})
        });
        output::json(&json!({"size": resumed.size, "aside": aside}))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(head) = &resumed.aside {
        output::sentence(format_args!(
            "{head}; it was remembered, is put aside there, and does not count any more"
        ));
    }
    let size = resumed.size;
    output::sentence(format_args!("heads that continue the one of {size} entries can be signed"));
    Ok(ExitCode::SUCCESS)
}

fn prove(args: &ProveArgs) -> Result<ExitCode, Failure> {
    let data = &args.data.data;
    let ledger = ledger::read(data)?.remembering(ledger::remembered(data)?.as_ref());
    if let Some(old_size) = args.consistency {
        return prove_prefix(&ledger, old_size, args);
    }
    let receipt =
        args.receipt.ok_or_else(|| Failure::message(Kind::Input, "expected a receipt"))?;
    ensure_provable(&ledger, &receipt, args.tlog_proof)?;
    if !args.tlog_proof
        && !args.without_anchor
        && let Some(bytes) = anchored(&ledger, &receipt)?
    {
        return give(args, data, &receipt, &bytes);
    }
    let bytes = match covering(&ledger, &receipt)? {
        Some(checkpoint) => proof(&ledger, &receipt, &checkpoint, args.tlog_proof)?,
        None => {
            drop(ledger);
            let mut ledger = ledger::open(data)?;
            let checkpoint = ledger::publish_head(&mut ledger, &ledger::heads()?)?;
            proof(&ledger, &receipt, &checkpoint, args.tlog_proof)?
        }
    };
    if !args.tlog_proof && !args.without_anchor {
        tell_unanchored(&ledger::read(data)?)?;
    }
    give(args, data, &receipt, &bytes)
}

/// The bundle under the newest anchored head that holds the receipt, if there is one.
fn anchored(ledger: &Ledger, receipt: &Digest) -> Result<Option<Vec<u8>>, Failure> {
    let Some(index) = ledger.store().index_of(receipt).or_fail(Kind::Storage)? else {
        return Ok(None);
    };
    let Some(KeptAnchor { checkpoint, anchored }) = ledger.newest_anchor(index)? else {
        return Ok(None);
    };
    match chaos_ledger::bundle(ledger, receipt, &checkpoint, Some(anchored)) {
        Ok(bytes) => Ok(Some(bytes)),
        // As where the log's policy asks for more witnesses by now than had cosigned that head.
        Err(chaos_ledger::Error::Unverified(rejection)) => {
            let size = checkpoint.claimed().size();
            output::say(format_args!("the anchored head of size {size} is left out: {rejection}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes a proof or prints it.
fn give(
    args: &ProveArgs,
    data: &Path,
    receipt: &Digest,
    bytes: &[u8],
) -> Result<ExitCode, Failure> {
    let text = String::from_utf8_lossy(bytes);
    match &args.out {
        Some(_) => write_proof(args, bytes)?,
        None if args.json && args.tlog_proof => {
            output::json(&json!({"receipt": receipt, "tlog_proof": text}))?;
        }
        None => output::line(text.trim_end()),
    }
    if !args.tlog_proof {
        tell_left_out(data, receipt)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a proof where --out says, and says so.
fn write_proof(args: &ProveArgs, bytes: &[u8]) -> Result<(), Failure> {
    let Some(path) = &args.out else { return Ok(()) };
    write_file(path, bytes)?;
    if args.json {
        return output::json(&json!({
            "receipt": args.receipt,
            "old_size": args.consistency,
            "file": path.display().to_string(),
            "bytes": bytes.len(),
        }));
    }
    output::say(format_args!("wrote {} ({} bytes)", path.display(), bytes.len()));
    Ok(())
}

/// What the receipt names and the bundle could not have.
fn tell_left_out(data: &Path, receipt: &Digest) -> Result<(), Failure> {
    let ledger = ledger::read(data)?;
    let Some(receipt) = ledger.receipt(receipt)? else { return Ok(()) };
    let absent = ledger.not_here_of(&receipt)?;
    for digest in &absent {
        output::say(format_args!("left out, since it is not here: {digest}"));
    }
    if !absent.is_empty() {
        output::hint(FETCH);
    }
    Ok(())
}

/// The newest checkpoint, if it covers the receipt and those who have the log's policy accept it: nothing
/// has to be signed then.
fn covering(ledger: &Ledger, receipt: &Digest) -> Result<Option<SignedCheckpoint>, Failure> {
    let place = ledger.store().index_of(receipt).or_fail(Kind::Storage)?;
    let newest = ledger.store().checkpoint().or_fail(Kind::Storage)?;
    let covers = |signed: &SignedCheckpoint| place.is_some_and(|i| i < signed.claimed().size());
    let Some(signed) = newest.filter(covers) else { return Ok(None) };
    match ledger.ensure_witnessed(&signed) {
        Ok(()) => Ok(Some(signed)),
        Err(chaos_ledger::Error::NotWitnessed(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The log holds the receipt, and counts it if a bundle is to show that.
fn ensure_provable(ledger: &Ledger, receipt: &Digest, place_alone: bool) -> Result<(), Failure> {
    let Some(index) = ledger.store().index_of(receipt).or_fail(Kind::Storage)? else {
        return Err(Failure::message(Kind::Input, format!("no receipt {receipt} in this log"))
            .hint("`chaoschain log show` lists the receipts"));
    };
    match ledger.refused(index)? {
        Some(refused) if !place_alone => {
            let RefusedRow { check, reason } = refused;
            let code = ledger.refusal_code(index)?.map_or_else(String::new, |c| format!(" ({c})"));
            let refused = format!(
                "entry {index} holds receipt {receipt} and counts for nothing: {check}: {reason}{code}"
            );
            let hint = "--tlog-proof shows that the log holds it all the same";
            Err(Failure::message(Kind::Check, refused).hint(hint))
        }
        Some(_) | None => Ok(()),
    }
}

fn proof(
    ledger: &Ledger,
    receipt: &Digest,
    checkpoint: &SignedCheckpoint,
    place_alone: bool,
) -> Result<Vec<u8>, Failure> {
    if place_alone {
        return Ok(chaos_ledger::tlog_proof(ledger, receipt, checkpoint)?.into_bytes());
    }
    Ok(chaos_ledger::bundle(ledger, receipt, checkpoint, None)?)
}

fn prove_prefix(ledger: &Ledger, old_size: u64, args: &ProveArgs) -> Result<ExitCode, Failure> {
    let size = ledger.store().head().or_fail(Kind::Storage)?.size;
    let proof = prove_consistency(ledger.store(), old_size, size).or_fail(Kind::Input)?;
    let hashes: Vec<String> = proof.hashes().iter().map(ToString::to_string).collect();
    // What the hashes lead from and to; a signed head of either size is what to hold that against.
    let root =
        |size| Ok::<_, Failure>(root_at(ledger.store(), size).or_fail(Kind::Storage)?.to_string());
    let (old_root, new_root) = (root(old_size)?, root(size)?);
    if args.json && args.out.is_none() {
        output::json(&json!({
            "old_size": old_size,
            "old_root": old_root,
            "size": size,
            "root": new_root,
            "hashes": hashes,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!(
        "consistency of size {old_size}, root {old_root},\nwith size {size}, root {new_root}\n"
    );
    for hash in hashes {
        text.push_str(&hash);
        text.push('\n');
    }
    match &args.out {
        Some(_) => write_proof(args, text.as_bytes())?,
        None => output::line(text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Folds the log anew, and compares with or replaces the stored rows.
fn rebuild(args: &RebuildArgs) -> Result<ExitCode, Failure> {
    let data = &args.data.data;
    let ledger = if args.check { ledger::read(data)? } else { ledger::rebuild(data)? };
    let head = ledger.store().check().map_err(chaos_ledger::Error::from)?;
    let blobs = ledger.store().check_blobs().map_err(chaos_ledger::Error::from)?;
    ledger.check_heads()?;
    // What was lost at the end leaves a log that holds together, and that the memory of its heads does not know.
    if args.check
        && holds_key(data)
        && let Some(heads) = ledger::remembered(data)?
        && let Some(retired) = ledger.ensure_continued(&heads)?
    {
        output::say(format_args!("{retired}; `chaoschain log resume` puts it aside"));
    }
    if args.check {
        chaos_api::check_copy(data)?;
    }
    // What a mirror has found is part of what it holds: where it cannot be read, nothing is in order.
    let found = match chaos_api::standings(data) {
        Ok(found) => Some(found),
        Err(MirrorError::NoMirror) => None,
        Err(error) => return Err(error.into()),
    };
    let compared = ledger.compare()?;
    if args.json {
        let tables: BTreeMap<_, _> = compared
            .kinds
            .iter()
            .map(|(kind, found)| (kind, json!({"rows": found.rows, "differing": found.differing})))
            .collect();
        output::json(&json!({
            "size": head.size,
            "root": head.root.to_string(),
            "agree": compared.agrees(),
            "rewritten": !args.check,
            "blobs": blobs,
            "blobs_not_here": compared.not_here.count,
            "blobs_not_here_first":
                compared.not_here.first.iter().map(|(_, digest)| digest).collect::<Vec<_>>(),
            "tables": tables,
        }))?;
    } else {
        output::sentence(format_args!("{} entries, root {}", head.size, head.root));
        output::sentence(format_args!(
            "every record and tile, and the {blobs} blobs that are here, have their digests"
        ));
        print_not_here(&compared.not_here);
        print_comparison(&compared);
        if found.as_ref().is_some_and(Standings::is_open) {
            output::sentence(
                "something stands that nobody has accepted: `chaoschain log findings` says what",
            );
        }
    }
    // Who writes a log keeps what its receipts name; a mirror has what it fetched, and says what not.
    let is_mirror = found.is_some() && !holds_key(data);
    let is_whole = compared.agrees() && (!args.check || is_mirror || compared.not_here.count == 0);
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}

fn print_not_here(not_here: &NotHere) {
    let NotHere { count, first } = not_here;
    if *count == 0 {
        return;
    }
    output::sentence(format_args!("not here, and not checked: {count} blobs that receipts name"));
    for (index, digest) in first {
        output::sentence(format_args!("  {digest}, named by entry {index}"));
    }
    output::hint(FETCH);
}

fn print_comparison(compared: &Comparison) {
    let rows: Vec<_> = compared
        .kinds
        .iter()
        .map(|(kind, found)| {
            let verdict = found.differing.first().map_or_else(
                || "same".to_owned(),
                |first| format!("{} rows differ, the first is {first:?}", found.differing.len()),
            );
            vec![kind.clone(), found.rows.to_string(), verdict]
        })
        .collect();
    output::table(&["table", "rows", "stored against folded"], &rows);
    if !compared.agrees() {
        output::sentence("nothing was changed; `chaoschain log rebuild` writes the rows anew");
    }
}
