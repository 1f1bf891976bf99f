//! How fees move from block to block, for every family of chains.

use alloy_eips::eip4844::{DATA_GAS_PER_BLOB, fake_exponential};

use crate::{Family, ParameterName as P, Parameters, Setting};

mod arbitrum;
mod base_fee;
mod readiness;

pub use base_fee::{BASE_FEE_WEI_MAX, INITIAL_BASE_FEE_WEI, next_base_fee};
pub use readiness::{Climb, climb, cost_of, doubling_blocks};

/// Excess blob gas stops here: 2^40, three million blobs above the target.
///
/// The consensus rule has no such bound. It keeps the exponential of [`FeeState::blob_fee_wei`]
/// short when a simulated demand for blobs never ends; no chain comes near it.
const EXCESS_BLOB_GAS_MAX: u64 = 1 << 40;

/// Largest exponent of a blob fee: e^60 is 10^26 times the least fee.
const BLOB_EXPONENT_MAX: u128 = 60;

/// Everything that the fees of the next block depend on.
///
/// A state is advanced block by block with [`FeeState::advance`]; it does not remember which
/// parameters it was advanced with, so a change of parameters takes effect between two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeState {
    /// Base fee of the coming block in wei.
    pub base_fee_wei: u128,
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
        let floor = parameters.min_base_fee_wei().into();
        let mut state = Self {
            base_fee_wei: base_fee_wei.clamp(floor, BASE_FEE_WEI_MAX.max(floor)),
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
                (self.gas_limit / parameters.elasticity_multiplier().max(1)).max(1)
            }
            Family::Arbitrum => parameters.gas_target(),
        }
    }

    /// The same chain when a change of parameters takes effect: the gas limit jumps unless it is
    /// bound to its parent; fees answer from the coming block on.
    #[must_use]
    pub fn enact(mut self, parameters: &Parameters) -> Self {
        if parameters.get(P::GasLimitBoundDivisor) == 0 {
            self.gas_limit = parameters.gas_limit();
        }
        self
    }

    /// The blob fee of the coming block in wei per unit of blob gas.
    ///
    /// `blob-min-fee x e^(excess / blob-update-fraction)` by the integer series of
    /// [EIP-4844](https://eips.ethereum.org/EIPS/eip-4844); zero on chains without blobs.
    #[must_use]
    pub fn blob_fee_wei(&self, parameters: &Parameters) -> u128 {
        if parameters.get(P::BlobMax) == 0 {
            return 0;
        }
        blob_fee_wei(parameters, self.excess_blob_gas)
    }

    /// The state after a block with this use.
    ///
    /// Gas limit: less than `parent / gas-limit-bound-divisor` towards the parameters' limit, or at
    /// once if the divisor is zero. Base fee: EIP-1559 at the block's own limit, never below
    /// `min-base-fee`; on Arbitrum chains the backlog rule. Blobs: EIP-4844 with the reserve price
    /// of [EIP-7918](https://eips.ethereum.org/EIPS/eip-7918).
    #[must_use]
    pub fn advance(mut self, parameters: &Parameters, used: BlockUse) -> Self {
        if parameters.get(P::BlobMax) > 0 {
            self.excess_blob_gas = self.next_excess_blob_gas(parameters, used.blob_gas);
        }
        match parameters.family() {
            Family::Ethereum | Family::OpStack => {
                self.base_fee_wei = step(self.base_fee_wei, used.gas, self.gas_limit, parameters);
            }
            Family::Arbitrum => arbitrum::advance(&mut self, parameters, used),
        }
        self.gas_limit = next_gas_limit(self.gas_limit, parameters);
        self
    }

    /// Whether the reserve price of EIP-7918 holds the blob fee up in the coming block.
    #[must_use]
    pub fn reserve_price_active(&self, parameters: &Parameters) -> bool {
        let cost = u128::from(parameters.get(P::BlobBaseCost));
        parameters.get(P::BlobMax) > 0
            && cost.saturating_mul(self.base_fee_wei)
                > u128::from(DATA_GAS_PER_BLOB).saturating_mul(self.blob_fee_wei(parameters))
    }

    fn next_excess_blob_gas(&self, parameters: &Parameters, blob_gas_used: u64) -> u64 {
        let (target, max) = (parameters.get(P::BlobTarget), parameters.get(P::BlobMax));
        let target_gas = target * DATA_GAS_PER_BLOB;
        let total = self.excess_blob_gas.saturating_add(blob_gas_used);
        let next = if total < target_gas {
            0
        } else if self.reserve_price_active(parameters) {
            let scaled = u128::from(blob_gas_used) * u128::from(max - target) / u128::from(max);
            self.excess_blob_gas.saturating_add(u64::try_from(scaled).unwrap_or(u64::MAX))
        } else {
            total - target_gas
        };
        next.min(EXCESS_BLOB_GAS_MAX)
    }
}

/// The blob fee at this excess; see [`FeeState::blob_fee_wei`].
fn blob_fee_wei(parameters: &Parameters, excess_blob_gas: u64) -> u128 {
    let fraction = u128::from(parameters.get(P::BlobUpdateFraction));
    let excess = u128::from(excess_blob_gas).min(fraction * BLOB_EXPONENT_MAX);
    fake_exponential(parameters.get(P::BlobMinFee).into(), excess, fraction)
}

/// EIP-1559 at a limit that may still be moving.
fn step(base_fee_wei: u128, gas_used: u64, gas_limit: u64, parameters: &Parameters) -> u128 {
    if gas_limit == parameters.gas_limit() {
        return next_base_fee(base_fee_wei, gas_used, parameters);
    }
    let setting = Setting::new(P::GasLimit, gas_limit)
        .expect("a limit between two limits within bounds is within bounds");
    next_base_fee(base_fee_wei, gas_used, &parameters.with(setting))
}

/// A limit may differ from its parent's by less than `parent / divisor` (yellow paper, section 4.4).
fn next_gas_limit(parent: u64, parameters: &Parameters) -> u64 {
    let wanted = parameters.gas_limit();
    match parent.checked_div(parameters.get(P::GasLimitBoundDivisor)) {
        None => wanted,
        Some(bound) => {
            let reach = bound.saturating_sub(1).max(1);
            wanted.clamp(parent.saturating_sub(reach), parent.saturating_add(reach))
        }
    }
}

#[cfg(test)]
mod tests;
