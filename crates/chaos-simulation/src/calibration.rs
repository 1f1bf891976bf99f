//! Whether a fitted demand reproduces the chain: the modelled baseline beside the observed blocks.
//!
//! One definition for every command. Both sides are pooled in the same way: every block of the rows
//! that were fitted, every measured block of every baseline path, each block once.

use std::collections::BTreeMap;

use chaos_parameters::{Parameters, fixed};
use serde::{Deserialize, Serialize};

use crate::flow::{
    BlockOutcome, Clamp, LEVEL_BLOCKS_MIN, NOISE_BLOCKS_MIN, ObservedBlock, RowsUsed,
};

/// Largest distance of the modelled median base fee from the observed one: 10 %.
const MEDIAN_TOLERANCE_PPM: i128 = 100_000;

/// The same of the 95th percentile: 40 %. A tail of a few days is made by a few hours.
const P95_TOLERANCE_PPM: i128 = 400_000;

/// The same of mean use over the target: 5 %. The fee rule holds it near one, whatever demand does.
const USE_TOLERANCE_PPM: i128 = 50_000;

/// Largest distance of the shares of full blocks: ten percentage points.
const FULL_TOLERANCE_PPM: i128 = 100_000;

/// Blocks in which demand may be held at its bound: one in a hundred.
const HELD_PPM_MAX: u128 = 10_000;

/// Beyond this change of capacity no recorded change says what demand does: 35 %.
const CAPACITY_PERCENT: u128 = 35;

/// How demand is fitted to the observed blocks, and what of it each path draws.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// As before [`Calibration`] was, without a check: what results of then rest on.
    #[default]
    First,
    /// One elasticity, that of the assumptions, named by whoever asks.
    Point,
    /// An elasticity for each path, common to both arms, from
    /// 33 equally probable ones. That of the assumptions is
    /// the posterior's median and is not used.
    Posterior,
}

impl Fit {
    /// Whether documents leave it out.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) const fn is_first(&self) -> bool {
        matches!(self, Self::First)
    }
}

/// Whether the fit may be concluded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationStatus {
    /// The modelled baseline is the observed chain within the tolerances.
    Calibrated,
    /// The median base fee is reproduced; rows are too few to compare more, and the noise is stated.
    LevelOnly,
    /// It is not, or the fit means nothing: no threshold is judged on it.
    NotCalibrated,
}

/// One figure on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationFigure {
    /// Unit of both figures.
    pub unit: String,
    /// In the fitted rows.
    #[serde(with = "chaos_types::decimal")]
    pub observed: i128,
    /// In the baseline paths.
    #[serde(with = "chaos_types::decimal")]
    pub modelled: i128,
    /// Modelled over observed in ppm; `None` if nothing was observed.
    #[serde(with = "chaos_types::decimal::optional")]
    pub ratio_ppm: Option<i128>,
    /// Whether it is within the tolerance; `None` if rows are too few to compare it.
    pub within: Option<bool>,
}

/// The modelled baseline beside the observed chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What follows from it.
    pub status: CalibrationStatus,
    /// Which rows were used.
    pub rows: RowsUsed,
    /// `base_fee_median`, `base_fee_p95`, `use_of_target`, `blocks_full`.
    pub figures: BTreeMap<String, CalibrationFigure>,
    /// Why it is not calibrated, one sentence each.
    pub reasons: Vec<String>,
    /// How far the proposal is from what any recorded change shows, if it is.
    pub outside_the_data: Option<String>,
}

impl Calibration {
    /// Whether thresholds may be judged and changes proposed on it.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        match self.status {
            CalibrationStatus::Calibrated | CalibrationStatus::LevelOnly => true,
            CalibrationStatus::NotCalibrated => false,
        }
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let status = match self.status {
            CalibrationStatus::Calibrated => "calibrated".to_owned(),
            CalibrationStatus::LevelOnly => format!(
                "calibrated by its level only ({} rows; from {NOISE_BLOCKS_MIN} on noise and tails are \
                 compared)",
                self.rows.used
            ),
            CalibrationStatus::NotCalibrated => {
                format!("NOT CALIBRATED: {}", self.reasons.join("; "))
            }
        };
        let figures: Vec<String> = self.figures.iter().map(|(name, row)| row.text(name)).collect();
        format!("{status}. Modelled baseline beside the chain: {}", figures.join(", "))
    }

    /// Which rows were used, and why others were not.
    #[must_use]
    pub fn rows_line(&self) -> String {
        let RowsUsed { given, without_base_fee, not_consecutive, other_era, used, .. } = self.rows;
        let mut text = format!(
            "fitted to {used} of {given} rows, blocks {} to {}",
            self.rows.first_block, self.rows.last_block
        );
        for (count, why) in [
            (without_base_fee, "without a base fee"),
            (not_consecutive, "outside the run of consecutive blocks"),
            (other_era, "under another gas limit"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {why}"));
            }
        }
        text
    }
}

