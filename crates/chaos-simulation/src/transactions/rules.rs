use chaos_parameters::{ParameterName as P, Parameters, pricing::Compiled};

use super::Error;

/// What the loop needs of an arm's parameters.
///
/// On Arbitrum the base fee follows its backlog rule; its first-come-first-served order is not
/// modelled, blocks are packed by tip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// How fees move.
    pub(super) pricing: Compiled,
    /// The smallest effective tip a builder includes, in wei per gas.
    pub(super) priority_fee_floor_wei: u64,
    /// Most gas in one transaction, whatever the block's limit
    /// ([EIP-7825](https://eips.ethereum.org/EIPS/eip-7825)); the largest number without a cap.
    pub(super) transaction_gas_cap: u64,
    /// Most blobs in a block.
    pub(super) blobs_max: u64,
    /// Most blobs in a transaction.
    pub(super) blobs_per_transaction_max: u64,
}

impl Rules {
    /// The rules that these parameters state, for every family of chains.
    pub(super) fn of(parameters: &Parameters) -> Self {
        let pricing = Compiled::new(parameters);
        Self {
            pricing,
            priority_fee_floor_wei: parameters.get(P::PriorityFeeFloor),
            transaction_gas_cap: match parameters.get(P::TransactionGasCap) {
                0 => u64::MAX,
                cap => cap,
            },
            blobs_max: pricing.blobs().map_or(0, |blobs| blobs.max),
            blobs_per_transaction_max: pricing.blobs().map_or(0, |b| b.per_transaction_max()),
        }
    }
}

/// Refuses a number outside its bounds.
pub(super) const fn bound(
    field: &'static str,
    found: u64,
    min: u64,
    max: u64,
) -> Result<(), Error> {
    if found < min || found > max {
        return Err(Error::OutOfBounds { field, min, max, found });
    }
    Ok(())
}
