//! How many public items nobody names: a number that may only fall.
//!
//! An item is named when its name stands outside its crate's `src/`: in another crate, in its own
//! `tests/` and `benches/`, in a fuzz target or a guest, or in an example of its own documentation. A
//! type is named as well when a signature, a public field or a variant of its own crate holds it,
//! since it is then part of something else that is public. What is left is public for nobody.
//!
//! Names are compared as words, so that one of two items with the same name hides the other: the
//! number is a lower bound, and good enough to fall.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::tree::{Crate, Tree};
use crate::{complain, root};

/// Where the number is kept.
const LIMIT: &str = "xtask/src/tidy/surface/limit";

/// Items of one of these kinds are counted.
const KINDS: [&str; 8] = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod"];
/// Those of them that signatures can hold.
const TYPES: [&str; 4] = ["struct", "enum", "trait", "type"];
/// What may stand between `pub` and the kind.
const QUALIFIERS: [&str; 3] = ["const", "async", "unsafe"];

type Words<'a> = BTreeSet<&'a str>;

pub(super) fn check(tree: &Tree) -> Result<Vec<String>> {
    let limit = fs::read_to_string(root().join(LIMIT)).with_context(|| LIMIT.to_owned())?;
    let limit: usize = limit.trim().parse().with_context(|| format!("{LIMIT}: `{limit}`"))?;
    let unnamed = unnamed(tree)?;
    let count = unnamed.len();
    if count > limit {
        let mut problems = vec![format!(
            "{count} public items are named nowhere outside their crate, {limit} are allowed \
             ({LIMIT}, which may only fall): make the new ones `pub(crate)`"
        )];
        problems.extend(unnamed);
        return Ok(problems);
    }
    if count < limit {
        complain(&format!("xtask: tidy: {LIMIT} can fall from {limit} to {count}"));
    }
    Ok(Vec::new())
}

/// The public items of the libraries that nobody names, each with its place.
fn unnamed(tree: &Tree) -> Result<Vec<String>> {
    let mut outside = Vec::new();
    for folder in ["fuzz/fuzz_targets", "fuzz/execution/fuzz_targets", "guests"] {
        texts(&root().join(folder), &mut outside)?;
    }
    let mut found = Vec::new();
    for (name, own) in tree.crates.iter().filter(|(_, own)| own.is_library()) {
        let mut beside = Vec::new();
        for folder in ["tests", "benches", "examples"] {
            texts(&root().join("crates").join(name).join(folder), &mut beside)?;
        }
        let mut named: Words<'_> = outside.iter().chain(&beside).flat_map(|t| words(t)).collect();
        for (other, sources) in &tree.crates {
            if other != name {
                named.extend(sources.sources.iter().flat_map(|source| words(&source.text)));
            }
        }
        named.extend(own.sources.iter().flat_map(|source| examples(&source.text)).flat_map(words));
        let held: Words<'_> = own.sources.iter().flat_map(|source| held(&source.text)).collect();
        found.extend(of_crate(own, &named, &held));
    }
    Ok(found)
}

fn of_crate(own: &Crate, named: &Words<'_>, held: &Words<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for source in &own.sources {
        for (number, line) in (1..).zip(source.text.lines()) {
            let Some((kind, name)) = item(line) else { continue };
            let is_held = TYPES.contains(&kind) && held.contains(name);
            if !named.contains(name) && !is_held {
                found.push(format!("{}:{number}: `pub {kind} {name}`", source.path));
            }
        }
    }
    found
}

/// The kind and the name of the public item that a line begins.
fn item(line: &str) -> Option<(&str, &str)> {
    let mut words = line.trim_start().strip_prefix("pub ")?.split(' ').peekable();
    while words.peek().is_some_and(|word| QUALIFIERS.contains(word)) {
        let word = words.next()?;
        // `pub const NAME` against `pub const fn name`.
        if word == "const" && !words.peek().is_some_and(|next| KINDS.contains(next)) {
            return Some(("const", self::words(words.next()?).next()?));
        }
    }
    let kind = words.next().filter(|word| KINDS.contains(word))?;
    Some((kind, self::words(words.next()?).next()?))
}

/// The lines of the examples in a file's documentation.
fn examples(text: &str) -> impl Iterator<Item = &str> {
    let mut within = false;
    text.lines().filter_map(move |line| {
        let line = line.trim_start();
        let said = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        if said.is_none_or(|said| said.trim_start().starts_with("```")) {
            within = said.is_some() && !within;
            return None;
        }
        said.filter(|_| within)
    })
}

/// The words of signatures, public fields, variants and associated types.
fn held(text: &str) -> impl Iterator<Item = &str> {
    let (mut in_enum, mut in_signature) = (false, false);
    text.lines().flat_map(move |line| {
        let code = line.trim();
        if code.starts_with("//") {
            return Vec::new();
        }
        if code.starts_with("pub enum ") {
            in_enum = !code.ends_with('}');
            return Vec::new();
        }
        if in_enum {
            in_enum = !line.starts_with('}');
            return words(code).collect();
        }
        let begins = code.starts_with("pub ") || code.starts_with("type ");
        if !begins && !in_signature {
            return Vec::new();
        }
        let own = if in_signature { None } else { item(line).map(|(_, name)| name) };
        let ended = code.ends_with('{') || code.ends_with(';') || code.ends_with('}');
        let field = !in_signature && code.ends_with(',') && !code.contains('(');
        in_signature = !ended && !field;
        words(code).filter(|word| Some(*word) != own).collect()
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

/// Every Rust file below a folder that may be absent; links are not followed.
fn texts(folder: &Path, into: &mut Vec<String>) -> Result<()> {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.with_context(|| format!("{}", folder.display()))?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() && entry.file_name() != "node_modules" {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|found| found == "rs") {
                into.push(fs::read_to_string(&path).with_context(|| path.display().to_string())?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
