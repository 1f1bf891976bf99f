//! Filling all blobs while their price is at its floor.

use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7840::BlobParams};

use super::{
    Rules, Setting,
    result::{Figures, figure},
};

const HOUR_MS: u64 = 3_600_000;
/// Blocks after which a climb is given up.
const BLOCKS_MAX: u64 = 100_000;
/// The climb ends at this blob price, far above any market: a million gwei.
const BLOB_FEE_WEI_MAX: u128 = 1_000_000_000_000_000;
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
    /// Excess blob gas after the last block.
    pub(super) excess: u64,
    /// Blocks in which the reserve price of EIP-7918 was active.
    pub(super) reserve_blocks: u64,
}

/// Whether the reserve price is active at this price: a blob's gas costs less than its share of
/// the carrying transaction, `base_cost * base_fee > gas_per_blob * blob_fee`.
pub(super) fn reserve_active(blobs: &BlobParams, blob_fee: u128, base_fee: u64) -> bool {
    let price = blob_fee.saturating_mul(u128::from(DATA_GAS_PER_BLOB));
    u128::from(blobs.blob_base_cost) * u128::from(base_fee) > price
}

/// Fills blocks until `stop` says so of the number of blocks and the blob price.
pub(super) fn grief(
    rules: &Rules,
    setting: &Setting,
    stop: impl Fn(u64, u128) -> bool,
) -> Griefing {
    let blobs = &rules.blobs;
    let base_fee = u64::try_from(setting.base_fee_wei).unwrap_or(u64::MAX);
    let carriers = u128::from(blobs.max_blob_count.div_ceil(blobs.max_blobs_per_tx.max(1)));
    let carrier = carriers * CARRIER_GAS;
    let block_carrier_wei =
        carrier.saturating_mul(setting.base_fee_wei.saturating_add(setting.tip_wei));
    let used = blobs.max_blob_gas_per_block();
    let mut run =
        Griefing { blocks: 0, blob_fees_wei: 0, carrier_wei: 0, excess: 0, reserve_blocks: 0 };
    loop {
        let fee = blobs.calc_blob_fee(run.excess);
        if stop(run.blocks, fee) || run.blocks >= BLOCKS_MAX || fee > BLOB_FEE_WEI_MAX {
            return run;
        }
        run.blob_fees_wei = run.blob_fees_wei.saturating_add(fee.saturating_mul(u128::from(used)));
        run.carrier_wei = run.carrier_wei.saturating_add(block_carrier_wei);
        run.reserve_blocks += u64::from(reserve_active(blobs, fee, base_fee));
        run.excess = blobs.next_block_excess_blob_gas_osaka(run.excess, used, base_fee);
        run.blocks += 1;
    }
}

pub(super) fn figures(rules: &Rules, setting: &Setting) -> Figures {
    let blobs = &rules.blobs;
    let base_fee = u64::try_from(setting.base_fee_wei).unwrap_or(u64::MAX);
    let hour = rules.blocks_in(HOUR_MS);
    let hourly = grief(rules, setting, |blocks, _| blocks >= hour);
    let climb = grief(rules, setting, |_, fee| fee >= setting.blob_clearing_price_wei);
    let fee_after = blobs.calc_blob_fee(hourly.excess);
    let target_bytes = u128::from(blobs.target_blob_gas_per_block());
    let floor = blobs.min_blob_fee;
    let milliseconds = u128::from(climb.blocks) * u128::from(rules.block_time_ms);
    let cost = |run: &Griefing| run.blob_fees_wei.saturating_add(run.carrier_wei);
    let rollups = |fee: u128| fee.saturating_mul(target_bytes).saturating_mul(u128::from(hour));
    vec![
        figure("cost_1_hour", "wei", cost(&hourly)),
        figure("blob_fees_1_hour", "wei", hourly.blob_fees_wei),
        figure("blob_fee_after_1_hour", "wei", fee_after),
        figure("rollups_pay_per_hour_at_floor", "wei", rollups(floor)),
        figure("rollups_pay_per_hour_after", "wei", rollups(fee_after)),
        figure("reserve_price_blocks_1_hour", "blocks", hourly.reserve_blocks),
        figure("blocks_to_clearing_price", "blocks", climb.blocks),
        figure("time_to_clearing_price", "ms", milliseconds),
        figure("cost_to_clearing_price", "wei", cost(&climb)),
        figure(
            "reserve_price_active_at_floor",
            "flag",
            u8::from(reserve_active(blobs, floor, base_fee)),
        ),
        figure(
            "reserve_price",
            "wei",
            u128::from(blobs.blob_base_cost) * u128::from(base_fee) / u128::from(DATA_GAS_PER_BLOB),
        ),
    ]
}

pub(super) const NOTE: &str = "the execution base fee is held at its start; blobs start at the floor \
    price with no excess; rollups want one target of blobs per block at any price; a climb that passes \
    100000 blocks is cut there";
