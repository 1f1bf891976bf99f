//! `chaoschain anchor audit`.

use std::process::ExitCode;

use chaos_chains::{Address, place::Nodes, sending::Finality};
use chaos_programs::{
    LogCopy,
    auditing::{Audit, Judgement, Question, Row, audit},
};
use chaos_types::ChainId;
use serde_json::{Value, json};

use crate::{
    args::AuditArgs,
    exit::{Failure, Kind, OrFail as _},
    kinds::KINDS,
    output,
};

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
    let chain: Option<ChainId> =
        args.chain.as_ref().map(|text| text.parse().or_fail(Kind::Input)).transpose()?;
    let nodes = Nodes::new(&args.rpc_url, args.agree, Finality::Final)?;
    let found = audit(&Question {
        copy: &copy,
        nodes: &nodes,
        chain: chain.as_ref(),
        contract: args.contract,
        publisher: args.publisher,
    })?;
    if args.json {
        output::json(&to_json(&found))?
    } else {
        for_people(&found)
    }
    ending(&found)
}

/// What it comes to: whatever was not judged is no success.
fn ending(audit: &Audit) -> Result<ExitCode, Failure> {
    if audit.split().next().is_some() {
        output::hint(SPLIT_HINT);
        return Ok(ExitCode::from(Kind::Fork as u8));
    }
    let refusal =
        |kind, message: String, hint: &str| Err(Failure::message(kind, message).hint(hint));
    if audit.publisher.is_none() {
        return refusal(
            Kind::Input,
            "nothing was judged: nobody said which publisher is the log's".to_owned(),
            "name the account that anchors for the log by --publisher; take it from the log's operator",
        );
    }
    let disputed = audit.disputed().count();
    if disputed > 0 {
        return refusal(
            Kind::Check,
            format!("the nodes disagree about {}", anchors(disputed)),
            "a node makes anchors up, or leaves them out: look at each transaction at a third node",
        );
    }
    let (own, ahead) = (audit.own().count(), audit.ahead().count());
    if own == 0 {
        return refusal(
            Kind::Check,
            "the log's publisher has anchored nothing there".to_owned(),
            "`chaoschain anchor` anchors; --contract names a contract of the log's own",
        );
    }
    if ahead > 0 {
        return refusal(
            Kind::Input,
            format!(
                "{} not judged: ahead of this copy, which has {}",
                anchors(ahead),
                audit.log_size
            ),
            "fetch the log anew (`chaoschain log mirror`) and audit again. What stays ahead of all that the log \
             publishes is of another history, or of one that it keeps to itself",
        );
    }
    Ok(ExitCode::SUCCESS)
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
    output::line(format_args!("log       {}, {log_size} entries here", log.name()));
    output::line(format_args!("contract  {contract:#x} on {chain}"));
    output::line(format_args!(
        "blocks    {first_block} to {last_block}, of {answered} of {of} nodes"
    ));
    for (node, says) in &audit.failed {
        output::line(format_args!("          {}", output::one_line(&format!("{node} {says}"))));
    }
    let mut publishers: Vec<Address> = audit.rows.iter().map(|row| row.event.publisher).collect();
    publishers.dedup();
    for publisher in publishers {
        let whose = match audit.publisher {
            Some(own) if own == publisher => "the log's",
            Some(_) => "somebody else's",
            None => "whose is not known",
        };
        output::line("");
        output::line(format_args!("publisher {publisher:#x}, {whose}"));
        let rows: Vec<&Row> =
            audit.rows.iter().filter(|row| row.event.publisher == publisher).collect();
        table(audit, &rows);
    }
    output::line("");
    for row in audit.split() {
        split(row);
    }
    let count = |is: Judgement| audit.own().filter(|row| row.judgement == is).count();
    output::line(format_args!(
        "of {}: {} in the log, {} ahead of this copy, {} of another history",
        anchors(audit.own().count()),
        count(Judgement::InTheLog),
        count(Judgement::Ahead),
        audit.own().filter(|row| matches!(row.judgement, Judgement::Other { .. })).count(),
    ));
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
    output::line(format_args!("{}", output::bad("split view")));
    output::line(format_args!("  size         {}", event.size));
    output::line(format_args!("  anchored     {}", hex::encode(event.root)));
    output::line(format_args!("  the log here {}", hex::encode(root.as_bytes())));
    output::line(format_args!("  transaction  {:#x}", event.transaction));
    output::line(format_args!("  block        {}, {}", event.block_number, row.finality));
    output::line(format_args!("  said by      {}", row.said_by.join(", ")));
    output::line("");
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
        "publisher": audit.publisher.map(|it| format!("{it:#x}")),
        "first_block": audit.first_block.to_string(),
        "last_block": audit.last_block.to_string(),
        "nodes": audit.answered + audit.failed.len(),
        "answered": audit.answered,
        "agree": audit.agree,
        "failed": audit.failed.iter().map(|(who, says)| json!({"who": who, "says": says})).collect::<Vec<_>>(),
        "is_split": audit.split().next().is_some(),
        "anchors": rows.collect::<Vec<_>>(),
    })
}
