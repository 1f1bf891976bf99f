use serde::{Deserialize, Serialize};

/// The fee figures of one real block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedBlock {
    /// Block number.
    #[serde(with = "chaos_types::decimal")]
    pub number: u64,
    /// Unix time in seconds.
    #[serde(with = "chaos_types::decimal")]
    pub timestamp: u64,
    /// Gas that the block's transactions used.
    #[serde(with = "chaos_types::decimal")]
    pub gas_used: u64,
    /// Gas limit of the block.
    #[serde(with = "chaos_types::decimal")]
    pub gas_limit: u64,
    /// Base fee in wei; `None` before London.
    #[serde(with = "chaos_types::decimal::optional")]
    pub base_fee_wei: Option<u128>,
}

impl ObservedBlock {
    /// Whether at least 99 % of the limit was used.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        is_saturated(self.gas_used, self.gas_limit)
    }
}

/// At least 99 % of the limit, without rounding.
pub(super) fn is_saturated(gas_used: u64, gas_limit: u64) -> bool {
    u128::from(gas_used) * 100 >= u128::from(gas_limit) * 99
}
