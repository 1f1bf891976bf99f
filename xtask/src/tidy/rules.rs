//! The rules of clippy that hold for the workspace hold for every crate.
//!
//! A crate's `clippy.toml` takes the place of the root's, so that it repeats the root's lines before
//! it adds its own.

use std::fs;

use anyhow::{Context, Result};

use super::tree::Tree;
use crate::root;

const FILE: &str = "clippy.toml";

pub(super) fn check(tree: &Tree) -> Result<Vec<String>> {
    let rules = fs::read_to_string(root().join(FILE)).context("cannot read clippy.toml")?;
    let mut problems = Vec::new();
    for name in tree.crates.keys() {
        let Ok(own) = fs::read_to_string(root().join("crates").join(name).join(FILE)) else {
            continue;
        };
        let left_out =
            rules.lines().map(rule).filter(|rule| !own.lines().any(|o| self::rule(o) == *rule));
        problems.extend(
            left_out.map(|rule| format!("crates/{name}/{FILE} leaves out the root's `{rule}`")),
        );
    }
    Ok(problems)
}

/// A line without the reason, which may be the crate's own.
fn rule(line: &str) -> &str {
    line.split(", reason =").next().unwrap_or(line).trim()
}
