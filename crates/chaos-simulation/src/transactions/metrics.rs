//! What a path is judged by.

mod figures;
mod meter;
mod statistics;
mod table;

use std::collections::BTreeMap;

pub(super) use meter::Meter;
pub use table::Metric;

/// Every measured block's figures, for plots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// Base fee in wei.
    pub base_fee_wei: Vec<u64>,
    /// Gas used over gas limit in ppm.
    pub utilisation_ppm: Vec<u32>,
    /// Price of a unit of blob gas in wei; empty without a blob market.
    pub blob_fee_wei: Vec<u64>,
    /// Blobs per block; empty without a blob market.
    pub blobs: Vec<u16>,
}

/// What proposers or attackers that are not honest did, in measured blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttackAccount {
    /// Blocks left empty on purpose.
    pub blocks_emptied: u32,
    /// Blocks bought whole.
    pub blocks_stuffed: u32,
    /// Base fees paid by whoever stuffed, in wei.
    pub burnt_wei: u128,
    /// Tips paid by whoever stuffed, in wei.
    pub tips_wei: u128,
    /// Blocks whose proposer belongs to the coalition.
    pub coalition_blocks: u32,
    /// Tips the coalition earned, in wei.
    pub coalition_tips_wei: u128,
}

/// Inclusion of one tenth of the included transactions, by the tip offered at submission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecileDelay {
    /// The largest tip in the tenth, in wei; rounded down to a quarter octave.
    pub tip_wei: u64,
    /// Median wait in blocks beyond the first possible one.
    pub p50_blocks: u32,
    /// 95th percentile.
    pub p95_blocks: u32,
    /// 99th percentile.
    pub p99_blocks: u32,
}

/// The measured part of one path in one arm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Figures; one that does not exist on the path, such as a blob fee without a blob market, is
    /// absent.
    pub metrics: BTreeMap<Metric, i128>,
    /// Block after block.
    pub series: Series,
    /// Waits by tenth of the offered tip, lowest first; empty if fewer than ten were included.
    pub delays_by_tip: Vec<DecileDelay>,
    /// What attackers did and paid.
    pub attack: AttackAccount,
    /// Blocks in which not every potential user was drawn, see
    /// [`ARRIVALS_MAX`](super::arrivals::ARRIVALS_MAX); anything but zero makes figures doubtful.
    pub blocks_cut: u32,
    /// The highest fees of any block, the warm-up included.
    pub highest: Highest,
}

/// The highest fees of some blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Highest {
    /// Base fee in wei.
    pub base_fee_wei: u64,
    /// Price of a unit of blob gas in wei.
    pub blob_fee_wei: u64,
}

impl Highest {
    /// The higher of both, fee by fee.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            base_fee_wei: self.base_fee_wei.max(other.base_fee_wei),
            blob_fee_wei: self.blob_fee_wei.max(other.blob_fee_wei),
        }
    }
}
