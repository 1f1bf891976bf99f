//! Whether a block's header commits to its body.
//!
//! A header's hash names a chain's block; transactions, withdrawals and uncles beside it are only
//! somebody's word until their roots are computed again. So decoding computes the hash of the header,
//! the hash and the sender of every transaction, and the roots, wherever the fields are there. What is
//! denied is an error. What could not be computed is no error and no success: it is an [`Unbound`].
//!
//! Of uncles a block holds hashes alone, so of them only their absence can be checked; requests to the
//! beacon chain are in no block, and are not computed.

mod encoding;

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header as ConsensusHeader,
    crypto::secp256k1::{recover_signer, recover_signer_unchecked},
    proofs::calculate_withdrawals_root,
};
use alloy_eips::eip4895;
use alloy_primitives::{Address, keccak256};
use alloy_trie::root::ordered_trie_root_with_encoder;
use rayon::prelude::*;
use revm::primitives::hardfork::SpecId;

use self::encoding::{Encoded, encoded};
use super::{Block, DecodeError, Header, Transaction, TransactionKind, Withdrawal};
use crate::fork::{self, Family};

/// Transactions from which on their senders are recovered on several threads.
const PARALLEL_MIN: usize = 16;

/// A part of a block that its header commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The header itself, by its hash.
    Header,
    /// The transactions, by their root.
    Transactions,
    /// Who sent the transactions, by their signatures.
    Senders,
    /// The withdrawals, by their root.
    Withdrawals,
    /// The uncles, by the hash of their headers.
    Uncles,
    /// The requests to the beacon chain, by their hash.
    Requests,
}

impl Part {
    /// The word used in machine-readable output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Transactions => "transactions",
            Self::Senders => "senders",
            Self::Withdrawals => "withdrawals",
            Self::Uncles => "uncles",
            Self::Requests => "requests",
        }
    }
}

/// A part of a block that was not held to the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbound {
    /// Which.
    pub part: Part,
    /// Why not.
    pub why: Why,
}

/// Why a part of a block was not held to its header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The block lacks a field.
    #[error("`{0}` is not there")]
    NoField(&'static str),
    /// The header has a field that is not known here, so its hash is of another form.
    #[error("`{0}` is no field of a header that is known here")]
    ForeignField(String),
    /// A transaction's type is not known, so neither is its encoding.
    #[error("transaction {index} has type {type_byte:#04x}, whose encoding is not known")]
    UnknownType {
        /// Its place in the block.
        index: usize,
        /// Its type.
        type_byte: u8,
    },
    /// A transaction of a chain without keys is not signed by its sender.
    #[error("transaction {index} is not signed by its sender, as a local chain allows")]
    NotSigned {
        /// Its place in the block.
        index: usize,
    },
    /// A block holds hashes of its uncles and not their headers.
    #[error("a block holds the hashes of its uncles, their headers are not there")]
    OnlyHashes,
    /// The root is of something else on this chain.
    #[error("on this chain the field holds the storage root of a contract")]
    OtherMeaning,
    /// The calls that make them are not made.
    #[error("the requests to the beacon chain are not computed")]
    NotComputed,
}

/// Holds a block to its header; `foreign` names a field of the header that is not known, if there is one.
pub(super) fn bind(
    block: &Block,
    foreign: impl FnOnce() -> Option<String>,
) -> Result<Vec<Unbound>, DecodeError> {
    let mut unbound = Vec::new();
    let mut note = |found: Result<(), Unbound>| unbound.extend(found.err());
    note(header_hash(block, foreign)?);
    for found in transactions(block)? {
        note(Err(found));
    }
    note(withdrawals(block)?);
    note(uncles(block)?);
    if block.header.commitments.requests_hash.is_some() {
        note(Err(Unbound { part: Part::Requests, why: Why::NotComputed }));
    }
    Ok(unbound)
}

/// A check's outcome: done, or why it could not be.
type Checked = Result<Result<(), Unbound>, DecodeError>;

const fn not(part: Part, why: Why) -> Checked {
    Ok(Err(Unbound { part, why }))
}

