//! Collects what a path needs for its metrics, in one pass and without allocation per block.

use chaos_parameters::pricing::BlobRule;

use super::{
    super::{
        Arm, Block, Spec,
        accounts::Payments,
        arrivals::Shock,
        builder::{self, Candidate},
        draw::User,
        pool::Waiting,
        rules::Rules,
    },
    AttackAccount, Highest, Series,
};

/// Buckets of values: eight per octave.
pub(super) const VALUE_BUCKETS: usize = 512;

/// Buckets of tips: four per octave.
pub(super) const TIP_BUCKETS: usize = 256;

/// Buckets of waits: exact below 64 blocks, then eight per octave of a 24-bit number.
pub(super) const DELAY_BUCKETS: usize = 64 + 18 * 8;

/// Sums over measured blocks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) payments: Payments,
    pub(super) stuffed_gas: u128,
    pub(super) gas_used: u128,
    pub(super) gas_limit: u128,
    pub(super) transactions: u64,
    pub(super) eligible: u64,
    pub(super) eligible_gas: u128,
    pub(super) ineligible: u64,
    pub(super) ineligible_gas: u128,
    pub(super) blobs: u64,
    pub(super) blob_target: u64,
    pub(super) at_floor: u64,
    pub(super) reserve_active: u64,
    pub(super) above_target: u64,
    pub(super) sign_flips: u64,
    /// Use of the target in parts per billion, summed.
    pub(super) target_use_ppb: u128,
    pub(super) replaced: u64,
    pub(super) refused_gas: u128,
    /// Value less cost of waiting of included users without blobs.
    pub(super) welfare_wei: u128,
    /// What they paid.
    pub(super) paid_wei: u128,
    pub(super) included: u64,
    pub(super) dropped: u64,
    pub(super) evicted: u64,
}

/// See the module.
#[derive(Debug)]
pub(in crate::transactions) struct Meter {
    active: bool,
    base_fee_now: u64,
    above_before: Option<bool>,
    pub(super) blob_market: bool,
    pub(super) blob_fee_min_wei: u64,
    pub(super) block_time_ms: u64,
    pub(super) blocks: u32,
    pub(super) shock: Option<Shock>,
    pub(super) sums: Sums,
    pub(super) series: Series,
    pub(super) attack: AttackAccount,
    pub(super) highest: Highest,
    /// Gas and gas times value of arrivals by value.
    pub(super) arrived: Vec<(u64, u128)>,
    /// Included transactions by offered tip, then wait.
    pub(super) waits: Vec<u32>,
    pub(super) waited_blocks: u64,
}

impl Meter {
    pub(in crate::transactions) fn new(spec: &Spec, arm: &Arm) -> Self {
        let blocks = spec.blocks as usize;
        let blobs = BlobRule::of(&arm.parameters);
        let blob_market = blobs.is_some();
        let blob_blocks = if blob_market { blocks } else { 0 };
        Self {
            active: false,
            base_fee_now: 0,
            above_before: None,
            blob_market,
            blob_fee_min_wei: blobs.map_or(0, |blobs| blobs.fee_wei(0)),
            block_time_ms: arm.parameters.block_time_ms(),
            blocks: spec.blocks,
            shock: spec.arrivals.shocks.iter().min_by_key(|shock| shock.from_block).copied(),
            sums: Sums::default(),
            series: Series {
                base_fee_wei: Vec::with_capacity(blocks),
                utilisation_ppm: Vec::with_capacity(blocks),
                blob_fee_wei: Vec::with_capacity(blob_blocks),
                blobs: Vec::with_capacity(blob_blocks),
            },
            attack: AttackAccount::default(),
            highest: Highest::default(),
            arrived: vec![(0, 0); VALUE_BUCKETS],
            waits: vec![0; TIP_BUCKETS * DELAY_BUCKETS],
            waited_blocks: 0,
        }
    }

    /// Opens a block.
    pub(in crate::transactions) const fn begin(&mut self, measured: bool, base_fee_wei: u64) {
        self.active = measured;
        self.base_fee_now = base_fee_wei;
    }

    /// A potential user, whether it bids or not.
    #[inline]
    pub(in crate::transactions) fn arrived(&mut self, user: &User) {
        if self.active && user.blobs == 0 {
            let (gas, value) = &mut self.arrived[builder::bucket(user.value_wei)];
            *gas += u64::from(user.gas);
            *value += u128::from(user.gas) * u128::from(user.value_wei);
        }
    }

    /// A user was willing, but its transaction is too large for the rules.
    pub(in crate::transactions) fn refused(&mut self, user: &User) {
        if self.active {
            self.sums.refused_gas += u128::from(user.gas);
        }
    }

    /// A transaction left the pool without inclusion; `since_warmup` if submitted after it.
    pub(in crate::transactions) fn dropped(&mut self, since_warmup: bool) {
        self.sums.dropped += u64::from(since_warmup);
    }

