use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use super::{
    artifacts, build_folder,
    manifest::{self, Artifact, Manifest},
    write_changed,
};
use crate::{
    process::{Step, npm_install_within, run},
    root,
};

/// The component of the guest in JavaScript.
pub(super) const FILE: &str = "quoter.wasm";

const FOLDER: &str = "guests/quoter";

const SOURCES: [&str; 6] = [
    "guests/quoter/build.mjs",
    "guests/quoter/package-lock.json",
    "guests/quoter/package.json",
    "guests/quoter/quoter.js",
    "guests/quoter/wire.js",
    "crates/chaos-sandbox/wit/agent.wit",
];

/// Builds the component if its sources have changed: another build of the same sources gives other
/// bytes, and so another identity of the code, for nothing.
pub(super) fn generate(manifest: &mut Manifest) -> Result<()> {
    let made = manifest.get(FILE);
    if made.is_ok_and(|a| a.ensure_sources(FILE).and_then(|()| a.ensure_bytes(FILE)).is_ok()) {
        return Ok(());
    }
    // `npm ci` wants a lock of every optional package, and some of the tool's are not published.
    npm_install_within(FOLDER, "install")
        .context("Node 20 with npm is needed for the guest in JavaScript")?;
    let built = build_folder()?.join(FILE);
    run(Step::new("quoter", "node").arg("build.mjs").arg(&built).within(FOLDER))?;
    let component = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    let sources = manifest::hash(SOURCES.iter().map(PathBuf::from))?;
    let tools = [("componentize-qjs", tool()?)];
    write_changed(&artifacts().join(FILE), &component)?;
    let artifact = Artifact::new("strategy", &component, sources, &tools);
    manifest.artifacts.insert(FILE.to_owned(), artifact);
    Ok(())
}

/// The version of the tool, which `package.json` pins.
fn tool() -> Result<String> {
    let path = root().join(FOLDER).join("package.json");
    let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let package: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let version = package["devDependencies"]["componentize-qjs"].as_str();
    version.map(ToOwned::to_owned).context("package.json does not pin componentize-qjs")
}
