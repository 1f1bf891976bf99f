//! What the checks look at: the crates, what they import, and their source files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{process::metadata, root};

/// The workspace as the checks see it.
#[derive(Debug)]
pub(super) struct Tree {
    /// The code map with the layers' order.
    pub(super) architecture: String,
    /// Every crate under `crates/` by name.
    pub(super) crates: BTreeMap<String, Crate>,
}

/// A crate.
#[derive(Debug)]
pub(super) struct Crate {
    /// The workspace's crates that it imports outside tests.
    pub(super) imports: Vec<String>,
    /// The Rust files under `src/` that are not tests, in order.
    pub(super) sources: Vec<Source>,
}

/// A source file.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path from the workspace's root, with slashes.
    pub(super) path: String,
    /// Its path from the crate's `src/`.
    pub(super) module: String,
    /// What it holds, without the test modules at its end.
    pub(super) text: String,
}

impl Crate {
    /// Whether others can import it.
    pub(super) fn is_library(&self) -> bool {
        self.sources.iter().any(|source| source.module == "lib.rs")
    }
}

impl Tree {
    pub(super) fn read() -> Result<Self> {
        let architecture = fs::read_to_string(root().join("ARCHITECTURE.md"))
            .context("cannot read ARCHITECTURE.md")?;
        let metadata = metadata()?;
        let packages =
            metadata["packages"].as_array().context("cargo metadata lists no packages")?;
        let mut crates = BTreeMap::new();
        for package in packages {
            let name = package["name"].as_str().unwrap_or_default();
            if !name.starts_with("chaos-") {
                continue;
            }
            let manifest = package["manifest_path"].as_str().unwrap_or_default();
            ensure!(
                Path::new(manifest).ends_with(format!("crates/{name}/Cargo.toml")),
                "`{name}` does not live in crates/{name}"
            );
            let sources = sources(&root().join("crates").join(name).join("src"))?;
            crates.insert(name.to_owned(), Crate { imports: imports(package), sources });
        }
        Ok(Self { architecture, crates })
    }
}

fn imports(package: &Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|name| name.starts_with("chaos-"))
        .map(ToOwned::to_owned)
        .collect()
}

/// Every Rust file below a crate's `src/` but its tests, which lie in `tests.rs` or `tests/`.
fn sources(src: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let path = entry?.path();
            if path.file_stem().is_some_and(|stem| stem == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(source(src, path)?);
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn source(src: &Path, path: PathBuf) -> Result<Source> {
    let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    // A short file keeps its tests at its end.
    let text = match text.find("\n#[cfg(test)]\nmod tests {") {
        Some(end) => text[..end].to_owned(),
        None => text,
    };
    let slashed = |path: &Path| path.to_string_lossy().replace('\\', "/");
    let module = slashed(path.strip_prefix(src).context("a source outside its crate")?);
    let path = slashed(path.strip_prefix(root()).context("a source outside the workspace")?);
    Ok(Source { path, module, text })
}
