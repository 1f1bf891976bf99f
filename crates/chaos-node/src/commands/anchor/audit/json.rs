//! What an audit found, for programs.

use chaos_programs::auditing::{Audit, Head, Judgement, Logged, Whose};
use serde_json::{Value, json};

use super::word;

pub(super) fn to_json(audit: &Audit) -> Value {
    let rows = audit.rows.iter().map(|row| {
        let event = &row.event;
        let log_root = match row.judgement {
            Judgement::Other { root } => Some(hex::encode(root.as_bytes())),
            Judgement::InTheLog => Some(hex::encode(event.root)),
            Judgement::Ahead => None,
        };
        json!({
            "publisher": format!("{:#x}", event.publisher),
            "is_own": row.is_own && !audit.is_on_readers_word,
            "size": event.size.to_string(),
            "root": hex::encode(event.root),
            "log_root": log_root,
            "judgement": word(audit, row).to_lowercase().replace(' ', "_"),
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
        "declared": audit.declared.iter().zip(&audit.looked_at).map(|(it, is_here)| json!({
            "is_looked_at": is_here,
            "entry": it.index.to_string(),
            "chain": it.body.chain,
            "contract": it.body.contract,
            "publisher": it.body.publisher,
        })).collect::<Vec<_>>(),
        "is_on_readers_word": audit.is_on_readers_word,
        "first_block": audit.first_block.to_string(),
        "last_block": audit.last_block.to_string(),
        "heads": audit.heads.iter().map(|Head { node, number, hash }| json!({
            "node": node,
            "block_number": number.to_string(),
            "block_hash": format!("{hash:#x}"),
        })).collect::<Vec<_>>(),
        "nodes": audit.answered + audit.failed.len(),
        "answered": audit.answered,
        "agree": audit.agree,
        "failed": audit.failed.iter().map(|(who, says)| json!({"who": who, "says": says})).collect::<Vec<_>>(),
        "newest_shown": audit.shown.iter().map(|(node, shown)| json!({
            "node": node,
            "block_number": shown.map(|(number, _)| number.to_string()),
            "block_hash": shown.map(|(_, hash)| format!("{hash:#x}")),
        })).collect::<Vec<_>>(),
        "missing": logged(&audit.missing),
        "not_looked_at": logged(&audit.unreached),
        "is_cut": audit.is_cut,
        "earlier_newest_size": audit.earlier_newest.map(|size| size.to_string()),
        "is_split": audit.split().next().is_some(),
        "anchors": rows.collect::<Vec<_>>(),
    })
}

fn logged(entries: &[Logged]) -> Vec<Value> {
    let entries = entries.iter().map(|Logged { index, size, block_number }| {
        json!({
            "entry": index.to_string(),
            "size": size.to_string(),
            "block_number": block_number.to_string(),
        })
    });
    entries.collect()
}
