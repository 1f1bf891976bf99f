//! Gas used, and the price paid, after a raise of the gas limit: from a table of days.
//!
//! A base-fee rule steers use to its target, so that use after a raise follows from the target and says
//! nothing about demand: `use before x target after / target before`. Where a first-price auction gives
//! way to a base fee, use has no steered level before, and the target is overshot by the middle of what
//! the rule allows. The price answers by demand's elasticity, whose posterior is so
//! wide that price rows are shown and not counted.

use std::num::NonZeroU64;

use chaos_parameters::fixed;
use serde::Serialize;

use super::{
    Error, Row, Scale, Standing, ensure,
    past::Past,
    spread::{POINTS, exp_q32, ln_ppm, normal_q32, uniform_ppm},
};
use crate::{forecast::Quantiles, result::Decimal};

/// The elasticity of demand for gas: lognormal, its median and the deviation of its ln (0.25, 80 % 0.12
/// to 0.51), from fee shocks in three histories and five raises.
const ELASTICITY_PPM: i64 = 250_000;
const ELASTICITY_LN_SD_PPM: i64 = 550_000;

/// Past windows whose changes make the errors of the naive forecast.
const PAST_WINDOWS: usize = 26;

/// A change of the limit by so much between windows is a raise, and no error of a price forecast: 2 %.
const RAISE_LN_PPM: i128 = 20_000;

/// The share of the way after which a ramp counts as over: nine tenths.
const SETTLED_PPM: i128 = 900_000;

/// Most days that a ramp may take.
const RAMP_DAYS_MAX: usize = 21;

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// One day of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Unix time of its start in seconds.
    pub timestamp: u64,
    /// Mean gas limit of its blocks.
    pub gas_limit: u64,
    /// Gas that its transactions used.
    pub gas_used: u64,
    /// Mean price paid per gas in wei, tips included; `None` if it is not known.
    pub price_wei: Option<u128>,
}

/// How a chain's price of gas comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Pricing {
    /// By a first-price auction: blocks are as full as demand makes them.
    Auction,
    /// By a base fee that steers use to a target.
    BaseFee {
        /// Gas limit over target.
        elasticity_multiplier: u64,
        /// Reciprocal of the largest change of the base fee per target of gas.
        change_denominator: u64,
    },
}

impl Pricing {
    /// What use is steered to at a limit, or what it is a share of.
    fn target(self, gas_limit: u64) -> u64 {
        match self {
            Self::Auction => gas_limit,
            Self::BaseFee { elasticity_multiplier, .. } => gas_limit / elasticity_multiplier.max(1),
        }
    }
}

/// What is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Days of each window, 3 to 60.
    pub window_days: usize,
    /// Rule before.
    pub before: Pricing,
    /// Rule after.
    pub after: Pricing,
    /// The gas limit after; `None` takes what it was raised to, which blocks state and no model says.
    pub gas_limit: Option<u64>,
    /// Milliseconds from block to block, for the target of a day where none was steered to before.
    pub block_time_ms: NonZeroU64,
}

/// A raise, forecast and scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backtest {
    /// Days of each window.
    pub window_days: u64,
    /// Unix time of the first day of the window before.
    pub before_from: u64,
    /// Unix time of the activation's day.
    pub activation: u64,
    /// Unix time of the first day scored: the first after the ramp.
    pub after_from: u64,
    /// Median gas limit of the window before.
    pub gas_limit_before: u64,
    /// The gas limit after.
    pub gas_limit_after: u64,
    /// Past changes from window to window that the errors come from.
    pub past_windows: u64,
    /// Figures.
    pub rows: Vec<Row>,
}

/// By how much use exceeds the target at most, in ppm, when every block is full or empty and the base fee
/// stays where it is.
///
/// Of the blocks a share `p` is full with `p ln(1 + (E-1)/D) + (1-p) ln(1 - 1/D) = 0`; use is then
/// `p E` targets. With every block at its target there is no overshoot at all.
fn overshoot_ppm(elasticity_multiplier: u64, change_denominator: u64) -> i128 {
    let (e, d) = (elasticity_multiplier.max(1), change_denominator.max(2));
    let ln = |over: u64| {
        let of = |value: u64| fixed::ln_q32(u128::from(value) << 40);
        i128::from(of(over) - of(d))
    };
    let (rise, fall) = (ln(d + e - 1), -ln(d - 1));
    let whole = i128::from(e) * 1_000_000 * fall;
    whole.checked_div(rise + fall).map_or(0, |use_ppm| use_ppm - 1_000_000)
}

