use alloy_eips::eip7840::BlobParams;

use crate::{Parameters, fee_market};

/// The rules of one arm, as far as an attack meets them.
///
/// The fields that are not in [`Parameters`] hold Ethereum's values after Osaka unless stated
/// otherwise in [`Rules::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Gas limit, elasticity multiplier and base-fee change denominator.
    pub parameters: Parameters,
    /// Least base fee in wei per gas; zero where the protocol has none.
    pub base_fee_min_wei: u64,
    /// Least tip in wei per gas that a builder takes.
    pub priority_fee_min_wei: u64,
    /// Gas per calldata token below which a transaction is not charged
    /// ([EIP-7623](https://eips.ethereum.org/EIPS/eip-7623)); zero switches the floor off.
    pub calldata_floor_gas_per_token: u64,
    /// Most gas one transaction may ask for
    /// ([EIP-7825](https://eips.ethereum.org/EIPS/eip-7825)); `None` where only the block binds.
    pub transaction_gas_max: Option<u64>,
    /// A refund is at most the gas used divided by this
    /// ([EIP-3529](https://eips.ethereum.org/EIPS/eip-3529)); `None` where nothing is refunded.
    pub refund_quotient: Option<u64>,
    /// Blob count, price and reserve price.
    pub blobs: BlobParams,
    /// Milliseconds between blocks, at least 1.
    pub block_time_ms: u64,
}

/// Most gas one transaction may ask for since Osaka: 2^24
/// ([EIP-7825](https://eips.ethereum.org/EIPS/eip-7825)).
pub const TRANSACTION_GAS_MAX: u64 = 1 << 24;

impl Rules {
    /// Ethereum after the second blob-parameter fork, with these gas parameters.
    #[must_use]
    pub const fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            base_fee_min_wei: 0,
            priority_fee_min_wei: 0,
            calldata_floor_gas_per_token: 10,
            transaction_gas_max: Some(TRANSACTION_GAS_MAX),
            refund_quotient: Some(5),
            blobs: BlobParams::bpo2(),
            block_time_ms: 12_000,
        }
    }

    /// Most gas of one block.
    #[must_use]
    pub const fn gas_limit(&self) -> u64 {
        self.parameters.gas_limit()
    }

    /// Gas at which the base fee stands still.
    #[must_use]
    pub const fn gas_target(&self) -> u64 {
        self.parameters.gas_target()
    }

    /// The base fee of the block after one with this base fee (wei) and use (gas): the rule of
    /// [`fee_market::next_base_fee`], never below the least base fee.
    #[must_use]
    pub fn next_base_fee(&self, base_fee_wei: u128, gas_used: u64) -> u128 {
        fee_market::next_base_fee(base_fee_wei, gas_used, &self.parameters)
            .max(u128::from(self.base_fee_min_wei))
    }

    /// Most gas that one transaction of an attack may ask for: the cap, or the block's limit.
    #[must_use]
    pub fn transaction_gas(&self) -> u64 {
        self.transaction_gas_max.map_or(self.gas_limit(), |cap| cap.min(self.gas_limit()))
    }

    /// Blocks that begin within `duration_ms`, at least one.
    #[must_use]
    pub const fn blocks_in(&self, duration_ms: u64) -> u64 {
        let blocks = duration_ms.div_ceil(self.block_time_ms);
        if blocks == 0 { 1 } else { blocks }
    }
}
