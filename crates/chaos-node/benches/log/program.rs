//! One command of the program as a process: how long, how much memory, how much written.

use std::{error::Error, path::Path, process::Command};

use serde_json::Value;

use crate::generate::PASSWORD;

/// Runs a command and prints its time, its peak of memory and what it wrote, as the system counts it
/// for children that ended.
const SCRIPT: &str = include_str!("measure.py");

/// What a process cost.
pub(crate) struct Cost {
    pub(crate) ms: f64,
    pub(crate) mb: f64,
    pub(crate) kb_written: f64,
}

/// A command on a data directory.
pub(crate) fn run(arguments: &[&str], data: &Path) -> Result<Cost, Box<dyn Error>> {
    let folder = data.to_str().ok_or("the folder's name is no text")?;
    let arguments = [arguments, &["--json", "--data", folder]].concat();
    costs(0, &arguments, &data.with_extension("heads"))
}

/// A command that ends with a code.
pub(crate) fn ended(code: u8, arguments: &[&str]) -> Result<Cost, Box<dyn Error>> {
    costs(code, arguments, Path::new("no-heads"))
}

fn costs(code: u8, arguments: &[&str], heads: &Path) -> Result<Cost, Box<dyn Error>> {
    let ran = Command::new("python3")
        .args(["-c", SCRIPT, &code.to_string(), env!("CARGO_BIN_EXE_chaoschain")])
        .args(arguments)
        .env("CHAOSCHAIN_PASSWORD", PASSWORD)
        .env("CHAOSCHAIN_HEADS", heads)
        .output()?;
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned().into());
    }
    let cost: Value = serde_json::from_slice(&ran.stdout)?;
    let number = |key: &str| cost[key].as_f64().ok_or_else(|| format!("no `{key}` in {cost}"));
    Ok(Cost { ms: number("ms")?, mb: number("mb")?, kb_written: number("kb_written")? })
}

/// The medians of several runs, each figure by itself.
pub(crate) fn median(
    rounds: usize,
    mut run: impl FnMut(usize) -> Result<Cost, Box<dyn Error>>,
) -> Result<Cost, Box<dyn Error>> {
    let costs = (0..rounds).map(&mut run).collect::<Result<Vec<_>, _>>()?;
    let middle = |of: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(of).collect();
        figures.sort_unstable_by(f64::total_cmp);
        figures[rounds / 2]
    };
    Ok(Cost {
        ms: middle(|cost| cost.ms),
        mb: middle(|cost| cost.mb),
        kb_written: middle(|cost| cost.kb_written),
    })
}
