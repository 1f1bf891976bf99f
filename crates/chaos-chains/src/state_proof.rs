//! An offline proof of what contracts hold after a block. Pure; no network.

mod payment;
mod registry;
mod submission;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::{Decodable, Encodable};
use alloy_trie::TrieAccount;

pub(crate) use self::registry::HeldCheckpoint;
pub use self::{
    payment::{PaidShare, PaymentClaim, PaymentFact},
    submission::{SubmissionClaim, SubmissionFact},
};
use crate::{
    Contract,
    attestation::AttestationError,
    trie_path::{self, Held},
};

/// The first line of a proof's bytes.
const FORMAT: &str = "chaoschain-state-proof/1\n";

/// Largest proof, in bytes.
pub const STATE_PROOF_BYTES_MAX: usize = 256 << 10;
/// Most nodes of a proof: the shortest has some 33 bytes, and no proof of ours has half as many.
const NODES_MAX: usize = 4_096;

/// Proof of values that contracts hold after a block: the block's header, and the nodes of the tries of state and storage on
/// the ways to them, each once, in the order in which [`eth_getProof`](https://eips.ethereum.org/EIPS/eip-1186)
/// answers them.
///
/// Which contracts and which slots is not in it: whoever reads it derives them from what is claimed. A slot that
/// the trie does not have holds zero. A node that leads to nothing that was looked up is refused.
///
/// **What it does not prove:** that the block is part of a chain, or of which; and that the code of a contract wrote
/// what it holds. A constructor can write whatever it likes and leave our code behind it, so that a contract counts as
/// ours where its address follows from our init code ([`made_at`](crate::made_at)), or its reader knows it.
///
/// With the codes of contracts, whoever has an EVM can also ask those contracts what they say after the block.
///
/// Its bytes are the line `chaoschain-state-proof/1` and the RLP list (header, nodes, codes), all byte strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateProof {
    /// The block's header in RLP.
    pub header_rlp: Bytes,
    /// Trie nodes, each once.
    pub nodes: Vec<Bytes>,
    /// Codes of contracts, which are asked; none where slots are read.
    pub codes: Vec<Bytes>,
}

/// The block after which something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProvedBlock {
    /// Its number.
    pub number: u64,
    /// Its hash. **Look this up on the chain.**
    pub hash: B256,
    /// Its time by its header, in seconds since 1970.
    pub timestamp_s: u64,
}

/// Why a proof of the state does not hold, or shows something else than is claimed.
#[derive(Debug, thiserror::Error)]
pub enum StateProofError {
    /// The first line is another.
    #[error("expected `{}` as the first line", FORMAT.trim_end())]
    Format,
    /// It is larger than any real one.
    #[error("{found} bytes, at most {STATE_PROOF_BYTES_MAX} are accepted")]
    TooLarge {
        /// Its size.
        found: usize,
    },
    /// It has more nodes than any real one.
    #[error("{found} nodes and codes, at most {NODES_MAX} are accepted")]
    TooMany {
        /// How many it has.
        found: usize,
    },
    /// A part cannot be decoded, or has bytes left over.
    #[error("the {part} is not a valid encoding")]
    Undecodable {
        /// What it is.
        part: &'static str,
    },
    /// The nodes do not lead from a root to what is looked up.
    #[error("the nodes do not lead from the {from} root to the {part}")]
    Path {
        /// Where the way begins.
        from: &'static str,
        /// Where it should lead.
        part: &'static str,
    },
    /// Nodes are in it that lead to nothing that is claimed.
    #[error("{count} nodes or codes lead to nothing that is claimed")]
    Unused {
        /// How many.
        count: usize,
    },
    /// There is other code at the contract's address.
    #[error("the code at {address} hashes to {found}, that of {} to {expected}", contract.name())]
    Code {
        /// Which contract it should be.
        contract: Contract,
        /// Its address.
        address: Address,
        /// The hash of that contract's code.
        expected: B256,
        /// The hash of the code that is there.
        found: B256,
    },
    /// The chain holds something else.
    #[error("after the block the {part} is {found}, claimed is {claimed}")]
    Other {
        /// Of what.
        part: &'static str,
        /// What is held.
        found: String,
        /// What is claimed.
        claimed: String,
    },
    /// What is claimed cannot be held by such a contract.
    #[error("the {part} `{found}` is none")]
    Claim {
        /// Of what.
        part: &'static str,
        /// What is claimed.
        found: String,
    },
    /// What was submitted is signed by somebody else, or for something else.
    #[error("what was submitted is not attested by who submitted it")]
    Attestation(#[source] AttestationError),
}

impl StateProof {
    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.header_rlp.encode(&mut body);
        self.nodes.encode(&mut body);
        self.codes.encode(&mut body);
        let mut bytes = FORMAT.as_bytes().to_vec();
        alloy_rlp::Header { list: true, payload_length: body.len() }.encode(&mut bytes);
        bytes.extend(body);
        bytes
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// If they are too many, or not such a proof.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateProofError> {
        let undecodable = |part| StateProofError::Undecodable { part };
        if bytes.len() > STATE_PROOF_BYTES_MAX {
            return Err(StateProofError::TooLarge { found: bytes.len() });
        }
        let mut rest = bytes.strip_prefix(FORMAT.as_bytes()).ok_or(StateProofError::Format)?;
        let items = alloy_rlp::Header::decode_bytes(&mut rest, true);
        let mut items = items.map_err(|_| undecodable("proof"))?;
        let header_rlp = Bytes::decode(&mut items).map_err(|_| undecodable("header"))?;
        let nodes = Vec::<Bytes>::decode(&mut items).map_err(|_| undecodable("list of nodes"))?;
        let codes = Vec::<Bytes>::decode(&mut items).map_err(|_| undecodable("list of codes"))?;
        if !rest.is_empty() || !items.is_empty() {
            return Err(undecodable("proof"));
        }
        if nodes.len() + codes.len() > NODES_MAX {
            return Err(StateProofError::TooMany { found: nodes.len() + codes.len() });
        }
        let proof = Self { header_rlp, nodes, codes };
        // RLP has one spelling, as this writes it.
        if proof.to_bytes() == bytes { Ok(proof) } else { Err(undecodable("proof")) }
    }

