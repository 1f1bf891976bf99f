//! An offline proof that a block holds an anchored checkpoint. Pure; no network.

mod hex_text;
mod trie;

use alloy_consensus::{Eip658Value, Header, ReceiptEnvelope, Transaction, TxEnvelope, TxReceipt};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use alloy_sol_types::SolEvent;
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

use crate::contracts::checkpoint_anchor::CheckpointAnchor::CheckpointAnchored;

/// Largest header, in bytes; today's have about 700.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// Largest transaction, receipt or trie node, in bytes.
const ITEM_BYTES_MAX: usize = 4 << 20;
/// Most nodes on a path; an index has at most 4 bytes of RLP, which is 8 nibbles and a leaf.
const PATH_NODES_MAX: usize = 10;

/// Proof that a transaction of a block emitted `CheckpointAnchored(size, root)` from a contract.
///
/// It holds the block's header, the transaction and its receipt, and the Merkle-Patricia path of both
/// to the header's roots ([Ethereum yellow paper, 4.3](https://ethereum.github.io/yellowpaper/paper.pdf)).
/// The receipt carries the event; the transaction carries the signed chain id, which a header lacks.
///
/// **What it does not prove:** that the block is part of the chain. A header is easily invented.
/// The reader must look up `block_hash` in a source he trusts: his own node, or several explorers.
///
/// In JSON, bytes are lower-case hex with `0x`; unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorProof {
    /// Chain the block is on.
    pub chain: ChainId,
    /// The `CheckpointAnchor` contract.
    #[serde(with = "hex_text::fixed")]
    pub contract: Address,
    /// Number of the block.
    pub block_number: u64,
    /// Hash of the block: keccak256 of `header_rlp`.
    #[serde(with = "hex_text::fixed")]
    pub block_hash: B256,
    /// The block's header in RLP.
    #[serde(with = "hex_text::bytes")]
    pub header_rlp: Bytes,
    /// Position of the transaction, and so of its receipt, in the block.
    pub receipt_index: u32,
    /// The receipt in EIP-2718 form.
    #[serde(with = "hex_text::bytes")]
    pub receipt: Bytes,
    /// Trie nodes from the header's receipts root to the receipt.
    #[serde(with = "hex_text::list")]
    pub proof: Vec<Bytes>,
    /// The transaction in EIP-2718 form.
    #[serde(with = "hex_text::bytes")]
    pub transaction: Bytes,
    /// Trie nodes from the header's transactions root to the transaction.
    #[serde(with = "hex_text::list")]
    pub transaction_proof: Vec<Bytes>,
}

/// What a proof is built from.
#[derive(Debug, Clone, Copy)]
pub struct AnchorParts<'a> {
    /// Chain the block is on.
    pub chain: &'a ChainId,
    /// The `CheckpointAnchor` contract.
    pub contract: Address,
    /// The block's header.
    pub header: &'a Header,
    /// All its transactions in EIP-2718 form.
    pub transactions: &'a [Vec<u8>],
    /// All its receipts in EIP-2718 form.
    pub receipts: &'a [Vec<u8>],
    /// Position of the anchoring transaction.
    pub index: usize,
}

/// What a verified proof says. True if, and only if, the block is on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorFact {
    /// Chain the transaction was signed for; of a proof by storage, the chain that the log's operator names: a header
    /// names none.
    pub chain: ChainId,
    /// Contract that emitted the event, or whose storage it is.
    pub contract: Address,
    /// Number of the block.
    pub block_number: u64,
    /// Hash of the block. **Look this up on the chain.**
    pub block_hash: B256,
    /// Hash of the transaction that emitted it; none in a proof by storage.
    pub transaction_hash: Option<B256>,
    /// Time of the block by its header, in seconds since 1970.
    pub timestamp_s: u64,
}

/// One of the two tries of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trie {
    /// The transactions.
    Transactions,
    /// The receipts.
    Receipts,
}