impl CalibrationFigure {
    fn text(&self, name: &str) -> String {
        let ratio = self.ratio_ppm.map_or_else(
            || format!("{} against {}", self.modelled, self.observed),
            |ppm| format!("{}.{:03} times", ppm / 1_000_000, ppm % 1_000_000 / 1_000),
        );
        match self.within {
            None => format!("{name} {ratio} (not compared)"),
            Some(true) => format!("{name} {ratio}"),
            Some(false) => format!("{name} {ratio} (outside)"),
        }
    }
}

/// Figures of a market, pooled over blocks in whatever order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    /// Blocks by their base fee: log2 in steps of 1/1024, so that a percentile is good to 0.07 %.
    bins: BTreeMap<i64, u64>,
    blocks: u64,
    full: u64,
    held: u64,
    use_ppb: u128,
}

impl Pool {
    const STEP_BITS: u32 = 22;

    fn add(&mut self, base_fee_wei: u128, gas_used: u64, gas_limit: u64) {
        *self.bins.entry(fixed::log2_q32(base_fee_wei) >> Self::STEP_BITS).or_default() += 1;
        self.blocks += 1;
        self.full += u64::from(u128::from(gas_used) * 100 >= u128::from(gas_limit) * 99);
        self.use_ppb += u128::from(gas_used) * 1_000_000_000 / u128::from(gas_limit.max(1));
    }

    /// Of the measured blocks of a path.
    pub(crate) fn of_path(blocks: &[BlockOutcome]) -> Self {
        let mut pool = Self::default();
        for block in blocks {
            pool.add(block.base_fee_wei, block.gas_used, block.gas_limit);
            pool.held += u64::from(block.response_clamped);
        }
        pool
    }

    fn of_observed(blocks: &[ObservedBlock]) -> Self {
        let mut pool = Self::default();
        for block in blocks {
            pool.add(block.base_fee_wei.unwrap_or(0), block.gas_used, block.gas_limit);
        }
        pool
    }

    pub(crate) fn merge(mut self, other: &Self) -> Self {
        for (bin, count) in &other.bins {
            *self.bins.entry(*bin).or_default() += count;
        }
        self.blocks += other.blocks;
        self.full += other.full;
        self.held += other.held;
        self.use_ppb += other.use_ppb;
        self
    }

    /// log2 of a percentile of the base fee in Q32, nearest rank.
    pub(crate) fn fee_log2_q32(&self, percent: u64) -> i64 {
        let rank = (self.blocks * percent).div_ceil(100).max(1);
        let mut below = 0;
        for (bin, count) in &self.bins {
            below += count;
            if below >= rank {
                return (bin << Self::STEP_BITS) + (1 << (Self::STEP_BITS - 1));
            }
        }
        0
    }

    fn fee(&self, percent: u64) -> i128 {
        let scaled = fixed::scale_exp2(1 << 20, self.fee_log2_q32(percent)) >> 20;
        i128::try_from(scaled).unwrap_or(i128::MAX)
    }

    fn per_block(&self, sum: u128) -> i128 {
        i128::try_from(sum / u128::from(self.blocks.max(1))).unwrap_or(i128::MAX)
    }
}

/// What is compared with what.
pub(crate) struct Compared<'a> {
    pub(crate) rows: RowsUsed,
    pub(crate) observed: &'a [ObservedBlock],
    pub(crate) modelled: &'a Pool,
    pub(crate) clamps: &'a [Clamp],
    pub(crate) baseline: &'a Parameters,
    pub(crate) proposal: &'a Parameters,
}

