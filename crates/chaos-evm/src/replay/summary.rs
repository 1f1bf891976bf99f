use super::{Agreement, BlockReplay};

/// How several blocks compare with their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplaySummary {
    /// Blocks that agree.
    pub agreeing: usize,
    /// Blocks that differ.
    pub differing: usize,
    /// Blocks that could not be compared; they are counted with nothing else.
    pub not_comparable: usize,
    /// Blocks with transactions whose type is not understood.
    pub with_skipped: usize,
    /// Blocks of which every part that a block holds was held to the header.
    pub bound: usize,
    /// Gas used in the replays.
    pub gas: u128,
    /// Reads outside the known state.
    pub unknown_reads: u64,
}

/// What several blocks show together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Some agree and none differs.
    Holds,
    /// One differs.
    Differs,
    /// None differs, and none could be compared.
    NothingCompared,
}

impl ReplaySummary {
    /// Counts.
    #[must_use]
    pub fn of(replays: &[BlockReplay]) -> Self {
        let count =
            |is: &dyn Fn(&BlockReplay) -> bool| replays.iter().filter(|replay| is(replay)).count();
        let agreeing = count(&BlockReplay::agrees);
        let differing = count(&|replay| replay.agreement() == Agreement::Differs);
        Self {
            agreeing,
            differing,
            not_comparable: replays.len() - agreeing - differing,
            with_skipped: count(&|replay| !replay.skipped_transactions.is_empty()),
            bound: count(&|replay| replay.is_bound()),
            gas: replays.iter().map(|replay| u128::from(replay.gas_replayed)).sum(),
            unknown_reads: replays.iter().map(|replay| replay.unknown_reads.total()).sum(),
        }
    }

    /// What they show together. Nothing compared is no success.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        if self.differing > 0 {
            Verdict::Differs
        } else if self.agreeing > 0 {
            Verdict::Holds
        } else {
            Verdict::NothingCompared
        }
    }
}
