//! The market of blobs after a change of its target, maximum or price rule.
//!
//! [`forecast`] fits a bounded demand to the blocks before the change and runs it under the exact rule
//! after it, the branch of the reserve price included. Its interval carries, path by path: the curve,
//! a drift of the level, the size of slow noise, the execution base fee, and shocks. [`score`] fills in
//! what came.

mod curve;
mod fit;
mod path;
mod window;

use std::num::NonZeroUsize;

use chaos_parameters::{
    fixed::{self, mul_q32},
    pricing::BlobRule,
};
use curve::{Curve, SoftKink};
use fit::{Fit, Periods, Setting};
use path::{Market, Step, generator};
use rayon::prelude::*;
use serde::Serialize;
pub use window::BlobBlock;
use window::{Figures, Gather, figures, read_branches};

use super::{
    Error, Row, Scale, Standing, ensure,
    past::Past,
    spread::{exp_q32, ln_ppm, normal_q32, point, uniform_ppm},
};
use crate::{forecast::Quantiles, result::Decimal};

/// Fewest blocks a demand is fitted to: two days of 12-second blocks, below which a day is no day.
const FIT_BLOCKS_MIN: u64 = 14_400;

/// Fewest blocks that are scored.
const HORIZON_BLOCKS_MIN: u64 = 600;

/// Most of either.
const BLOCKS_MAX: u64 = 500_000;

/// The deviation of ln of the level after seven days without a price that holds it back: daily blobs
/// from April to October 2024, while the target was not reached.
const DRIFT_WEEK_PPM: i64 = 110_000;

/// It grows as this power of time: 0.08 after two days, 0.18 after 28.
const DRIFT_POWER_PPM: i64 = 320_000;

/// The deviation of ln of the execution base fee's level after seven days.
const BASE_FEE_WEEK_PPM: i64 = 600_000;

/// Execution gas that a blob is worth to its sender where price begins to matter, and the deviation of
/// its ln: 45,000 [13,000, 90,000].
const KINK_GAS: u64 = 45_000;
const KINK_SD_PPM: i64 = 800_000;

/// How a forecast is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Options {
    /// The seed of all randomness.
    #[serde(with = "chaos_types::decimal")]
    pub seed: u64,
    /// Random paths, 33 to 10,000; a multiple of 33 gives every point of doubt the same weight.
    pub paths: u32,
    /// Blocks before the change that demand is fitted to, at most; fewer if the file holds fewer.
    pub fit_blocks: u64,
    /// Blocks predicted.
    pub horizon_blocks: u64,
}

impl Default for Options {
    /// 198 paths of seven days, fitted to 21 days, at 12 seconds a block.
    fn default() -> Self {
        Self { seed: 1, paths: 198, fit_blocks: 151_200, horizon_blocks: 50_400 }
    }
}

/// Demand as fitted, for readers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demand {
    /// Blocks fitted.
    pub blocks: u64,
    /// First and last of them.
    pub first_block: u64,
    /// The last.
    pub last_block: u64,
    /// Blobs per block at a free price, in millionths: percentiles over the paths' curves.
    pub free_demand: Quantiles,
    /// The same as read, before the correction by refits.
    pub free_demand_read: Decimal,
    /// Blobs fewer per e-fold of the price above the kink, as a share of the free demand, ppm.
    pub slope: Quantiles,
    /// The price in wei where it begins to matter: ln in millionths.
    pub kink: Quantiles,
    /// Share of paths whose demand at a free price is below the target, ppm.
    pub below_target_ppm: u64,
    /// The execution base fee in wei that the branches imply, or that the blocks state, at the end.
    pub base_fee_wei: Option<Decimal>,
}

/// What is expected of the market after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// How it was made.
    pub options: Options,
    /// Demand before.
    pub demand: Demand,
    /// The rule after, which the figures are under.
    #[serde(skip)]
    pub rule: BlobRule,
    /// Figures.
    pub rows: Vec<Row>,
    /// Share of blocks on the reserve branch in a steady state at the median blobs per block, from zero
    /// mean drift of the excess, in ppm; `None` without a reserve price.
    pub reserve_share_closed_form: Option<Decimal>,
    /// The same at the blobs per block that came; `None` before it is scored.
    pub reserve_share_closed_form_observed: Option<Decimal>,
}

