//! What a change of rules did: predicted from the rows before it, scored on the rows after.
//!
//! A table of blocks with blob figures is scored on the market of blobs, a table of days on gas used. The
//! rules before and after are the chain's own by its schedule, or those that are named. A change that the
//! rows do not show is refused.

mod raise;

use std::{fmt, num::NonZeroUsize, path::Path, str::FromStr};

use chaos_history::{BlobBlock as BlobRow, Columns, FeeHistory, HistoryError, Rules};
use chaos_parameters::{
    Setting,
    pricing::{BlobRule, GAS_PER_BLOB},
};
use chaos_simulation::{
    Input, Program,
    change::{
        Row, Tally, Widening,
        blobs::{self, BlobBlock, Forecast},
    },
};
use chaos_types::{ChainId, Digest};
pub use raise::{Raise, RaiseOptions, Weeks, raise, read_days, weeks};
use serde::Serialize;

use crate::{
    Error,
    history::{self, CheckedHistory, ReadHistory},
    simulation::FEE_HISTORY,
};

/// Names the layout of [`BlobChange`] as JSON.
pub(crate) const CHANGE_FORMAT: &str = "chaos-simulation/change/1";

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// With this block.
    Block(u64),
    /// With the first block of this Unix time in seconds or later.
    Time(u64),
}

/// Numbers from here on are Unix times, below blocks: September 2001, and no chain has so many blocks.
const TIME_MIN: u64 = 1_000_000_000;

/// Why a text names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a block, a Unix time in seconds, or a time such as 2025-05-07 or 2025-05-07T10:05:11Z, found `{found}`"
)]
pub struct MomentError {
    /// The text, at most 80 characters of it.
    pub found: String,
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        if let Ok(number) = text.parse::<u64>() {
            return Ok(if number < TIME_MIN { Self::Block(number) } else { Self::Time(number) });
        }
        let time = chaos_history::parse_time(text);
        time.map(Self::Time).ok_or_else(|| MomentError { found: text.chars().take(80).collect() })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(number) => write!(f, "block {number}"),
            Self::Time(time) => write!(f, "Unix time {time}"),
        }
    }
}

/// What a file turned out to hold.
#[derive(Debug)]
pub enum Table {
    /// Blocks.
    Blocks(Box<ReadHistory>),
    /// Days; read them by [`read_days`].
    Days,
}

/// Reads a table of blocks, or says that it is one of days.
///
/// # Errors
/// If it is neither.
pub fn read(path: &Path, columns: &Columns) -> Result<Table, Error> {
    match history::read(path, columns) {
        Ok(history) => Ok(Table::Blocks(Box::new(history))),
        Err(Error::FeeHistory { source: HistoryError::Days { .. }, .. }) => Ok(Table::Days),
        Err(error) => Err(error),
    }
}

/// Whether a change is one of the market of blobs, if nobody says which market is meant: no row has a
/// base fee, the rule of blobs changes there, or is set.
#[must_use]
pub fn is_of_blobs(
    history: &ReadHistory,
    rules: &Rules,
    activation: Moment,
    settings: &[Setting],
) -> bool {
    let rows = history.history().blobs();
    let at = match activation {
        Moment::Block(number) => rows.partition_point(|row| row.number < number),
        Moment::Time(time) => rows.partition_point(|row| row.timestamp < time),
    };
    let rule =
        |row: Option<&BlobRow>| row.and_then(|row| rules.blobs_at(row.number, row.timestamp));
    let before = at.checked_sub(1).and_then(|at| rows.get(at));
    history.prices_no_gas()
        || (before.is_some() && at < rows.len() && rule(before) != rule(rows.get(at)))
        || settings.iter().any(|setting| setting.name().flag().starts_with("blob-"))
}

/// A chain's blobs over a change.
#[derive(Debug, Clone)]
pub struct BlobRequest {
    /// The chain.
    pub chain: ChainId,
    /// Its rules before the change.
    pub rules: Rules,
    /// When the change takes effect.
    pub activation: Moment,
    /// What changes; if nothing is set, what the chain's schedule says.
    pub settings: Vec<Setting>,
    /// Paths and lengths.
    pub options: blobs::Options,
    /// How many threads run. No result depends on it.
    pub threads: NonZeroUsize,
}