/// Forecasts the days after a raise from those before it, and scores them.
///
/// Of the days from the activation on, the forecast reads the new limit alone, and that only if the request
/// does not name it; the ramp decides which days are scored.
///
/// # Errors
/// If days are missing or too few, or the window is out of bounds.
pub fn backtest(days: &[Day], activation: u64, request: &Request) -> Result<Backtest, Error> {
    let window = request.window_days;
    ensure("window in days", 3, 60, window as u64)?;
    let at = days.partition_point(|day| day.timestamp + DAY_S <= activation);
    let (past, coming) = days.split_at(at);
    let few = |what, found: usize, min: usize| Error::TooFew {
        what,
        unit: "days",
        found: found as u64,
        min: min as u64,
    };
    if past.len() < 3 * window {
        return Err(few("days before the activation", past.len(), 3 * window));
    }
    if coming.len() < window {
        return Err(few("days from the activation on", coming.len(), window));
    }
    let before = &past[past.len() - window..];
    let limit_before = median(before.iter().map(|day| day.gas_limit.into()));
    let limit_after = request.gas_limit.map_or_else(|| reached(coming, window), u128::from);
    let settled = settled(coming, limit_before, limit_after);
    let after = coming.get(settled..settled + window);
    let after = after.ok_or_else(|| few("days after the ramp", coming.len() - settled, window))?;
    let kept = past.len().min((PAST_WINDOWS + 1) * window);
    ensure_daily(&past[past.len() - kept..])?;
    ensure_daily(&coming[..settled + window])?;
    let windows: Vec<Window> =
        past[past.len() - kept..].rchunks_exact(window).map(Window::of).collect();
    let limits = (ln_ppm(limit_before), ln_ppm(limit_after));
    let rows = vec![
        used(&windows, limits, request).observed(Window::of(after).used),
        price(&windows, limits, request).observed_price(Window::of(after).price),
    ];
    Ok(Backtest {
        window_days: window as u64,
        before_from: before[0].timestamp,
        activation,
        after_from: after[0].timestamp,
        gas_limit_before: u64::try_from(limit_before).unwrap_or(u64::MAX),
        gas_limit_after: u64::try_from(limit_after).unwrap_or(u64::MAX),
        past_windows: windows.len() as u64 - 1,
        rows,
    })
}

/// The limit that a raise led to: the median of the window that begins a window after the activation, or of
/// the last days there are.
fn reached(coming: &[Day], window: usize) -> u128 {
    let end = coming.len().min(2 * window);
    median(coming[end - window..end].iter().map(|day| day.gas_limit.into()))
}

/// The first day after the ramp: the one after that on which nine tenths of the way were made.
fn settled(coming: &[Day], before: u128, after: u128) -> usize {
    let way = after.abs_diff(before);
    // Without a raise there is no ramp.
    if way * 50 < before {
        return 0;
    }
    let made = |day: &Day| {
        let left = u128::from(day.gas_limit).abs_diff(after);
        i128::try_from(left * 1_000_000 / way).unwrap_or(i128::MAX) <= 1_000_000 - SETTLED_PPM
    };
    let ramp = coming.iter().take(RAMP_DAYS_MAX).position(made);
    ramp.map_or(0, |day| day + 1)
}

fn ensure_daily(days: &[Day]) -> Result<(), Error> {
    for pair in days.windows(2) {
        let apart = (pair[1].timestamp - pair[0].timestamp) / DAY_S;
        if apart != 1 {
            let missing = apart.saturating_sub(1);
            let after = pair[0].timestamp;
            return Err(Error::Gap { what: "days", unit: "days", missing, after });
        }
    }
    Ok(())
}