/// Share of blocks on the reserve branch in a steady state, in ppm, at `blobs` per block in millionths.
///
/// The excess falls by `T - n` on one branch and rises by `n (M - T) / M` on the other; both balance at
/// `(T - n) / ((T - n) + n (M - T) / M)`. At the target and above nothing reserves.
fn reserve_share_ppm(rule: &BlobRule, blobs: i128) -> i128 {
    let (target, max) = (i128::from(rule.target) * 1_000_000, i128::from(rule.max.max(1)));
    let below = target - blobs;
    if below <= 0 {
        return 0;
    }
    let rises = blobs.max(0) * i128::from(rule.max.saturating_sub(rule.target)) / max;
    below * 1_000_000 / (below + rises)
}

/// Forecasts the blocks after a change from those before it, which ascend.
///
/// # Errors
/// If blocks are too few or not consecutive, or an option is out of bounds.
pub fn forecast(
    before: &[BlobBlock],
    rule: &BlobRule,
    options: &Options,
    threads: NonZeroUsize,
) -> Result<Forecast, Error> {
    ensure("paths", 33, 10_000, options.paths.into())?;
    ensure("horizon in blocks", HORIZON_BLOCKS_MIN, BLOCKS_MAX, options.horizon_blocks)?;
    ensure("blocks to fit on", FIT_BLOCKS_MIN, BLOCKS_MAX, options.fit_blocks)?;
    let wanted = usize::try_from(options.fit_blocks).unwrap_or(usize::MAX);
    let mut before = before[before.len().saturating_sub(wanted)..].to_vec();
    ensure_consecutive(&before, "blocks to fit on", FIT_BLOCKS_MIN)?;
    read_branches(&mut before);
    let soft = SoftKink::new();
    let market = Before::of(&before, rule);
    let fit = market.fit(&soft, options);
    let paths = run_paths(&soft, &market, &fit, options, threads);
    let curves: Vec<Curve> = paths.iter().map(|(curve, _)| *curve).collect();
    let figures: Vec<[i128; 6]> = paths.iter().map(|(_, figures)| *figures).collect();
    let rows = rows(&before, &figures, rule, options);
    let median = rows[0].model.p50;
    Ok(Forecast {
        options: *options,
        demand: market.demand(&fit, &curves),
        rule: *rule,
        rows,
        reserve_share_closed_form: (rule.base_cost > 0)
            .then(|| Decimal(reserve_share_ppm(rule, median))),
        reserve_share_closed_form_observed: None,
    })
}

/// Fills in what was observed; `after` begins with the activation.
///
/// # Errors
/// If fewer than 600 consecutive blocks are there.
pub fn score(forecast: &mut Forecast, after: &[BlobBlock]) -> Result<(), Error> {
    let wanted = usize::try_from(forecast.options.horizon_blocks).unwrap_or(usize::MAX);
    let mut after = after[..after.len().min(wanted)].to_vec();
    ensure_consecutive(&after, "blocks to score", HORIZON_BLOCKS_MIN)?;
    read_branches(&mut after);
    let priced = after.iter().all(|block| block.base_fee_wei.is_some());
    let Some(observed) = figures(&after) else { return Ok(()) };
    if forecast.rule.base_cost > 0 {
        let share = reserve_share_ppm(&forecast.rule, observed.blobs);
        forecast.reserve_share_closed_form_observed = Some(Decimal(share));
    }
    for (name, value) in Figures::NAMES.into_iter().zip(observed.values()) {
        let Some(row) = forecast.rows.iter_mut().find(|row| row.name == name) else { continue };
        row.observed = Some(Decimal(value));
        let is_price = row.scale == Scale::LogMillionths;
        if is_price && forecast.rule.base_cost > 0 && !priced {
            row.standing = Standing::Refused(
                "with a reserve price the blob fee follows the execution base fee, which the file lacks",
            );
        } else if is_price && row.model.p2_5 == row.model.p97_5 {
            row.standing =
                Standing::Shown("certain once the target exceeds demand: no sign of skill");
        }
    }
    Ok(())
}

