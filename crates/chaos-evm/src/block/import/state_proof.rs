//! The state before a block from `debug_executionWitness`: trie nodes, codes and headers.
//!
//! Nothing in a state proof is believed. The block's header names its parent by hash; the parent's
//! header, found by that hash, names the state root; a node is found by its hash from the root down;
//! a code by its hash from the account. A read that the nodes do not prove is an error, never a
//! zero; a read that they prove to be absent is absent.
//!
//! Clients differ ([execution-apis#845](https://github.com/ethereum/execution-apis/issues/845)), so
//! headers may be RLP in hexadecimal or JSON objects, `state` and `codes` lists or maps by hash, and
//! `keys` (preimages, not needed here) anything.

use std::{cell::RefCell, collections::BTreeMap};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256, map::B256Map};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use revm::{
    DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{ImportError, TrieError, trie::lookup};
use crate::{
    block::{
        BLOCK_BYTES_MAX, Block,
        decode::{decompress, typed},
    },
    bytecodes::Bytecodes,
};

const STATE_PROOF: &str = "proof";
const PARENT: &str = "parent header";

/// The state before one block, every answer of it proven. Hand it to
/// [`super::record_complete`].
#[derive(Debug)]
pub struct StateProof {
    nodes: B256Map<Bytes>,
    codes: Bytecodes,
    state_root: B256,
    block_hashes: BTreeMap<u64, B256>,
    accounts: RefCell<BTreeMap<Address, Option<TrieAccount>>>,
}

/// A read that the state proof does not prove.
#[derive(Debug, thiserror::Error)]
pub enum StateProofError {
    /// The nodes do not lead to an account.
    #[error("the state proof does not prove account {address}")]
    Account {
        /// The account.
        address: Address,
        /// The cause.
        #[source]
        source: TrieError,
    },
    /// The nodes do not lead to a storage slot.
    #[error("the state proof does not prove slot {slot:#x} of {address}")]
    Slot {
        /// The account.
        address: Address,
        /// The slot.
        slot: U256,
        /// The cause.
        #[source]
        source: TrieError,
    },
    /// What stands at an account's place, or at a slot's, is no account or no number.
    #[error("the state proof holds a malformed value for {address}")]
    Value {
        /// The account.
        address: Address,
        /// The cause.
        #[source]
        source: alloy_rlp::Error,
    },
    /// A code is needed and not there.
    #[error("`proof.codes` lacks the code {hash}")]
    Code {
        /// Keccak-256 of the code.
        hash: B256,
    },
    /// The hash of an ancestor is needed and not there.
    #[error("`proof.headers` does not reach back to block {number}")]
    BlockHash {
        /// Height of the ancestor.
        number: u64,
    },
}

impl DBErrorMarker for StateProofError {}

impl StateProof {
    /// Reads a state proof of `block`, plain or gzipped, bare or in its JSON-RPC envelope. `parent` is
    /// the parent's header as JSON, for nodes whose state proof holds no headers; it is believed no more
    /// than the others.
    ///
    /// # Errors
    /// If the bytes have another form, or the headers do not lead from the block's parent hash to a
    /// state root whose node is there.
    pub fn decode(bytes: &[u8], block: &Block, parent: Option<&[u8]>) -> Result<Self, ImportError> {
        let document = |document| move |source| ImportError::Document { document, source };
        let json = decompress(bytes, BLOCK_BYTES_MAX).map_err(document(STATE_PROOF))?;
        let Envelope(wire) = typed(&json).map_err(document(STATE_PROOF))?;
        let mut headers: Vec<Header> =
            wire.headers.unwrap_or_default().into_iter().map(|header| header.0).collect();
        if let Some(parent) = parent {
            let header: AnyHeader = typed(parent).map_err(document(PARENT))?;
            headers.push(header.0);
        }
        let (state_root, block_hashes) = verify_headers(headers, block)?;
        let nodes: B256Map<Bytes> =
            wire.state.0.into_iter().map(|node| (keccak256(&node), node)).collect();
        if state_root != EMPTY_ROOT_HASH && !nodes.contains_key(&state_root) {
            return Err(ImportError::RootMissing { root: state_root });
        }
        let codes = wire.codes.map(|codes| codes.0).unwrap_or_default();
        let codes = codes.into_iter().map(|code| (keccak256(&code), code)).collect();
        let codes = Bytecodes::from_codes(codes).map_err(document(STATE_PROOF))?;
        let accounts = RefCell::default();
        Ok(Self { nodes, codes, state_root, block_hashes, accounts })
    }

    /// The state root of the parent, which everything is proven against.
    #[must_use]
    pub const fn state_root(&self) -> B256 {
        self.state_root
    }

    fn account(&self, address: Address) -> Result<Option<TrieAccount>, StateProofError> {
        if let Some(account) = self.accounts.borrow().get(&address) {
            return Ok(*account);
        }
        let value = lookup(&self.nodes, self.state_root, keccak256(address))
            .map_err(|source| StateProofError::Account { address, source })?;
        let account = value
            .map(|value| alloy_rlp::decode_exact::<TrieAccount>(&value))
            .transpose()
            .map_err(|source| StateProofError::Value { address, source })?;
        self.accounts.borrow_mut().insert(address, account);
        Ok(account)
    }
}

/// Follows the headers from the block's parent downwards; gives the parent's state root and the
/// hashes of all ancestors that are proven.
fn verify_headers(
    mut headers: Vec<Header>,
    block: &Block,
) -> Result<(B256, BTreeMap<u64, B256>), ImportError> {
    let child = &block.header;
    let missing = || ImportError::ParentMissing { block: child.number, parent: child.parent_hash };
    let mut number = child.number.checked_sub(1).ok_or_else(missing)?;
    headers.sort_by_key(|header| std::cmp::Reverse(header.number));
    headers.dedup();
    let state_root = headers.first().ok_or_else(missing)?.state_root;
    let mut expected = child.parent_hash;
    let mut hashes = BTreeMap::from([(number, expected)]);
    for header in headers {
        if header.number != number {
            return Err(ImportError::HeaderNumber { expected: number, found: header.number });
        }
        let found = header.hash_slow();
        if found != expected {
            return Err(ImportError::HeaderLink { number, expected, found });
        }
        let Some(below) = number.checked_sub(1) else { break };
        (number, expected) = (below, header.parent_hash);
        hashes.insert(number, expected);
    }
    Ok((state_root, hashes))
}

impl DatabaseRef for StateProof {
    type Error = StateProofError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateProofError> {
        let info = self.account(address)?.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            // A state proof holds the codes that ran; of others the hash is enough.
            code: match account.code_hash {
                KECCAK256_EMPTY => Some(Bytecode::default()),
                hash => self.codes.get(hash),
            },
        });
        Ok(info)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateProofError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        self.codes.get(hash).ok_or(StateProofError::Code { hash })
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateProofError> {
        let Some(account) = self.account(address)? else { return Ok(U256::ZERO) };
        let key = keccak256(slot.to_be_bytes::<32>());
        let value = lookup(&self.nodes, account.storage_root, key)
            .map_err(|source| StateProofError::Slot { address, slot, source })?;
        value
            .map_or(Ok(U256::ZERO), |value| alloy_rlp::decode_exact(&value))
            .map_err(|source| StateProofError::Value { address, source })
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateProofError> {
        self.block_hashes.get(&number).copied().ok_or(StateProofError::BlockHash { number })
    }
}

/// The state proof as nodes write it.
struct Wire {
    state: Blobs,
    codes: Option<Blobs>,
    headers: Option<Vec<AnyHeader>>,
}

/// A state proof, bare or as the `result` of a JSON-RPC answer.
struct Envelope(Wire);

/// Byte strings, in a list or in a map by their hash. The hashes are computed again.
struct Blobs(Vec<Bytes>);

/// A header, as RLP in hexadecimal or as JSON.
struct AnyHeader(Header);

#[derive(Deserialize)]
struct Parts {
    state: Option<Blobs>,
    codes: Option<Blobs>,
    headers: Option<Vec<AnyHeader>>,
    result: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    state: Blobs,
    codes: Option<Blobs>,
    headers: Option<Vec<AnyHeader>>,
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = Parts::deserialize(deserializer)?;
        match (parts.result, parts.state) {
            (Some(Inner { state, codes, headers }), None) => {
                Ok(Self(Wire { state, codes, headers }))
            }
            (None, Some(state)) => {
                Ok(Self(Wire { state, codes: parts.codes, headers: parts.headers }))
            }
            (Some(_), Some(_)) => Err(D::Error::custom("both `state` and `result` are there")),
            (None, None) => Err(D::Error::missing_field("state")),
        }
    }
}

impl<'de> Deserialize<'de> for Blobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Blobs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of byte strings in hexadecimal, or a map of them by hash")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Blobs, A::Error> {
                let mut blobs = Vec::new();
                while let Some(blob) = seq.next_element()? {
                    blobs.push(blob);
                }
                Ok(Blobs(blobs))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Blobs, A::Error> {
                let mut blobs = Vec::new();
                while let Some((_, blob)) = map.next_entry::<IgnoredAny, Bytes>()? {
                    blobs.push(blob);
                }
                Ok(Blobs(blobs))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for AnyHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = AnyHeader;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a block header as RLP in hexadecimal, or as an object")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AnyHeader, E> {
                let bytes: Bytes = text.parse().map_err(E::custom)?;
                let mut rest = bytes.as_ref();
                let header = Header::decode(&mut rest).map_err(E::custom)?;
                if !rest.is_empty() {
                    return Err(E::custom("bytes follow the header"));
                }
                Ok(AnyHeader(header))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AnyHeader, A::Error> {
                Header::deserialize(MapAccessDeserializer::new(map)).map(AnyHeader)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
