//! Filling all blobs while their price is at its floor.

use chaos_parameters::{
    ParameterName as P, Parameters,
    pricing::{BASE_FEE_WEI_MAX, BLOBS_PER_TRANSACTION_MAX, BlockUse, FeeState, GAS_PER_BLOB},
};

use super::{
    Case,
    result::{Figures, figure},
    rules::blocks_in,
};

const HOUR_MS: u64 = 3_600_000;
/// Blocks after which a climb is given up.
const BLOCKS_MAX: u64 = 20_000;
/// No blob market clears above this price: a million gwei.
const CLEARING_WEI_MAX: u128 = 1_000_000_000_000_000;
/// Below this price in wei, and with an update fraction below 2^31, earlier releases had the same.
const FEE_EXACT_MAX_WEI: u128 = 1 << 60;
const FRACTION_EXACT_MAX: u64 = 1 << 31;
/// Gas of a transaction that carries blobs and does nothing else.
const CARRIER_GAS: u128 = 21_000;

/// Buying every blob of some blocks, starting at the floor price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Griefing {
    /// Blocks filled.
    pub(super) blocks: u64,
    /// Blob fees, burnt.
    pub(super) blob_fees_wei: u128,
    /// Base fees and tips of the transactions that carry the blobs.
    pub(super) carrier_wei: u128,
    /// The fees of the block after the last.
    pub(super) fees: FeeState,
    /// Blocks in which the reserve price of EIP-7918 was active.
    pub(super) reserve_blocks: u64,
}

impl Griefing {
    pub(super) const fn cost_wei(&self) -> u128 {
        self.blob_fees_wei.saturating_add(self.carrier_wei)
    }
}

/// The fees after a block with these blobs and with gas at its target, so that the base fee stays.
fn after_blobs(fees: FeeState, parameters: &Parameters, blobs: u64) -> FeeState {
    let used = BlockUse {
        gas: fees.gas_target(parameters),
        blob_gas: blobs * GAS_PER_BLOB,
        elapsed_ms: parameters.block_time_ms(),
    };
    fees.advance(parameters, used)
}

/// Fills blocks until `stop` says so of the number of blocks and the blob price.
pub(super) fn grief(
    parameters: &Parameters,
    case: &Case,
    stop: impl Fn(u64, u128) -> bool,
) -> Griefing {
    let blobs = parameters.get(P::BlobMax);
    let carriers = u128::from(blobs.div_ceil(BLOBS_PER_TRANSACTION_MAX));
    let blob_gas = u128::from(blobs * GAS_PER_BLOB);
    let fees = FeeState::settled(parameters, case.base_fee_wei);
    let mut run = Griefing { blocks: 0, blob_fees_wei: 0, carrier_wei: 0, fees, reserve_blocks: 0 };
    loop {
        let fee = run.fees.blob_fee_wei(parameters);
        if run.blocks >= BLOCKS_MAX || stop(run.blocks, fee) {
            return run;
        }
        let price = run.fees.base_fee_wei.saturating_add(case.tip_wei);
        let carried = price.saturating_mul(carriers * CARRIER_GAS);
        run.carrier_wei = run.carrier_wei.saturating_add(carried);
        run.blob_fees_wei = run.blob_fees_wei.saturating_add(fee.saturating_mul(blob_gas));
        run.reserve_blocks += u64::from(run.fees.reserve_price_active(parameters));
        run.fees = after_blobs(run.fees, parameters, blobs);
        run.blocks += 1;
    }
}

/// Whether the blob fee reaches the rule's bound, or the update fraction is so large that the fee was
/// not always exact. The base fee is held at its start.
pub(super) fn reaches_bound(parameters: &Parameters, case: &Case) -> bool {
    let hour = blocks_in(parameters, HOUR_MS).min(BLOCKS_MAX);
    let clearing = case.blob_clearing_price_wei.min(CLEARING_WEI_MAX);
    let hourly = grief(parameters, case, |blocks, _| blocks >= hour);
    let climb = grief(parameters, case, |_, fee| fee >= clearing);
    let highest = hourly.fees.blob_fee_wei(parameters).max(climb.fees.blob_fee_wei(parameters));
    let dear = case.base_fee_wei >= u128::from(BASE_FEE_WEI_MAX);
    let large = parameters.get(P::BlobUpdateFraction) >= FRACTION_EXACT_MAX;
    dear || parameters.get(P::BlobMax) > 0 && (large || highest >= FEE_EXACT_MAX_WEI)
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Figures {
    if parameters.get(P::BlobMax) == 0 {
        return vec![figure("cost_1_hour", "wei", 0)];
    }
    let hour = blocks_in(parameters, HOUR_MS).min(BLOCKS_MAX);
    let hourly = grief(parameters, case, |blocks, _| blocks >= hour);
    let clearing = case.blob_clearing_price_wei.min(CLEARING_WEI_MAX);
    let climb = grief(parameters, case, |_, fee| fee >= clearing);
    let start = FeeState::settled(parameters, case.base_fee_wei);
    let calm = (0..hour).fold(hourly.fees, |fees, _| after_blobs(fees, parameters, 0));
    let fee = |fees: &FeeState| fees.blob_fee_wei(parameters);
    let target_gas = u128::from(parameters.get(P::BlobTarget) * GAS_PER_BLOB);
    let rollups =
        |fees: &FeeState| fee(fees).saturating_mul(target_gas).saturating_mul(u128::from(hour));
    let reserve = u128::from(parameters.get(P::BlobBaseCost)).saturating_mul(start.base_fee_wei)
        / u128::from(GAS_PER_BLOB);
    let milliseconds = u128::from(climb.blocks) * u128::from(parameters.block_time_ms());
    vec![
        figure("cost_1_hour", "wei", hourly.cost_wei()),
        figure("blob_fees_1_hour", "wei", hourly.blob_fees_wei),
        figure("blob_fee_after_1_hour", "wei", fee(&hourly.fees)),
        figure("blob_fee_after_1_empty_hour", "wei", fee(&calm)),
        figure("rollups_pay_per_hour_at_floor", "wei", rollups(&start)),
        figure("rollups_pay_per_hour_after", "wei", rollups(&hourly.fees)),
        figure("rollups_pay_per_hour_after_empty_hour", "wei", rollups(&calm)),
        figure("blocks_to_clearing_price", "blocks", climb.blocks),
        figure("time_to_clearing_price", "ms", milliseconds),
        figure("cost_to_clearing_price", "wei", climb.cost_wei()),
        figure("reserve_price", "wei", reserve),
        figure(
            "reserve_price_active_at_floor",
            "flag",
            u8::from(start.reserve_price_active(parameters)),
        ),
        figure("reserve_price_blocks_1_hour", "blocks", hourly.reserve_blocks),
    ]
}

pub(super) const NOTE: &str = "the execution base fee is held at its start; blobs start at the \
    least price with no excess; rollups want one target of blobs per block at any price; a climb \
    that passes 20000 blocks is cut there; a chain without blobs has no such attack";

#[cfg(test)]
mod tests;
