//! Settings at which the fee rule does something else than it says.

use super::{
    Rules, Setting,
    result::{Figures, figure},
};
use crate::fee_market::BASE_FEE_WEI_MAX;

/// Blocks after which a search gives up.
const BLOCKS_MAX: u64 = 10_000_000;
/// Largest amount of a signed 64-bit integer, in wei.
const SIGNED_64_MAX: u128 = (1 << 63) - 1;
/// A limit may move by less than parent / 1024 per block
/// (<https://eips.ethereum.org/EIPS/eip-1559>).
const LIMIT_BOUND_DIVISOR: u64 = 1_024;

/// The highest base fee that an empty block does not lower.
///
/// `floor(b * target / target / d)` is zero below `d`, and the floor of the protocol stops the
/// rest.
pub(super) fn stuck_below_wei(rules: &Rules) -> u128 {
    let rounding = u128::from(rules.parameters.base_fee_change_denominator() - 1);
    rounding.max(u128::from(rules.base_fee_min_wei))
}

/// Full blocks until the base fee passes `bound_wei`; `None` if it never does.
pub(super) fn full_blocks_to(rules: &Rules, start_wei: u128, bound_wei: u128) -> Option<u64> {
    let (mut base_fee, mut blocks) = (start_wei, 0);
    while base_fee <= bound_wei {
        let next = rules.next_base_fee(base_fee, rules.gas_limit());
        if next == base_fee || blocks >= BLOCKS_MAX {
            return None;
        }
        base_fee = next;
        blocks += 1;
    }
    Some(blocks)
}

/// Blocks that validators need to move a gas limit, each step below parent / 1024.
pub(super) fn limit_path_blocks(from: u64, to: u64) -> u64 {
    let (mut limit, mut blocks) = (from, 0);
    while limit != to && blocks < BLOCKS_MAX {
        let step = (limit / LIMIT_BOUND_DIVISOR).saturating_sub(1);
        if step == 0 {
            return BLOCKS_MAX;
        }
        limit = if limit < to { (limit + step).min(to) } else { (limit - step).max(to) };
        blocks += 1;
    }
    blocks
}

pub(super) fn figures(rules: &Rules, setting: &Setting) -> Figures {
    let start = setting.base_fee_wei;
    let after_empty = rules.next_base_fee(start, 0);
    let after_full = rules.next_base_fee(start, rules.gas_limit());
    let never = |blocks: Option<u64>| blocks.unwrap_or(BLOCKS_MAX);
    let cap_fits = rules.transaction_gas_max.is_none_or(|cap| cap <= rules.gas_limit());
    // The product of the rule's first step, base fee times excess gas, in a full block.
    let excess = u128::from(rules.gas_limit() - rules.gas_target()).max(1);
    let product_bound = SIGNED_64_MAX / excess;
    let elasticity_one = rules.parameters.elasticity_multiplier() == 1;
    vec![
        figure(
            "full_blocks_to_signed_64_bit_overflow",
            "blocks",
            never(full_blocks_to(rules, start, SIGNED_64_MAX)),
        ),
        figure(
            "full_blocks_to_signed_64_bit_product",
            "blocks",
            never(full_blocks_to(rules, start, product_bound)),
        ),
        figure(
            "full_blocks_to_model_bound",
            "blocks",
            never(full_blocks_to(rules, start, BASE_FEE_WEI_MAX - 1)),
        ),
        figure("base_fee_after_full_block", "wei", after_full),
        figure("base_fee_after_empty_block", "wei", after_empty),
        figure("fee_falls_to_zero_at_once", "flag", u8::from(start > 0 && after_empty == 0)),
        figure("fee_cannot_rise", "flag", u8::from(after_full <= start)),
        figure("elasticity_of_one", "flag", u8::from(elasticity_one)),
        figure("fee_stuck_at_or_below", "wei", stuck_below_wei(rules)),
        figure("gas_target", "gas", rules.gas_target()),
        figure("largest_transaction_fits", "flag", u8::from(cap_fits)),
        figure(
            "limit_path",
            "blocks",
            limit_path_blocks(setting.baseline.gas_limit(), rules.gas_limit()),
        ),
    ]
}

/// What a reader must know about the proposal's setting.
pub(super) fn notes(setting: &Setting) -> Vec<String> {
    let rules = &setting.proposal;
    let mut notes = vec![
        "a figure of 10000000 blocks means never; limit_path is the number of blocks that validators \
         need from the baseline's limit, each step below parent / 1024"
            .to_owned(),
    ];
    let mut add = |reached: bool, text: &str| {
        if reached {
            notes.push(format!("the proposal reaches an edge: {text}"));
        }
    };
    let parameters = &rules.parameters;
    add(
        parameters.base_fee_change_denominator() == 1,
        "with a denominator of one an empty block takes the base fee to zero",
    );
    add(
        parameters.elasticity_multiplier() == 1,
        "with an elasticity of one the base fee can never rise",
    );
    add(
        rules.transaction_gas_max.is_some_and(|cap| cap > rules.gas_limit()),
        "the largest transaction that the cap allows does not fit into a block",
    );
    add(
        setting.base_fee_wei <= stuck_below_wei(rules),
        "at this base fee empty blocks do not lower it",
    );
    add(rules.gas_target() < 21_000, "the target is smaller than one transfer");
    notes
}
