use sha2::{Digest as _, Sha256};

use super::{Hash, Key, Value};

const LEAF: &[u8] = b"chaoschain-map/1 leaf\0";
const BRANCH: &[u8] = b"chaoschain-map/1 node\0";

const TAG_LEAF: u8 = 0;
const TAG_BRANCH: u8 = 1;

/// The longest node in bytes.
pub const NODE_BYTES_MAX: usize = 66;

/// A node of a map's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// One key and its value.
    Leaf {
        /// The key.
        key: Key,
        /// Its value.
        value: Value,
    },
    /// Keys that differ first in one bit.
    Branch {
        /// That bit, from the highest of the first byte.
        bit: u8,
        /// The keys that have it clear.
        left: Hash,
        /// The keys that have it set.
        right: Hash,
    },
}

/// Why bytes are not a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a leaf of 65 bytes or a branch of 66, found {bytes} bytes")]
pub struct NodeError {
    bytes: usize,
}

/// Read access to the nodes of a map, by their hashes.
///
/// A node never changes; one that no root leads to any more may be gone.
pub trait NodeRead {
    /// Why the storage could not be read.
    type Error;

    /// The node with this hash, or `None` if it is not stored.
    ///
    /// # Errors
    /// If the storage fails; a missing node is not a failure.
    fn read_node(&self, hash: &Hash) -> Result<Option<Node>, Self::Error>;
}

/// Why a map could not be walked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E> {
    /// The storage could not be read.
    #[error("cannot read the map's nodes")]
    Read(#[source] E),
    /// A node that another leads to is not stored.
    #[error("node {hash} of the map is missing")]
    Missing {
        /// The node's hash.
        hash: Hash,
    },
    /// A stored node has another hash than the one it is stored under.
    #[error("the node stored as {expected} has hash {found}")]
    Other {
        /// The hash asked for.
        expected: Hash,
        /// The hash of what was found.
        found: Hash,
    },
    /// A branch stands below one of a later or the same bit, which no map has.
    #[error("node {hash} of the map branches at bit {bit} below a later one")]
    Order {
        /// The node's hash.
        hash: Hash,
        /// Its bit.
        bit: u8,
    },
}

impl Node {
    /// The node's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        match self {
            Self::Leaf { key, value } => {
                hasher.update(LEAF);
                hasher.update(key.as_bytes());
                hasher.update(value.as_bytes());
            }
            Self::Branch { bit, left, right } => {
                hasher.update(BRANCH);
                hasher.update([*bit]);
                hasher.update(left.as_bytes());
                hasher.update(right.as_bytes());
            }
        }
        Hash::from_bytes(hasher.finalize().into())
    }

    /// Writes the node as a store keeps it: a tag, and its parts.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Leaf { key, value } => {
                [&[TAG_LEAF], key.as_bytes().as_slice(), value.as_bytes()].concat()
            }
            Self::Branch { bit, left, right } => {
                [&[TAG_BRANCH, *bit], left.as_bytes().as_slice(), right.as_bytes()].concat()
            }
        }
    }

    /// Reads a node.
    ///
    /// # Errors
    /// If the bytes are neither a leaf nor a branch.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NodeError> {
        let error = || NodeError { bytes: bytes.len() };
        let pair = |bytes: &[u8]| -> Option<([u8; 32], [u8; 32])> {
            let (first, second) = bytes.split_first_chunk::<32>()?;
            Some((*first, second.try_into().ok()?))
        };
        match bytes {
            [TAG_LEAF, rest @ ..] => {
                let (key, value) = pair(rest).ok_or_else(error)?;
                Ok(Self::Leaf { key: Key::from_bytes(key), value: Value::from_bytes(value) })
            }
            [TAG_BRANCH, bit, rest @ ..] => {
                let (left, right) = pair(rest).ok_or_else(error)?;
                let (left, right) = (Hash::from_bytes(left), Hash::from_bytes(right));
                Ok(Self::Branch { bit: *bit, left, right })
            }
            _ => Err(error()),
        }
    }
}

/// A branch on the way to a key, and which of its sides was not taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    pub(super) hash: Hash,
    pub(super) bit: u8,
    pub(super) sibling: Hash,
}

/// The way from a root by a key's bits.
pub(super) struct Walk {
    pub(super) passed: Vec<Passed>,
    /// The leaf that it ends in; none in an empty map.
    pub(super) end: Option<(Key, Value)>,
}

impl Walk {
    pub(super) fn of<R: NodeRead>(
        nodes: &R,
        root: &Hash,
        key: &Key,
    ) -> Result<Self, ReadError<R::Error>> {
        let mut passed: Vec<Passed> = Vec::new();
        if *root == super::EMPTY {
            return Ok(Self { passed, end: None });
        }
        let mut hash = *root;
        loop {
            match read(nodes, &hash)? {
                Node::Leaf { key, value } => return Ok(Self { passed, end: Some((key, value)) }),
                Node::Branch { bit, left, right } => {
                    if passed.last().is_some_and(|above| above.bit >= bit) {
                        return Err(ReadError::Order { hash, bit });
                    }
                    let (next, sibling) = if key.bit(bit) { (right, left) } else { (left, right) };
                    passed.push(Passed { hash, bit, sibling });
                    hash = next;
                }
            }
        }
    }
}

/// A branch by the side that a key takes and the other.
pub(super) fn branch(key: &Key, bit: u8, own: Hash, sibling: Hash) -> Node {
    let (left, right) = if key.bit(bit) { (sibling, own) } else { (own, sibling) };
    Node::Branch { bit, left, right }
}

fn read<R: NodeRead>(nodes: &R, hash: &Hash) -> Result<Node, ReadError<R::Error>> {
    let node = nodes.read_node(hash).map_err(ReadError::Read)?;
    let node = node.ok_or(ReadError::Missing { hash: *hash })?;
    let found = node.hash();
    if found == *hash { Ok(node) } else { Err(ReadError::Other { expected: *hash, found }) }
}