fn header_hash(block: &Block, foreign: impl FnOnce() -> Option<String>) -> Checked {
    let Some(claimed) = block.header.hash else {
        return not(Part::Header, Why::NoField("hash"));
    };
    let computed = match consensus(&block.header) {
        Ok(header) => header.hash_slow(),
        Err(field) => return not(Part::Header, Why::NoField(field)),
    };
    if computed == claimed {
        return Ok(Ok(()));
    }
    match foreign() {
        Some(field) => not(Part::Header, Why::ForeignField(field)),
        None => {
            Err(DecodeError::HeaderHash { block: block.header.number, expected: claimed, computed })
        }
    }
}

/// The header in full, or the field it lacks.
fn consensus(header: &Header) -> Result<ConsensusHeader, &'static str> {
    let committed = &header.commitments;
    Ok(ConsensusHeader {
        parent_hash: header.parent_hash,
        ommers_hash: committed.ommers_hash.ok_or("sha3Uncles")?,
        beneficiary: header.beneficiary,
        state_root: committed.state_root.ok_or("stateRoot")?,
        transactions_root: committed.transactions_root.ok_or("transactionsRoot")?,
        receipts_root: header.receipts_root,
        logs_bloom: committed.logs_bloom.ok_or("logsBloom")?,
        difficulty: header.difficulty,
        number: header.number,
        gas_limit: header.gas_limit,
        gas_used: header.gas_used,
        timestamp: header.timestamp,
        extra_data: header.extra_data.clone().ok_or("extraData")?,
        mix_hash: header.mix_hash.ok_or("mixHash")?,
        nonce: committed.nonce.ok_or("nonce")?,
        base_fee_per_gas: header.base_fee_per_gas,
        withdrawals_root: committed.withdrawals_root,
        blob_gas_used: header.blob_gas_used,
        excess_blob_gas: header.excess_blob_gas,
        parent_beacon_block_root: header.parent_beacon_block_root,
        requests_hash: committed.requests_hash,
        ..ConsensusHeader::default()
    })
}

fn transactions(block: &Block) -> Result<Vec<Unbound>, DecodeError> {
    let number = block.header.number;
    let Some(expected) = block.header.commitments.transactions_root else {
        let why = || Why::NoField("transactionsRoot");
        return Ok(vec![
            Unbound { part: Part::Transactions, why: why() },
            Unbound { part: Part::Senders, why: why() },
        ]);
    };
    let all = &block.transactions;
    let is_known = |transaction: &&Transaction| transaction.kind != TransactionKind::Unsupported;
    let unknown = all.iter().position(|transaction| !is_known(&transaction));
    let mut unbound = Vec::new();
    if let Some(index) = unknown {
        let type_byte = all[index].type_byte();
        let why = Why::UnknownType { index, type_byte };
        unbound.push(Unbound { part: Part::Transactions, why });
    }
    let place = |(index, transaction): (usize, &Transaction)| {
        checked(block, index, transaction).map(|(bytes, is_sent)| (index, bytes, is_sent))
    };
    let known = all.iter().enumerate().filter(|(_, transaction)| is_known(transaction));
    let known: Vec<(usize, &Transaction)> = known.collect();
    let checked: Vec<(usize, Vec<u8>, bool)> = if known.len() < PARALLEL_MIN {
        known.into_iter().map(place).collect::<Result<_, _>>()?
    } else {
        // Results first, so that which error is told does not depend on timing.
        let checked: Vec<_> = known.into_par_iter().map(place).collect();
        checked.into_iter().collect::<Result<_, _>>()?
    };
    if let Some((index, ..)) = checked.iter().find(|(_, _, is_sent)| !is_sent) {
        unbound.push(Unbound { part: Part::Senders, why: Why::NotSigned { index: *index } });
    }
    // What follows the last transaction whose encoding is known may have been added to a whole body.
    let is_prefix = unknown.is_none_or(|first| first == checked.len());
    let root = || {
        ordered_trie_root_with_encoder(&checked, |(_, bytes, _), out| {
            out.extend_from_slice(bytes);
        })
    };
    match unknown {
        None => {
            let computed = root();
            if computed != expected {
                let field = "transactionsRoot";
                return Err(DecodeError::Body { block: number, field, expected, computed });
            }
        }
        Some(index) if is_prefix && root() == expected => {
            return Err(DecodeError::Added { block: number, index });
        }
        Some(_) => {}
    }
    Ok(unbound)
}

