//! Other people's implementations judge what a demo leaves and what a log serves.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{
    complain,
    process::{Step, cargo, executables, npm_install, target},
    root,
};

/// How `interop/run.sh` ends if a tool is missing.
const NOT_RUN: i32 = 75;

/// Fails if a judge disagrees; says so loudly where the judges' tools are missing.
pub(crate) fn check() -> Result<()> {
    npm_install()?;
    let built =
        executables(Step::new("build", cargo()).args(["build", "--package", "chaos-node"]))?;
    let program = built.first().context("cargo names no program that it built")?;
    let script = root().join("interop/run.sh");
    complain("xtask: interop");
    let status = Command::new(&script)
        .arg(program)
        .env("INTEROP_ENV", target()?.join("interop"))
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot run {}", script.display()))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(NOT_RUN) => {
            complain(
                "xtask: interop: not run, no judge has seen anything; the line above says why",
            );
            Ok(())
        }
        _ => bail!("interop: a judge disagrees ({status})"),
    }
}
