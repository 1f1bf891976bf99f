//! Which blocks were studied and why the figures deserve belief.

use super::Part;

/// Which blocks were studied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The ranges and why they were chosen, one sentence each.
    pub blocks: Vec<String>,
    /// How many blocks of which kind, as (what, how many).
    pub sample: Vec<(String, u64)>,
    /// What was left out and why, one sentence each.
    pub exclusions: Vec<String>,
}

/// What was checked before anything was concluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validation {
    /// Re-execution of recorded blocks under their own rules.
    pub replay: Part<Replay>,
    /// Base-fee transitions that the rule reproduces, as (reproduced, all).
    pub base_fee_rule: Part<(u64, u64)>,
    /// The model's baseline beside the observed blocks.
    pub model: Part<Vec<ModelRow>>,
    /// The model's forecasts of past changes against what happened.
    pub backtests: Part<Vec<Backtest>>,
    /// How often intervals held what they promised.
    pub coverage: Part<Vec<Coverage>>,
    /// What a reader should know about these checks, one sentence each.
    pub notes: Vec<String>,
}

/// Re-execution of recorded blocks compared with their headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replay {
    /// Blocks executed again.
    pub blocks: u64,
    /// Of those, blocks whose gas equals the header's.
    pub gas_matched: u64,
    /// Blocks whose receipts root could be compared.
    pub roots_comparable: u64,
    /// Of those, blocks whose receipts root equals the header's.
    pub roots_matched: u64,
    /// Reads outside the recorded state.
    pub unknown_reads: u64,
    /// Transactions of kinds that are not executed.
    pub skipped_transactions: u64,
}

/// A figure of the observed blocks beside the baseline model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRow {
    /// What it is called on screen.
    pub label: String,
    /// Unit of both numbers.
    pub unit: String,
    /// In the observed blocks.
    pub observed: i128,
    /// In the model's baseline.
    pub modelled: i128,
}

/// A forecast of a past change against what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backtest {
    /// The change, such as `London's launch, block 12,965,000`.
    pub what: String,
    /// What was fitted on what, in one sentence.
    pub how: String,
    /// The scored metrics.
    pub rows: Vec<BacktestRow>,
}

/// One scored metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BacktestRow {
    /// What it is called on screen.
    pub label: String,
    /// Unit.
    pub unit: String,
    /// 10th percentile of the forecast.
    pub p10: i128,
    /// Median of the forecast.
    pub p50: i128,
    /// 90th percentile of the forecast.
    pub p90: i128,
    /// What happened.
    pub actual: i128,
}

/// How often an interval held the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// What it is called on screen.
    pub label: String,
    /// Share promised, in ppm.
    pub nominal_ppm: u32,
    /// How often it held.
    pub hits: u64,
    /// Out of how many.
    pub trials: u64,
}

/// What changed in a version of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// Date or version.
    pub version: String,
    /// What changed and why.
    pub text: String,
    /// Figures that this version replaced.
    pub superseded: Vec<Superseded>,
}

/// A figure that was published and no longer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// What it is a figure of.
    pub what: String,
    /// As it was published.
    pub was: String,
    /// As it is now.
    pub is: String,
}
