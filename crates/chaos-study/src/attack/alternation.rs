//! Full and empty blocks in turn.

use chaos_parameters::{Parameters, pricing::FeeState};

use super::{
    Case,
    result::{Figures, figure},
    rules::{after, full_block_reaches_bound, is_eip_1559},
};

/// Blocks of one alternation.
const BLOCKS: u64 = 200_000;
/// Blocks of one alternation at a tiny base fee, where one is run for each wei.
const TINY_BLOCKS: u64 = 2_000;
/// Starting base fees below this many wei are tried one by one.
const TINY_BASE_FEE_WEI: u128 = 256;
/// Where the drift is measured from: large enough that rounding and the least base fee are invisible.
const START_WEI: i128 = 1 << 60;
/// Fractional bits of the logarithms.
const FRACTION_BITS: u32 = 96;

/// What an alternation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alternation {
    /// Full blocks.
    pub(super) full: u64,
    /// All blocks.
    pub(super) blocks: u64,
    /// Burnt for the full blocks.
    pub(super) burnt_wei: u128,
}

/// Fills every block whose base fee is at or below `anchor`, leaves the others empty.
pub(super) fn alternate(parameters: &Parameters, anchor: u128, blocks: u64) -> Alternation {
    let mut fees = FeeState::settled(parameters, anchor);
    let (anchor, limit) = (fees.base_fee_wei, parameters.gas_limit());
    let (mut full, mut burnt_wei) = (0, 0u128);
    for _ in 0..blocks {
        let base_fee = fees.base_fee_wei;
        let fill = base_fee <= anchor;
        full += u64::from(fill);
        if fill {
            burnt_wei = burnt_wei.saturating_add(base_fee.saturating_mul(u128::from(limit)));
        }
        fees = after(fees, parameters, if fill { limit } else { 0 });
    }
    Alternation { full, blocks, burnt_wei }
}

impl Alternation {
    /// Mean use above target in parts per million, floored.
    pub(super) fn above_target_ppm(&self, parameters: &Parameters) -> i128 {
        let used = u128::from(self.full) * u128::from(parameters.gas_limit());
        let target = u128::from(self.blocks) * u128::from(parameters.gas_target());
        let ratio = used.saturating_mul(1_000_000) / target;
        i128::try_from(ratio).unwrap_or(i128::MAX) - 1_000_000
    }
}

/// The largest long-run mean use above target in parts per million, rounded to nearest.
///
/// With rise `u = ln(1 + (e - 1)/d)` per full block and fall `v = -ln(1 - 1/d)` per empty one, the
/// base fee is held when the share of full blocks is `f = v / (u + v)`; mean use is `e f` targets.
/// For `e = 2` this is the bound of <https://arxiv.org/abs/2212.07175>. At `d = 1` an empty block
/// takes the fee to zero and there is no bound below `e`.
pub(super) fn bound_ppm(elasticity: u64, denominator: u64) -> i128 {
    if elasticity <= 1 {
        return 0;
    }
    let (e, d) = (u128::from(elasticity), u128::from(denominator));
    if d <= 1 {
        return i128::from(elasticity - 1) * 1_000_000;
    }
    let rise = ln_ratio(d + e - 1, d);
    let fall = ln_ratio(d, d - 1);
    // The logarithms are below 2^104, the product with e and the million below 2^127.
    let sum = (rise + fall) >> 16;
    let share = (e * 1_000_000 * (fall >> 16) + sum / 2) / sum;
    i128::try_from(share).unwrap_or(i128::MAX) - 1_000_000
}

/// `ln(a / b)` for `a >= b`, with [`FRACTION_BITS`] fractional bits: twice the inverse hyperbolic
/// tangent of `(a - b) / (a + b)` by its power series.
fn ln_ratio(a: u128, b: u128) -> u128 {
    let (difference, sum) = (a - b, a + b);
    let mut power = (difference << FRACTION_BITS) / sum;
    let (mut total, mut odd) = (0, 1);
    while power > 0 {
        total += power / odd;
        power = power * difference / sum * difference / sum;
        odd += 2;
    }
    2 * total
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Figures {
    let run = alternate(parameters, case.base_fee_wei, BLOCKS);
    let mut figures = vec![
        figure("burn_per_block", "wei", run.burnt_wei / u128::from(BLOCKS)),
        figure("use_above_target", "ppm", run.above_target_ppm(parameters)),
        figure("full_blocks", "blocks", run.full),
        figure("blocks", "blocks", run.blocks),
    ];
    if is_eip_1559(parameters) {
        let (elasticity, denominator) =
            (parameters.elasticity_multiplier(), parameters.base_fee_change_denominator());
        let tiny = (1..TINY_BASE_FEE_WEI)
            .map(|anchor| {
                (alternate(parameters, anchor, TINY_BLOCKS).above_target_ppm(parameters), anchor)
            })
            .max_by_key(|(above, anchor)| (*above, std::cmp::Reverse(*anchor)))
            .unwrap_or_default();
        figures.extend([
            figure("bound_above_target", "ppm", bound_ppm(elasticity, denominator)),
            figure("drift_per_pair", "ppm", drift_per_pair_ppm(parameters)),
            figure("use_above_target_tiny_fee", "ppm", tiny.0),
            figure("tiny_fee", "wei", tiny.1),
        ]);
    }
    figures
}

/// Whether the base fee reaches the rule's bound: no block is filled above where it began.
pub(super) fn reaches_bound(parameters: &Parameters, case: &Case) -> bool {
    let highest = START_WEI.unsigned_abs().max(case.base_fee_wei);
    full_block_reaches_bound(parameters, highest)
}

/// By how much a full block and an empty one move the base fee, in parts per million.
pub(super) fn drift_per_pair_ppm(parameters: &Parameters) -> i128 {
    let start = FeeState::settled(parameters, START_WEI.unsigned_abs());
    let pair = after(after(start, parameters, parameters.gas_limit()), parameters, 0);
    let end = i128::try_from(pair.base_fee_wei).unwrap_or(i128::MAX);
    (end - START_WEI) * 1_000_000 / START_WEI
}

pub(super) const NOTE: &str = "the bound is the closed form; the integer rule may exceed it by one \
    block in the run, and by much more where a base fee of few wei is rounded (use_above_target_tiny_fee)";

#[cfg(test)]
mod tests;