impl Compared<'_> {
    /// The check: pure, and the only one.
    pub(crate) fn judge(&self) -> Calibration {
        let (seen, model) = (Pool::of_observed(self.observed), self.modelled);
        let multiplier = u128::from(self.baseline.elasticity_multiplier());
        let use_of = |pool: &Pool| pool.per_block(pool.use_ppb * multiplier / 1_000);
        let full = |pool: &Pool| pool.per_block(u128::from(pool.full) * 1_000_000);
        let enough = self.observed.len() >= NOISE_BLOCKS_MIN;
        let ratio = |seen: i128, model: i128| model.saturating_mul(1_000_000).checked_div(seen);
        let near = |seen: i128, model: i128, tolerance: i128| {
            ratio(seen, model).map_or(model == 0, |ppm| (ppm - 1_000_000).abs() <= tolerance)
        };
        let mut figures = BTreeMap::new();
        let mut put = |name: &str, unit: &str, seen: i128, model: i128, within: Option<bool>| {
            let row = CalibrationFigure {
                unit: unit.to_owned(),
                observed: seen,
                modelled: model,
                ratio_ppm: ratio(seen, model),
                within,
            };
            figures.insert(name.to_owned(), row);
        };
        let (a, b) = (seen.fee(50), model.fee(50));
        put("base_fee_median", "wei", a, b, Some(near(a, b, MEDIAN_TOLERANCE_PPM)));
        let (a, b) = (seen.fee(95), model.fee(95));
        put("base_fee_p95", "wei", a, b, enough.then(|| near(a, b, P95_TOLERANCE_PPM)));
        let (a, b) = (use_of(&seen), use_of(model));
        put("use_of_target", "ppm", a, b, enough.then(|| near(a, b, USE_TOLERANCE_PPM)));
        let (a, b) = (full(&seen), full(model));
        put("blocks_full", "ppm", a, b, enough.then(|| (a - b).abs() <= FULL_TOLERANCE_PPM));
        let reasons = self.reasons(&figures);
        let status = match (reasons.is_empty(), enough) {
            (false, _) => CalibrationStatus::NotCalibrated,
            (true, true) => CalibrationStatus::Calibrated,
            (true, false) => CalibrationStatus::LevelOnly,
        };
        let outside_the_data = self.outside();
        Calibration { status, rows: self.rows, figures, reasons, outside_the_data }
    }

    fn reasons(&self, figures: &BTreeMap<String, CalibrationFigure>) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.observed.len() < LEVEL_BLOCKS_MIN {
            reasons.push(format!(
                "a level needs {LEVEL_BLOCKS_MIN} consecutive rows of one era, there are {}",
                self.observed.len()
            ));
        }
        for clamp in self.clamps {
            reasons.push(
                match clamp {
                    Clamp::Empty => "the fit is at its bound of half of the blocks empty",
                    Clamp::FastNoise => "the fit is at its largest noise of single blocks",
                    Clamp::Patience => "the fit is at its largest share of users who wait",
                }
                .to_owned(),
            );
        }
        for (name, row) in figures.iter().filter(|(_, row)| row.within == Some(false)) {
            reasons.push(format!(
                "{name} is {} {} in the model and {} on the chain",
                row.modelled, row.unit, row.observed
            ));
        }
        let held = u128::from(self.modelled.held) * 1_000_000;
        if held > HELD_PPM_MAX * u128::from(self.modelled.blocks) {
            reasons.push(
                "in more than one block of a hundred demand is held at its bound of a factor of 20"
                    .to_owned(),
            );
        }
        reasons
    }

    /// Gas per second of the target, before and after.
    fn outside(&self) -> Option<String> {
        let of = |parameters: &Parameters| {
            u128::from(parameters.gas_limit()) * 1_000_000
                / u128::from(parameters.elasticity_multiplier().max(1))
                / u128::from(parameters.block_time_ms().max(1))
        };
        let (before, after) = (of(self.baseline), of(self.proposal));
        (before.abs_diff(after) * 100 > before * CAPACITY_PERCENT).then(|| {
            format!(
                "outside the data: capacity becomes {} % of today's, and no recorded change beyond \
                 {CAPACITY_PERCENT} % up or down says what demand does there",
                after * 100 / before.max(1)
            )
        })
    }
}

#[cfg(test)]
mod tests;
