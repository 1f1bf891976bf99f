//! The map is a test: imports point down, and ARCHITECTURE.md names exactly the crates that exist.
//!
//! The code map of ARCHITECTURE.md lists the crates from the bottom up. A crate may import only
//! crates listed above it, so the document's order is the layering and cannot drift from it.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{complain, process::cargo, root};

/// Checks the whole tree.
pub(crate) fn run() -> Result<()> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md"))
        .context("cannot read ARCHITECTURE.md")?;
    let ranks = ranks(&text)?;
    let metadata = metadata()?;
    let crates = members(&metadata)?;
    let mut problems = Vec::new();
    for name in crates.keys() {
        if !ranks.contains_key(name.as_str()) {
            problems.push(format!("ARCHITECTURE.md does not list the crate `{name}`"));
        }
    }
    for name in ranks.keys() {
        if !crates.contains_key(*name) {
            problems.push(format!("ARCHITECTURE.md lists `{name}`, which does not exist"));
        }
    }
    for (name, dependencies) in &crates {
        for dependency in dependencies {
            let (Some(own), Some(other)) =
                (ranks.get(name.as_str()), ranks.get(dependency.as_str()))
            else {
                continue;
            };
            if other >= own {
                problems.push(format!(
                    "`{name}` imports `{dependency}`, which ARCHITECTURE.md puts above it"
                ));
            }
        }
        for folder in ["src/utils.rs", "src/common.rs", "src/helpers.rs"] {
            if root().join("crates").join(name).join(folder).exists() {
                problems.push(format!("crates/{name}/{folder}: name what is in it"));
            }
        }
    }
    if problems.is_empty() {
        complain(&format!("xtask: tidy: {} crates, imports point down", crates.len()));
        return Ok(());
    }
    bail!("tidy:\n  {}", problems.join("\n  "))
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

fn metadata() -> Result<Value> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .context("cannot run `cargo metadata`")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

/// Every crate under `crates/` with the ones it imports outside tests.
fn members(metadata: &Value) -> Result<BTreeMap<String, Vec<String>>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut crates = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        if !name.starts_with("chaos-") {
            continue;
        }
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        ensure!(
            manifest.ends_with(&format!("crates/{name}/Cargo.toml")),
            "`{name}` does not live in crates/{name}"
        );
        let dependencies = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|dependency| dependency.starts_with("chaos-"))
            .map(ToOwned::to_owned)
            .collect();
        crates.insert(name.to_owned(), dependencies);
    }
    Ok(crates)
}
