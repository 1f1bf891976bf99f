//! An offline proof of what the registry of checkpoints holds after a block. Pure; no network.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, Encodable};
use alloy_trie::TrieAccount;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    registry::{REGISTRY, REGISTRY_CODE_HASH, RegistryKey},
    trie_path,
};

/// The format line of the proof's JSON.
const FORMAT: &str = "chaoschain-registry-proof/1";

/// Largest proof, in bytes: a chain's header may have 16 KiB, and three paths of 16 full branches have 26.
const PROOF_BYTES_MAX: usize = 64 << 10;
/// Most nodes on a path: a key has 64 nibbles, and nobody finds two that share a fourth of them.
const PATH_NODES_MAX: usize = 20;

/// Proof that the `CheckpointRegistry` holds a checkpoint after a block: the block's header, the nodes of the state's
/// trie from its root to the registry's account, and those of the account's storage to the two slots of a key, as
/// [`eth_getProof`](https://eips.ethereum.org/EIPS/eip-1186) answers them.
///
/// No transaction is in it, so it is the same whatever kinds of transactions a chain has.
///
/// **What it does not prove:** that the block is part of a chain, or of which: a header is easily invented, and
/// names no chain. The reader looks the block's hash up in a source he trusts, on the chain that was declared.
///
/// In JSON it is an object of its format and `rlp`, base64 of the list (header, account, size, shared, root): the header and
/// each node are byte strings, and the path to the root's slot is the first `shared` nodes of the one to the size's,
/// then its own. There is no second spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct RegistryProof {
    /// The block's header in RLP.
    pub header_rlp: Bytes,
    /// Trie nodes from the header's state root to the registry's account.
    pub account: Vec<Bytes>,
    /// Trie nodes from the account's storage root to the slot of size and writer.
    pub size: Vec<Bytes>,
    /// Trie nodes from the account's storage root to the slot of the root.
    pub root: Vec<Bytes>,
}

/// What a verified proof says. True if, and only if, the block is on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryFact {
    /// The number of entries under the newest checkpoint of the key.
    pub size: u64,
    /// Its RFC 6962 root.
    pub root: [u8; 32],
    /// Number of the block.
    pub block_number: u64,
    /// Hash of the block. **Look this up on the chain.**
    pub block_hash: B256,
    /// Time of the block by its header, in seconds since 1970.
    pub timestamp_s: u64,
}

/// Why a proof of the registry does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryProofError {
    /// The JSON is of another format.
    #[error("expected format `{FORMAT}`, found `{}`", found.escape_debug())]
    Format {
        /// What it says.
        found: String,
    },
    /// It is larger than any real one.
    #[error("{found} bytes, at most {PROOF_BYTES_MAX} are accepted")]
    TooLarge {
        /// Its size.
        found: usize,
    },
    /// A path has more nodes than any real one.
    #[error("the path to the {part} has {found} nodes, at most {PATH_NODES_MAX} are accepted")]
    TooLong {
        /// Where it leads.
        part: &'static str,
        /// How many it has.
        found: usize,
    },
    /// A part cannot be decoded, has bytes left over, or is not spelled in the one way.
    #[error("the {part} is not a valid encoding")]
    Undecodable {
        /// What it is.
        part: &'static str,
    },
    /// A path does not lead from its root to something.
    #[error("the nodes do not lead from the {from} root to the {part}")]
    Path {
        /// Where it begins.
        from: &'static str,
        /// Where it should lead.
        part: &'static str,
    },
    /// There is other code at the registry's address.
    #[error("the code at {REGISTRY} hashes to {found}, the registry's is {REGISTRY_CODE_HASH}")]
    Code {
        /// Hash of the code.
        found: B256,
    },
    /// The registry holds nothing under the key.
    #[error("the registry holds no checkpoint of this log by {publisher}")]
    Nothing {
        /// The key's publisher.
        publisher: Address,
    },
}

impl RegistryProof {
    /// What the registry holds under a key after the block.
    ///
    /// # Errors
    /// The first check that fails. After success, look up [`RegistryFact::block_hash`] on the chain.
    pub fn verify(&self, key: &RegistryKey) -> Result<RegistryFact, RegistryProofError> {
        self.ensure_limits()?;
        let header: Header = decode("header", &self.header_rlp)?;
        let account = trie_path::value(header.state_root, REGISTRY.as_slice(), &self.account)
            .ok_or(RegistryProofError::Path { from: "state", part: "registry" })?;
        let account: TrieAccount = decode("account", &account)?;
        if account.code_hash != REGISTRY_CODE_HASH {
            return Err(RegistryProofError::Code { found: account.code_hash });
        }
        let slot = |part, slot: B256, nodes: &[Bytes]| -> Result<U256, RegistryProofError> {
            let value = trie_path::value(account.storage_root, slot.as_slice(), nodes)
                .ok_or(RegistryProofError::Path { from: "storage", part })?;
            decode(part, &value)
        };
        let [size_slot, root_slot] = key.slots();
        // Beside the size stands who writes under the key, which is the registry's own matter.
        let size = slot("size", size_slot, &self.size)?.as_limbs()[0];
        let root = slot("root", root_slot, &self.root)?;
        if size == 0 {
            return Err(RegistryProofError::Nothing { publisher: key.publisher });
        }
        Ok(RegistryFact {
            size,
            root: root.to_be_bytes(),
            block_number: header.number,
            block_hash: keccak256(&self.header_rlp),
            timestamp_s: header.timestamp,
        })
    }