    /// The block after which it shows something.
    ///
    /// # Errors
    /// If its header is none.
    pub fn block(&self) -> Result<ProvedBlock, StateProofError> {
        Ok(self.header()?.0)
    }

    fn header(&self) -> Result<(ProvedBlock, Header), StateProofError> {
        let mut rest = self.header_rlp.as_ref();
        let header = Header::decode(&mut rest).ok().filter(|_| rest.is_empty());
        let header = header.ok_or(StateProofError::Undecodable { part: "header" })?;
        let block = ProvedBlock {
            number: header.number,
            hash: keccak256(&self.header_rlp),
            timestamp_s: header.timestamp,
        };
        Ok((block, header))
    }

    /// Begins to read it.
    fn read(&self) -> Result<Reading<'_>, StateProofError> {
        let (block, header) = self.header()?;
        let nodes = self.nodes.iter().map(|node| (keccak256(node), node)).collect();
        Ok(Reading {
            block,
            state_root: header.state_root,
            count: self.nodes.len() + self.codes.len(),
            nodes,
            used: RefCell::default(),
        })
    }
}

/// A proof that is being read: every node that is come to is counted.
struct Reading<'a> {
    block: ProvedBlock,
    state_root: B256,
    count: usize,
    nodes: BTreeMap<B256, &'a Bytes>,
    used: RefCell<BTreeSet<B256>>,
}

/// The storage of a contract that is being read.
struct Storage<'a> {
    reading: &'a Reading<'a>,
    root: B256,
}

impl Reading<'_> {
    fn held(&self, root: B256, key: &[u8]) -> Option<Held> {
        trie_path::held(root, key, |hash| {
            let node = self.nodes.get(&hash)?;
            self.used.borrow_mut().insert(hash);
            Some(node.as_ref())
        })
    }

    /// The storage of one of our contracts that has no more than its code, which is fixed.
    fn contract(
        &self,
        contract: Contract,
        address: Address,
    ) -> Result<Storage<'_>, StateProofError> {
        let held = self.held(self.state_root, address.as_slice());
        let held = held.ok_or(StateProofError::Path { from: "state", part: "contract" })?;
        let account = match held {
            Held::Value(value) => decode::<TrieAccount>("account", &value)?,
            Held::Nothing => TrieAccount::default(),
        };
        let expected = contract.fixed_code_hash().unwrap_or(KECCAK256_EMPTY);
        let found = account.code_hash;
        if found != expected || found == KECCAK256_EMPTY {
            return Err(StateProofError::Code { contract, address, expected, found });
        }
        Ok(Storage { reading: self, root: account.storage_root })
    }

    /// Nothing is in the proof that was not come to.
    fn ensure_all_used(&self) -> Result<(), StateProofError> {
        match self.count - self.used.borrow().len() {
            0 => Ok(()),
            count => Err(StateProofError::Unused { count }),
        }
    }
}

impl Storage<'_> {
    /// What a slot holds.
    fn slot(&self, part: &'static str, slot: U256) -> Result<U256, StateProofError> {
        let held = self.reading.held(self.root, &slot.to_be_bytes::<32>());
        match held.ok_or(StateProofError::Path { from: "storage", part })? {
            Held::Value(value) => decode(part, &value),
            Held::Nothing => Ok(U256::ZERO),
        }
    }

    /// A slot holds what is claimed.
    fn ensure(&self, part: &'static str, slot: U256, claimed: U256) -> Result<(), StateProofError> {
        let found = self.slot(part, slot)?;
        if found == claimed {
            return Ok(());
        }
        let (found, claimed) = (format!("{found:#x}"), format!("{claimed:#x}"));
        Err(StateProofError::Other { part, found, claimed })
    }
}

fn decode<T: Decodable>(part: &'static str, mut bytes: &[u8]) -> Result<T, StateProofError> {
    T::decode(&mut bytes)
        .ok()
        .filter(|_| bytes.is_empty())
        .ok_or(StateProofError::Undecodable { part })
}

/// The first slot of what a mapping holds under a key.
fn of_mapping(key: U256, mapping: U256) -> U256 {
    let mut words = [0; 64];
    words[..32].copy_from_slice(&key.to_be_bytes::<32>());
    words[32..].copy_from_slice(&mapping.to_be_bytes::<32>());
    keccak256(words).into()
}

/// The slots of bytes or text of more than 31 bytes, with what each holds: the length, then the words.
fn long(slot: U256, bytes: &[u8]) -> Vec<(U256, U256)> {
    let first = U256::from_be_bytes(keccak256(slot.to_be_bytes::<32>()).0);
    let mut slots = vec![(slot, U256::from(bytes.len() * 2 + 1))];
    for (at, chunk) in bytes.chunks(32).enumerate() {
        let mut word = [0; 32];
        word[..chunk.len()].copy_from_slice(chunk);
        slots.push((first.wrapping_add(U256::from(at)), U256::from_be_bytes(word)));
    }
    slots
}

#[cfg(test)]
mod tests;