/// A change of the market of blobs, forecast and, as far as its blocks are there, scored.
#[derive(Debug, Clone, Serialize)]
pub struct BlobChange {
    /// `chaos-simulation/change/1`.
    pub format: &'static str,
    /// The program that made it.
    pub program: Program,
    /// The chain.
    pub chain: ChainId,
    /// The table.
    pub input: Input,
    /// The first block under the changed rule.
    pub activation_block: u64,
    /// Its Unix time in seconds, if it is there.
    pub activation_time: Option<u64>,
    /// The rule before.
    pub before: BlobTerms,
    /// The rule after.
    pub after: BlobTerms,
    /// Blocks scored; fewer than were predicted if the file ends or the rule changes again.
    pub scored_blocks: u64,
    /// Blocks that were asked for beyond those that the file holds under this rule.
    pub cut_blocks: u64,
    /// What was expected, and what came.
    pub forecast: Forecast,
    /// The counted rows; `None` if nothing is scored.
    pub tally: Option<Tally>,
}

/// A rule of blobs in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BlobTerms {
    /// Blobs per block at which the price stands still.
    pub target: u64,
    /// Most blobs in a block.
    pub max: u64,
    /// Blob gas that multiplies the price by e.
    pub update_fraction: u64,
    /// Execution gas whose price is the reserve price of a blob; zero for none.
    pub base_cost: u64,
}

impl From<&BlobRule> for BlobTerms {
    fn from(rule: &BlobRule) -> Self {
        let BlobRule { target, max, update_fraction, base_cost, .. } = *rule;
        Self { target, max, update_fraction, base_cost }
    }
}

/// Blocks with their rules, held to them, and where the change is.
struct Market {
    checked: CheckedHistory,
    blocks: Vec<BlobBlock>,
    /// The place of the first block under the changed rule.
    at: usize,
    activation_block: u64,
    after: BlobRule,
}

/// Forecasts and scores the market of blobs over a change.
///
/// # Errors
/// If the table does not follow its rules, the change is not shown by the blocks, or blocks are too few.
pub fn blobs(history: ReadHistory, request: &BlobRequest) -> Result<BlobChange, Error> {
    let market = market(history, request)?;
    let (before, after) = market.blocks.split_at(market.at);
    let same = after.iter().take_while(|block| block.rule == market.after).count();
    let after = &after[..same];
    let mut options = request.options;
    let asked = options.horizon_blocks;
    if !after.is_empty() {
        options.horizon_blocks = asked.min(after.len() as u64);
    }
    let mut forecast = blobs::forecast(before, &market.after, &options, request.threads)
        .map_err(Error::Predict)?;
    let mut tally = None;
    if !after.is_empty() {
        blobs::score(&mut forecast, after).map_err(Error::Predict)?;
        tally = Some(Tally::of(forecast.rows.iter(), forecast.rows.len() as u64));
    }
    let former = &before[before.len() - 1].rule;
    Ok(BlobChange {
        format: CHANGE_FORMAT,
        program: Program::this(),
        chain: request.chain.clone(),
        input: Input { name: FEE_HISTORY.to_owned(), digest: market.checked.digest },
        activation_block: market.activation_block,
        activation_time: after.first().map(|block| block.timestamp),
        before: former.into(),
        after: (&market.after).into(),
        scored_blocks: if after.is_empty() { 0 } else { options.horizon_blocks },
        cut_blocks: asked - options.horizon_blocks,
        forecast,
        tally,
    })
}

fn market(history: ReadHistory, request: &BlobRequest) -> Result<Market, Error> {
    let rows = history.history().blobs();
    let at = match request.activation {
        Moment::Block(number) => rows.partition_point(|row| row.number < number),
        Moment::Time(time) => rows.partition_point(|row| row.timestamp < time),
    };
    let (Some(last), first) = (at.checked_sub(1).and_then(|at| rows.get(at)), rows.get(at)) else {
        return Err(Error::NothingBefore { activation: request.activation.to_string() });
    };
    let activation_block = match request.activation {
        Moment::Block(number) => number,
        Moment::Time(_) => first.map_or(last.number + 1, |first| first.number),
    };
    let rules = request.rules;
    let no_blobs = || Error::NoBlobs { chain: request.chain.clone() };
    let parameters = rules.parameters_at(last.number, last.timestamp).ok_or_else(no_blobs)?;
    let former = rules.blobs_at(last.number, last.timestamp).ok_or_else(no_blobs)?;
    let set = parameters.apply(&request.settings)?;
    let rules = rules.changing_at(activation_block, set);
    let set = BlobRule::of(&set).ok_or_else(no_blobs)?;
    let shown = first.and_then(|first| rules.blobs_at(first.number, first.timestamp));
    let after = match shown {
        Some(shown) if request.settings.is_empty() || shown == set => shown,
        Some(shown) => {
            return Err(Error::OtherChange {
                block: activation_block,
                set: words(&set),
                shown: words(&shown),
            });
        }
        None => set,
    };
    let _: BlobRule = former;
    let checked = history.checked(rules)?;
    let blocks = with_rules(&checked.history, &checked.rules).ok_or_else(no_blobs)?;
    Ok(Market { checked, blocks, at, activation_block, after })
}

