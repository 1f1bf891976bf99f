/// Declares the metrics with name, unit, definition and source in one row each.
macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $variant:ident, $name:literal, $unit:literal, $definition:literal,
       $source:literal;)+) => {
        /// A figure computed from one path.
        ///
        /// U is gas used over gas limit, b the base fee, T the gas target.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Metric {
            /// All metrics.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in results.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The unit of the values, all integers.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)+ }
            }

            /// The formula in a sentence.
            #[must_use]
            pub const fn definition(self) -> &'static str {
                match self { $(Self::$variant => $definition,)+ }
            }

            /// Who defines it.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Self::$variant => $source,)+ }
            }
        }
    };
}

metrics! {
    /// Mean of U.
    UtilisationMean, "utilisation_mean", "ppm", "mean over blocks of U",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Median of U.
    UtilisationMedian, "utilisation_median", "ppm", "median over blocks of U, nearest rank",
        "misilva73/glamsterdam-gas-limit-sim";
    /// 95th percentile of U.
    UtilisationP95, "utilisation_p95", "ppm", "95th percentile over blocks of U, nearest rank",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Mean use against the target.
    UseVsTarget, "use_vs_target", "ppm", "mean over blocks of gas used / T, less one",
        "arXiv 2212.07175";
    /// Share of saturated blocks.
    BlocksSaturated, "blocks_saturated", "ppm", "share of blocks with U >= 99 %",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Share of empty blocks.
    BlocksEmpty, "blocks_empty", "ppm", "share of blocks with U <= 1 %",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Share of blocks above target.
    BlocksAboveTarget, "blocks_above_target", "ppm", "share of blocks with gas used > T",
        "EIP-1559";
    /// Longest run of saturated blocks.
    SaturatedRunMax, "saturated_run_max", "blocks", "longest run of blocks with U >= 99 %",
        "arXiv 2110.04753";
    /// Lag-1 autocorrelation of U.
    UtilisationAutocorrelation, "utilisation_autocorrelation", "ppm",
        "correlation of U in adjacent blocks, covariance over variance", "arXiv 2212.07175";
    /// Share of sign flips.
    TargetSignFlips, "target_sign_flips", "ppm",
        "share of adjacent block pairs of which just one used more than T", "arXiv 2212.07175";
    /// Median base fee.
    BaseFeeMedian, "base_fee_median", "wei", "median over blocks of b, nearest rank", "EIP-1559";
    /// 95th percentile of the base fee.
    BaseFeeP95, "base_fee_p95", "wei", "95th percentile over blocks of b, nearest rank", "EIP-1559";
    /// 99th percentile of the base fee.
    BaseFeeP99, "base_fee_p99", "wei", "99th percentile over blocks of b, nearest rank", "EIP-1559";
    /// Volatility of the base fee.
    BaseFeeVolatility, "base_fee_volatility", "ppm", "standard deviation of ln(b[t+1] / b[t])",
        "arXiv 2110.04753";
    /// Spread of the base fee.
    BaseFeeSpread, "base_fee_spread", "ppm", "99th percentile of b over its median",
        "arXiv 2110.04753";
    /// Largest rise within an hour.
    BaseFeeRunUp, "base_fee_run_up", "ppm",
        "largest b[t] / b[s] - 1 over blocks s < t at most an hour apart", "arXiv 2110.04753";
    /// Largest fall within an hour.
    BaseFeeDrawdown, "base_fee_drawdown", "ppm",
        "largest 1 - b[t] / b[s] over blocks s < t at most an hour apart", "arXiv 2110.04753";
    /// Overshoot after the first shock.
    Overshoot, "overshoot", "ppm",
        "largest b after the first shock over b*, less one; b* is the median of b over the second \
         half of the shock",
        "control practice";
    /// Undershoot after the first shock.
    Undershoot, "undershoot", "ppm",
        "one less the smallest b over b* after b first crosses b* in the first shock",
        "control practice";
    /// Settling time after the first shock.
    SettlingTime, "settling_time", "blocks",
        "blocks from the first shock until the median of the last 25 base fees stays within 10 % \
         of b*; absent if it does not",
        "ethereum/abm1559";
    /// Mean wait.
    InclusionDelayMean, "inclusion_delay_mean", "milli_blocks",
        "mean over included transactions of blocks waited beyond the first possible one",
        "arXiv 2201.05574";
    /// Median wait.
    InclusionDelayMedian, "inclusion_delay_median", "milli_blocks",
        "median over included transactions of blocks waited; exact below 64 blocks, then rounded \
         down to an eighth of an octave",
        "arXiv 2201.05574";
    /// 95th percentile of the wait.
    InclusionDelayP95, "inclusion_delay_p95", "milli_blocks",
        "95th percentile over included transactions of blocks waited", "arXiv 2201.05574";
    /// 99th percentile of the wait.
    InclusionDelayP99, "inclusion_delay_p99", "milli_blocks",
        "99th percentile over included transactions of blocks waited", "arXiv 2201.05574";
    /// 95th percentile of the wait of the lowest tips.
    InclusionDelayP95LowTips, "inclusion_delay_p95_low_tips", "milli_blocks",
        "95th percentile of blocks waited over the tenth of included transactions with the lowest \
         offered tips",
        "arXiv 2201.05574";
    /// 95th percentile of the wait of the highest tips.
    InclusionDelayP95HighTips, "inclusion_delay_p95_high_tips", "milli_blocks",
        "95th percentile of blocks waited over the tenth of included transactions with the highest \
         offered tips",
        "arXiv 2201.05574";
    /// Share of transactions never included.
    NeverIncluded, "never_included", "ppm",
        "share of transactions submitted in measured blocks and no longer waiting that were \
         withdrawn, dropped or evicted",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Evictions.
    PoolEvicted, "pool_evicted", "ppm",
        "share of transactions submitted in measured blocks and no longer waiting that were evicted",
        "geth transaction pool";
    /// Gas refused by size.
    GasRefused, "gas_refused", "gas_per_block",
        "mean over blocks of the gas of users willing to bid whose transaction exceeds the \
         transaction gas cap, the block's limit or the blobs allowed",
        "EIP-7825";
    /// Replacements.
    PoolReplaced, "pool_replaced", "per_block_milli", "mean replacements per block, thousandths",
        "ethereum/abm1559";
    /// Eligible backlog in transactions.
    BacklogEligible, "backlog_eligible", "transactions",
        "mean over blocks of transactions left in the pool whose maximum fee covers b and the tip \
         floor",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Eligible backlog in gas.
    BacklogEligibleGas, "backlog_eligible_gas", "gas", "mean over blocks of their gas",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Ineligible backlog in transactions.
    BacklogIneligible, "backlog_ineligible", "transactions",
        "mean over blocks of transactions left in the pool whose maximum fee is too low",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Ineligible backlog in gas.
    BacklogIneligibleGas, "backlog_ineligible_gas", "gas", "mean over blocks of their gas",
        "misilva73/glamsterdam-gas-limit-sim";
    /// Gas-weighted price.
    EffectivePrice, "effective_price", "wei",
        "gas-weighted mean of b + min(tip, maximum fee - b) over users' transactions", "EIP-1559";
    /// Share of tips.
    TipShare, "tip_share", "ppm", "tips over tips and burnt base fees of users' gas", "EIP-1559";
    /// Burnt fees.
    FeeBurned, "fee_burned", "wei_per_block", "mean over blocks of b x gas used, an attacker's \
         included, blobs not",
        "EIP-1559";
    /// Tips.
    ProposerRevenue, "proposer_revenue", "wei_per_block", "mean over blocks of tip x gas", "EIP-1559";
    /// Gas served.
    GasServed, "gas_served", "gas_per_block", "mean over blocks of users' gas", "EIP-1559";
    /// Transactions served.
    TransactionsServed, "transactions_served", "per_block_milli",
        "mean users' transactions per block, thousandths", "EIP-1559";
    /// What users gain.
    UserWelfare, "user_welfare", "wei_per_block",
        "mean over blocks of gas x (value - cost of waiting - price) over included users without \
         blobs",
        "ethereum/abm1559";
    /// Share of welfare.
    WelfareShare, "welfare_share", "ppm",
        "gas x (value - cost of waiting) over included users without blobs, over the largest total \
         value of arrivals that fits into all blocks' gas limits at once, served without waiting; \
         fees are transfers",
        "ethereum/abm1559; Roughgarden, arXiv 2012.00854";
    /// Share of welfare left to users.
    UserWelfareShare, "user_welfare_share", "ppm",
        "gas x (value - cost of waiting - price), over the same largest total",
        "ethereum/abm1559; Roughgarden, arXiv 2012.00854";
    /// Mean blobs.
    BlobsMean, "blobs_mean", "per_block_milli", "mean blobs per block, thousandths", "EIP-4844";
    /// Blobs against the target.
    BlobsVsTarget, "blobs_vs_target", "ppm", "mean blobs per block over the target, less one",
        "EIP-7691";
    /// Median blob fee.
    BlobFeeMedian, "blob_fee_median", "wei",
        "median over blocks of the price of a unit of blob gas, nearest rank", "EIP-4844";
    /// 95th percentile of the blob fee.
    BlobFeeP95, "blob_fee_p95", "wei",
        "95th percentile over blocks of the price of a unit of blob gas, nearest rank", "EIP-4844";
    /// Share of blocks at the lowest blob fee.
    BlobFeeAtFloor, "blob_fee_at_floor", "ppm", "share of blocks with the blob fee at its minimum",
        "EIP-7762";
    /// Share of blocks with an active reserve price.
    ReservePriceActive, "reserve_price_active", "ppm",
        "share of blocks with blob base cost x b > blob gas x blob fee", "EIP-7918";
    /// Time from the lowest blob fee to the clearing one.
    BlobTimeToClearing, "blob_time_to_clearing", "milli_hours",
        "time from the first block with the blob fee at its minimum to the first after it at or \
         above the median of the second half; absent if either does not occur",
        "EIP-7762";
    /// Burnt blob fees.
    BlobFeeBurned, "blob_fee_burned", "wei_per_block", "mean over blocks of blob fee x blob gas",
        "EIP-4844";
}
