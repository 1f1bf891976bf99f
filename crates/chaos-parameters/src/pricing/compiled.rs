use super::{BASE_FEE_WEI_MAX, BaseFeeRule, BlobRule, BlockUse, FeeState, LimitRule};
use crate::{Family, Parameters};

/// The rule of one set of parameters in 64-bit arithmetic, for a loop that takes it for every block
/// of every path.
///
/// It is compiled from the parameters and says what [`FeeState`] says, block for block, for every
/// accepted set of parameters; a test holds it to that over whole paths with changes in the middle.
/// Arbitrum's rule does not fit 64 bits and is taken from [`FeeState`] as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compiled {
    base_fee: BaseFeeRule,
    limit: LimitRule,
    blobs: Option<BlobRule>,
    /// The price of blob gas without excess.
    blob_fee_min_wei: u64,
    /// Whether the chain prices by backlog.
    backlog: bool,
    parameters: Parameters,
}

/// The fees of a coming block; [`FeeState`] in 64 bits, with what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// Base fee in wei.
    pub base_fee_wei: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Gas at which the block leaves the base fee where it is.
    pub gas_target: u64,
    /// Price of a unit of blob gas in wei; zero on chains without blobs.
    pub blob_fee_wei: u64,
    parent_gas_limit: u64,
    excess_blob_gas: u64,
    backlog_gas: [u128; Parameters::GAS_TARGETS_MAX],
    pending_ms: u64,
}

impl Compiled {
    /// Compiles the rule of these parameters.
    #[must_use]
    pub fn new(parameters: &Parameters) -> Self {
        let blobs = BlobRule::of(parameters);
        Self {
            base_fee: BaseFeeRule::of(parameters),
            limit: LimitRule::of(parameters),
            blobs,
            blob_fee_min_wei: blobs.map_or(0, |rule| rule.fee_wei(0)),
            backlog: match parameters.family() {
                Family::Ethereum | Family::OpStack => false,
                Family::Arbitrum => true,
            },
            parameters: *parameters,
        }
    }

    /// The blob market's rule; `None` on chains without blobs.
    #[must_use]
    pub const fn blobs(&self) -> Option<&BlobRule> {
        self.blobs.as_ref()
    }

    /// The price of a unit of blob gas without excess, in wei; zero on chains without blobs.
    #[must_use]
    pub const fn blob_fee_min_wei(&self) -> u64 {
        self.blob_fee_min_wei
    }

    /// As [`FeeState::settled`].
    #[must_use]
    pub fn settled(&self, base_fee_wei: u64) -> Fees {
        let mut fees = Fees {
            base_fee_wei: 0,
            gas_limit: 0,
            gas_target: 0,
            blob_fee_wei: self.blob_fee_min_wei,
            parent_gas_limit: 0,
            excess_blob_gas: 0,
            backlog_gas: [0; Parameters::GAS_TARGETS_MAX],
            pending_ms: 0,
        };
        fees.take(FeeState::settled(&self.parameters, base_fee_wei.into()));
        fees.gas_target = self.target(fees.gas_limit);
        fees
    }

    /// As [`FeeState::enact`].
    pub fn enact(&self, fees: &mut Fees) {
        fees.gas_limit = self.limit.next(fees.parent_gas_limit);
        fees.gas_target = self.target(fees.gas_limit);
        fees.base_fee_wei = self.hold(fees.base_fee_wei);
        fees.blob_fee_wei = self.blob_fee_wei(fees.excess_blob_gas);
    }

    /// As [`FeeState::advance`].
    #[inline]
    pub fn advance(&self, fees: &mut Fees, used: BlockUse) {
        if self.backlog {
            fees.take(fees.state().advance(&self.parameters, used));
            fees.gas_target = self.target(fees.gas_limit);
            return;
        }
        if let Some(rule) = &self.blobs {
            let reserved = rule.reserve_price_active(fees.base_fee_wei.into(), fees.blob_fee_wei);
            let excess = rule.next_excess(fees.excess_blob_gas, used.blob_gas, reserved);
            if excess != fees.excess_blob_gas {
                fees.excess_blob_gas = excess;
                fees.blob_fee_wei = rule.fee_wei(excess);
            }
        }
        fees.base_fee_wei = self.next_base_fee(fees, used.gas);
        fees.parent_gas_limit = fees.gas_limit;
        let limit = self.limit.next(fees.gas_limit);
        if limit != fees.gas_limit {
            fees.gas_limit = limit;
            fees.gas_target = self.target(limit);
        }
    }

    /// Whether the reserve price of EIP-7918 holds the blob fee up in a block with these fees.
    #[must_use]
    pub fn reserve_price_active(&self, base_fee_wei: u64, blob_fee_wei: u64) -> bool {
        self.blobs.is_some_and(|rule| rule.reserve_price_active(base_fee_wei.into(), blob_fee_wei))
    }

    /// As [`BaseFeeRule::next`] at the fees' own limit.
    #[must_use]
    #[inline]
    pub fn next_base_fee(&self, fees: &Fees, gas_used: u64) -> u64 {
        let (base, target) = (fees.base_fee_wei, fees.gas_target);
        let used = gas_used.min(fees.gas_limit);
        self.hold(if used > target {
            base.saturating_add(self.change(base, used - target, target).max(1))
        } else {
            base.saturating_sub(self.change(base, target - used, target))
        })
    }

    /// `base fee x distance / target / denominator`, floored; saturates.
    #[inline]
    fn change(&self, base_fee_wei: u64, distance: u64, target: u64) -> u64 {
        let denominator = self.base_fee.change_denominator.max(1);
        match (base_fee_wei.checked_mul(distance), target.checked_mul(denominator)) {
            (Some(product), Some(divisor)) => product / divisor,
            _ => {
                let product = u128::from(base_fee_wei) * u128::from(distance);
                let divisor = u128::from(target) * u128::from(denominator);
                u64::try_from(product / divisor).unwrap_or(u64::MAX)
            }
        }
    }

    /// As [`BaseFeeRule::hold`].
    #[inline]
    fn hold(&self, base_fee_wei: u64) -> u64 {
        base_fee_wei.min(BASE_FEE_WEI_MAX).max(self.base_fee.floor_wei)
    }

    #[inline]
    fn target(&self, gas_limit: u64) -> u64 {
        if self.backlog { self.parameters.gas_target() } else { self.base_fee.target(gas_limit) }
    }

    fn blob_fee_wei(&self, excess_blob_gas: u64) -> u64 {
        self.blobs.map_or(0, |rule| rule.fee_wei(excess_blob_gas))
    }
}

impl Fees {
    /// The same as the state of the rule.
    #[must_use]
    pub fn state(&self) -> FeeState {
        FeeState {
            base_fee_wei: self.base_fee_wei.into(),
            parent_gas_limit: self.parent_gas_limit,
            gas_limit: self.gas_limit,
            excess_blob_gas: self.excess_blob_gas,
            backlog_gas: self.backlog_gas,
            pending_ms: self.pending_ms,
        }
    }

    /// Takes over a state, whose base fee the rule holds within 64 bits.
    fn take(&mut self, state: FeeState) {
        self.base_fee_wei = u64::try_from(state.base_fee_wei).unwrap_or(u64::MAX);
        self.parent_gas_limit = state.parent_gas_limit;
        self.gas_limit = state.gas_limit;
        self.excess_blob_gas = state.excess_blob_gas;
        self.backlog_gas = state.backlog_gas;
        self.pending_ms = state.pending_ms;
    }
}

#[cfg(test)]
mod tests;
