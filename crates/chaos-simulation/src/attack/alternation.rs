//! Full and empty blocks in turn.

use super::{
    Rules, Setting,
    result::{Figures, figure},
};

/// Blocks of one alternation.
const BLOCKS: u64 = 200_000;
/// Blocks of one alternation at a tiny base fee, where one is run for each wei.
const TINY_BLOCKS: u64 = 2_000;
/// Starting base fees below this many wei are tried one by one.
const TINY_BASE_FEE_WEI: u128 = 256;
/// Fractional bits of the logarithms.
const FRACTION_BITS: u32 = 96;

/// What an alternation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alternation {
    /// Full blocks.
    pub(super) full: u64,
    /// All blocks.
    pub(super) blocks: u64,
    /// The base fee at the end.
    pub(super) base_fee_wei: u128,
    /// Burnt for the full blocks.
    pub(super) burnt_wei: u128,
}

/// Fills every block whose base fee is at or below `anchor`, leaves the others empty.
pub(super) fn alternate(rules: &Rules, anchor: u128, blocks: u64) -> Alternation {
    let (mut base_fee_wei, mut full, mut burnt_wei) = (anchor, 0, 0u128);
    let limit = rules.gas_limit();
    for _ in 0..blocks {
        let fill = base_fee_wei <= anchor;
        full += u64::from(fill);
        if fill {
            burnt_wei = burnt_wei.saturating_add(base_fee_wei.saturating_mul(u128::from(limit)));
        }
        base_fee_wei = rules.next_base_fee(base_fee_wei, if fill { limit } else { 0 });
    }
    Alternation { full, blocks, base_fee_wei, burnt_wei }
}

impl Alternation {
    /// Mean use above target in parts per million, floored.
    pub(super) fn above_target_ppm(&self, rules: &Rules) -> i128 {
        let used = u128::from(self.full) * u128::from(rules.gas_limit());
        let target = u128::from(self.blocks) * u128::from(rules.gas_target());
        let ratio = used.saturating_mul(1_000_000) / target;
        i128::try_from(ratio).unwrap_or(i128::MAX) - 1_000_000
    }
}

/// The largest long-run mean use above target in parts per million, floored.
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
    let share = e * 1_000_000 * (fall >> 16) / ((rise + fall) >> 16);
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

pub(super) fn figures(rules: &Rules, setting: &Setting) -> Figures {
    let parameters = &rules.parameters;
    let bound =
        bound_ppm(parameters.elasticity_multiplier(), parameters.base_fee_change_denominator());
    let run = alternate(rules, setting.base_fee_wei, BLOCKS);
    let pair_end = rules.next_base_fee(rules.next_base_fee(DRIFT_WEI, rules.gas_limit()), 0);
    let drift = i128::try_from(pair_end).unwrap_or(i128::MAX) - DRIFT_WEI_SIGNED;
    let tiny = (1..TINY_BASE_FEE_WEI)
        .map(|anchor| (alternate(rules, anchor, TINY_BLOCKS).above_target_ppm(rules), anchor))
        .max_by_key(|(above, anchor)| (*above, std::cmp::Reverse(*anchor)))
        .unwrap_or_default();
    vec![
        figure("burn_per_block", "wei", run.burnt_wei / u128::from(BLOCKS)),
        figure("bound_above_target", "ppm", bound),
        figure("use_above_target", "ppm", run.above_target_ppm(rules)),
        figure("drift_per_pair", "ppm", drift * 1_000_000 / DRIFT_WEI_SIGNED),
        figure("use_above_target_tiny_fee", "ppm", tiny.0),
        figure("tiny_fee", "wei", tiny.1),
    ]
}

/// The base fee at which the drift of a pair is measured, large enough that rounding is invisible.
const DRIFT_WEI: u128 = 1 << 60;
const DRIFT_WEI_SIGNED: i128 = 1 << 60;

pub(super) const NOTE: &str = "the bound is the closed form; the integer rule may exceed it by one \
    block in the run, and by much more where a base fee of few wei is rounded (use_above_target_tiny_fee)";
