use super::BlockReplay;

/// How many of several blocks agree with their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplaySummary {
    /// Blocks that agree.
    pub agreeing: usize,
    /// Blocks with transactions whose type is not understood.
    pub with_skipped: usize,
    /// Gas used in the replays.
    pub gas: u128,
    /// Reads outside the known state.
    pub unknown_reads: u64,
    /// Whether every block agrees that has no skipped transaction.
    pub holds: bool,
}

impl ReplaySummary {
    /// Counts.
    #[must_use]
    pub fn of(replays: &[BlockReplay]) -> Self {
        let whole = |replay: &&BlockReplay| replay.skipped_transactions.is_empty();
        Self {
            agreeing: replays.iter().filter(|replay| replay.agrees()).count(),
            with_skipped: replays.iter().filter(|replay| !whole(replay)).count(),
            gas: replays.iter().map(|replay| u128::from(replay.gas_replayed)).sum(),
            unknown_reads: replays.iter().map(|replay| replay.unknown_reads.total()).sum(),
            holds: replays.iter().filter(whole).all(BlockReplay::agrees),
        }
    }
}