fn words(rule: &BlobRule) -> String {
    let BlobRule { target, max, update_fraction, base_cost, .. } = rule;
    format!(
        "blob-target={target} blob-max={max} blob-update-fraction={update_fraction} blob-base-cost={base_cost}"
    )
}

/// The blob figures with base fee and rule; `None` if the rule of one is not known.
fn with_rules(history: &FeeHistory, rules: &Rules) -> Option<Vec<BlobBlock>> {
    let mut fees = history.blocks().iter().peekable();
    let blobs = history.blobs().iter();
    blobs
        .map(|row| {
            while fees.next_if(|block| block.number < row.number).is_some() {}
            let fee = fees.peek().filter(|block| block.number == row.number);
            Some(BlobBlock {
                number: row.number,
                timestamp: row.timestamp,
                excess_blob_gas: row.excess_blob_gas,
                blobs: row.blob_gas_used / GAS_PER_BLOB,
                base_fee_wei: fee.and_then(|block| block.base_fee_wei),
                rule: rules.blobs_at(row.number, row.timestamp)?,
                reserved: None,
            })
        })
        .collect()
}

/// Windows without a change, forecast and scored one after the other.
#[derive(Debug, Clone, Serialize)]
pub struct BlobWindows {
    /// The chain.
    pub chain: ChainId,
    /// The digest of the table's rows.
    pub input: Digest,
    /// How each was made.
    pub options: blobs::Options,
    /// First blocks of the windows predicted.
    pub first_blocks: Vec<u64>,
    /// Windows in which the rule changes: those are events, and left out.
    pub with_changes: u64,
    /// The rows of each window.
    pub rows: Vec<Vec<Row>>,
    /// All counted rows; Wilson's interval goes by windows.
    pub tally: Tally,
}

/// Predicts window after window of a table without looking at the next; later intervals are widened by
/// how far off earlier ones were ([`Widening`]).
///
/// # Errors
/// As [`blobs()`], and if not one window fits.
pub fn blob_windows(history: ReadHistory, request: &BlobRequest) -> Result<BlobWindows, Error> {
    let checked = history.checked(request.rules)?;
    let no_blobs = || Error::NoBlobs { chain: request.chain.clone() };
    let blocks = with_rules(&checked.history, &checked.rules).ok_or_else(no_blobs)?;
    let length = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let (fit, horizon) =
        (length(request.options.fit_blocks), length(request.options.horizon_blocks));
    let mut found = BlobWindows {
        chain: request.chain.clone(),
        input: checked.digest,
        options: request.options,
        first_blocks: Vec::new(),
        with_changes: 0,
        rows: Vec::new(),
        tally: Tally::of(std::iter::empty(), 1),
    };
    let mut widening = Widening::default();
    let mut at = fit;
    while at.saturating_add(horizon) <= blocks.len() {
        let rule = blocks[at - 1].rule;
        let after = &blocks[at..at + horizon];
        if after.iter().any(|block| block.rule != rule) {
            found.with_changes += 1;
        } else {
            let before = &blocks[at - fit..at];
            let mut forecast = blobs::forecast(before, &rule, &request.options, request.threads)
                .map_err(Error::Predict)?;
            blobs::score(&mut forecast, after).map_err(Error::Predict)?;
            forecast.rows.iter_mut().for_each(|row| widening.next(row));
            found.first_blocks.push(after[0].number);
            found.rows.push(forecast.rows);
        }
        at += horizon.max(1);
    }
    if found.rows.is_empty() {
        return Err(Error::NoBlobWindow { blocks: blocks.len(), fit, horizon });
    }
    found.tally = Tally::of(found.rows.iter().flatten(), found.rows.len() as u64);
    Ok(found)
}

#[cfg(test)]
mod tests;
