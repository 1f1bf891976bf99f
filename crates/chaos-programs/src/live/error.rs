use std::{io, path::PathBuf};

use chaos_chains::block_source::StateError;
use chaos_evm::{DecodeError, ImportError, ReplayError, Unbound, import::StateProofError};
use chaos_types::ChainId;

use super::StateFrom;
use crate::recorded::BlockFileError;

/// Why live blocks or headers were not fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node fails.
    #[error(transparent)]
    Node(#[from] chaos_chains::Error),
    /// The chain's blocks cannot be executed.
    #[error("{chain} is not an EVM chain")]
    NotEvm {
        /// The chain.
        chain: ChainId,
    },
    /// The text names no range.
    #[error("expected FIRST..=LAST or N, found `{found}`")]
    NoRange {
        /// What was found.
        found: String,
    },
    /// No block is asked for.
    #[error("0 asks for no block; expected FIRST..=LAST or 1 to {blocks_max}")]
    NoBlocksAsked {
        /// The most blocks of a range.
        blocks_max: u64,
    },
    /// Too many blocks are asked for.
    #[error("{count} blocks are too many; expected FIRST..=LAST or 1 to {blocks_max}")]
    Count {
        /// How many were asked for.
        count: u64,
        /// The most blocks of a range.
        blocks_max: u64,
    },
    /// The range is empty, too long or begins at the genesis block.
    #[error("{first}..={last} must begin at 1 or above and hold 1 to {blocks_max} blocks")]
    Range {
        /// The first block.
        first: u64,
        /// The last block.
        last: u64,
        /// The most blocks of a range.
        blocks_max: u64,
    },
    /// A header does not name the one before it as its parent.
    #[error("the headers do not follow each other")]
    Moved {
        /// The folder that keeps what was fetched.
        cache: PathBuf,
        /// Which hash it should be, and which it is.
        source: Box<chaos_chains::Error>,
    },
    /// The first header of a file does not name the last of the one before it as its parent.
    #[error("{path} does not follow", path = path.display())]
    ChunkMoved {
        /// The file.
        path: PathBuf,
        /// The folder that keeps what was fetched.
        cache: PathBuf,
        /// Which hash it should be, and which it is.
        source: Box<chaos_chains::Error>,
    },
    /// The state of a block was not fetched.
    #[error("block {height}, state from {from}", from = state_from.name())]
    State {
        /// The block.
        height: u64,
        /// Where its state was to come from.
        state_from: StateFrom,
        /// Why it did not.
        source: Box<Self>,
    },
    /// The node's block cannot be decoded, or its header denies it.
    #[error("the node's answer is no block {height}")]
    Block {
        /// The block.
        height: u64,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
    /// The block's body is not held to its header.
    #[error(
        "block {height}: the {} cannot be held to its header: {}",
        unbound.part.as_str(),
        unbound.why
    )]
    Unbound {
        /// The block.
        height: u64,
        /// Which part, and why.
        unbound: Unbound,
    },
    /// The node's block has no JSON text.
    #[error(transparent)]
    BlockJson(serde_json::Error),
    /// The node's answer about the state has no JSON text.
    #[error(transparent)]
    StateJson(serde_json::Error),
    /// A trace or a state proof is refused.
    #[error(transparent)]
    Import(Box<ImportError>),
    /// The block cannot be executed on the state that was asked for.
    #[error(transparent)]
    Execute(Box<ReplayError<StateError>>),
    /// The block cannot be executed on the state that was proven.
    #[error(transparent)]
    ExecuteProven(Box<ReplayError<StateProofError>>),
    /// The state does not give the block.
    #[error(
        "the state does not give the block: gas {found} instead of {expected}, {rejected} \
         transactions rejected"
    )]
    Disagrees {
        /// Gas that the header states.
        expected: u64,
        /// Gas that was used.
        found: u64,
        /// How many transactions were rejected.
        rejected: usize,
    },
    /// The codes that were fetched are not those that were asked for.
    #[error(transparent)]
    Codes(Box<DecodeError>),
    /// The codes that were fetched have no JSON text.
    #[error(transparent)]
    CodesJson(serde_json::Error),
    /// A file of codes that was kept is no JSON.
    #[error("{path} is damaged", path = path.display())]
    DamagedJson {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file of codes that was kept holds others than it says.
    #[error("{path} is damaged", path = path.display())]
    DamagedCodes {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
    /// A file of headers that was kept holds others than it says.
    #[error("{path} is damaged; delete it to fetch it again", path = path.display())]
    DamagedHeaders {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was written cannot be read again.
    #[error("cannot read back {path}", path = path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<BlockFileError>,
    },
}
