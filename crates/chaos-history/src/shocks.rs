//! What the shocks of a history say about the elasticity of demand.
//!
//! A fee moves because demand came, and demand falls because the fee moved. In periods of k blocks, with
//! use U relative to the target, ln fee x at the period's start and mean interval g,
//! `dU = -a dx + b dg + v + theta v(-1)`. The coefficient a is no elasticity: a shock that ends within
//! a period, saturation and the rule's own feedback pull it towards zero. What elasticity goes with it
//! is read from paths that were generated with known ones (indirect inference).
//!
//! The correction depends on the generator, whose prices scatter more than any recorded ones.

use chaos_parameters::fixed;
use chaos_simulation::flow::ObservedBlock;

/// Fewer consecutive blocks than this give no estimate.
pub const SHOCK_BLOCKS_MIN: usize = 5_000;

/// Above this share of full blocks use does not show demand: 40 %, in ppm.
const SHOCK_FULL_PPM_MAX: u64 = 400_000;

/// The two lengths of a period, in blocks, that the table is for.
const PERIODS: [usize; 2] = [25, 50];

/// Elasticity in ppm and the coefficient a, in ppm, that generated paths give at k = 25 and 50. For k = 50
/// the coefficient falls again above 0.3: the rising branch alone is used.
const TABLE: [(i64, [i64; 2]); 7] = [
    (20_000, [14_000, 17_000]),
    (50_000, [32_000, 36_000]),
    (100_000, [61_000, 67_000]),
    (150_000, [87_000, 91_000]),
    (200_000, [111_000, 108_000]),
    (300_000, [155_000, 124_000]),
    (500_000, [224_000, 72_000]),
];

/// Parts that a history is cut into, whose scatter is the error: the printed one of a regression is two to
/// four times too small.
const PARTS: usize = 4;

/// The 90th percentile of Student's t with three degrees of freedom, in thousandths.
const T_80_MILLI: i64 = 1_638;

/// Numbers are in units of 1/10,000 and held below 100,000 of them, so that no sum overflows.
const UNIT: u64 = 10_000;
const HELD: i64 = 100_000;

/// What one length of periods gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// Blocks per period.
    pub period_blocks: usize,
    /// The coefficient a in ppm.
    pub coefficient_ppm: i64,
    /// Its error in ppm, from the scatter of a quarter each.
    pub error_ppm: i64,
    /// The elasticity in ppm that goes with it.
    pub elasticity_ppm: i64,
}

/// An elasticity from shocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShockEstimate {
    /// Blocks used.
    pub blocks: usize,
    /// The elasticity in ppm, by periods of 25 blocks.
    pub elasticity_ppm: i64,
    /// The lower end of its 80 % interval in ppm.
    pub low_ppm: i64,
    /// The upper end; at the table's last elasticity it has none.
    pub high_ppm: i64,
    /// Both lengths of periods.
    pub responses: [Response; 2],
}

/// Why shocks give no elasticity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShockError {
    /// Too few rows.
    #[error(
        "an elasticity from shocks needs {SHOCK_BLOCKS_MIN} consecutive blocks with a base fee, the newest run of \
         them has {found}; add the blocks before it"
    )]
    TooShort {
        /// Consecutive blocks.
        found: usize,
    },
    /// Use ends at the limit too often.
    #[error(
        "{full_ppm} ppm of the blocks are full, at most {SHOCK_FULL_PPM_MAX} may be: use then does not show \
         what was demanded"
    )]
    Saturated {
        /// Full blocks in ppm.
        full_ppm: u64,
    },
    /// Nothing moved.
    #[error("the base fee or the use of blocks never changes, so there is no shock to learn from")]
    NoShocks,
    /// The two lengths of periods tell different things.
    #[error(
        "periods of 25 blocks give an elasticity of {short_ppm} ppm and periods of 50 one of {long_ppm} ppm, more \
         than two errors apart: the blocks do not show one"
    )]
    Disagree {
        /// By periods of 25 blocks.
        short_ppm: i64,
        /// By periods of 50.
        long_ppm: i64,
    },
}

