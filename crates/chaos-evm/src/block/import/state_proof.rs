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

use serde_json::{Value, json};

use super::{ImportError, TrieError, trie::lookup};
use crate::{
    block::{
        self, BLOCK_BYTES_MAX, Block, Commitments,
        decode::{decompress, typed},
    },
    bytecodes::Bytecodes,
    fork::ForkRules,
};

const STATE_PROOF: &str = "proof";
const PARENT: &str = "block header";

/// The state before one block, every answer of it proven. Hand it to
/// [`super::record_complete`].
///
/// It may grow while it is read ([`super::Growing`]): what is added is believed no more than what was
/// there.
#[derive(Debug)]
pub struct StateProof {
    nodes: RefCell<B256Map<Bytes>>,
    codes: RefCell<Bytecodes>,
    /// The header of the block that leaves the state.
    head: Header,
    /// From that block downwards.
    headers: RefCell<Vec<Header>>,
    block_hashes: RefCell<BTreeMap<u64, B256>>,
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
        let child = &block.header;
        let missing =
            || ImportError::ParentMissing { block: child.number, parent: child.parent_hash };
        let number = child.number.checked_sub(1).ok_or_else(missing)?;
        let wire = wire(bytes)?;
        let mut headers: Vec<Header> =
            wire.headers.unwrap_or_default().into_iter().map(|header| header.0).collect();
        if let Some(parent) = parent {
            headers.push(header(parent)?);
        }
        if headers.is_empty() {
            return Err(missing());
        }
        Self::of(headers, (number, child.parent_hash), wire.state, wire.codes)
    }

    /// Reads a proof of the state that block `number` with this hash leaves, in the same forms.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_after(bytes: &[u8], number: u64, hash: B256) -> Result<Self, ImportError> {
        let wire = wire(bytes)?;
        let headers: Vec<Header> =
            wire.headers.unwrap_or_default().into_iter().map(|header| header.0).collect();
        Self::of(headers, (number, hash), wire.state, wire.codes)
    }

    /// Starts with the header of a block, as JSON, and nothing of the state that it leaves.
    ///
    /// # Errors
    /// If it is no header, or another one's.
    pub fn begin(head: &[u8], number: u64, hash: B256) -> Result<Self, ImportError> {
        Self::unfilled(vec![header(head)?], (number, hash))
    }

    fn of(
        headers: Vec<Header>,
        head: (u64, B256),
        nodes: Blobs,
        codes: Option<Blobs>,
    ) -> Result<Self, ImportError> {
        let proof = Self::unfilled(headers, head)?;
        proof.learn_nodes(nodes.0);
        let root = proof.state_root();
        if root != EMPTY_ROOT_HASH && !proof.nodes.borrow().contains_key(&root) {
            return Err(ImportError::RootMissing { root });
        }
        codes.map(|codes| codes.0).unwrap_or_default().into_iter().for_each(|code| {
            proof.learn_code(code);
        });
        Ok(proof)
    }

    fn unfilled(headers: Vec<Header>, head: (u64, B256)) -> Result<Self, ImportError> {
        let headers = verify_headers(headers, head)?;
        let (number, hash) = head;
        let first = headers.first().cloned();
        Ok(Self {
            nodes: RefCell::default(),
            codes: RefCell::default(),
            head: first.ok_or(ImportError::HeaderMissing { number, hash })?,
            block_hashes: RefCell::new(hashes_of(head, &headers)),
            headers: RefCell::new(headers),
            accounts: RefCell::default(),
        })
    }

    /// Adds trie nodes. Each is found by its hash, so one that leads nowhere is never read.
    pub(crate) fn learn_nodes(&self, nodes: impl IntoIterator<Item = Bytes>) {
        self.nodes.borrow_mut().extend(nodes.into_iter().map(|node| (keccak256(&node), node)));
    }

    /// Adds a code; gives its hash.
    pub(crate) fn learn_code(&self, code: Bytes) -> B256 {
        self.codes.borrow_mut().insert(code)
    }

    /// Adds the header below the oldest one, as JSON.
    ///
    /// # Errors
    /// If it is no header, or not the parent of the oldest one.
    pub(crate) fn learn_header(&self, json: &[u8]) -> Result<(), ImportError> {
        let below = header(json)?;
        let mut hashes = self.block_hashes.borrow_mut();
        let Some((&number, &expected)) = hashes.first_key_value() else { return Ok(()) };
        let found = below.hash_slow();
        if below.number != number {
            return Err(ImportError::HeaderNumber { expected: number, found: below.number });
        }
        if found != expected {
            return Err(ImportError::HeaderLink { number, expected, found });
        }
        if let Some(number) = number.checked_sub(1) {
            hashes.insert(number, below.parent_hash);
        }
        self.headers.borrow_mut().push(below);
        Ok(())
    }

    /// The lowest block whose hash is known; its own header may be missing.
    pub(crate) fn oldest(&self) -> u64 {
        self.block_hashes.borrow().first_key_value().map_or(0, |(number, _)| *number)
    }

    /// What was learnt, in the form that is read: `{"state": …, "codes": …, "headers": …}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let nodes: BTreeMap<B256, Bytes> =
            self.nodes.borrow().iter().map(|(hash, node)| (*hash, node.clone())).collect();
        let codes: Vec<Bytes> = self.codes.borrow().iter().map(|(_, code)| code.clone()).collect();
        let headers: Vec<Bytes> =
            self.headers.borrow().iter().map(|it| alloy_rlp::encode(it).into()).collect();
        json!({
            "state": nodes.values().collect::<Vec<_>>(),
            "codes": codes,
            "headers": headers,
        })
    }

    /// The block that leaves the state, without its transactions, to run something after it.
    #[must_use]
    pub fn head(&self, chain_id: u64, rules: ForkRules) -> Block {
        let head = &self.head;
        let header = block::Header {
            number: head.number,
            hash: Some(head.hash_slow()),
            parent_hash: head.parent_hash,
            timestamp: head.timestamp,
            beneficiary: head.beneficiary,
            gas_limit: head.gas_limit,
            gas_used: head.gas_used,
            base_fee_per_gas: head.base_fee_per_gas,
            difficulty: head.difficulty,
            mix_hash: Some(head.mix_hash),
            receipts_root: head.receipts_root,
            blob_gas_used: head.blob_gas_used,
            excess_blob_gas: head.excess_blob_gas,
            parent_beacon_block_root: head.parent_beacon_block_root,
            extra_data: Some(head.extra_data.clone()),
            size_bytes: None,
            uncles: Vec::new(),
            commitments: Commitments::default(),
        };
        Block {
            chain_id,
            rules,
            header,
            transactions: Vec::new(),
            withdrawals: Vec::new(),
            hardfork: None,
            unbound: Vec::new(),
        }
    }

    /// The state root that everything is proven against.
    #[must_use]
    pub const fn state_root(&self) -> B256 {
        self.head.state_root
    }

    /// Whether the header says that nobody has anything.
    #[must_use]
    pub fn is_of_nothing(&self) -> bool {
        self.state_root() == EMPTY_ROOT_HASH
    }

    /// When the block that leaves the state was made, in seconds since 1970.
    #[must_use]
    pub const fn timestamp(&self) -> u64 {
        self.head.timestamp
    }

    fn account(&self, address: Address) -> Result<Option<TrieAccount>, StateProofError> {
        if let Some(account) = self.accounts.borrow().get(&address) {
            return Ok(*account);
        }
        let value = lookup(&self.nodes.borrow(), self.state_root(), keccak256(address))
            .map_err(|source| StateProofError::Account { address, source })?;
        let account = value
            .map(|value| alloy_rlp::decode_exact::<TrieAccount>(&value))
            .transpose()
            .map_err(|source| StateProofError::Value { address, source })?;
        self.accounts.borrow_mut().insert(address, account);
        Ok(account)
    }
}