    /// A transaction was evicted.
    pub(in crate::transactions) fn evicted(&mut self, since_warmup: bool) {
        self.sums.evicted += u64::from(since_warmup);
    }

    /// Transactions were replaced by their users.
    pub(in crate::transactions) fn replaced(&mut self, count: u32) {
        if self.active {
            self.sums.replaced += u64::from(count);
        }
    }

    /// A user's transaction in a measured block; `value_wei` is what is left of its value.
    #[inline]
    pub(in crate::transactions) fn included(
        &mut self,
        candidate: &Candidate,
        waiting: &Waiting,
        waited_blocks: u32,
        value_wei: u64,
        since_warmup: bool,
    ) {
        let gas = u128::from(candidate.gas);
        if candidate.blobs == 0 {
            let price = u128::from(self.base_fee_now) + u128::from(candidate.effective_tip_wei);
            self.sums.welfare_wei += gas * u128::from(value_wei);
            self.sums.paid_wei += gas * price;
        }
        if since_warmup {
            self.sums.included += 1;
            self.waited_blocks += u64::from(waited_blocks);
            let tip = builder::bucket(waiting.offered_tip_wei) / 2;
            self.waits[tip * DELAY_BUCKETS + delay_bucket(waited_blocks)] += 1;
        }
    }

    /// Closes a block.
    pub(in crate::transactions) fn end(&mut self, block: &Block, coalition: bool, rules: &Rules) {
        let Block { base_fee_wei, blob_fee_wei, .. } = *block;
        self.highest = self.highest.max(Highest { base_fee_wei, blob_fee_wei });
        if !block.measured {
            return;
        }
        let sums = &mut self.sums;
        sums.payments += block.payments;
        sums.stuffed_gas += u128::from(block.gas_stuffed);
        sums.gas_used += u128::from(block.gas_used);
        sums.gas_limit += u128::from(block.gas_limit);
        sums.transactions += u64::from(block.transactions);
        sums.eligible += u64::from(block.backlog_eligible);
        sums.eligible_gas += u128::from(block.backlog_eligible_gas);
        sums.ineligible += u64::from(block.backlog_ineligible);
        sums.ineligible_gas += u128::from(block.backlog_ineligible_gas);
        let above = block.gas_used > block.gas_target;
        sums.above_target += u64::from(above);
        sums.sign_flips += u64::from(self.above_before.is_some_and(|before| before != above));
        self.above_before = Some(above);
        let used = u128::from(block.gas_used);
        sums.target_use_ppb += used * 1_000_000_000 / u128::from(block.gas_target.max(1));
        self.series.base_fee_wei.push(block.base_fee_wei);
        let utilisation = used * 1_000_000 / u128::from(block.gas_limit.max(1));
        self.series.utilisation_ppm.push(u32::try_from(utilisation).unwrap_or(1_000_000));
        if let Some(blobs) = rules.pricing.blobs() {
            sums.blobs += block.blobs;
            sums.blob_target += blobs.target;
            sums.at_floor += u64::from(block.blob_fee_wei <= self.blob_fee_min_wei);
            sums.reserve_active += u64::from(
                rules.pricing.reserve_price_active(block.base_fee_wei, block.blob_fee_wei),
            );
            self.series.blob_fee_wei.push(block.blob_fee_wei);
            self.series.blobs.push(u16::try_from(block.blobs).unwrap_or(u16::MAX));
        }
        let attack = &mut self.attack;
        attack.blocks_emptied += u32::from(block.emptied);
        if block.gas_stuffed > 0 {
            attack.blocks_stuffed += 1;
            attack.burnt_wei += block.payments.burnt_wei;
            attack.tips_wei += block.payments.tips_wei;
        }
        if coalition {
            attack.coalition_blocks += 1;
            attack.coalition_tips_wei += block.payments.tips_wei;
        }
    }
}

/// The bucket of a wait.
#[inline]
fn delay_bucket(blocks: u32) -> usize {
    if blocks < 64 {
        return blocks as usize;
    }
    let exponent = blocks.ilog2();
    let bits = (blocks >> (exponent - 3)) & 7;
    (64 + (exponent as usize - 6) * 8 + bits as usize).min(DELAY_BUCKETS - 1)
}

/// The smallest wait in a bucket.
pub(super) fn delay_of(bucket: usize) -> u32 {
    let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
    match bucket.checked_sub(64) {
        None => bucket,
        Some(above) => (8 + above % 8) << (above / 8 + 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_waits_begin_where_they_say() {
        for blocks in (0..70_000).chain((1 << 23) - 5..1 << 23) {
            let low = delay_of(delay_bucket(blocks));
            assert!(low <= blocks && blocks - low <= blocks / 8, "{blocks} {low}");
            assert!(blocks >= 64 || low == blocks);
        }
    }
}
