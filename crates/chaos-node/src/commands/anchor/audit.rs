//! `chaoschain anchor audit`.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use chaos_agency::{Declaration, action::DeclareAnchoring};
use chaos_chains::{
    Address,
    place::{HowFar, Tell},
    sending::Finality,
};
use chaos_programs::{
    LogCopy,
    auditing::{Audit, Judgement, Logged, Question, Row, Whose, audit},
};
use indicatif::ProgressBar;
use serde_json::{Value, json};

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

pub(super) fn run(args: &AuditArgs) -> Result<ExitCode, Failure> {
    let dir = args.log_dir.as_ref().unwrap_or(&args.data.data);
    let copy = LogCopy::open(dir, KINDS)?;
    let (nodes, chain) = NodesAt {
        rpc_url: &args.rpc_url,
        chain_config: args.chain_config.as_deref(),
        chain: args.chain.as_deref(),
        agree: args.agree,
        finality: Finality::Final,
    }
    .read()?;
    let nodes = nodes.ok_or_else(|| Failure::message(Kind::Input, "no node is named"))?;
    let bar = output::progress("blocks", 0);
    let tell = telling(bar.clone());
    let found = audit(&Question {
        copy: &copy,
        nodes: &nodes,
        chain: chain.as_ref(),
        contract: args.contract,
        publisher: args.publisher,
        first_block: args.from_block,
        tell: &tell,
    })?;
    bar.finish_and_clear();
    if args.json {
        output::json(&to_json(&found))?
    } else {
        for_people(&found)
    }
    ending(&found)
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
fn ending(audit: &Audit) -> Result<ExitCode, Failure> {
    if audit.split().next().is_some() {
        output::hint(SPLIT_HINT);
        return Ok(ExitCode::from(Kind::Fork as u8));
    }
    match lack(audit) {
        Some((kind, message, hint)) => Err(Failure::message(kind, message).hint(hint)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// What speaks against an audit that found no split view, and what can be done.
fn lack(audit: &Audit) -> Option<(Kind, String, &'static str)> {
    let (own, ahead) = (audit.own().count(), audit.ahead().count());
    let disputed = audit.disputed().count();
    if audit.whose == Whose::Unknown {
        return Some((
            Kind::Input,
            "nothing was judged: neither the log nor you say which publisher is the log's"
                .to_owned(),
            "`chaoschain anchor` declares it in the log; name it by --publisher, as the log's operator says",
        ));
    }
    if disputed > 0 {
        return Some((
            Kind::Check,
            format!("the nodes disagree about {}", anchors(disputed)),
            "a node makes anchors up, or leaves them out: look at each transaction at a third node",
        ));
    }
    if let Some(Logged { index, size, block_number }) = audit.missing.first() {
        let message = format!(
            "entry {index} says that size {size} was anchored in block {block_number}, and the chain has no \
             such anchor"
        );
        let hint = "its block was replaced after all, or the log says what is not so; `chaoschain anchor` \
                    anchors anew";
        return Some((Kind::Check, message, hint));
    }
    if let (0, Whose::Declared, Some(last)) = (own, audit.whose, audit.declared.last()) {
        let DeclareAnchoring { chain, contract, publisher } = &last.body;
        let message = format!(
            "nothing that the log's publisher anchored is here up to block {}; by entry {} it is {publisher} in \
             {contract} on {chain}",
            audit.last_block, last.index
        );
        let hint = "name nodes of that chain by --rpc-url; `chaoschain anchor` anchors";
        return Some((Kind::Check, message, hint));
    }
    if own == 0 {
        return Some((
            Kind::Check,
            format!("the log's publisher has anchored nothing up to block {}", audit.last_block),
            "`chaoschain anchor` anchors; --contract names a contract of the log's own",
        ));
    }
    (ahead > 0).then(|| {
        let (ahead, size) = (anchors(ahead), audit.log_size);
        (
            Kind::Input,
            format!("{ahead} not judged: ahead of this copy, which has {size} entries"),
            "fetch the log anew (`chaoschain log mirror`) and audit again. What stays ahead of all that the log \
             publishes is of another history, or of one that it keeps to itself",
        )
    })
}

fn anchors(count: usize) -> String {
    output::count(count as u64, "anchor", "anchors")
}

const fn word(row: &Row) -> &'static str {
    match row.judgement {
        Judgement::InTheLog => "in the log",
        Judgement::Ahead => "ahead of this copy",
        Judgement::Other { .. } if row.is_own => "SPLIT VIEW",
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
    for (node, says) in &audit.failed {
        output::sentence(format_args!("          {}", output::one_line(&format!("{node} {says}"))));
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
    let declared = audit.declared.iter().rev().find(is).map(|it| it.index);
    match (audit.whose, declared) {
        (Whose::Named(own), None) if own == publisher && !audit.declared.is_empty() => {
            "the log's as you say; the log declares others".to_owned()
        }
        (Whose::Named(own), None) if own == publisher => "the log's, as you say".to_owned(),
        (Whose::Named(own), Some(index)) if own == publisher => {
            format!("the log's, as you and its entry {index} say")
        }
        (Whose::Contract(own), _) if own == publisher => "the log's".to_owned(),
        (Whose::Declared, Some(index)) if is_own => format!("the log's, by its entry {index}"),
        (Whose::Declared, Some(_)) => "not the log's at these sizes".to_owned(),
        (Whose::Unknown, _) => "whose is not known".to_owned(),
        _ => "somebody else's".to_owned(),
    }
}

fn table(audit: &Audit, rows: &[&Row]) {
    let short = |text: String| format!("{}…", text.chars().take(SHORT).collect::<String>());
    let cells = rows.iter().map(|row| {
        let judged = if audit.is_agreed(row) {
            word(row).to_owned()
        } else {
            format!("{}, by {} of {} nodes", word(row), row.said_by.len(), audit.answered)
        };
        vec![
            row.event.size.to_string(),
            short(hex::encode(row.event.root)),
            row.event.block_number.to_string(),
            row.finality.to_string(),
            short(format!("{:#x}", row.event.transaction)),
            judged,
        ]
    });
    output::table(
        &["size", "root", "block", "how sure", "transaction", "the log here"],
        &cells.collect::<Vec<_>>(),
    );
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

fn to_json(audit: &Audit) -> Value {
    let rows = audit.rows.iter().map(|row| {
        let event = &row.event;
        let log_root = match row.judgement {
            Judgement::Other { root } => Some(hex::encode(root.as_bytes())),
            Judgement::InTheLog => Some(hex::encode(event.root)),
            Judgement::Ahead => None,
        };
        json!({
            "publisher": format!("{:#x}", event.publisher),
            "is_own": row.is_own,
            "size": event.size.to_string(),
            "root": hex::encode(event.root),
            "log_root": log_root,
            "judgement": word(row).to_lowercase().replace(' ', "_"),
            "block_number": event.block_number.to_string(),
            "block_hash": format!("{:#x}", event.block_hash),
            "transaction": format!("{:#x}", event.transaction),
            "finality": row.finality.to_string(),
            "said_by": row.said_by,
            "is_agreed": audit.is_agreed(row),
        })
    });
    json!({
        "log": audit.log.to_string(),
        "log_size": audit.log_size.to_string(),
        "chain": audit.chain,
        "contract": format!("{:#x}", audit.contract),
        "publisher_by": match audit.whose {
            Whose::Named(_) => Some("reader"),
            Whose::Contract(_) => Some("contract"),
            Whose::Declared => Some("log"),
            Whose::Unknown => None,
        },
        "declared": audit.declared.iter().map(|it| json!({
            "entry": it.index.to_string(),
            "chain": it.body.chain,
            "contract": it.body.contract,
            "publisher": it.body.publisher,
        })).collect::<Vec<_>>(),
        "first_block": audit.first_block.to_string(),
        "last_block": audit.last_block.to_string(),
        "nodes": audit.answered + audit.failed.len(),
        "answered": audit.answered,
        "agree": audit.agree,
        "failed": audit.failed.iter().map(|(who, says)| json!({"who": who, "says": says})).collect::<Vec<_>>(),
        "missing": audit.missing.iter().map(|Logged { index, size, block_number }| json!({
            "entry": index.to_string(),
            "size": size.to_string(),
            "block_number": block_number.to_string(),
        })).collect::<Vec<_>>(),
        "is_cut": audit.is_cut,
        "is_split": audit.split().next().is_some(),
        "anchors": rows.collect::<Vec<_>>(),
    })
}
