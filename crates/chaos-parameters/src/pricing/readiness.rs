use super::{BASE_FEE_WEI_MAX, BlockUse, FeeState};
use crate::{Family, Parameters};

/// How a base fee climbs from one level to another under full blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Climb {
    /// Full blocks until the level is reached.
    pub blocks: u64,
    /// The same in milliseconds.
    pub duration_ms: u64,
}

/// A climb that takes longer than this is not followed further: 1,000,000 blocks.
const CLIMB_BLOCKS_MAX: u64 = 1_000_000;

/// Full blocks that take the base fee from `from_wei` to at least `to_wei`, by the exact rule.
///
/// `None` if that takes more than a million blocks or the fee cannot rise (elasticity 1).
#[must_use]
pub fn climb(parameters: &Parameters, from_wei: u128, to_wei: u128) -> Option<Climb> {
    let mut state = FeeState::settled(parameters, from_wei);
    let to_wei = to_wei.min(BASE_FEE_WEI_MAX.into());
    let full = BlockUse {
        gas: parameters.gas_limit(),
        blob_gas: 0,
        elapsed_ms: parameters.block_time_ms(),
    };
    for blocks in 0..CLIMB_BLOCKS_MAX {
        if state.base_fee_wei >= to_wei {
            return Some(Climb { blocks, duration_ms: blocks * parameters.block_time_ms() });
        }
        let next = state.advance(parameters, full);
        if next.base_fee_wei <= state.base_fee_wei && parameters.family() != Family::Arbitrum {
            return None;
        }
        state = next;
    }
    None
}

/// Full blocks that double a base fee large enough for the integer rule not to matter.
#[must_use]
pub fn doubling_blocks(parameters: &Parameters) -> Option<u64> {
    let from = u128::from(parameters.min_base_fee_wei()).max(1 << 40);
    climb(parameters, from, from * 2).map(|climb| climb.blocks)
}

/// What this much gas costs at this base fee, in wei, without a priority fee.
#[must_use]
pub const fn cost_of(gas: u64, base_fee_wei: u128) -> u128 {
    base_fee_wei.saturating_mul(gas as u128)
}
