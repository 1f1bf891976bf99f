//! Raises of a gas limit, on tables of days.

use std::{fs::File, io::BufReader, num::NonZeroU64, path::Path};

use chaos_history::DayTable;
use chaos_history::Rules;
use chaos_parameters::{ParameterName as P, Parameters, Setting};
use chaos_simulation::{
    Input, Program,
    change::{
        Row, Tally,
        days::{self, Backtest, Day, Pricing, Request},
    },
};
use chaos_types::ChainId;
use serde::Serialize;

use super::{CHANGE_FORMAT, Moment};
use crate::{Error, simulation::FEE_HISTORY};

/// What is asked of a table of days.
#[derive(Debug, Clone)]
pub struct RaiseOptions {
    /// The chain.
    pub chain: ChainId,
    /// Its rules before the change.
    pub rules: Rules,
    /// What changes, beside what the days show of the gas limit.
    pub settings: Vec<Setting>,
    /// Days of each window.
    pub window_days: usize,
}

/// A raise, forecast and scored.
#[derive(Debug, Clone, Serialize)]
pub struct Raise {
    /// `chaos-simulation/change/1`.
    pub format: &'static str,
    /// The program that made it.
    pub program: Program,
    /// The chain.
    pub chain: ChainId,
    /// The table.
    pub input: Input,
    /// How gas is priced before.
    pub before: Pricing,
    /// How it is priced after.
    pub after: Pricing,
    /// Whether the new limit was named, or is what the days show.
    pub limit_named: bool,
    /// Windows and figures.
    pub backtest: Backtest,
    /// The counted rows.
    pub tally: Tally,
}

/// Reads a table of days.
///
/// # Errors
/// If it is none.
pub fn read_days(path: &Path) -> Result<DayTable, Error> {
    let cannot = |source| Error::Read { path: path.to_owned(), source };
    let reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(cannot)?);
    DayTable::read(reader).map_err(|source| Error::Days { path: path.to_owned(), source })
}

/// An elasticity multiplier of one is a block that is as large as its target: an auction.
fn pricing(parameters: &Parameters) -> Pricing {
    match parameters.elasticity_multiplier() {
        0 | 1 => Pricing::Auction,
        elasticity_multiplier => Pricing::BaseFee {
            elasticity_multiplier,
            change_denominator: parameters.base_fee_change_denominator(),
        },
    }
}

/// Before London, Ethereum's blocks had an auction; its table of rules begins with its base fee.
const LONDON_DAY: u64 = 1_628_121_600;

fn rules_of(options: &RaiseOptions, time: u64) -> Result<(Parameters, Parameters), Error> {
    let rules = options.rules;
    let before = rules.parameters_at(u64::MAX, time).ok_or(Error::NoBaseFee)?;
    Ok((before, before.apply(&options.settings)?))
}

fn request(options: &RaiseOptions, time: u64) -> Result<Request, Error> {
    let (before, after) = rules_of(options, time)?;
    let limit = options.settings.iter().find(|setting| setting.name() == P::GasLimit);
    let auction = !options.rules.are_named()
        && options.chain.evm_number() == Some(1)
        && time <= LONDON_DAY
        && options.settings.iter().all(|setting| setting.name() == P::GasLimit);
    let (from, to) = if auction {
        let to = if time == LONDON_DAY { pricing(&after) } else { Pricing::Auction };
        (Pricing::Auction, to)
    } else {
        (pricing(&before), pricing(&after))
    };
    if auction && to != Pricing::Auction {
        return Err(Error::NeedsBlockTime);
    }
    Ok(Request {
        window_days: options.window_days,
        before: from,
        after: to,
        gas_limit: limit.map(|setting| setting.value()),
        block_time_ms: NonZeroU64::new(before.block_time_ms()).unwrap_or(NonZeroU64::MIN),
    })
}