fn median(values: impl Iterator<Item = u128>) -> u128 {
    let mut values: Vec<u128> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Medians of a window, as ln in millionths.
#[derive(Debug, Clone, Copy)]
struct Window {
    used: i128,
    limit: i128,
    price: Option<i128>,
}

impl Window {
    fn of(days: &[Day]) -> Self {
        let prices: Option<Vec<u128>> = days.iter().map(|day| day.price_wei).collect();
        Self {
            used: ln_ppm(median(days.iter().map(|day| day.gas_used.into()))),
            limit: ln_ppm(median(days.iter().map(|day| day.gas_limit.into()))),
            price: prices.map(|prices| ln_ppm(median(prices.into_iter()))),
        }
    }
}

/// Changes from window to window of a figure, the newest first.
fn changes(windows: &[Window], of: impl Fn(&Window, &Window) -> Option<i128>) -> Past {
    let changes: Vec<i128> =
        windows.windows(2).filter_map(|pair| of(&pair[0], &pair[1])).take(PAST_WINDOWS).collect();
    Past { independent: changes.len(), changes }
}

/// No bound.
const FREE: (i128, i128) = (i128::MIN / 4, i128::MAX / 4);

fn used(windows: &[Window], (limit_before, limit_after): (i128, i128), request: &Request) -> Row {
    let last = windows[0];
    let steered =
        changes(windows, |new, old| Some((new.used - new.limit) - (old.used - old.limit)));
    let plain = changes(windows, |new, old| Some(new.used - old.used));
    // `before` has the steered target or the auction's limit as its reference; only their ratio counts.
    let target = |pricing: Pricing, limit_ln: i128| {
        limit_ln - (ln_ppm(1_000_000) - ln_ppm(pricing.target(1_000_000).into()))
    };
    let (from, to) = (target(request.before, limit_before), target(request.after, limit_after));
    let noise = |place: usize| {
        let (t90, _) = steered.t_milli();
        let sd = i64::try_from(steered.rms() * t90 / 1_282).unwrap_or(i64::MAX);
        i128::from(fixed::saturate((i128::from(sd) * i128::from(normal_q32(place))) >> 32))
    };
    let starts_to_steer = match (request.before, request.after) {
        (Pricing::Auction, Pricing::BaseFee { elasticity_multiplier, change_denominator }) => {
            Some(overshoot_ppm(elasticity_multiplier, change_denominator))
        }
        _ => None,
    };
    let values = (0..POINTS).flat_map(|a| (0..POINTS).map(move |b| (a, b))).map(|(a, b)| {
        let middle = match starts_to_steer {
            None => last.used + to - from,
            Some(most) => {
                let per_day = DAY_S * 1_000_000_000 / request.block_time_ms.get();
                let blocks = ln_ppm(per_day.into()) - ln_ppm(1_000_000);
                let over = most * i128::from(uniform_ppm(b)) / 1_000_000;
                to + blocks + ln_ppm((1_000_000 + over).unsigned_abs()) - ln_ppm(1_000_000)
            }
        };
        middle + noise(a)
    });
    Row {
        name: "gas_used_per_day",
        unit: "gas",
        scale: Scale::LogMillionths,
        model: Quantiles::of(values.collect()),
        fair: plain.around(last.used, FREE),
        last: Some(Decimal(last.used)),
        proportional: Some(Decimal(last.used + limit_after - limit_before)),
        observed: None,
        standing: Standing::Counted,
    }
}

fn price(windows: &[Window], (limit_before, limit_after): (i128, i128), request: &Request) -> Row {
    let last = windows[0].price;
    let quiet = changes(windows, |new, old| {
        let raised = (new.limit - old.limit).abs() >= RAISE_LN_PPM;
        (!raised).then_some(new.price? - old.price?)
    });
    let share = |pricing: Pricing| ln_ppm(pricing.target(1_000_000).into());
    let more = limit_after + share(request.after) - limit_before - share(request.before);
    let sd = i64::try_from(quiet.rms()).unwrap_or(i64::MAX);
    let centre = last.unwrap_or(0);
    let values = (0..POINTS).flat_map(|a| (0..POINTS).map(move |b| (a, b))).map(|(a, b)| {
        let spread = fixed::mul_q32(fixed::ppm_to_q32(ELASTICITY_LN_SD_PPM), normal_q32(a));
        let elasticity = fixed::mul_q32(fixed::ppm_to_q32(ELASTICITY_PPM), exp_q32(spread));
        let answer = (more << 32).checked_div(i128::from(elasticity)).unwrap_or(0);
        centre - answer + ((i128::from(sd) * i128::from(normal_q32(b))) >> 32)
    });
    Row {
        name: "mean_price_paid",
        unit: "wei",
        scale: Scale::LogMillionths,
        model: Quantiles::of(values.collect()),
        fair: last.and_then(|price| quiet.around(price, FREE)),
        last: last.map(Decimal),
        proportional: last.map(Decimal),
        observed: None,
        standing: Standing::Shown(
            "a mean with tips is no base fee; the elasticity is known to a factor of four",
        ),
    }
}

impl Row {
    fn observed(mut self, value: i128) -> Self {
        self.observed = Some(Decimal(value));
        self
    }

    fn observed_price(mut self, value: Option<i128>) -> Self {
        if value.is_none() || self.last.is_none() {
            self.standing = Standing::Refused("the table has no prices for these days");
        }
        self.observed = value.map(Decimal);
        self
    }
}

#[cfg(test)]
mod tests;