/// Estimates the elasticity from a history's own shocks; `elasticity_multiplier` is the gas limit over
/// the target.
///
/// # Errors
/// If the blocks cannot show it: too few in a row, too many full, two answers.
pub fn elasticity_from_shocks(
    blocks: &[ObservedBlock],
    elasticity_multiplier: u64,
) -> Result<ShockEstimate, ShockError> {
    let priced: Vec<ObservedBlock> =
        blocks.iter().filter(|block| block.base_fee_wei.is_some()).copied().collect();
    let run = priced
        .chunk_by(|a, b| a.number.checked_add(1) == Some(b.number))
        .rev()
        .find(|run| run.len() >= SHOCK_BLOCKS_MIN);
    let Some(run) = run else {
        let runs = priced.chunk_by(|a, b| a.number.checked_add(1) == Some(b.number));
        return Err(ShockError::TooShort { found: runs.last().map_or(0, <[_]>::len) });
    };
    let full = run.iter().filter(|block| block.is_saturated()).count() as u64;
    let full_ppm = full * 1_000_000 / run.len() as u64;
    if full_ppm > SHOCK_FULL_PPM_MAX {
        return Err(ShockError::Saturated { full_ppm });
    }
    let [short, long] = [0, 1].map(|column| response(run, elasticity_multiplier, column));
    let (short, long) = (short.ok_or(ShockError::NoShocks)?, long.ok_or(ShockError::NoShocks)?);
    // Compared as coefficients of the short periods, which rise with the elasticity throughout.
    let apart = (short.coefficient_ppm - coefficient(long.elasticity_ppm, 0)).abs();
    let errors = i128::from(short.error_ppm).pow(2) + i128::from(long.error_ppm).pow(2);
    if i128::from(apart).pow(2) > 4 * errors {
        return Err(ShockError::Disagree {
            short_ppm: short.elasticity_ppm,
            long_ppm: long.elasticity_ppm,
        });
    }
    let reach = short.error_ppm.saturating_mul(T_80_MILLI) / 1_000;
    Ok(ShockEstimate {
        blocks: run.len(),
        elasticity_ppm: short.elasticity_ppm,
        low_ppm: elasticity(short.coefficient_ppm - reach, 0),
        high_ppm: elasticity(short.coefficient_ppm + reach, 0),
        responses: [short, long],
    })
}

fn response(run: &[ObservedBlock], multiplier: u64, column: usize) -> Option<Response> {
    let period_blocks = PERIODS[column];
    let coefficient_ppm = regress(&periods(run, multiplier, period_blocks))?;
    let parts: Vec<i64> = run
        .chunks_exact(run.len() / PARTS)
        .take(PARTS)
        .filter_map(|part| regress(&periods(part, multiplier, period_blocks)))
        .collect();
    let count = i64::try_from(parts.len()).ok().filter(|count| *count > 1)?;
    let mean = parts.iter().sum::<i64>() / count;
    let squares: i128 = parts.iter().map(|part| i128::from(part - mean).pow(2)).sum();
    let error = (squares / i128::from(count * (count - 1))).isqrt();
    Some(Response {
        period_blocks,
        coefficient_ppm,
        error_ppm: i64::try_from(error).unwrap_or(i64::MAX),
        elasticity_ppm: elasticity(coefficient_ppm, column),
    })
}

/// Changes from one period to the next, in units of 1/10,000.
#[derive(Clone, Copy)]
struct Change {
    used: i64,
    fee: i64,
    interval: i64,
}

fn periods(run: &[ObservedBlock], multiplier: u64, length: usize) -> Vec<Change> {
    let elapsed = run
        .last()
        .zip(run.first())
        .map_or(0, |(last, first)| last.timestamp.saturating_sub(first.timestamp));
    let mean = (u128::from(elapsed) * u128::from(UNIT) / run.len().max(1) as u128).max(1);
    let levels: Vec<Change> = run
        .chunks_exact(length)
        .zip(run[run.len().min(length)..].iter().step_by(length))
        .map(|(period, next)| {
            let used: u128 = period
                .iter()
                .map(|block| {
                    u128::from(block.gas_used) * u128::from(multiplier) * 1_000_000
                        / u128::from(block.gas_limit.max(1))
                })
                .sum();
            // The intervals that follow the blocks: under proof of work a timestamp is taken when work starts.
            let seconds =
                period.first().map_or(0, |first| next.timestamp.saturating_sub(first.timestamp));
            let interval = u128::from(seconds) * u128::from(UNIT * UNIT) / length as u128 / mean;
            let fee = period.first().and_then(|block| block.base_fee_wei).unwrap_or(1);
            Change {
                used: held(used / length as u128 / 100),
                fee: fixed::q32_to_ppm(fixed::ln_q32(fee)) / 100,
                interval: held(interval),
            }
        })
        .collect();
    levels
        .windows(2)
        .map(|pair| Change {
            used: (pair[1].used - pair[0].used).clamp(-HELD, HELD),
            fee: (pair[1].fee - pair[0].fee).clamp(-HELD, HELD),
            interval: (pair[1].interval - pair[0].interval).clamp(-HELD, HELD),
        })
        .collect()
}

