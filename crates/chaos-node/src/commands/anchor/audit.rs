//! `chaoschain anchor audit`.

mod json;
mod lacks;
mod places;

use std::{
    collections::BTreeMap,
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use chaos_agency::Declaration;
use chaos_chains::{
    Address, REGISTRY,
    place::{HowFar, Tell},
    sending::Finality,
};
use chaos_programs::{
    LogCopy,
    auditing::{Audit, Head, Judgement, Named, Question, Row, Whose, audit, named},
};
use indicatif::ProgressBar;

use self::{
    lacks::lack,
    places::{tell_unlooked, unlooked},
};
use crate::{
    args::AuditArgs,
    commands::sending::NodesAt,
    exit::{Failure, Kind},
    kinds::KINDS,
    output,
};

/// Anchors by others than the log's publisher that are shown. Anybody may anchor under any log's name.
const OTHERS_SHOWN: usize = 20;

/// Digits of a hash in a table.
const SHORT: usize = 10;

/// What somebody can do who found two histories.
const SPLIT_HINT: &str = "keep this copy and what was printed. Two heads that the log signed prove the fork to \
    everybody: look for one of the anchored size at other readers of the log (their mirrors, `chaoschain log \
    monitor`, bundles), and `chaoschain verify` makes the proof of both. Nobody else can write under this key, \
    unless the publisher's own key was stolen; then its owner has to say so";

/// The same of a contract that is not the registry.
const SPLIT_HINT_OWN: &str = "keep this copy and what was printed. In a CheckpointAnchor its publisher alone can anchor, but whoever \
    made the contract can have had its constructor write an event, or other code that stood there before: look at the \
    transaction, who signed it and what it was sent to. A log whose own entries name the contract answers for what is in it";

pub(super) fn run(args: &AuditArgs) -> Result<ExitCode, Failure> {
    let dir = args.log_dir.as_ref().unwrap_or(&args.data.data);
    let copy = LogCopy::open(dir, KINDS)?;
    let (named, mut found) = (named(&copy)?, Vec::new());
    // By one chain's endpoints, or by as many files as there are chains.
    let files: Vec<Option<&Path>> = match &args.chain_config[..] {
        [] => vec![None],
        files => files.iter().map(|file| Some(file.as_path())).collect(),
    };
    for file in files {
        at(args, &copy, &named, file, &mut found)?;
    }
    for audit in &found {
        if args.json { output::json(&json::to_json(audit))? } else { for_people(audit) }
    }
    let left = unlooked(&named, &found);
    if !args.json {
        tell_unlooked(&found, &left);
    }
    ending(&found, &left)
}

/// Audits one chain: the contracts that the reader names, else every one in which the log says that it was anchored
/// there.
fn at(
    args: &AuditArgs,
    copy: &LogCopy,
    named: &[Named],
    file: Option<&Path>,
    found: &mut Vec<Audit>,
) -> Result<(), Failure> {
    let (nodes, chain) = NodesAt {
        rpc_url: &args.rpc_url,
        chain_config: file,
        chain: args.chain.as_deref(),
        agree: args.agree,
        finality: Finality::Final,
    }
    .read()?;
    let nodes = nodes.ok_or_else(|| Failure::message(Kind::Input, "no node is named"))?;
    let ask = |contract: Option<Address>, publisher: Option<Address>| {
        let bar = output::progress("blocks", 0);
        let tell = telling(bar.clone());
        let audit = audit(&Question {
            copy,
            nodes: &nodes,
            chain: chain.as_ref(),
            contract,
            publisher,
            first_block: args.from_block,
            tell: &tell,
        });
        bar.finish_and_clear();
        audit
    };
    if !args.contract.is_empty() {
        for contract in &args.contract {
            found.push(ask(Some(*contract), args.publisher)?);
        }
        return Ok(());
    }
    let is_in_registry = args.publisher.is_some() || named.iter().any(|it| it.is_declared);
    let own = named.iter().rev().find_map(Named::own_contract).filter(|_| !is_in_registry);
    let first = ask(own, args.publisher)?;
    let chain = first.chain.clone();
    let mut looked_at = vec![first];
    for it in named.iter().filter(|it| it.chain == chain) {
        if let Some(contract) = it.own_contract()
            && !looked_at.iter().any(|audit| it.is_in(audit))
        {
            // It has a publisher of its own, whoever is the registry's.
            looked_at.push(ask(Some(contract), None)?);
        }
    }
    found.append(&mut looked_at);
    Ok(())
}

/// Shows how far the slowest node is.
fn telling(bar: ProgressBar) -> Tell {
    let nodes = Mutex::<BTreeMap<String, (u64, u64)>>::default();
    Arc::new(move |HowFar { node, done, of }: HowFar<'_>| {
        let mut nodes = nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.insert(node.to_owned(), (done, of));
        if let Some((done, of)) = nodes.values().max_by_key(|(done, of)| of.saturating_sub(*done)) {
            bar.set_length(*of);
            bar.set_position(*done);
        }
    })
}

