use alloy_primitives::B256;

use crate::fork::UnknownChain;

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
