//! Imports point down, and the code map names exactly the crates that exist.
//!
//! The code map of ARCHITECTURE.md lists the crates from the bottom up. A crate may import only
//! crates listed above it, so the document's order is the layering and cannot drift from it.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::tree::Tree;

/// Names that say nothing about what is in a file.
const NAMELESS: [&str; 3] = ["utils.rs", "common.rs", "helpers.rs"];

pub(super) fn check(tree: &Tree) -> Result<Vec<String>> {
    let ranks = ranks(&tree.architecture)?;
    let mut problems = Vec::new();
    for name in ranks.keys() {
        if !tree.crates.contains_key(*name) {
            problems.push(format!("ARCHITECTURE.md lists `{name}`, which does not exist"));
        }
    }
    for (name, own) in &tree.crates {
        let Some(rank) = ranks.get(name.as_str()) else {
            problems.push(format!("ARCHITECTURE.md does not list the crate `{name}`"));
            continue;
        };
        for import in &own.imports {
            if ranks.get(import.as_str()).is_some_and(|other| other >= rank) {
                problems.push(format!(
                    "`{name}` imports `{import}`, which ARCHITECTURE.md puts above it"
                ));
            }
        }
        for source in &own.sources {
            if NAMELESS.contains(&source.module.as_str()) {
                problems.push(format!("{}: name what is in it", source.path));
            }
        }
    }
    Ok(problems)
}

/// The position of every crate in the code map's table, whose rows begin with ``| `chaos-``.
fn ranks(text: &str) -> Result<BTreeMap<&str, usize>> {
    let names = text.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
        name.starts_with("chaos-").then_some(name)
    });
    let mut ranks = BTreeMap::new();
    for (rank, name) in names.enumerate() {
        ensure!(ranks.insert(name, rank).is_none(), "ARCHITECTURE.md lists `{name}` twice");
    }
    Ok(ranks)
}
