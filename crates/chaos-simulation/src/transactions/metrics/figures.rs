//! Turns what was collected into metrics.

use std::collections::BTreeMap;

use super::{
    DecileDelay, Metric, Outcome,
    meter::{DELAY_BUCKETS, Meter, TIP_BUCKETS, delay_of},
    statistics::{
        autocorrelation_ppm, longest_run, percentile, ratio, run_up_and_drawdown_ppm, share_ppm,
        volatility_ppm,
    },
};

/// Blocks over which a base fee is smoothed to judge whether it has settled.
const SETTLING_WINDOW: usize = 25;

/// A shock shorter than this has no settled level.
const SHOCK_BLOCKS_MIN: usize = 4 * SETTLING_WINDOW;

/// Milliseconds in an hour.
const HOUR_MS: u64 = 3_600_000;

type Figures = BTreeMap<Metric, i128>;

impl Meter {
    /// The outcome; `blocks_cut` comes from the arrivals.
    pub(in crate::transactions) fn finish(self, blocks_cut: u32) -> Outcome {
        let mut metrics = Figures::new();
        self.use_figures(&mut metrics);
        self.base_fee_figures(&mut metrics);
        self.shock_figures(&mut metrics);
        self.money_figures(&mut metrics);
        self.welfare_figures(&mut metrics);
        self.pool_figures(&mut metrics);
        if self.blob_market {
            self.blob_figures(&mut metrics);
        }
        let delays_by_tip = self.delay_figures(&mut metrics);
        Outcome {
            metrics,
            series: self.series,
            delays_by_tip,
            attack: self.attack,
            blocks_cut,
            highest: self.highest,
        }
    }

    fn per_block(&self, sum: u128) -> i128 {
        ratio(sum, self.blocks.into())
    }

    fn use_figures(&self, metrics: &mut Figures) {
        let used = &self.series.utilisation_ppm;
        let mut ascending = used.clone();
        ascending.sort_unstable();
        let count = used.len() as u128;
        let total: u128 = used.iter().map(|used| u128::from(*used)).sum();
        let share = |condition: fn(&&u32) -> bool| {
            share_ppm(used.iter().filter(condition).count() as u128, count)
        };
        metrics.extend([
            (Metric::UtilisationMean, ratio(total, count)),
            (Metric::UtilisationMedian, percentile(&ascending, 50).into()),
            (Metric::UtilisationP95, percentile(&ascending, 95).into()),
            (Metric::UseVsTarget, ratio(self.sums.target_use_ppb, count * 1_000) - 1_000_000),
            (Metric::BlocksSaturated, share(|used| **used >= 990_000)),
            (Metric::BlocksEmpty, share(|used| **used <= 10_000)),
            (Metric::BlocksAboveTarget, share_ppm(self.sums.above_target.into(), count)),
            (Metric::SaturatedRunMax, longest_run(used.iter().map(|used| *used >= 990_000))),
            (Metric::UtilisationAutocorrelation, autocorrelation_ppm(used)),
            (
                Metric::TargetSignFlips,
                share_ppm(self.sums.sign_flips.into(), count.saturating_sub(1)),
            ),
        ]);
    }

    fn base_fee_figures(&self, metrics: &mut Figures) {
        let fees = &self.series.base_fee_wei;
        let mut ascending = fees.clone();
        ascending.sort_unstable();
        let (median, p99) = (percentile(&ascending, 50), percentile(&ascending, 99));
        let hour = usize::try_from(HOUR_MS / self.block_time_ms.max(1)).unwrap_or(usize::MAX);
        let (run_up, drawdown) = run_up_and_drawdown_ppm(fees, hour);
        metrics.extend([
            (Metric::BaseFeeMedian, median.into()),
            (Metric::BaseFeeP95, percentile(&ascending, 95).into()),
            (Metric::BaseFeeP99, p99.into()),
            (Metric::BaseFeeVolatility, volatility_ppm(fees)),
            (Metric::BaseFeeSpread, share_ppm(p99.into(), median.into())),
            (Metric::BaseFeeRunUp, run_up),
            (Metric::BaseFeeDrawdown, drawdown),
        ]);
    }

