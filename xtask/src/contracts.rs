//! What judges the contracts beside their own tests: gas, small wrong changes, a prover, an analyser.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{complain, process::npm_install, root};

/// How a script ends whose tool is missing (`contracts/scripts/tools.mjs`).
const NOT_RUN: i32 = 75;

/// The scripts of `contracts/package.json`, the shortest first.
const JUDGES: [&str; 4] = ["gas", "analyse", "laws", "mutate"];

/// Fails if a judge finds something; says so loudly where a judge's tool is missing.
pub(crate) fn check() -> Result<()> {
    npm_install()?;
    JUDGES.into_iter().try_for_each(judge)
}

fn judge(script: &str) -> Result<()> {
    complain(&format!("xtask: contracts: {script}"));
    let status = Command::new("npm")
        .args(["run", "--silent", script])
        .current_dir(root().join("contracts"))
        .status()
        .with_context(|| format!("cannot run `npm run {script}`"))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(NOT_RUN) => {
            complain(&format!("xtask: contracts: {script}: not run; the line above says why"));
            Ok(())
        }
        _ => bail!("contracts: {script} found something ({status})"),
    }
}
