use chaos_simulation::{flow::ObservedBlock, forecast::FIT_BLOCKS_MIN};

use crate::history::gaps;

/// Why no demand is fitted to blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// No block has a base fee.
    #[error("none of {blocks} blocks with gas has a base fee; the fee market begins with London")]
    NoBaseFee {
        /// Blocks with gas.
        blocks: usize,
    },
    /// Too few blocks follow each other.
    #[error(
        "a fit needs {min} consecutive blocks with a base fee; the longest run has {found} of {blocks}, and {gaps} gaps \
         lie between the blocks",
        min = FIT_BLOCKS_MIN
    )]
    TooShort {
        /// Blocks with a base fee.
        blocks: usize,
        /// The longest run without a gap.
        found: usize,
        /// Gaps between them.
        gaps: u64,
    },
    /// Blocks are missing in between.
    #[error(
        "blocks that are not consecutive are no one demand: {missing} are missing in {gaps} gaps, the first after block \
         {after}; the longest run has {found} blocks, {first} to {last}"
    )]
    Gaps {
        /// Missing blocks.
        missing: u64,
        /// Stretches of them.
        gaps: u64,
        /// The block before the first.
        after: u64,
        /// The longest run.
        found: usize,
        /// Its first block.
        first: u64,
        /// Its last block.
        last: u64,
    },
}

/// Refuses blocks to which one demand cannot be fitted: fewer than [`FIT_BLOCKS_MIN`] consecutive ones
/// with a base fee, or any missing between them.
///
/// # Errors
/// As said, with the longest run.
pub fn ensure_one_demand(blocks: &[ObservedBlock]) -> Result<(), FitError> {
    let priced: Vec<u64> = blocks
        .iter()
        .filter(|block| block.base_fee_wei.is_some())
        .map(|block| block.number)
        .collect();
    if priced.is_empty() {
        return Err(FitError::NoBaseFee { blocks: blocks.len() });
    }
    let between = gaps(priced.iter().copied());
    let run = longest_run(&priced);
    if run.len() < FIT_BLOCKS_MIN {
        let found = run.len();
        return Err(FitError::TooShort { blocks: priced.len(), found, gaps: between.count });
    }
    match (between.first_after, run.first(), run.last()) {
        (Some(after), Some(&first), Some(&last)) => Err(FitError::Gaps {
            missing: between.blocks,
            gaps: between.count,
            after,
            found: run.len(),
            first,
            last,
        }),
        _ => Ok(()),
    }
}

/// The first of the longest stretches of ascending numbers that have none between them.
fn longest_run(numbers: &[u64]) -> &[u64] {
    numbers
        .chunk_by(|a, b| a.checked_add(1) == Some(*b))
        .rev()
        .max_by_key(|run| run.len())
        .unwrap_or(&[])
}