/// Forecasts and scores the days after a raise.
///
/// # Errors
/// If the activation is no time, the settings are refused, or days are too few.
pub fn raise(table: &DayTable, activation: Moment, options: &RaiseOptions) -> Result<Raise, Error> {
    let Moment::Time(time) = activation else {
        return Err(Error::DaysByTime { activation: activation.to_string() });
    };
    let request = request(options, time)?;
    let backtest = days::backtest(table.days(), time, &request).map_err(Error::Predict)?;
    ensure_shown(table.days(), &backtest, request.gas_limit)?;
    Ok(Raise {
        format: CHANGE_FORMAT,
        program: Program::this(),
        chain: options.chain.clone(),
        input: Input { name: FEE_HISTORY.to_owned(), digest: table.digest() },
        before: request.before,
        after: request.after,
        limit_named: request.gas_limit.is_some(),
        tally: Tally::of(backtest.rows.iter(), 1),
        backtest,
    })
}

/// A named limit is the one that the scored days have, within 2 %.
fn ensure_shown(days: &[Day], backtest: &Backtest, named: Option<u64>) -> Result<(), Error> {
    let Some(to) = named else { return Ok(()) };
    let from = days.partition_point(|day| day.timestamp < backtest.after_from);
    let window = usize::try_from(backtest.window_days).unwrap_or(1);
    let mut limits: Vec<u64> = days[from..].iter().take(window).map(|day| day.gas_limit).collect();
    limits.sort_unstable();
    let found = limits.get(limits.len() / 2).copied().unwrap_or(0);
    if found.abs_diff(to) > to / 50 {
        let from = backtest.gas_limit_before;
        return Err(Error::OtherLimit { day: backtest.after_from, found, from, to });
    }
    Ok(())
}

/// Windows of days, forecast one after the other as if nothing changed but the limit that they have.
#[derive(Debug, Clone, Serialize)]
pub struct Weeks {
    /// The chain.
    pub chain: ChainId,
    /// The table.
    pub input: Input,
    /// Days of each window.
    pub window_days: u64,
    /// Unix time of each window's first day.
    pub first_days: Vec<u64>,
    /// Windows in which the limit was raised, left out.
    pub with_raises: u64,
    /// The rows of each.
    pub rows: Vec<Vec<Row>>,
    /// Counted rows; Wilson's interval goes by windows.
    pub tally: Tally,
}

/// Predicts window after window of the days from `from` on (Unix seconds).
///
/// # Errors
/// If not one window fits.
pub fn weeks(table: &DayTable, from: u64, options: &RaiseOptions) -> Result<Weeks, Error> {
    let days = table.days();
    let mut found = Weeks {
        chain: options.chain.clone(),
        input: Input { name: FEE_HISTORY.to_owned(), digest: table.digest() },
        window_days: options.window_days as u64,
        first_days: Vec::new(),
        with_raises: 0,
        rows: Vec::new(),
        tally: Tally::of(std::iter::empty(), 1),
    };
    let mut at = days.partition_point(|day| day.timestamp < from).max(3 * options.window_days);
    while let Some(window) = days.get(at..at + options.window_days) {
        let time = window[0].timestamp;
        let asked = match request(options, time) {
            // The week in which auctions end is an event.
            Err(Error::NeedsBlockTime) => {
                found.with_raises += 1;
                at += options.window_days;
                continue;
            }
            asked => asked?,
        };
        let backtest = days::backtest(days, time, &asked).map_err(Error::Predict)?;
        let (low, high) = (backtest.gas_limit_before, backtest.gas_limit_after);
        if low.abs_diff(high) * 50 >= low {
            found.with_raises += 1;
        } else {
            found.first_days.push(time);
            found.rows.push(backtest.rows);
        }
        at += options.window_days;
        if days.len() - at < 2 * options.window_days {
            break;
        }
    }
    if found.rows.is_empty() {
        return Err(Error::NoBlobWindow {
            blocks: days.len(),
            fit: 3 * options.window_days,
            horizon: options.window_days,
        });
    }
    found.tally = Tally::of(found.rows.iter().flatten(), found.rows.len() as u64);
    Ok(found)
}
