use chaos_parameters::Family;
use chaos_types::ChainId;

/// Why a history is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The rule of the chain is not known.
    #[error("the fee rule of {chain} is not known; `chaoschain chains` lists the chains that are")]
    UnknownChain {
        /// The chain.
        chain: ChainId,
    },
    /// Parameters of one family were named for a chain of another.
    #[error("{chain} is of the family {family}, and the named parameters are of {named}")]
    OtherFamily {
        /// The chain.
        chain: ChainId,
        /// Its family.
        family: Family,
        /// The family of the parameters.
        named: Family,
    },
    /// The table names another chain.
    #[error("the table's own column says chain {found}, not {expected}")]
    OtherChain {
        /// The chain that was asked for.
        expected: u64,
        /// The one that the table names.
        found: u64,
    },
    /// The rule of some blocks is not known.
    #[error(
        "the fee rule of {name} is not known for {pairs} pairs of blocks, from block {first} on: its parameters stand in \
         the chain's blocks or contracts and not in this table"
    )]
    UnknownEra {
        /// The chain.
        name: &'static str,
        /// How many pairs.
        pairs: u64,
        /// The first block.
        first: u64,
    },
    /// A block of a chain that keeps its fee rule in extra data has none there.
    #[error(
        "line {line}: the extra data of block {number} holds no fee rule, and on {name} each block's does since \
         Holocene: 9 bytes of version 0, or 17 of version 1"
    )]
    ExtraData {
        /// The line of the block.
        line: u64,
        /// The block.
        number: u64,
        /// The chain.
        name: &'static str,
    },
    /// A base fee does not follow.
    #[error(
        "line {line}: the base fee of block {number} is {found} wei, and {rule} gives {expected}; the rule holds for \
         {holding} of {pairs} pairs of consecutive blocks{diagnosis}",
        diagnosis = diagnosis.as_ref().map(|text| format!("; {text}")).unwrap_or_default()
    )]
    Broken {
        /// The line of the block.
        line: u64,
        /// The block.
        number: u64,
        /// Its base fee in wei.
        found: u128,
        /// What the rule gives.
        expected: u128,
        /// The rule in words.
        rule: String,
        /// Pairs that follow it.
        holding: u64,
        /// All pairs.
        pairs: u64,
        /// What would fit.
        diagnosis: Option<String>,
    },
    /// An excess of blob gas does not follow.
    #[error(
        "line {line}: the excess blob gas of block {number} is {found}, and the blob schedule of {name} gives {expected}; \
         it holds for {holding} of {pairs} pairs of consecutive blocks"
    )]
    BrokenBlobs {
        /// The line of the block.
        line: u64,
        /// The block.
        number: u64,
        /// Its excess blob gas.
        found: u64,
        /// What the schedule gives.
        expected: u64,
        /// The chain or set of parameters.
        name: &'static str,
        /// Pairs that follow it.
        holding: u64,
        /// All pairs.
        pairs: u64,
    },
}
