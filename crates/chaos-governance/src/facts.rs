use chaos_simulation::flow::ObservedBlock;

/// What the researcher knows about one observed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFacts {
    /// Number, timestamp, gas and base fee, as the header states them.
    pub observed: ObservedBlock,
    /// Number of transactions, if the body was read.
    pub transactions: Option<u64>,
    /// Effective priority fee per gas of each transaction in wei; empty if the body was not read.
    pub tips_wei: Vec<u128>,
}

impl From<ObservedBlock> for BlockFacts {
    fn from(observed: ObservedBlock) -> Self {
        Self { observed, transactions: None, tips_wei: Vec::new() }
    }
}