fn ensure_consecutive(blocks: &[BlobBlock], what: &'static str, min: u64) -> Result<(), Error> {
    let gap = blocks.windows(2).find(|pair| pair[0].number + 1 != pair[1].number);
    if let Some([a, b]) = gap {
        let missing = b.number.saturating_sub(a.number + 1);
        return Err(Error::Gap { what, unit: "blocks", missing, after: a.number });
    }
    let found = blocks.len() as u64;
    if found < min {
        return Err(Error::TooFew { what, unit: "blocks", found, min });
    }
    Ok(())
}

/// What the blocks before the change say besides demand.
struct Before<'a> {
    blocks: &'a [BlobBlock],
    /// The rule at the end of them, and the one after.
    rules: [&'a BlobRule; 2],
    draws: Vec<u8>,
    base_fee_ln_q32: Option<i64>,
    excess_after: u64,
}

impl<'a> Before<'a> {
    fn of(blocks: &'a [BlobBlock], after: &'a BlobRule) -> Self {
        let last = &blocks[blocks.len() - 1];
        let used = last.blobs * chaos_parameters::pricing::GAS_PER_BLOB;
        let reserved = last.reserved == Some(true) && after.base_cost > 0;
        // Under a free price a full block is rarer: blocks that the maximum cut are drawn as they are.
        let draws = blocks.iter().map(|block| u8::try_from(block.blobs).unwrap_or(u8::MAX));
        Self {
            blocks,
            rules: [&last.rule, after],
            draws: draws.collect(),
            base_fee_ln_q32: base_fee_ln_q32(blocks),
            excess_after: after.next_excess(last.excess_blob_gas, used, reserved),
        }
    }

    fn market(&self, after: bool) -> Market<'_> {
        let nothing = path::Slow { persistence_q32: 0, sd_q32: 0, start_q32: 0 };
        Market {
            rule: self.rules[usize::from(after)],
            curve: Curve { free_q32: 0, slope_q32: 0, kink_ln_q32: 0 },
            slow: nothing,
            draws: &self.draws,
            excess_blob_gas: if after {
                self.excess_after
            } else {
                // The price that the fitted blocks begin with, at the rule that they end with.
                scaled_excess(&self.blocks[0], self.rules[0])
            },
            base_fee_ln_q32: self.base_fee_ln_q32,
        }
    }

    fn fit(&self, soft: &SoftKink, options: &Options) -> Fit {
        let mut periods = Periods::default();
        for block in self.blocks {
            periods.push(block.price_ln_q32(), block.blobs);
        }
        let kink_share = fixed::ln_q32(KINK_GAS.into())
            - fixed::ln_q32(chaos_parameters::pricing::GAS_PER_BLOB.into());
        let setting = Setting {
            market: self.market(false),
            blocks: self.blocks.len(),
            kink: self
                .base_fee_ln_q32
                .map(|fee| (fee + kink_share, fixed::ppm_to_q32(KINK_SD_PPM))),
            seed: options.seed,
        };
        fit::fit(soft, &periods, &setting)
    }

    fn demand(&self, fit: &Fit, curves: &[Curve]) -> Demand {
        let of = |value: fn(&Curve) -> i64| {
            Quantiles::of(
                curves.iter().map(|curve| fixed::q32_to_ppm(value(curve)).into()).collect(),
            )
        };
        let target = i64::try_from(self.rules[1].target << 32).unwrap_or(i64::MAX);
        let below = curves.iter().filter(|curve| curve.free_q32 < target).count();
        let read = fit.candidates[fit.best].curve;
        Demand {
            blocks: self.blocks.len() as u64,
            first_block: self.blocks[0].number,
            last_block: self.blocks[self.blocks.len() - 1].number,
            free_demand: of(|curve| curve.free_q32),
            free_demand_read: Decimal(fixed::q32_to_ppm(read.free_q32 + fit.bias_q32.0).into()),
            slope: of(|curve| fit::ratio(curve.slope_q32, curve.free_q32)),
            kink: of(|curve| curve.kink_ln_q32),
            below_target_ppm: below as u64 * 1_000_000 / curves.len().max(1) as u64,
            base_fee_wei: self.base_fee_ln_q32.map(|ln| {
                Decimal(
                    fixed::saturate(fixed::scale_exp2(1, fixed::ln_to_log2_q32(ln)).cast_signed())
                        .into(),
                )
            }),
        }
    }
}