/// What it comes to: whatever was not judged is no success.
fn ending(found: &[Audit], left: &[&Named]) -> Result<ExitCode, Failure> {
    let mut split = found.iter().filter(|audit| audit.split().next().is_some()).peekable();
    if split.peek().is_some() {
        let is_in_registry = split.any(|audit| audit.contract == REGISTRY);
        output::hint(if is_in_registry { SPLIT_HINT } else { SPLIT_HINT_OWN });
        return Ok(ExitCode::from(Kind::Fork as u8));
    }
    if let Some((kind, message, hint)) = found.iter().find_map(lack) {
        return Err(Failure::message(kind, message).hint(hint));
    }
    if left.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let places: Vec<String> = left.iter().map(|it| places::told(it)).collect();
    let reason = format!("not looked at: {}", places.join("; "));
    Err(Failure::message(Kind::Input, reason).hint(
        "a log can show one history where it is anchored now, and another where it was: name a file for each \
         chain (`--chain-config A.toml --chain-config B.toml`), and no --contract, or each. Of a chain that is gone nobody can say what was \
         anchored there",
    ))
}

fn anchors(count: usize) -> String {
    output::count(count as u64, "anchor", "anchors")
}

const fn word(audit: &Audit, row: &Row) -> &'static str {
    match row.judgement {
        Judgement::InTheLog => "in the log",
        Judgement::Ahead => "ahead of this copy",
        Judgement::Other { .. } if row.is_own && !audit.is_on_readers_word => "SPLIT VIEW",
        Judgement::Other { .. } => "not in the log",
    }
}

fn for_people(audit: &Audit) {
    let Audit { log, log_size, chain, contract, first_block, last_block, answered, .. } = audit;
    let of = answered + audit.failed.len();
    output::sentence(format_args!("log       {}, {log_size} entries here", log.name()));
    output::sentence(format_args!("contract  {contract:#x} on {chain}"));
    output::sentence(format_args!(
        "blocks    {first_block} to {last_block}, of {answered} of {of} nodes"
    ));
    for Head { node, number, hash } in &audit.heads {
        let node = output::one_line(node);
        output::sentence(format_args!("last      block {number} at {node}"));
        output::sentence(format_args!("          {hash:#x}"));
    }
    for (node, says) in &audit.failed {
        output::sentence(format_args!("          {}", output::one_line(&format!("{node} {says}"))));
    }
    for (node, shown) in &audit.shown {
        let newest = match shown {
            Some((number, _)) => format!("shown under block {number}, by {node}"),
            None => format!("the word of {node} alone"),
        };
        output::sentence(format_args!("newest    {}", output::one_line(&newest)));
    }
    let (own, others): (Vec<&Row>, Vec<&Row>) = audit.rows.iter().partition(|row| row.is_own);
    let shown: Vec<&Row> =
        own.into_iter().chain(others.iter().take(OTHERS_SHOWN).copied()).collect();
    // A publisher that the log declared for some sizes has others, which are not the log's.
    let group = |row: &Row| (row.is_own, row.event.publisher);
    let mut groups: Vec<(bool, Address)> = shown.iter().map(|row| group(row)).collect();
    groups.dedup();
    for (is_own, publisher) in groups {
        let whose = whose(audit, publisher, is_own);
        output::sentence("");
        output::sentence(format_args!("publisher {publisher:#x}, {whose}"));
        let rows: Vec<&Row> =
            shown.iter().filter(|row| group(row) == (is_own, publisher)).copied().collect();
        table(audit, &rows);
    }
    let left = others.len().saturating_sub(OTHERS_SHOWN);
    match (left, audit.is_cut) {
        (0, false) => {}
        (left, false) => {
            output::sentence(format_args!("and {} by others, which --json has", anchors(left)))
        }
        (left, true) => output::sentence(format_args!("and more than {} by others", anchors(left))),
    }
    output::sentence("");
    for row in audit.split() {
        split(row);
    }
    let count = |is: Judgement| audit.own().filter(|row| row.judgement == is).count();
    output::sentence(format_args!(
        "of {}: {} in the log, {} ahead of this copy, {} of another history",
        anchors(audit.own().count()),
        count(Judgement::InTheLog),
        count(Judgement::Ahead),
        audit.own().filter(|row| matches!(row.judgement, Judgement::Other { .. })).count(),
    ));
}

