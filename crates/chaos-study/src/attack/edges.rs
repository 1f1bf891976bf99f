//! Settings at which the fee rule does something else than it says.

use chaos_parameters::{
    ParameterName as P, Parameters,
    pricing::{BASE_FEE_WEI_MAX, FeeState, LimitRule},
};

use super::{
    Case,
    result::{Figures, figure},
    rules::{after, is_eip_1559, transaction_gas},
};

/// Blocks after which a search gives up.
const BLOCKS_MAX: u64 = 100_000;
/// Largest amount of a signed 64-bit integer, in wei.
const SIGNED_64_MAX: u128 = (1 << 63) - 1;

/// The highest base fee that an empty block does not lower.
///
/// `floor(b * target / target / d)` is zero below `d`, and the floor of the protocol stops the
/// rest.
pub(super) fn stuck_below_wei(parameters: &Parameters) -> u128 {
    let rounding = parameters.base_fee_change_denominator().saturating_sub(1);
    u128::from(rounding.max(parameters.min_base_fee_wei()))
}

/// Full blocks until the base fee passes `bound_wei`; `None` if it never does.
pub(super) fn full_blocks_to(
    parameters: &Parameters,
    start_wei: u128,
    bound_wei: u128,
) -> Option<u64> {
    let (mut fees, mut blocks) = (FeeState::settled(parameters, start_wei), 0);
    while fees.base_fee_wei <= bound_wei {
        let next = after(fees, parameters, parameters.gas_limit());
        if next == fees || blocks >= BLOCKS_MAX {
            return None;
        }
        fees = next;
        blocks += 1;
    }
    Some(blocks)
}

/// Blocks that the parameters' bound takes to move a gas limit from this one to theirs.
pub(super) fn limit_path_blocks(from: u64, parameters: &Parameters) -> u64 {
    let rule = LimitRule::of(parameters);
    let (mut limit, mut blocks) = (from, 0);
    while limit != rule.wanted && blocks < BLOCKS_MAX {
        let next = rule.next(limit);
        if next == limit {
            return BLOCKS_MAX;
        }
        limit = next;
        blocks += 1;
    }
    blocks
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Figures {
    let start = FeeState::settled(parameters, case.base_fee_wei);
    let start_wei = start.base_fee_wei;
    let limit = parameters.gas_limit();
    let after_empty = after(start, parameters, 0).base_fee_wei;
    let after_full = after(start, parameters, limit).base_fee_wei;
    let blocks_to = |bound| full_blocks_to(parameters, start_wei, bound).unwrap_or(BLOCKS_MAX);
    // The product of the rule's first step in a full block: base fee times excess gas.
    let excess = u128::from(limit.saturating_sub(start.gas_target(parameters))).max(1);
    let mut figures = vec![
        figure("full_blocks_to_signed_64_bit_fee", "blocks", blocks_to(SIGNED_64_MAX)),
        figure("full_blocks_to_signed_64_bit_product", "blocks", blocks_to(SIGNED_64_MAX / excess)),
        figure("full_blocks_to_model_bound", "blocks", blocks_to(u128::from(BASE_FEE_WEI_MAX) - 1)),
        figure("base_fee_after_full_block", "wei", after_full),
        figure("base_fee_after_empty_block", "wei", after_empty),
        figure("fee_falls_to_zero_at_once", "flag", u8::from(start_wei > 0 && after_empty == 0)),
        figure("fee_cannot_rise", "flag", u8::from(after_full <= start_wei)),
        figure("gas_target", "gas", start.gas_target(parameters)),
        figure("largest_transaction_fits", "flag", u8::from(cap_fits(parameters))),
        figure("limit_path", "blocks", limit_path_blocks(case.baseline.gas_limit(), parameters)),
    ];
    if is_eip_1559(parameters) {
        figures.push(figure("fee_stuck_at_or_below", "wei", stuck_below_wei(parameters)));
    }
    figures
}

/// Whether a block holds the largest transaction that the cap allows.
fn cap_fits(parameters: &Parameters) -> bool {
    parameters.get(P::TransactionGasCap) <= transaction_gas(parameters)
}

/// What a reader must know about the proposal's parameters.
pub(super) fn notes(case: &Case) -> Vec<String> {
    let parameters = &case.proposal;
    let path = match LimitRule::of(parameters).bound_divisor {
        0 => "in one block, as nothing bounds the step".to_owned(),
        divisor => format!("each step below parent / {divisor}"),
    };
    let mut notes = vec![format!(
        "a figure of 100000 blocks means that many, or never; limit_path is the number of blocks that \
         validators need from the baseline's limit, {path}"
    )];
    let mut add = |reached: bool, text: &str| {
        if reached {
            notes.push(format!("the proposal reaches an edge: {text}"));
        }
    };
    if is_eip_1559(parameters) {
        add(
            parameters.base_fee_change_denominator() == 1,
            "with a denominator of one an empty block takes the base fee to its floor",
        );
        add(
            parameters.elasticity_multiplier() == 1,
            "with an elasticity of one the base fee can never rise",
        );
        add(
            case.base_fee_wei <= stuck_below_wei(parameters),
            "at this base fee empty blocks do not lower it",
        );
    }
    add(
        !cap_fits(parameters),
        "the largest transaction that the cap allows does not fit into a block",
    );
    add(parameters.gas_target() < 21_000, "the target is smaller than one transfer");
    notes
}

#[cfg(test)]
mod tests;