/// Why a proof does not hold, or cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorProofError {
    /// A part is larger than any real one.
    #[error("{part} has {found} bytes or nodes; at most {max} are accepted")]
    TooLarge {
        /// Field of the proof.
        part: &'static str,
        /// Its size.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// A part cannot be decoded, or has bytes left over.
    #[error("{part} is not a valid encoding")]
    Undecodable {
        /// Field of the proof.
        part: &'static str,
    },
    /// The header does not hash to the block hash.
    #[error("the header hashes to {got}, not to the block hash {expected}")]
    BlockHash {
        /// `block_hash` of the proof.
        expected: B256,
        /// Hash of `header_rlp`.
        got: B256,
    },
    /// The header has another number.
    #[error("the header is of block {got}, not {expected}")]
    BlockNumber {
        /// `block_number` of the proof.
        expected: u64,
        /// Number in the header.
        got: u64,
    },
    /// A path does not lead from the header's root to the item.
    #[error("the path does not lead from the header's {trie:?} root to item {index}")]
    Path {
        /// Which trie.
        trie: Trie,
        /// Position in it.
        index: u32,
    },
    /// The items given do not hash to the header's root.
    #[error("the given {trie:?} hash to {got}; the header has {expected}")]
    Root {
        /// Which trie.
        trie: Trie,
        /// Root in the header.
        expected: B256,
        /// Root of the items.
        got: B256,
    },
    /// There is no item at that position.
    #[error("the block has {count} transactions; there is none at position {index}")]
    Index {
        /// Position asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The transaction was signed for another chain, or for none.
    #[error("the transaction is for {got:?}, not for {expected}")]
    Chain {
        /// `chain` of the proof.
        expected: ChainId,
        /// Chain id in the transaction.
        got: Option<ChainId>,
    },
    /// The transaction failed, so its logs do not count.
    #[error("the transaction failed")]
    Failed,
    /// The contract did not emit this checkpoint.
    #[error("{contract} did not emit CheckpointAnchored for size {size} and this root")]
    NoEvent {
        /// `contract` of the proof.
        contract: Address,
        /// Size that was expected.
        size: u64,
    },
}

impl AnchorProof {
    /// Builds the proof and checks that the parts belong together.
    ///
    /// # Errors
    /// If transactions or receipts do not hash to the header's roots, or there is none at `index`.
    pub fn build(parts: &AnchorParts<'_>) -> Result<Self, AnchorProofError> {
        let (index, count) = (parts.index, parts.transactions.len());
        let transaction =
            parts.transactions.get(index).ok_or(AnchorProofError::Index { index, count })?;
        let receipt = parts
            .receipts
            .get(index)
            .ok_or(AnchorProofError::Index { index, count: parts.receipts.len() })?;
        let position =
            u32::try_from(index).map_err(|_| AnchorProofError::Index { index, count })?;
        let path = |trie, items: &[Vec<u8>], expected| match trie::path(items, index) {
            (got, nodes) if got == expected => Ok(nodes),
            (got, _) => Err(AnchorProofError::Root { trie, expected, got }),
        };
        let header = parts.header;
        let transaction_proof =
            path(Trie::Transactions, parts.transactions, header.transactions_root)?;
        let proof = path(Trie::Receipts, parts.receipts, header.receipts_root)?;
        let header_rlp = Bytes::from(alloy_rlp::encode(header));
        Ok(Self {
            chain: parts.chain.clone(),
            contract: parts.contract,
            block_number: header.number,
            block_hash: keccak256(&header_rlp),
            header_rlp,
            receipt_index: position,
            receipt: receipt.clone().into(),
            proof,
            transaction: transaction.clone().into(),
            transaction_proof,
        })
    }

    /// Checks the proof for this checkpoint: header against block hash and number, both paths against
    /// the header's roots, chain id in the transaction, and the event in the receipt.
    ///
    /// # Errors
    /// The first check that fails. After success, look up [`AnchorFact::block_hash`] on the chain.
    pub fn verify(&self, size: u64, root: [u8; 32]) -> Result<AnchorFact, AnchorProofError> {
        self.ensure_limits()?;
        let header = self.checked_header()?;
        let index = self.receipt_index;
        trie::verify(header.transactions_root, index, &self.transaction, &self.transaction_proof)
            .map_err(|()| AnchorProofError::Path { trie: Trie::Transactions, index })?;
        trie::verify(header.receipts_root, index, &self.receipt, &self.proof)
            .map_err(|()| AnchorProofError::Path { trie: Trie::Receipts, index })?;
        self.ensure_chain()?;
        self.ensure_event(size, root)?;
        Ok(AnchorFact {
            chain: self.chain.clone(),
            contract: self.contract,
            block_number: header.number,
            block_hash: self.block_hash,
            // By EIP-2718, a transaction's hash is that of the very bytes the trie holds.
            transaction_hash: Some(keccak256(&self.transaction)),
            timestamp_s: header.timestamp,
        })
    }

    fn ensure_limits(&self) -> Result<(), AnchorProofError> {
        let ensure = |part, found: usize, max: usize| {
            if found > max { Err(AnchorProofError::TooLarge { part, found, max }) } else { Ok(()) }
        };
        ensure("header_rlp", self.header_rlp.len(), HEADER_BYTES_MAX)?;
        ensure("receipt", self.receipt.len(), ITEM_BYTES_MAX)?;
        ensure("transaction", self.transaction.len(), ITEM_BYTES_MAX)?;
        for (part, nodes) in
            [("proof", &self.proof), ("transaction_proof", &self.transaction_proof)]
        {
            ensure(part, nodes.len(), PATH_NODES_MAX)?;
            for node in nodes {
                ensure(part, node.len(), ITEM_BYTES_MAX)?;
            }
        }
        Ok(())
    }

    fn checked_header(&self) -> Result<Header, AnchorProofError> {
        let got = keccak256(&self.header_rlp);
        if got != self.block_hash {
            return Err(AnchorProofError::BlockHash { expected: self.block_hash, got });
        }
        let mut rest = self.header_rlp.as_ref();
        let header = Header::decode(&mut rest).ok().filter(|_| rest.is_empty());
        let header = header.ok_or(AnchorProofError::Undecodable { part: "header_rlp" })?;
        if header.number == self.block_number {
            Ok(header)
        } else {
            let (expected, got) = (self.block_number, header.number);
            Err(AnchorProofError::BlockNumber { expected, got })
        }
    }

    fn ensure_chain(&self) -> Result<(), AnchorProofError> {
        let transaction = TxEnvelope::decode_2718_exact(&self.transaction)
            .map_err(|_| AnchorProofError::Undecodable { part: "transaction" })?;
        let got = transaction.chain_id().map(ChainId::evm);
        if got.as_ref() == Some(&self.chain) {
            Ok(())
        } else {
            Err(AnchorProofError::Chain { expected: self.chain.clone(), got })
        }
    }

    fn ensure_event(&self, size: u64, root: [u8; 32]) -> Result<(), AnchorProofError> {
        let receipt = ReceiptEnvelope::decode_2718_exact(&self.receipt)
            .map_err(|_| AnchorProofError::Undecodable { part: "receipt" })?;
        if receipt.status_or_post_state() != Eip658Value::Eip658(true) {
            return Err(AnchorProofError::Failed);
        }
        let emitted = receipt.logs().iter().filter(|log| log.address == self.contract).any(|log| {
            CheckpointAnchored::decode_log_data_validate(&log.data)
                .is_ok_and(|event| event.size == size && event.root == root)
        });
        if emitted {
            Ok(())
        } else {
            Err(AnchorProofError::NoEvent { contract: self.contract, size })
        }
    }
}

#[cfg(test)]
mod tests;
