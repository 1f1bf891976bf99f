use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::root;

const FORMAT: &str = "chaoschain/guests/1";

/// Paths from the repository's root, with `/`, and the SHA-256 of each file.
pub(super) type Files = BTreeMap<String, String>;

/// What is known of every artifact.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) artifacts: BTreeMap<String, Artifact>,
}

/// How one artifact came to be.
#[derive(Debug)]
pub(super) struct Artifact {
    /// The world it exports.
    pub(super) world: String,
    /// SHA-256 of the component.
    pub(super) sha256: String,
    /// Size of the component.
    pub(super) bytes: u64,
    /// What it was made from.
    pub(super) sources: Files,
    /// What it was made with.
    pub(super) tools: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn path() -> PathBuf {
        root().join("guests/artifacts/manifest.json")
    }

    pub(super) fn read() -> Result<Self> {
        let path = Self::path();
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
        let value: Value =
            serde_json::from_str(&text).with_context(|| format!("{shown} is not JSON"))?;
        ensure!(value["format"] == FORMAT, "{shown}: expected the format {FORMAT}");
        let entries = value["artifacts"].as_object().context("the manifest has no artifacts")?;
        let artifacts = entries
            .iter()
            .map(|(name, entry)| {
                let artifact = Artifact::read(entry).with_context(|| format!("{shown}: {name}"))?;
                Ok((name.clone(), artifact))
            })
            .collect::<Result<_>>()?;
        Ok(Self { artifacts })
    }

    pub(super) fn get(&self, file: &str) -> Result<&Artifact> {
        self.artifacts
            .get(file)
            .with_context(|| format!("guests/artifacts/manifest.json does not list {file}"))
    }

    pub(super) fn to_text(&self) -> Result<String> {
        let artifacts: BTreeMap<_, _> = self
            .artifacts
            .iter()
            .map(|(name, artifact)| {
                let entry = json!({
                    "world": artifact.world,
                    "sha256": artifact.sha256,
                    "bytes": artifact.bytes,
                    "sources": artifact.sources,
                    "tools": artifact.tools,
                });
                (name, entry)
            })
            .collect();
        let manifest = json!({ "format": FORMAT, "artifacts": artifacts });
        Ok(serde_json::to_string_pretty(&manifest)? + "\n")
    }
}

impl Artifact {
    pub(super) fn new(
        world: &str,
        component: &[u8],
        sources: Files,
        tools: &[(&'static str, String)],
    ) -> Self {
        Self {
            world: world.to_owned(),
            sha256: digest(component),
            bytes: component.len() as u64,
            sources,
            tools: tools
                .iter()
                .map(|(tool, version)| ((*tool).to_owned(), version.clone()))
                .collect(),
        }
    }

    fn read(entry: &Value) -> Result<Self> {
        let text = |value: &Value, field: &str| {
            value.as_str().map(ToOwned::to_owned).with_context(|| format!("{field} is no text"))
        };
        let map = |field: &str| -> Result<BTreeMap<String, String>> {
            let entries = entry[field].as_object().with_context(|| format!("no {field}"))?;
            entries.iter().map(|(name, value)| Ok((name.clone(), text(value, name)?))).collect()
        };
        Ok(Self {
            world: text(&entry["world"], "world")?,
            sha256: text(&entry["sha256"], "sha256")?,
            bytes: entry["bytes"].as_u64().context("bytes is no number")?,
            sources: map("sources")?,
            tools: map("tools")?,
        })
    }

    /// The committed file must be the one that was made.
    pub(super) fn ensure_bytes(&self, name: &str) -> Result<()> {
        let path = root().join("guests/artifacts").join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let found = digest(&bytes);
        ensure!(
            found == self.sha256,
            "guests/artifacts/{name} is not what manifest.json records: expected SHA-256 {}, found \
             {found}; run `cargo xtask gen`",
            self.sha256
        );
        Ok(())
    }

    /// Every file that the artifact was made from must be as it was then.
    pub(super) fn ensure_sources(&self, name: &str) -> Result<()> {
        for (path, recorded) in &self.sources {
            let now = fs::read(root().join(path)).map(|bytes| digest(&bytes));
            if !now.is_ok_and(|now| now == *recorded) {
                bail!(
                    "guests/artifacts/{name} is stale: {path} has changed since; run `cargo xtask gen`"
                );
            }
        }
        Ok(())
    }
}

/// SHA-256 in lower-case hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digests of files named from the repository's root.
pub(super) fn hash(paths: impl Iterator<Item = PathBuf>) -> Result<Files> {
    paths
        .map(|path| {
            let bytes = fs::read(root().join(&path))
                .with_context(|| format!("cannot read {}", path.display()))?;
            Ok((path.to_string_lossy().replace('\\', "/"), digest(&bytes)))
        })
        .collect()
}

/// The paths in a dependency file of cargo: `target: path path`, a blank in a path escaped.
pub(super) fn noted(text: &str) -> Vec<PathBuf> {
    let Some((_, list)) = text.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let paths = list.replace("\\ ", "\0");
    paths.split(' ').map(|path| tidy(Path::new(&path.replace('\0', " ")))).collect()
}

/// The path without `..`, which cargo leaves in the paths of crates outside the workspace.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            tidied.pop();
        } else {
            tidied.push(part);
        }
    }
    tidied
}

/// The version of a package in a lock file, which must have just one.
pub(super) fn locked(lock: &str, package: &str) -> Result<String> {
    let name = format!("name = \"{package}\"");
    let versions: Vec<&str> = lock
        .split("[[package]]")
        .filter(|entry| entry.lines().any(|line| line == name))
        .filter_map(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")))
        .collect();
    let [version] = versions[..] else {
        bail!("guests/Cargo.lock has {} versions of {package}, expected one", versions.len());
    };
    Ok(version.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests;