fn held(value: u128) -> i64 {
    i64::try_from(value).unwrap_or(HELD).min(HELD)
}

/// The coefficient a in ppm, over a grid of theta in hundredths: for each, the series are taken through the
/// recursion and a and b are least squares.
fn regress(changes: &[Change]) -> Option<i64> {
    (-95..=50)
        .step_by(5)
        .filter_map(|theta_percent| fit(changes, theta_percent))
        .min_by_key(|(residual, _)| *residual)
        .map(|(_, coefficient)| coefficient)
}

fn fit(changes: &[Change], theta_percent: i64) -> Option<(i128, i64)> {
    let mut state = Change { used: 0, fee: 0, interval: 0 };
    let through = |new: i64, old: i64| (new - old * theta_percent / 100).clamp(-HELD, HELD);
    let filtered: Vec<Change> = changes
        .iter()
        .map(|change| {
            state = Change {
                used: through(change.used, state.used),
                fee: through(change.fee, state.fee),
                interval: through(change.interval, state.interval),
            };
            state
        })
        .collect();
    let sum = |of: fn(&Change) -> (i64, i64)| -> i128 {
        filtered.iter().map(of).map(|(a, b)| i128::from(a) * i128::from(b)).sum()
    };
    let (xx, gg) = (sum(|c| (c.fee, c.fee)), sum(|c| (c.interval, c.interval)));
    let (xg, xy) = (sum(|c| (c.fee, c.interval)), sum(|c| (c.fee, c.used)));
    let (gy, yy) = (sum(|c| (c.interval, c.used)), sum(|c| (c.used, c.used)));
    // Slots of equal length have no intervals to learn from.
    let (a, b, whole) = match xx * gg - xg * xg {
        0 if xx > 0 => (-xy, 0, xx),
        0 => return None,
        whole => (-(xy * gg - gy * xg), gy * xx - xy * xg, whole),
    };
    if yy == 0 {
        return None;
    }
    let ppm = |value: i128| i64::try_from(value * 1_000_000 / whole).ok();
    let (a, b) = (ppm(a)?, ppm(b)?);
    let residual = filtered
        .iter()
        .map(|c| {
            let said = (i128::from(c.interval) * i128::from(b) - i128::from(c.fee) * i128::from(a))
                / 1_000_000;
            (i128::from(c.used) - said).pow(2)
        })
        .sum();
    Some((residual, a))
}

/// The elasticity in ppm that goes with a coefficient: linear between the rows, zero at or below zero.
fn elasticity(coefficient_ppm: i64, column: usize) -> i64 {
    let mut before = (0, 0);
    for (elasticity, coefficients) in TABLE {
        let here = coefficients[column];
        if here <= before.1 {
            break;
        }
        if coefficient_ppm <= here {
            let above = (coefficient_ppm - before.1).max(0);
            return before.0 + (elasticity - before.0) * above / (here - before.1);
        }
        before = (elasticity, here);
    }
    before.0
}

/// The coefficient of an elasticity.
fn coefficient(elasticity_ppm: i64, column: usize) -> i64 {
    let mut before = (0, 0);
    for (elasticity, coefficients) in TABLE {
        let here = coefficients[column];
        if elasticity_ppm <= elasticity {
            return before.1
                + (here - before.1) * (elasticity_ppm - before.0) / (elasticity - before.0);
        }
        before = (elasticity, here);
    }
    before.1
}

#[cfg(test)]
mod tests;