/// What a publisher is to the log, and who says so.
fn whose(audit: &Audit, publisher: Address, is_own: bool) -> String {
    let is = |it: &&Declaration| it.body.publisher.parse() == Ok(publisher);
    // The entry that declares it here speaks for it, before one that declares it elsewhere.
    let by = audit.declared.iter().zip(&audit.looked_at).rev().filter(|(it, _)| is(it));
    let here = by.clone().find(|(_, is_here)| **is_here);
    let declaring = here.or_else(|| by.clone().next()).map(|(it, is_here)| (it, *is_here));
    let declared = declaring.map(|(it, _)| it.index);
    let is_contracts = match audit.whose {
        Whose::Contract(own) | Whose::Named(own) => own == publisher && audit.contract != REGISTRY,
        Whose::Declared | Whose::Unknown => false,
    };
    match (audit.whose, declared) {
        _ if is_contracts && audit.is_on_readers_word => {
            "the contract's; that it is the log's contract, nobody says but you".to_owned()
        }
        (Whose::Named(own), None) if own == publisher && !audit.declared.is_empty() => {
            "the log's as you say; the log declares others".to_owned()
        }
        (Whose::Named(own), None) if own == publisher => "the log's, as you say".to_owned(),
        (Whose::Named(own), Some(index)) if own == publisher => {
            format!("the log's, as you and its entry {index} say")
        }
        (Whose::Contract(own), _) if own == publisher => "the log's".to_owned(),
        (Whose::Declared, Some(index)) if is_own => match declaring {
            Some((it, false)) => {
                format!("the log's, by its entry {index}, which declares it on {}", it.body.chain)
            }
            _ => format!("the log's, by its entry {index}"),
        },
        (Whose::Named(_), Some(index)) => {
            format!("the log's too, by its entry {index}, and not the one that you named")
        }
        (Whose::Unknown, _) => "whose is not known".to_owned(),
        _ => "somebody else's".to_owned(),
    }
}

fn table(audit: &Audit, rows: &[&Row]) {
    let cells = rows.iter().map(|row| {
        let judged = if audit.is_agreed(row) {
            word(audit, row).to_owned()
        } else {
            format!("{}, by {} of {} nodes", word(audit, row), row.said_by.len(), audit.answered)
        };
        vec![
            row.event.size.to_string(),
            short(&hex::encode(row.event.root)),
            row.event.block_number.to_string(),
            row.finality.to_string(),
            short(&format!("{:#x}", row.event.transaction)),
            judged,
        ]
    });
    output::table(
        &["size", "root", "block", "how sure", "transaction", "the log here"],
        &cells.collect::<Vec<_>>(),
    );
}

fn short(text: &str) -> String {
    format!("{}…", text.chars().take(SHORT).collect::<String>())
}

/// Two roots of one size.
fn split(row: &Row) {
    let Judgement::Other { root } = row.judgement else { return };
    let event = &row.event;
    output::sentence(format_args!("{}", output::bad("split view")));
    output::sentence(format_args!("  size         {}", event.size));
    output::sentence(format_args!("  anchored     {}", hex::encode(event.root)));
    output::sentence(format_args!("  the log here {}", hex::encode(root.as_bytes())));
    output::sentence(format_args!("  transaction  {:#x}", event.transaction));
    output::sentence(format_args!("  block        {}, {}", event.block_number, row.finality));
    output::sentence(format_args!("  said by      {}", row.said_by.join(", ")));
    output::sentence("");
}
