//! `chaoschain log`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::ExitCode,
};

use anyhow::Context as _;
use chaos_log::{SignedCheckpoint, prove_consistency};
use chaos_store::Records as _;
use chaos_types::Digest;
use serde_json::json;

use crate::{
    args::{AcceptClockArgs, LogArgs, LogCommand, LogShowArgs, ProveArgs, RebuildArgs, ResumeArgs},
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};
use chaos_ledger::Ledger;

pub(crate) fn run(args: &LogArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        LogCommand::Show(args) => show(args),
        LogCommand::Checkpoint(args) => checkpoint(&mut ledger::open(&args.data.data)?, args.json),
        LogCommand::Prove(args) => prove(args),
        LogCommand::Resume(args) => resume(args),
        LogCommand::AcceptClock(args) => accept_clock(args),
        LogCommand::Rebuild(args) => rebuild(args),
    }
}

fn show(args: &LogShowArgs) -> Result<ExitCode, Failure> {
    let ledger = ledger::open(&args.data.data)?;
    let views = ledger.views();
    let size = views.size();
    let from = args.last.map_or(0, |last| size.saturating_sub(last));
    let mut rows = Vec::new();
    for index in from..size {
        let action = views.actions().get(&index);
        let refused = views.refused().get(&index);
        if args.json {
            output::json(&json!({"index": index, "action": action, "refused": refused}))?;
            continue;
        }
        let who = |did| views.registry().agent(did).map_or("?", |agent| &agent.profile.name);
        rows.push(match (action, refused) {
            (Some(action), _) => vec![
                index.to_string(),
                who(&action.agent).to_owned(),
                action.kind.clone(),
                action.evidence.clone(),
                action.parents.len().to_string(),
                action.receipt.to_string(),
            ],
            (None, Some(refused)) => vec![
                index.to_string(),
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
        output::table(&["entry", "agent", "kind", "evidence", "parents", "receipt"], &rows);
    }
    Ok(ExitCode::SUCCESS)
}

fn checkpoint(ledger: &mut Ledger, as_json: bool) -> Result<ExitCode, Failure> {
    let signed = ledger.checkpoint(&ledger::heads()?)?;
    let key = ledger.log_key()?.verifier().clone();
    if as_json {
        let checkpoint = signed.claimed();
        output::json(&json!({
            "origin": checkpoint.origin(),
            "size": checkpoint.size(),
            "root": checkpoint.root().to_string(),
            "note": signed.to_string(),
            "log": key.to_string(),
        }))?;
    } else {
        output::line(signed.to_string().trim_end());
        output::say(format_args!("\nverifier key: {key}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// A checkpoint larger than this is none.
const NOTE_BYTES_MAX: usize = 64 << 10;

fn resume(args: &ResumeArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    let heads = ledger::heads()?;
    let mut known = Vec::new();
    for path in &args.from {
        let bytes = chaos_files::read(path, NOTE_BYTES_MAX)?;
        let signed = SignedCheckpoint::parse(&bytes).or_fail(Kind::Input);
        known.push(signed.map_err(|failure| failure.context(path.display()))?);
    }
    let size = ledger.resume(&heads, &known)?;
    if args.json {
        output::json(&json!({"size": size}))?;
    } else {
        output::line(format_args!("heads that continue the one of {size} entries can be signed"));
    }
    Ok(ExitCode::SUCCESS)
}

fn accept_clock(args: &AcceptClockArgs) -> Result<ExitCode, Failure> {
    let now_ms = ledger::open(&args.data.data)?.accept_clock()?;
    if args.json {
        output::json(&json!({"accepted_ms": now_ms.to_string()}))?;
    } else {
        output::line(format_args!("entries may be dated {now_ms} ms and later"));
    }
    Ok(ExitCode::SUCCESS)
}

fn prove(args: &ProveArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    if let Some(old_size) = args.consistency {
        return prove_prefix(&ledger, old_size, args.json);
    }
    let receipt: Digest =
        args.receipt.as_deref().unwrap_or_default().parse().or_fail(Kind::Input)?;
    if ledger.views().receipt(&receipt).is_none() {
        return Err(Failure::message(Kind::Input, format!("no receipt {receipt} in this log"))
            .hint("`chaoschain log show` lists the receipts"));
    }
    let checkpoint = ledger.checkpoint(&ledger::heads()?)?;
    let bytes = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
    match &args.out {
        Some(path) => {
            fs::write(path, &bytes)
                .with_context(|| format!("cannot write {}", path.display()))
                .or_fail(Kind::Input)?;
            output::say(format_args!("wrote {} ({} bytes)", path.display(), bytes.len()));
        }
        None => output::line(String::from_utf8_lossy(&bytes)),
    }
    Ok(ExitCode::SUCCESS)
}

fn prove_prefix(ledger: &Ledger, old_size: u64, as_json: bool) -> Result<ExitCode, Failure> {
    let size = ledger.store().head().or_fail(Kind::Storage)?.size;
    let proof = prove_consistency(ledger.store(), old_size, size).or_fail(Kind::Input)?;
    let hashes: Vec<String> = proof.hashes().iter().map(ToString::to_string).collect();
    if as_json {
        output::json(&json!({"old_size": old_size, "size": size, "hashes": hashes}))?;
    } else {
        output::line(format_args!("consistency of size {old_size} with size {size}"));
        for hash in hashes {
            output::line(hash);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The stored views beside a fold of as many entries as they say they are of.
struct Comparison {
    /// How many log entries the stored views do not yet hold.
    behind: u64,
    /// By view: the rows of the fold, and the keys of rows that differ.
    views: BTreeMap<&'static str, (usize, BTreeSet<String>)>,
}

impl Comparison {
    /// A kill while views are written leaves views of two sizes; each must be exactly one of them.
    fn of(ledger: &Ledger, size: u64) -> Result<Self, Failure> {
        let sizes = ledger.stored_sizes()?;
        let folds = sizes
            .iter()
            .map(|&size| ledger.fold(size)?.to_rows().or_fail(Kind::Check))
            .collect::<Result<Vec<_>, Failure>>()?;
        let mut views = BTreeMap::new();
        for name in ledger.views().names() {
            let stored = ledger.store().view(name).or_fail(Kind::Storage)?;
            let nearest = folds
                .iter()
                .map(|fold| {
                    let fresh = fold.get(name).cloned().unwrap_or_default();
                    let differing: BTreeSet<String> = stored
                        .keys()
                        .chain(fresh.keys())
                        .filter(|key| stored.get(*key) != fresh.get(*key))
                        .cloned()
                        .collect();
                    (fresh.len(), differing)
                })
                .min_by_key(|(_, differing)| differing.len());
            views.extend(nearest.map(|found| (name, found)));
        }
        Ok(Self { behind: size - sizes.first().copied().unwrap_or(0), views })
    }

    fn agrees(&self) -> bool {
        self.views.values().all(|(_, differing)| differing.is_empty())
    }
}

/// Folds the log anew, and compares with or replaces the stored views.
fn rebuild(args: &RebuildArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    let head = ledger.store().check().or_fail(Kind::Storage)?;
    if !args.check {
        ledger.rebuild_views()?;
    }
    let compared = Comparison::of(&ledger, head.size)?;
    if args.json {
        let views: BTreeMap<_, _> = compared
            .views
            .iter()
            .map(|(name, (rows, differing))| (name, json!({"rows": rows, "differing": differing})))
            .collect();
        output::json(&json!({
            "size": head.size,
            "root": head.root.to_string(),
            "agree": compared.agrees(),
            "behind": compared.behind,
            "rewritten": !args.check,
            "views": views,
        }))?;
    } else {
        output::line(format_args!("{} entries, root {}", head.size, head.root));
        print_comparison(&compared);
    }
    Ok(if compared.agrees() { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}

fn print_comparison(compared: &Comparison) {
    let rows: Vec<_> = compared
        .views
        .iter()
        .map(|(name, (rows, differing))| {
            let verdict = differing.first().map_or_else(
                || "same".to_owned(),
                |first| format!("{} rows differ, the first is {first:?}", differing.len()),
            );
            vec![(*name).to_owned(), rows.to_string(), verdict]
        })
        .collect();
    output::table(&["view", "rows", "stored against folded"], &rows);
    if compared.behind > 0 {
        output::line(format_args!(
            "views are {} entries behind, as after a command that was stopped; \
             `chaoschain log rebuild` brings them up",
            compared.behind
        ));
    }
    if !compared.agrees() {
        output::line("nothing was changed; `chaoschain log rebuild` writes the views anew");
    }
}
