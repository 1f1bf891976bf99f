//! State before a block from what archive nodes hand out in one answer: traces and state proofs.
//!
//! A recorded block holds the state its execution reads. Reading that state place by place costs a
//! node one request per place. Two calls give it at once:
//!
//! - [`trace`]: `debug_traceBlock…` with `prestateTracer`, the state before each transaction. It is
//!   the node's word, checked by the gas and receipts root that the replay then finds.
//! - [`state_proof`]: `debug_executionWitness`, trie nodes. Every value read is proven against the
//!   parent's state root, and so is every absence.
//!
//! Both decode untrusted bytes without touching files or network.

mod growing;
pub mod state_proof;
pub mod trace;
mod trie;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};
use revm::DatabaseRef;

use super::{Block, DecodeError, RecordedBlock};
use crate::{
    Complete, Recording, ReplayError,
    replay::{Agreement, BlockReplay},
    replay_on,
};

pub use growing::{Growing, GrowingError, Prover};
pub use state_proof::{StateProof, StateProofError};
pub use trace::{Prestate, prestate};
pub use trie::TrieError;

/// Why a trace or a state proof was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The document is not what its name says; the cause names the field.
    #[error("the {document} cannot be read")]
    Document {
        /// `trace`, `diff trace`, `proof` or `parent header`.
        document: &'static str,
        /// The cause, with the path of the field.
        #[source]
        source: DecodeError,
    },
    /// The trace has more or fewer entries than the block has transactions.
    #[error("the {document} has {found} entries, block {block} has {expected} transactions")]
    TransactionCount {
        /// `trace` or `diff trace`.
        document: &'static str,
        /// The block.
        block: u64,
        /// Transactions of the block.
        expected: usize,
        /// Entries of the trace.
        found: usize,
    },
    /// An entry is about another transaction.
    #[error("`{document}[{index}].txHash` is {found}, the block's transaction is {expected}")]
    TransactionHash {
        /// `trace` or `diff trace`.
        document: &'static str,
        /// The entry's place.
        index: usize,
        /// The hash in the block.
        expected: B256,
        /// The hash in the trace.
        found: B256,
    },
    /// The node could not trace a transaction.
    #[error("`{document}[{index}]` has no result: {reason}")]
    Untraced {
        /// `trace` or `diff trace`.
        document: &'static str,
        /// The entry's place.
        index: usize,
        /// The node's words, cut to 200 characters.
        reason: String,
    },
    /// A transaction's sender is not in the state before it, so the trace is not complete.
    #[error("`trace[{index}].result` lacks the transaction's sender {sender}")]
    SenderMissing {
        /// The entry's place.
        index: usize,
        /// The sender.
        sender: Address,
    },
    /// No header of the state proof is the block's parent.
    #[error("`proof.headers` lacks the parent of block {block}, {parent}")]
    ParentMissing {
        /// The block.
        block: u64,
        /// The hash its header gives for its parent.
        parent: B256,
    },
    /// The state proof has no header of the block whose state it is.
    #[error("`proof.headers` lacks block {number}, {hash}")]
    HeaderMissing {
        /// The block.
        number: u64,
        /// Its hash.
        hash: B256,
    },
    /// The headers of the state proof do not form one chain that ends in the block's parent.
    #[error("`proof.headers`: block {number} hashes to {found}, its child says {expected}")]
    HeaderLink {
        /// Height of the header.
        number: u64,
        /// The hash that the header above it names.
        expected: B256,
        /// Its own.
        found: B256,
    },
    /// A header's height does not follow from the one above it.
    #[error("`proof.headers`: expected a header of block {expected}, found one of {found}")]
    HeaderNumber {
        /// Height that must come next.
        expected: u64,
        /// Height found.
        found: u64,
    },
    /// The trie's root node is not in the state proof.
    #[error("`proof.state` lacks the node that hashes to the parent's state root {root}")]
    RootMissing {
        /// The state root.
        root: B256,
    },
}

/// A block with exactly the state that executing it reads, and the codes of that state by hash.
#[derive(Debug)]
pub struct Imported {
    /// The block in the recorded form.
    pub recorded: RecordedBlock,
    /// The codes its accounts name.
    pub codes: BTreeMap<B256, Bytes>,
    /// What the execution found.
    pub replay: BlockReplay,
}

impl Imported {
    /// Whether nothing in the execution denies the state. A block that cannot be compared with its
    /// header cannot tell, and is taken as it came; [`BlockReplay::agreement`] says so.
    #[must_use]
    pub fn is_borne_out(&self) -> bool {
        self.replay.agreement() != Agreement::Differs
    }
}

/// Executes a block and keeps what it read, so that the same block gives the same record whichever way
/// its state came. The state must answer every read truly or fail: a made-up value would be kept as a
/// known one.
///
/// # Errors
/// As [`replay_on`].
pub fn record_complete<D: DatabaseRef>(
    block: &Block,
    state: D,
) -> Result<Imported, ReplayError<D::Error>> {
    let recording = Recording::new(Complete(state));
    let replay = replay_on(block, &recording)?;
    let (recorded, codes) = recording.finish(block.clone());
    Ok(Imported { recorded, codes, replay })
}

#[cfg(test)]
mod tests;
