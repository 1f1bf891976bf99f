//! How fees move from block to block, for every family of chains: the one rule.
//!
//! [`FeeState`] is the rule, in arithmetic that is wide enough for every accepted parameter.
//! [`Compiled`] is the same rule in 64 bits for a loop that takes it millions of times, compiled
//! from the parameters and held to [`FeeState`] over whole paths by a test. Re-execution takes its
//! base fees from [`BaseFeeRule`] and its limits from [`LimitRule`], of which both are made.
//!
//! What a block leaves to its child (base fee, excess, backlog) follows from the block's own
//! parameters. What a block itself must obey follows from the parameters it is made under, the first
//! block of a change included: its base fee is at or above the floor, its limit is at most one step
//! from its parent's, its blob fee is that of the new schedule at the inherited excess
//! (`docs/adr/0012-one-fee-rule.md`).

use crate::{Family, Parameters};

mod arbitrum;
mod base_fee;
mod blobs;
mod compiled;
mod limit;
mod readiness;

pub use base_fee::{BASE_FEE_WEI_MAX, BaseFeeRule, INITIAL_BASE_FEE_WEI, next_base_fee};
pub use blobs::{BLOB_FEE_WEI_MAX, BLOBS_PER_TRANSACTION_MAX, BlobRule, GAS_PER_BLOB};
pub use compiled::{Compiled, Fees};
pub use limit::LimitRule;
pub use readiness::{Climb, climb, cost_of, doubling_blocks};

/// Everything that the fees of the next block depend on.
///
/// A state is advanced block by block with [`FeeState::advance`]; it does not remember which
/// parameters it was advanced with, so a change of parameters takes effect between two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeState {
    /// Base fee of the coming block in wei.
    pub base_fee_wei: u128,
    /// Gas limit of the block before, from which a bound limit moves.
    pub parent_gas_limit: u64,
    /// Gas limit of the coming block; it may still be on its way to the parameters' limit.
    pub gas_limit: u64,
    /// Excess blob gas of the coming block (EIP-4844); zero on chains without blobs.
    pub excess_blob_gas: u64,
    /// Arbitrum's backlogs in gas, one per gas target; the first is the single-target rule's.
    pub backlog_gas: [u128; Parameters::GAS_TARGETS_MAX],
    /// Milliseconds not yet credited to Arbitrum's backlogs, which are paid off by whole seconds.
    pub pending_ms: u64,
}

/// What a block used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockUse {
    /// Gas of its transactions.
    pub gas: u64,
    /// Blob gas of its blobs.
    pub blob_gas: u64,
    /// Milliseconds until the next block.
    pub elapsed_ms: u64,
}

impl FeeState {
    /// A settled chain at this base fee: its limit reached, no excess, no backlog.
    #[must_use]
    pub fn settled(parameters: &Parameters, base_fee_wei: u128) -> Self {
        let held = BaseFeeRule::of(parameters).hold(base_fee_wei);
        let mut state = Self {
            base_fee_wei: held,
            parent_gas_limit: parameters.gas_limit(),
            gas_limit: parameters.gas_limit(),
            excess_blob_gas: 0,
            backlog_gas: [0; Parameters::GAS_TARGETS_MAX],
            pending_ms: 0,
        };
        if parameters.family() == Family::Arbitrum {
            state.backlog_gas = arbitrum::backlogs_at(parameters, state.base_fee_wei);
        }
        state
    }

    /// Gas at which the coming block leaves the base fee where it is.
    #[must_use]
    pub fn gas_target(&self, parameters: &Parameters) -> u64 {
        match parameters.family() {
            Family::Ethereum | Family::OpStack => {
                BaseFeeRule::of(parameters).target(self.gas_limit)
            }
            Family::Arbitrum => parameters.gas_target(),
        }
    }

    /// The same chain when a change of parameters takes effect with the coming block.
    ///
    /// The block obeys the new floor at once. Its limit is the new one, or the first step towards
    /// it from the parent's where `gas-limit-bound-divisor` binds it. Fees answer to its use by the
    /// new parameters from the block after it on.
    #[must_use]
    pub fn enact(mut self, parameters: &Parameters) -> Self {
        self.gas_limit = LimitRule::of(parameters).next(self.parent_gas_limit);
        self.base_fee_wei = BaseFeeRule::of(parameters).hold(self.base_fee_wei);
        self
    }

    /// The blob fee of the coming block in wei per unit of blob gas; zero on chains without blobs.
    ///
    /// See [`BlobRule::fee_wei`].
    #[must_use]
    pub fn blob_fee_wei(&self, parameters: &Parameters) -> u128 {
        BlobRule::of(parameters).map_or(0, |rule| rule.fee_wei(self.excess_blob_gas).into())
    }

    /// The state after a block with this use.
    ///
    /// Gas limit: one step of [`LimitRule`]. Base fee: EIP-1559 at the block's own limit, never
    /// below `min-base-fee`; on Arbitrum chains the backlog rule. Blobs: EIP-4844 with the reserve
    /// price of [EIP-7918](https://eips.ethereum.org/EIPS/eip-7918).
    #[must_use]
    pub fn advance(mut self, parameters: &Parameters, used: BlockUse) -> Self {
        if let Some(rule) = BlobRule::of(parameters) {
            let fee = rule.fee_wei(self.excess_blob_gas);
            let reserved = rule.reserve_price_active(self.base_fee_wei, fee);
            self.excess_blob_gas = rule.next_excess(self.excess_blob_gas, used.blob_gas, reserved);
        }
        match parameters.family() {
            Family::Ethereum | Family::OpStack => {
                self.base_fee_wei =
                    BaseFeeRule::of(parameters).next(self.base_fee_wei, used.gas, self.gas_limit);
            }
            Family::Arbitrum => arbitrum::advance(&mut self, parameters, used),
        }
        self.parent_gas_limit = self.gas_limit;
        self.gas_limit = LimitRule::of(parameters).next(self.gas_limit);
        self
    }

    /// Whether the reserve price of EIP-7918 holds the blob fee up in the coming block.
    #[must_use]
    pub fn reserve_price_active(&self, parameters: &Parameters) -> bool {
        BlobRule::of(parameters).is_some_and(|rule| {
            rule.reserve_price_active(self.base_fee_wei, rule.fee_wei(self.excess_blob_gas))
        })
    }
}

#[cfg(test)]
mod tests;
