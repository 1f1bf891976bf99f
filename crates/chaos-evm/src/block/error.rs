use alloy_primitives::{Address, B256};

use super::body::Signer;
use crate::fork::{Hardfork, UnknownChain, UnknownHardfork};

/// Why bytes are not a block, or not a file of contract codes.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file is larger than any real one.
    #[error("file exceeds {limit_bytes} bytes after decompression")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The gzip stream is damaged or cut short.
    #[error("gzip stream is damaged or truncated")]
    Gzip {
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are not JSON, or end too early.
    #[error("not a complete JSON document")]
    Json {
        /// The cause, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A required field is absent or null.
    #[error("{}missing field `{path}`, expected {expected}", Named(*block))]
    Missing {
        /// The block's number, if it could be read.
        block: Option<u64>,
        /// Where, such as `block.transactions[3].gas`.
        path: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A field holds something else than it should.
    #[error("{}bad field `{path}`", Named(*block))]
    Field {
        /// The block's number, if it could be read.
        block: Option<u64>,
        /// Where, such as `block.transactions[3].gas`.
        path: String,
        /// What was found and what was expected.
        #[source]
        source: serde_json::Error,
    },
    /// The block is on another chain than asked for.
    #[error("block {block} is on chain {found}, expected chain {expected}")]
    WrongChain {
        /// The block.
        block: u64,
        /// The chain asked for.
        expected: u64,
        /// The chain its transactions name.
        found: u64,
    },
    /// Two transactions of one block name different chains.
    #[error(
        "block {block}: `block.transactions[{index}].chainId` is {found}, earlier transactions \
         say {expected}"
    )]
    ChainsDisagree {
        /// The block.
        block: u64,
        /// The transaction's place in the block.
        index: usize,
        /// The chain of the transactions before it.
        expected: u64,
        /// The chain of this one.
        found: u64,
    },
    /// The chain's fork schedule is not known.
    #[error("block {block} cannot be executed")]
    UnknownChain {
        /// The block.
        block: u64,
        /// The cause.
        #[source]
        source: UnknownChain,
    },
    /// The file's own name of a hard fork is none.
    #[error("{}bad field `hardfork`", Named(*block))]
    Hardfork {
        /// The block's number, if it could be read.
        block: Option<u64>,
        /// What was found.
        #[source]
        source: UnknownHardfork,
    },
    /// The file names another hard fork than was asked for.
    #[error("{}it is recorded under {found}, asked for was {expected}", Named(*block))]
    OtherHardfork {
        /// The block's number, if it could be read.
        block: Option<u64>,
        /// What was asked for.
        expected: Hardfork,
        /// What the file names.
        found: Hardfork,
    },
    /// The header does not hash to the block's hash.
    #[error("block {block}: `block.hash` is {expected}, its header hashes to {computed}")]
    HeaderHash {
        /// The block.
        block: u64,
        /// The hash as recorded.
        expected: B256,
        /// The hash of the header.
        computed: B256,
    },
    /// The header does not commit to the body.
    #[error(
        "block {block}: its header does not commit to this body: `block.{field}` is {expected}, what \
         the block holds gives {computed}"
    )]
    Body {
        /// The block.
        block: u64,
        /// The header's field.
        field: &'static str,
        /// What the header says.
        expected: B256,
        /// What the body gives.
        computed: B256,
    },
    /// The header commits to the transactions before one of a type that is not known, and to no more.
    #[error(
        "block {block}: its header does not commit to this body: `block.transactionsRoot` is that of \
         the transactions before `block.transactions[{index}]` alone"
    )]
    Added {
        /// The block.
        block: u64,
        /// The place of the first one that is too many.
        index: usize,
    },
    /// The header says that there are no uncles.
    #[error(
        "block {block}: its header does not commit to this body: `block.sha3Uncles` is that of no \
         uncles, `block.uncles` has {found}"
    )]
    Uncles {
        /// The block.
        block: u64,
        /// How many there are.
        found: usize,
    },
    /// A transaction does not hash to its hash.
    #[error(
        "block {block}: `block.transactions[{index}].hash` is {expected}, the transaction hashes to \
         {computed}"
    )]
    TransactionHash {
        /// The block.
        block: u64,
        /// The transaction's place in the block.
        index: usize,
        /// The hash as recorded.
        expected: B256,
        /// The hash of its encoding.
        computed: B256,
    },
    /// A transaction was signed by somebody else than its sender.
    #[error("block {block}: `block.transactions[{index}].from` is {found:#x}, {signed} signed it")]
    Sender {
        /// The block.
        block: u64,
        /// The transaction's place in the block.
        index: usize,
        /// The sender as recorded.
        found: Address,
        /// Who signed it.
        signed: Signer,
    },
    /// A code does not hash to the key it is filed under.
    #[error("code filed under {expected} hashes to {found}")]
    CodeHash {
        /// The key.
        expected: B256,
        /// The Keccak-256 of the code.
        found: B256,
    },
}

/// Writes `block 7: `, or nothing when the number is not known.
struct Named(Option<u64>);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(number) => write!(f, "block {number}: "),
            None => Ok(()),
        }
    }
}
