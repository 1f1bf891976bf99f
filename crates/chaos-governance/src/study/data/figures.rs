//! The data behind figures 1 to 10.

use super::Origin;

/// A quantity over blocks in both arms, as percentiles over paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fan {
    /// Name of the quantity, such as `base fee`.
    pub label: String,
    /// Unit of the values.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Blocks since the change took effect; negative before it. Ascending.
    pub blocks: Vec<i64>,
    /// As the chain is; one value per entry of `blocks`.
    pub baseline: Percentiles,
    /// After the change.
    pub proposal: Percentiles,
    /// How many paths, such as `200 paths`.
    pub sample: String,
}

/// Percentiles over paths, one value per block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// 10th percentile.
    pub p10: Vec<i128>,
    /// Median.
    pub p50: Vec<i128>,
    /// 90th percentile.
    pub p90: Vec<i128>,
}

/// Which direction of a quantity readers want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Smaller is better, as with a fee.
    Lower,
    /// Larger is better, as with served gas.
    Higher,
}

/// Proposal less baseline on the same random numbers, one sample each block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences {
    /// Name of the quantity.
    pub label: String,
    /// Unit of the samples.
    pub unit: String,
    /// Where they come from.
    pub origin: Origin,
    /// Which sign is better.
    pub better: Better,
    /// The samples in any order, at most a few hundred thousand.
    pub samples: Vec<i128>,
}

/// Inclusion delay of the transactions in one decile of the tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// 1 for the lowest tips to 10 for the highest.
    pub decile: u8,
    /// As the chain is.
    pub baseline: Arm,
    /// After the change.
    pub proposal: Arm,
}

/// Delay in one arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    /// Median in thousandths of a block.
    pub p50_milli_blocks: u64,
    /// 95th percentile in thousandths of a block.
    pub p95_milli_blocks: u64,
    /// Share never included, in ppm, if it was counted.
    pub never_ppm: Option<u32>,
}

/// Gas used over gas limit as histograms with equal bins from 0 to 100 %.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fullness {
    /// Where it comes from.
    pub origin: Origin,
    /// As the chain is.
    pub baseline: Histogram,
    /// After the change; none where only observed blocks were counted.
    pub proposal: Option<Histogram>,
    /// What the blocks show, in a clause; empty if the last bar says it.
    pub finding: String,
}

/// Blocks by how full they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Blocks per bin.
    pub counts: Vec<u64>,
    /// Target over limit in ppm.
    pub target_ppm: u32,
}

/// Where the fees go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revenue {
    /// Unit of all amounts, such as `wei_per_day`.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The parts, which add up to all that is paid; at most six are told apart by eye.
    pub components: Vec<Component>,
}

/// One recipient of fees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Such as `base fee, burnt`.
    pub name: String,
    /// Amount as the chain is.
    pub baseline: i128,
    /// Amount after the change.
    pub proposal: i128,
}

/// Every transaction in exactly one named group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcomes {
    groups: Vec<(String, u64)>,
    total: u64,
}

/// Why groups are not a partition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeError {
    /// The groups do not add up.
    #[error("outcome groups add up to {found}, expected all {expected} transactions")]
    Sum {
        /// Number of transactions.
        expected: u64,
        /// Sum of the groups.
        found: u128,
    },
    /// Two groups have one name.
    #[error("outcome group `{name}` is named twice")]
    Twice {
        /// The name.
        name: String,
    },
}

impl Outcomes {
    /// Groups in the order in which they are shown, as (name, count).
    ///
    /// # Errors
    /// If the counts do not add up to `total`, or a name occurs twice.
    pub fn new(groups: Vec<(String, u64)>, total: u64) -> Result<Self, OutcomeError> {
        for (index, (name, _)) in groups.iter().enumerate() {
            if groups.iter().take(index).any(|(other, _)| other == name) {
                return Err(OutcomeError::Twice { name: name.clone() });
            }
        }
        let found = groups.iter().map(|(_, count)| u128::from(*count)).sum();
        if found != u128::from(total) {
            return Err(OutcomeError::Sum { expected: total, found });
        }
        Ok(Self { groups, total })
    }

    /// The groups with their counts.
    #[must_use]
    pub fn groups(&self) -> &[(String, u64)] {
        &self.groups
    }

    /// How many transactions.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}

/// How the gas of re-executed transactions changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GasChanges {
    /// Ascending bins without gaps.
    pub bins: Vec<GasBin>,
    /// Sum of gas after over sum of gas before, less one, in ppm.
    pub ratio_of_sums_ppm: i128,
    /// Mean over transactions of gas after over gas before, less one, in ppm.
    pub mean_of_ratios_ppm: i128,
}

/// Transactions whose gas changes by a share in `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasBin {
    /// Lower end in ppm, inclusive; none if everything below is in this bin.
    pub from_ppm: Option<i64>,
    /// Upper end in ppm, exclusive (inclusive for a bin that holds zero alone); none if everything
    /// above is in this bin.
    pub to_ppm: Option<i64>,
    /// How many transactions.
    pub count: u64,
}

/// The worst blocks that the limits allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstBlocks {
    /// The machine on which time was measured, in a few words.
    pub machine: String,
    /// Longest acceptable execution in milliseconds, and why, such as `attestation deadline`.
    pub time_limit: Option<Limit>,
    /// Largest acceptable block in bytes, and why, such as `EIP-7934`.
    pub bytes_limit: Option<Limit>,
    /// The constructions, in any order.
    pub blocks: Vec<WorstBlock>,
}

/// What no block may pass, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The limit in the unit of what it bounds.
    pub value: u64,
    /// Where it comes from.
    pub why: String,
}

/// A block filled with one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstBlock {
    /// The operation, such as `modexp, even modulus`.
    pub operation: String,
    /// How the block is made, in a clause.
    pub construction: String,
    /// Where the block is found, such as a path of a test fixture.
    pub fixture: Option<String>,
    /// Measured speed in gas per second.
    pub gas_per_second: Option<u64>,
    /// Execution time as the chain is, and after the change, in microseconds.
    pub microseconds: Option<(u64, u64)>,
    /// Encoded size as the chain is, and after the change, in bytes.
    pub bytes: Option<(u64, u64)>,
    /// New state slots as the chain is, and after the change.
    pub slots: Option<(u64, u64)>,
}

/// Growth of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Where it comes from.
    pub origin: Origin,
    /// The parts, which add up to all growth.
    pub categories: Vec<GrowthCategory>,
    /// A published rate to compare with in bytes per month, and its source.
    pub reference: Option<(i128, String)>,
}

/// Growth by one kind of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowthCategory {
    /// Such as `storage slots`.
    pub name: String,
    /// Bytes per month as the chain is.
    pub baseline: i128,
    /// Bytes per month after the change.
    pub proposal: i128,
}

/// A limit that a chain must not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Such as `block bytes on the wire`.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// Where the values come from.
    pub origin: Origin,
    /// The most that is acceptable.
    pub limit: i128,
    /// Use as the chain is.
    pub baseline: i128,
    /// Use after the change.
    pub proposal: i128,
    /// Where the limit comes from.
    pub source: String,
}