    fn shock_figures(&self, metrics: &mut Figures) {
        let Some(shock) = self.shock else { return };
        let fees = &self.series.base_fee_wei;
        let from = shock.from_block as usize;
        let to = shock.blocks.map_or(fees.len(), |blocks| from.saturating_add(blocks as usize));
        let Some(during) = fees.get(from..to.min(fees.len())) else { return };
        if during.len() < SHOCK_BLOCKS_MIN {
            return;
        }
        let mut later = during[during.len() / 2..].to_vec();
        later.sort_unstable();
        let settled = u128::from(percentile(&later, 50).max(1));
        let highest = u128::from(during.iter().copied().max().unwrap_or(0));
        let rises = u128::from(during[0]) <= settled;
        let crossing = during.iter().position(|fee| (u128::from(*fee) >= settled) == rises);
        let after = &during[crossing.unwrap_or(0)..];
        let lowest = u128::from(after.iter().copied().min().unwrap_or(0));
        metrics.insert(Metric::Overshoot, share_ppm(highest, settled) - 1_000_000);
        metrics.insert(Metric::Undershoot, 1_000_000 - share_ppm(lowest, settled));
        let away = |window: &[u64]| {
            let mut sorted = [0; SETTLING_WINDOW];
            sorted.copy_from_slice(window);
            sorted.sort_unstable();
            u128::from(sorted[SETTLING_WINDOW / 2]).abs_diff(settled) * 10 > settled
        };
        let windows = during.len() - SETTLING_WINDOW + 1;
        let last_away = during.windows(SETTLING_WINDOW).rposition(away);
        let settles_after = last_away.map_or(0, |place| place + 1);
        if settles_after < windows {
            let blocks = if settles_after == 0 { 0 } else { settles_after + SETTLING_WINDOW - 1 };
            metrics.insert(Metric::SettlingTime, blocks as i128);
        }
    }

    fn money_figures(&self, metrics: &mut Figures) {
        let (sums, attack) = (&self.sums, &self.attack);
        let users_gas = sums.gas_used - sums.stuffed_gas;
        let users_burnt = sums.payments.burnt_wei - attack.burnt_wei;
        let users_tips = sums.payments.tips_wei - attack.tips_wei;
        metrics.extend([
            (Metric::FeeBurned, self.per_block(sums.payments.burnt_wei)),
            (Metric::ProposerRevenue, self.per_block(sums.payments.tips_wei)),
            (Metric::GasServed, self.per_block(users_gas)),
            (Metric::TransactionsServed, self.per_block(u128::from(sums.transactions) * 1_000)),
        ]);
        if users_gas > 0 {
            let paid = users_burnt + users_tips;
            metrics.insert(Metric::EffectivePrice, ratio(paid, users_gas));
            metrics.insert(Metric::TipShare, share_ppm(users_tips, paid));
        }
    }

    fn welfare_figures(&self, metrics: &mut Figures) {
        let (welfare, paid) = (self.sums.welfare_wei, self.sums.paid_wei);
        let best = self.best_welfare_wei();
        let signed = |wei: u128| i128::try_from(wei).unwrap_or(i128::MAX);
        let gain = signed(welfare) - signed(paid);
        let with_sign = |of: &dyn Fn(u128) -> i128| of(gain.unsigned_abs()) * gain.signum();
        metrics.insert(Metric::UserWelfare, with_sign(&|gain| self.per_block(gain)));
        if best > 0 {
            metrics.insert(Metric::WelfareShare, share_ppm(welfare, best));
            metrics.insert(Metric::UserWelfareShare, with_sign(&|gain| share_ppm(gain, best)));
        }
    }

    /// The largest total value that fits into all blocks at once; the last bucket counts with its
    /// mean value.
    fn best_welfare_wei(&self) -> u128 {
        let mut room = self.sums.gas_limit;
        let mut best = 0;
        for (gas, value) in self.arrived.iter().rev() {
            let gas = u128::from(*gas);
            if gas <= room {
                best += value;
                room -= gas;
            } else {
                // The mean value times the room; a value per gas is far below 2^64.
                best += value / gas * room;
                break;
            }
        }
        best
    }

    fn pool_figures(&self, metrics: &mut Figures) {
        let sums = &self.sums;
        let gone = u128::from(sums.included + sums.dropped + sums.evicted);
        metrics.extend([
            (Metric::GasRefused, self.per_block(sums.refused_gas)),
            (Metric::PoolReplaced, self.per_block(u128::from(sums.replaced) * 1_000)),
            (Metric::BacklogEligible, self.per_block(sums.eligible.into())),
            (Metric::BacklogEligibleGas, self.per_block(sums.eligible_gas)),
            (Metric::BacklogIneligible, self.per_block(sums.ineligible.into())),
            (Metric::BacklogIneligibleGas, self.per_block(sums.ineligible_gas)),
        ]);
        if gone > 0 {
            let lost = u128::from(sums.dropped + sums.evicted);
            metrics.insert(Metric::NeverIncluded, share_ppm(lost, gone));
            metrics.insert(Metric::PoolEvicted, share_ppm(sums.evicted.into(), gone));
        }
    }