/// The encoding of a transaction whose hash and sender are as the block says; false if its sender need
/// not have signed it, and did not.
fn checked(
    block: &Block,
    index: usize,
    transaction: &Transaction,
) -> Result<(Vec<u8>, bool), DecodeError> {
    let number = block.header.number;
    let Some(Encoded { bytes, signed }) = encoded(transaction) else {
        let field = match transaction.kind {
            TransactionKind::Deposit(_) => "sourceHash",
            TransactionKind::Ordinary | TransactionKind::Unsupported => "r, s, v",
        };
        return Err(DecodeError::Missing {
            block: Some(number),
            path: format!("block.transactions[{index}].{field}"),
            expected: "what the hash of a transaction is made of",
        });
    };
    let found = transaction.sender();
    let sender = match &signed {
        None => Some(found),
        Some((signature, hash)) if block.rules.has(SpecId::HOMESTEAD) => {
            recover_signer(signature, *hash).ok()
        }
        Some((signature, hash)) => recover_signer_unchecked(signature, *hash).ok(),
    };
    if sender != Some(found) && fork::is_unsigned(block.chain_id) {
        return Ok((bytes, false));
    }
    let computed = keccak256(&bytes);
    if computed != transaction.hash {
        let expected = transaction.hash;
        return Err(DecodeError::TransactionHash { block: number, index, expected, computed });
    }
    if sender != Some(found) {
        return Err(DecodeError::Sender { block: number, index, found, signed: Signer(sender) });
    }
    Ok((bytes, true))
}

/// Who signed, if it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signer(pub Option<Address>);

impl std::fmt::Display for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(address) => write!(f, "{address:#x}"),
            None => f.write_str("nobody"),
        }
    }
}

fn withdrawals(block: &Block) -> Checked {
    let Some(expected) = block.header.commitments.withdrawals_root else {
        return if block.rules.has(SpecId::SHANGHAI) {
            not(Part::Withdrawals, Why::NoField("withdrawalsRoot"))
        } else {
            Ok(Ok(()))
        };
    };
    let numbered = |withdrawal: &Withdrawal| {
        let (index, validator_index) = withdrawal.numbers?;
        let (address, amount) = (withdrawal.address, withdrawal.amount_gwei);
        Some(eip4895::Withdrawal { index, validator_index, address, amount })
    };
    let Some(list) = block.withdrawals.iter().map(numbered).collect::<Option<Vec<_>>>() else {
        return not(Part::Withdrawals, Why::NoField("index, validatorIndex"));
    };
    let computed = calculate_withdrawals_root(&list);
    if computed == expected {
        return Ok(Ok(()));
    }
    // Isthmus keeps the storage root of the contract of messages to the parent chain in this field.
    if block.rules.family == Family::OpStack && list.is_empty() {
        return not(Part::Withdrawals, Why::OtherMeaning);
    }
    let (block, field) = (block.header.number, "withdrawalsRoot");
    Err(DecodeError::Body { block, field, expected, computed })
}

fn uncles(block: &Block) -> Checked {
    let header = &block.header;
    let Some(expected) = header.commitments.ommers_hash else {
        return not(Part::Uncles, Why::NoField("sha3Uncles"));
    };
    let is_none = expected == EMPTY_OMMER_ROOT_HASH;
    match header.uncles.first() {
        None if is_none => Ok(Ok(())),
        None => not(Part::Uncles, Why::NoField("uncles")),
        Some(_) if !is_none => not(Part::Uncles, Why::OnlyHashes),
        Some(_) => Err(DecodeError::Uncles { block: header.number, found: header.uncles.len() }),
    }
}
