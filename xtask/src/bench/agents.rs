//! Our market of single transactions against an agent run in plain Python, on the same scenario.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::row::Row;
use crate::{
    process::{self, Step},
    root,
};

/// The measure.
pub(crate) const MEASURE: &str = "agent_python";
/// Our side, as the market's bench prints it, and how much busier a block it may be compared on.
const OURS: &str = "agents";
const OURS_TRANSACTIONS: &str = "agents_transactions";
/// The other side.
const SCRIPT: &str = "sdk/python/benches/agent_run.py";
/// Runs of the other side; the median counts.
const RUNS: usize = 3;

/// Blocks per second of both sides.
pub(crate) fn measure(rows: &[Row]) -> Result<Row> {
    let figure = |measure: &str| rows.iter().find(|row| row.measure == measure);
    let ours = figure(OURS).with_context(|| format!("`{OURS}` was not measured"))?;
    if !root().join(SCRIPT).is_file() {
        bail!("{SCRIPT} is not there");
    }
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let mut answer = None;
        process::lines(Step::new(MEASURE, "python3").arg(SCRIPT), |line| {
            answer = serde_json::from_str::<Value>(line).ok();
        })?;
        let answer = answer.with_context(|| format!("{SCRIPT} printed no figures"))?;
        runs.push(figures(&answer)?);
    }
    runs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (reference, transactions) = runs[RUNS / 2];
    if let Some(here) = figure(OURS_TRANSACTIONS) {
        crate::complain(&format!(
            "xtask: {MEASURE}: {transactions} transactions per block there, {} here",
            here.value
        ));
    }
    Ok(Row {
        measure: MEASURE.to_owned(),
        value: ours.value,
        unit: ours.unit.clone(),
        reference: Some(reference),
        ratio: Some(ours.value / reference),
    })
}

/// Blocks per second, and transactions per block.
fn figures(answer: &Value) -> Result<(f64, f64)> {
    let number = |key: &str| {
        answer[key].as_f64().with_context(|| format!("{SCRIPT} printed no number `{key}`"))
    };
    Ok((number("blocks_per_s")?, number("transactions_per_block")?))
}