    fn paths(&self) -> [(&'static str, &[Bytes]); 3] {
        [("registry", &self.account), ("size", &self.size), ("root", &self.root)]
    }

    fn ensure_limits(&self) -> Result<(), RegistryProofError> {
        for (part, nodes) in self.paths() {
            if nodes.len() > PATH_NODES_MAX {
                return Err(RegistryProofError::TooLong { part, found: nodes.len() });
            }
        }
        let nodes = self.paths().into_iter().flat_map(|(_, nodes)| nodes);
        let found = nodes.fold(self.header_rlp.len(), |sum, node| sum + node.len());
        if found > PROOF_BYTES_MAX {
            return Err(RegistryProofError::TooLarge { found });
        }
        Ok(())
    }

    /// How many nodes the paths to both slots begin with.
    fn shared(&self) -> usize {
        self.size.iter().zip(&self.root).take_while(|(size, root)| size == root).count()
    }

    /// Its bytes: the list that JSON has as base64.
    #[must_use]
    pub fn to_rlp(&self) -> Vec<u8> {
        let shared = self.shared();
        let mut body = Vec::new();
        self.header_rlp.encode(&mut body);
        self.account.encode(&mut body);
        self.size.encode(&mut body);
        (shared as u64).encode(&mut body);
        self.root[shared..].to_vec().encode(&mut body);
        let mut bytes = Vec::with_capacity(body.len() + 4);
        alloy_rlp::Header { list: true, payload_length: body.len() }.encode(&mut bytes);
        bytes.extend(body);
        bytes
    }

    /// Reads the bytes, of which there is one spelling.
    ///
    /// # Errors
    /// If they are too many, or not such a list.
    pub fn from_rlp(bytes: &[u8]) -> Result<Self, RegistryProofError> {
        let undecodable = |part| RegistryProofError::Undecodable { part };
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(RegistryProofError::TooLarge { found: bytes.len() });
        }
        let mut rest = bytes;
        let mut items =
            alloy_rlp::Header::decode_bytes(&mut rest, true).map_err(|_| undecodable("proof"))?;
        let items = &mut items;
        let header_rlp = Bytes::decode(items).map_err(|_| undecodable("header"))?;
        let account =
            Vec::<Bytes>::decode(items).map_err(|_| undecodable("path to the registry"))?;
        let size = Vec::<Bytes>::decode(items).map_err(|_| undecodable("path to the size"))?;
        let shared = u64::decode(items).map_err(|_| undecodable("shared length"))?;
        let own = Vec::<Bytes>::decode(items).map_err(|_| undecodable("path to the root"))?;
        let shared = usize::try_from(shared).ok().and_then(|shared| size.get(..shared));
        let root = [shared.ok_or(undecodable("shared length"))?, &own].concat();
        let read = Self { header_rlp, account, size, root };
        read.ensure_limits()?;
        // Nothing signs a proof: a second spelling would be a byte that can change unnoticed.
        if read.to_rlp() == bytes { Ok(read) } else { Err(undecodable("proof")) }
    }
}

fn decode<T: Decodable>(part: &'static str, mut bytes: &[u8]) -> Result<T, RegistryProofError> {
    let read = T::decode(&mut bytes).ok().filter(|_| bytes.is_empty());
    read.ok_or(RegistryProofError::Undecodable { part })
}

/// The proof as JSON has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    rlp: String,
}

impl From<RegistryProof> for Wire {
    fn from(proof: RegistryProof) -> Self {
        Self { format: FORMAT.to_owned(), rlp: STANDARD.encode(proof.to_rlp()) }
    }
}

impl TryFrom<Wire> for RegistryProof {
    type Error = RegistryProofError;

    fn try_from(wire: Wire) -> Result<Self, RegistryProofError> {
        if wire.format != FORMAT {
            return Err(RegistryProofError::Format { found: wire.format });
        }
        // Four letters hold three bytes.
        if wire.rlp.len() / 4 * 3 > PROOF_BYTES_MAX + 3 {
            return Err(RegistryProofError::TooLarge { found: wire.rlp.len() / 4 * 3 });
        }
        let bytes = STANDARD.decode(&wire.rlp);
        Self::from_rlp(&bytes.map_err(|_| RegistryProofError::Undecodable { part: "base64" })?)
    }
}

#[cfg(test)]
pub(crate) mod tests;