/// The excess at which `rule` has the price of this block.
fn scaled_excess(block: &BlobBlock, rule: &BlobRule) -> u64 {
    let scaled = u128::from(block.excess_blob_gas) * u128::from(rule.update_fraction)
        / u128::from(block.rule.update_fraction.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// ln of the execution base fee in wei at the end of the blocks: the median of the last 7,200 that state
/// it, or the one that best parts their branches; `None` if neither shows it.
fn base_fee_ln_q32(blocks: &[BlobBlock]) -> Option<i64> {
    const DAY: usize = 7_200;
    let day = &blocks[blocks.len().saturating_sub(DAY)..];
    let mut stated: Vec<u128> = day.iter().filter_map(|block| block.base_fee_wei).collect();
    if stated.len() * 2 > day.len() {
        stated.sort_unstable();
        return Some(fixed::ln_q32(stated[stated.len() / 2]));
    }
    let mut shown: Vec<(i64, bool)> = day
        .iter()
        .filter(|block| block.rule.base_cost > 0)
        .filter_map(|block| Some((block.price_ln_q32(), block.reserved?)))
        .collect();
    let reserved = shown.iter().filter(|(_, reserved)| *reserved).count();
    if reserved == 0 || reserved == shown.len() {
        return None;
    }
    shown.sort_unstable();
    // Below the reserve price all reserve, above it none: where fewest are on the wrong side.
    let (mut wrong, mut fewest, mut best) = (reserved, reserved, shown[0].0);
    for (price, is_reserved) in &shown {
        if *is_reserved {
            wrong -= 1;
        } else {
            wrong += 1;
        }
        if wrong < fewest {
            (fewest, best) = (wrong, *price);
        }
    }
    let rule = day.last()?.rule;
    Some(best - path::reserve_share_ln_q32(&rule))
}

/// The curve of every path, and the figures of it.
fn run_paths(
    soft: &SoftKink,
    market: &Before<'_>,
    fit: &Fit,
    options: &Options,
    threads: NonZeroUsize,
) -> Vec<(Curve, [i128; 6])> {
    let one = |path: u32| one_path(soft, market, fit, options, path);
    match rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build() {
        Ok(pool) => pool.install(|| (0..options.paths).into_par_iter().map(one).collect()),
        // The result is the same on one.
        Err(_) => (0..options.paths).map(one).collect(),
    }
}

/// A week, as a share of which doubt grows, in 12-second blocks.
const WEEK_BLOCKS: u64 = 50_400;

/// ln of the level's and of the base fee's deviation after so many blocks, as factors in Q32.
fn drift_q32(blocks: u64, week_ppm: i64, power_ppm: i64) -> i64 {
    let weeks = fixed::ln_q32(blocks.into()) - fixed::ln_q32(WEEK_BLOCKS.into());
    mul_q32(fixed::ppm_to_q32(week_ppm), exp_q32(mul_q32(fixed::ppm_to_q32(power_ppm), weeks)))
}

fn one_path(
    soft: &SoftKink,
    before: &Before<'_>,
    fit: &Fit,
    options: &Options,
    path: u32,
) -> (Curve, [i128; 6]) {
    let z = |source: u32| normal_q32(point(path, source));
    let candidate = fit.candidate(uniform_ppm(point(path, 0)));
    let mut curve = candidate.at(z(1), z(2));
    let drift = drift_q32(options.horizon_blocks, DRIFT_WEEK_PPM, DRIFT_POWER_PPM);
    let drift = exp_q32(mul_q32(drift, z(3)));
    curve.free_q32 = mul_q32(curve.free_q32, drift);
    curve.slope_q32 = mul_q32(curve.slope_q32, drift);
    let mut slow = fit.noise.slow(fit.slow_now_q32);
    // The deviation of slow noise is known from so many independent periods, with an error of 1 / sqrt 2k.
    let doubled = 2 * fit.noise.effective(fit.periods);
    let error = fixed::sqrt_q32(fixed::ONE_Q32 / i64::try_from(doubled).unwrap_or(i64::MAX));
    slow.sd_q32 = mul_q32(slow.sd_q32, exp_q32(mul_q32(error, z(4))));
    let mut market = before.market(true);
    let away = drift_q32(options.horizon_blocks, BASE_FEE_WEEK_PPM, 500_000);
    market.base_fee_ln_q32 = market.base_fee_ln_q32.map(|fee| fee + mul_q32(away, z(5)));
    (market.curve, market.slow) = (curve, slow);
    let blocks = usize::try_from(options.horizon_blocks).unwrap_or(0);
    let mut gather = Gather::with_capacity(blocks);
    let mut random = generator(options.seed, path, b"forecast");
    market.run(soft, blocks, &mut random, |step: Step| {
        gather.push(market.rule, step.price_ln_q32, step.blobs, step.reserved);
    });
    (curve, gather.finish().map_or([0; 6], |figures| figures.values()))
}

/// The rows without what was observed.
fn rows(before: &[BlobBlock], paths: &[[i128; 6]], rule: &BlobRule, options: &Options) -> Vec<Row> {
    let horizon = usize::try_from(options.horizon_blocks).unwrap_or(usize::MAX);
    let last = before.len().checked_sub(horizon).and_then(|from| figures(&before[from..]));
    let past = past(before, horizon);
    let former = before[before.len() - 1].rule;
    let mut rows = Vec::new();
    for (place, name) in Figures::NAMES.into_iter().enumerate() {
        let is_price = place >= 4;
        // A share that no rule of these allows is no figure.
        if (name == "reserve_share" && rule.base_cost == 0)
            || (name == "floor_share" && rule.base_cost > 0)
        {
            continue;
        }
        let most = match name {
            "blobs_per_block" => i128::from(rule.max) * 1_000_000,
            _ if is_price => i128::from(i64::MAX),
            _ => 1_000_000,
        };
        let least = if is_price { ln_ppm(rule.min_fee_wei.into()) } else { 0 };
        let value = last.map(|figures| figures.values()[place]);
        let proportional = value.map(|value| match name {
            "blobs_per_block" => {
                (value * i128::from(rule.target) / i128::from(former.target.max(1))).min(most)
            }
            _ => value,
        });
        rows.push(Row {
            name,
            unit: match name {
                "blobs_per_block" => "blobs",
                _ if is_price => "wei",
                _ => "share",
            },
            scale: if is_price { Scale::LogMillionths } else { Scale::Millionths },
            model: Quantiles::of(paths.iter().map(|figures| figures[place]).collect()),
            fair: value.and_then(|value| past[place].around(value, (least, most))),
            last: value.map(Decimal),
            proportional: proportional.map(Decimal),
            observed: None,
            standing: Standing::Counted,
        });
    }
    rows
}

/// Changes between windows as long as the target, one after the other, that begin a quarter apart.
fn past(before: &[BlobBlock], horizon: usize) -> [Past; 6] {
    let step = (horizon / 4).max(1);
    let mut windows = Vec::new();
    let mut end = before.len();
    while let Some(from) = end.checked_sub(horizon) {
        windows.extend(figures(&before[from..end]).map(|figures| figures.values()));
        let Some(next) = end.checked_sub(step) else { break };
        end = next;
    }
    let independent = (before.len() / horizon.max(1)).saturating_sub(1);
    std::array::from_fn(|place| Past {
        changes: windows.windows(5).map(|pair| pair[0][place] - pair[4][place]).collect(),
        independent,
    })
}

#[cfg(test)]
mod tests;
