//! Recorded blocks and the figures of a stretch of them.

use chaos_parameters::{
    fixed,
    pricing::{BlobRule, GAS_PER_BLOB},
};

/// The blob figures of one real block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobBlock {
    /// Block number.
    pub number: u64,
    /// Unix time in seconds.
    pub timestamp: u64,
    /// Excess blob gas that the block begins with.
    pub excess_blob_gas: u64,
    /// Blobs in the block.
    pub blobs: u64,
    /// The execution base fee in wei; `None` if it is not known.
    pub base_fee_wei: Option<u128>,
    /// The rule by which the block has its price.
    pub rule: BlobRule,
    /// Whether the step to the next block took the branch of the reserve price, as base fee or next
    /// block show it; `None` if neither does.
    pub reserved: Option<bool>,
}

impl BlobBlock {
    /// ln of the price per blob gas in wei, in Q32.
    pub(super) fn price_ln_q32(&self) -> i64 {
        price_ln_q32(&self.rule, self.excess_blob_gas)
    }
}

/// ln of the price of blob gas in wei, in Q32: without the series' rounding, which matters below ten
/// wei.
pub(super) fn price_ln_q32(rule: &BlobRule, excess_blob_gas: u64) -> i64 {
    let exponent = (u128::from(excess_blob_gas) << 32) / u128::from(rule.update_fraction.max(1));
    let least = if rule.min_fee_wei > 1 { fixed::ln_q32(rule.min_fee_wei.into()) } else { 0 };
    i64::try_from(exponent).unwrap_or(i64::MAX / 2).saturating_add(least)
}

/// Says of every block which branch its excess shows, where the rule has two.
///
/// The branch of a block decides the excess of the next. Where the base fee is known it is computed. Else
/// it is read from the next row; a full block, or one without enough excess, gives the same number on
/// both, and then counts as the one before it.
pub(super) fn read_branches(blocks: &mut [BlobBlock]) {
    let mut last = None;
    for place in 0..blocks.len() {
        let block = blocks[place];
        let next = blocks.get(place + 1).copied();
        let shown = next.and_then(|next| shown(&block, &next));
        let rule = next.map_or(block.rule, |next| next.rule);
        let branch = match block.base_fee_wei {
            _ if rule.base_cost == 0 => Some(false),
            Some(fee) => Some(rule.reserve_price_active(fee, rule.fee_wei(block.excess_blob_gas))),
            None => shown.or(last),
        };
        blocks[place].reserved = branch;
        last = branch;
    }
}

/// What the excess of the next block shows; `None` if both branches give it or neither.
fn shown(block: &BlobBlock, next: &BlobBlock) -> Option<bool> {
    if block.number + 1 != next.number {
        return None;
    }
    let used = block.blobs.saturating_mul(GAS_PER_BLOB);
    let of = |reserved| next.rule.next_excess(block.excess_blob_gas, used, reserved);
    match (of(false) == next.excess_blob_gas, of(true) == next.excess_blob_gas) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        (true, true) | (false, false) => None,
    }
}

/// What is asked of a stretch of blocks. Shares and blobs in millionths, prices as ln in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) blobs: i128,
    pub(super) full: i128,
    pub(super) reserved: i128,
    pub(super) floor: i128,
    pub(super) fee_p50: i128,
    pub(super) fee_p90: i128,
}

impl Figures {
    pub(super) const NAMES: [&'static str; 6] = [
        "blobs_per_block",
        "reserve_share",
        "full_share",
        "floor_share",
        "blob_fee_median",
        "blob_fee_p90",
    ];

    /// In the order of [`Self::NAMES`].
    pub(super) const fn values(&self) -> [i128; 6] {
        [self.blobs, self.reserved, self.full, self.floor, self.fee_p50, self.fee_p90]
    }
}

/// Gathers the figures of a stretch under one rule.
#[derive(Debug)]
pub(super) struct Gather {
    blobs: u64,
    full: u64,
    reserved: u64,
    floor: u64,
    /// ln of the prices in 2^-16.
    prices: Vec<i32>,
}

impl Gather {
    pub(super) fn with_capacity(blocks: usize) -> Self {
        Self { blobs: 0, full: 0, reserved: 0, floor: 0, prices: Vec::with_capacity(blocks) }
    }

    pub(super) fn push(&mut self, rule: &BlobRule, price_ln_q32: i64, blobs: u64, reserved: bool) {
        self.blobs += blobs;
        self.full += u64::from(blobs >= rule.max);
        self.reserved += u64::from(reserved);
        // Below twice the least fee the integer rule gives the least fee: e^0.69 floors to one.
        let above = price_ln_q32 - least_ln_q32(rule);
        self.floor += u64::from(rule.min_fee_wei == 1 && above < LN_2_Q32 || above == 0);
        self.prices.push(i32::try_from(price_ln_q32 >> 16).unwrap_or(i32::MAX));
    }

    /// The figures; `None` if there is no block.
    pub(super) fn finish(mut self) -> Option<Figures> {
        let count = self.prices.len();
        if count == 0 {
            return None;
        }
        let of = |sum: u64| i128::from(sum) * 1_000_000 / count as i128;
        let (blobs, full) = (of(self.blobs), of(self.full));
        let (reserved, floor) = (of(self.reserved), of(self.floor));
        let mut quantile = |permille: usize| {
            let rank = (count * permille).div_ceil(1_000).max(1) - 1;
            let (_, value, _) = self.prices.select_nth_unstable(rank);
            fee_ln_ppm(i64::from(*value) << 16)
        };
        let (fee_p50, fee_p90) = (quantile(500), quantile(900));
        Some(Figures { blobs, full, reserved, floor, fee_p50, fee_p90 })
    }
}

/// ln 2 in Q32.
const LN_2_Q32: i64 = 2_977_044_472;

fn least_ln_q32(rule: &BlobRule) -> i64 {
    if rule.min_fee_wei > 1 { fixed::ln_q32(rule.min_fee_wei.into()) } else { 0 }
}

/// ln in Q32 to millionths; a price below two wei is one wei, as the rule floors it.
fn fee_ln_ppm(price_ln_q32: i64) -> i128 {
    if price_ln_q32 < LN_2_Q32 { 0 } else { fixed::q32_to_ppm(price_ln_q32).into() }
}

/// The figures of recorded blocks.
pub(super) fn figures(blocks: &[BlobBlock]) -> Option<Figures> {
    let mut gather = Gather::with_capacity(blocks.len());
    for block in blocks {
        let reserved = block.reserved == Some(true);
        gather.push(&block.rule, block.price_ln_q32(), block.blobs, reserved);
    }
    gather.finish()
}