    fn blob_figures(&self, metrics: &mut Figures) {
        let fees = &self.series.blob_fee_wei;
        let mut ascending = fees.clone();
        ascending.sort_unstable();
        let (sums, count) = (&self.sums, fees.len() as u128);
        metrics.extend([
            (Metric::BlobsMean, self.per_block(u128::from(sums.blobs) * 1_000)),
            (Metric::BlobFeeMedian, percentile(&ascending, 50).into()),
            (Metric::BlobFeeP95, percentile(&ascending, 95).into()),
            (Metric::BlobFeeAtFloor, share_ppm(sums.at_floor.into(), count)),
            (Metric::ReservePriceActive, share_ppm(sums.reserve_active.into(), count)),
            (Metric::BlobFeeBurned, self.per_block(sums.payments.blob_burnt_wei)),
        ]);
        if sums.blob_target > 0 {
            let share = share_ppm(sums.blobs.into(), sums.blob_target.into());
            metrics.insert(Metric::BlobsVsTarget, share - 1_000_000);
        }
        let mut later = fees[fees.len() / 2..].to_vec();
        later.sort_unstable();
        let clearing = percentile(&later, 50);
        let floor = self.blob_fee_min_wei;
        if clearing > floor
            && let Some(start) = fees.iter().position(|fee| *fee <= floor)
            && let Some(blocks) = fees[start..].iter().position(|fee| *fee >= clearing)
        {
            let time_ms = blocks as u128 * u128::from(self.block_time_ms);
            metrics.insert(Metric::BlobTimeToClearing, ratio(time_ms * 1_000, HOUR_MS.into()));
        }
    }

    fn delay_figures(&self, metrics: &mut Figures) -> Vec<DecileDelay> {
        let total = u128::from(self.sums.included);
        if total == 0 {
            return Vec::new();
        }
        let mut overall = vec![0u128; DELAY_BUCKETS];
        for row in self.waits.chunks_exact(DELAY_BUCKETS) {
            for (sum, count) in overall.iter_mut().zip(row) {
                *sum += u128::from(*count);
            }
        }
        let milli = |percent| i128::from(delay_percentile(&overall, percent)) * 1_000;
        metrics.extend([
            (Metric::InclusionDelayMean, ratio(u128::from(self.waited_blocks) * 1_000, total)),
            (Metric::InclusionDelayMedian, milli(50)),
            (Metric::InclusionDelayP95, milli(95)),
            (Metric::InclusionDelayP99, milli(99)),
        ]);
        if total < 10 {
            return Vec::new();
        }
        let deciles: Vec<DecileDelay> = (0..10).map(|tenth| self.decile(tenth, total)).collect();
        let p95 = |decile: &DecileDelay| i128::from(decile.p95_blocks) * 1_000;
        metrics.insert(Metric::InclusionDelayP95LowTips, p95(&deciles[0]));
        metrics.insert(Metric::InclusionDelayP95HighTips, p95(&deciles[9]));
        deciles
    }

    /// One tenth by tip; a bucket of tips that spans several tenths is split in proportion.
    fn decile(&self, tenth: u128, total: u128) -> DecileDelay {
        // Everything is counted in tenths of a transaction, so that boundaries are exact.
        let (from, to) = (tenth * total, (tenth + 1) * total);
        let mut counts = vec![0u128; DELAY_BUCKETS];
        let (mut below, mut tip_bucket) = (0u128, 0);
        for bucket in 0..TIP_BUCKETS {
            let row = &self.waits[bucket * DELAY_BUCKETS..(bucket + 1) * DELAY_BUCKETS];
            let here: u128 = row.iter().map(|count| u128::from(*count) * 10).sum();
            let overlap = to.min(below + here).saturating_sub(from.max(below));
            below += here;
            if overlap == 0 {
                continue;
            }
            tip_bucket = bucket;
            for (sum, count) in counts.iter_mut().zip(row) {
                *sum += u128::from(*count) * 10 * (overlap << 32) / here;
            }
        }
        DecileDelay {
            tip_wei: tip_of(tip_bucket),
            p50_blocks: delay_percentile(&counts, 50),
            p95_blocks: delay_percentile(&counts, 95),
            p99_blocks: delay_percentile(&counts, 99),
        }
    }
}

/// The smallest tip in a bucket of a quarter octave.
fn tip_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 4 { bucket * 2 } else { (4 + bucket % 4) << (bucket / 4).saturating_sub(2) }
}

/// Nearest-rank percentile of waits given their counts by bucket.
fn delay_percentile(counts: &[u128], percent: u128) -> u32 {
    let total: u128 = counts.iter().sum();
    let mut below = 0;
    for (bucket, count) in counts.iter().enumerate() {
        below += count;
        if below * 100 >= total * percent && below > 0 {
            return delay_of(bucket);
        }
    }
    0
}

#[cfg(test)]
mod tests;