/// Puts the headers in their order, the highest first, and checks that they form one chain that begins
/// with this block.
fn verify_headers(
    mut headers: Vec<Header>,
    (number, hash): (u64, B256),
) -> Result<Vec<Header>, ImportError> {
    headers.sort_by_key(|header| std::cmp::Reverse(header.number));
    headers.dedup();
    let mut next = Some((number, hash));
    for header in &headers {
        // Nothing is below the first block.
        let Some((number, expected)) = next else { break };
        if header.number != number {
            return Err(ImportError::HeaderNumber { expected: number, found: header.number });
        }
        let found = header.hash_slow();
        if found != expected {
            return Err(ImportError::HeaderLink { number, expected, found });
        }
        next = number.checked_sub(1).map(|below| (below, header.parent_hash));
    }
    Ok(headers)
}

/// The hashes that the headers prove: the first one's own, and what each says of its parent.
fn hashes_of((number, hash): (u64, B256), headers: &[Header]) -> BTreeMap<u64, B256> {
    let parents = headers.iter().filter_map(|it| Some((it.number.checked_sub(1)?, it.parent_hash)));
    [(number, hash)].into_iter().chain(parents).collect()
}

fn wire(bytes: &[u8]) -> Result<Wire, ImportError> {
    let document = |source| ImportError::Document { document: STATE_PROOF, source };
    let json = decompress(bytes, BLOCK_BYTES_MAX).map_err(document)?;
    let Envelope(wire) = typed(&json).map_err(document)?;
    Ok(wire)
}

fn header(json: &[u8]) -> Result<Header, ImportError> {
    let AnyHeader(header) =
        typed(json).map_err(|source| ImportError::Document { document: PARENT, source })?;
    Ok(header)
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
                hash => self.codes.borrow().get(hash),
            },
        });
        Ok(info)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateProofError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        self.codes.borrow().get(hash).ok_or(StateProofError::Code { hash })
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateProofError> {
        let Some(account) = self.account(address)? else { return Ok(U256::ZERO) };
        let key = keccak256(slot.to_be_bytes::<32>());
        let value = lookup(&self.nodes.borrow(), account.storage_root, key)
            .map_err(|source| StateProofError::Slot { address, slot, source })?;
        value
            .map_or(Ok(U256::ZERO), |value| alloy_rlp::decode_exact(&value))
            .map_err(|source| StateProofError::Value { address, source })
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateProofError> {
        self.block_hashes
            .borrow()
            .get(&number)
            .copied()
            .ok_or(StateProofError::BlockHash { number })
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
