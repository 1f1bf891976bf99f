//! A map that a log commits to: one root for all its keys and values, and short proofs of what a
//! key holds or that nothing is there.
//!
//! The tree is a binary radix tree over hashed keys without chains of single children, so that one
//! set of keys and values has one root, in whatever order they were put in. The root over
//!
//! - nothing is `H("chaoschain-map/1 empty")`,
//! - one key is `H("chaoschain-map/1 leaf" 00 key H(value))`,
//! - more is `H("chaoschain-map/1 node" 00 bit left right)`, where `bit` is the first at which two of
//!   the keys differ, counted from the highest bit of the first byte, and the sides are those whose
//!   keys have it clear and set.
//!
//! H is SHA-256, `00` one zero byte, `bit` one byte. A walk from a root by a key's bits has one end,
//! so that nobody can show two answers under one root.
//!
//! ```
//! use chaos_log::map::{Found, Key, MemoryMap, Value};
//!
//! let mut map = MemoryMap::new();
//! map.insert(Key::of(b"name\0ada"), Value::of(b"1"));
//! map.insert(Key::of(b"name\0bob"), Value::of(b"2"));
//!
//! let proof = map.prove(&Key::of(b"name\0ada"));
//! assert_eq!(
//!     proof.verify(&map.root(), &Key::of(b"name\0ada"))?,
//!     Found::Value(Value::of(b"1"))
//! );
//! let proof = map.prove(&Key::of(b"name\0eve"));
//! assert_eq!(proof.verify(&map.root(), &Key::of(b"name\0eve"))?, Found::Absent);
//! # Ok::<(), chaos_log::map::ProofError>(())
//! ```
//!
//! Nodes are named by their hashes. [`NodeRead`] is how they are read, [`update`] says which come and
//! which go, and [`MemoryMap`] keeps them in memory. Where the map is stored, the nodes between keys that
//! begin alike are kept as one [`Group`]: a few keys, or the roots over the groups below. [`regroup`] says
//! which groups a change writes anew and [`prove_grouped`] proves from them; roots and proofs are the same.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

mod group;
mod memory;
mod node;
mod proof;
mod stored;
mod update;

pub use group::{GROUP_KEYS_MAX, Group, GroupError, GroupId, GroupIdError, Roots};
pub use memory::MemoryMap;
pub use node::{NODE_BYTES_MAX, Node, NodeError, NodeRead, ReadError};
pub use proof::{End, Found, Proof, ProofError, STEPS_MAX, Step, prove};
pub use stored::{GroupRead, Groups, Regrouped, grouped, overlaid, prove_grouped, regroup};
pub use update::{Change, Changed, Put, update};

/// The root of a map without keys.
pub const EMPTY: Hash = Hash([
    0xa9, 0x03, 0x7c, 0x5b, 0x5f, 0xb8, 0x37, 0x32, 0xca, 0x73, 0x34, 0x3e, 0x35, 0x40, 0x94, 0x96,
    0xe7, 0xf2, 0x45, 0xc4, 0x9b, 0x1b, 0x2f, 0xc8, 0x00, 0x19, 0xf5, 0xbd, 0x7c, 0x16, 0xed, 0x09,
]);

/// A node of a map's tree, its root among them; written as 64 hexadecimal digits. It never passes
/// for a [`Hash`](struct@crate::Hash) of the log's tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// A key as the tree orders it: the SHA-256 of what it stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

/// A value as the tree holds it: the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value([u8; 32]);

/// Why a text is not a map's hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes as 64 lower-case hexadecimal digits, found `{found}`")]
pub struct HashError {
    found: String,
}

/// What hashes, keys and values have in common: 32 bytes, written as hexadecimal digits.
macro_rules! bytes32 {
    ($name:ident, $what:literal) => {
        impl $name {
            #[doc = concat!("Takes 32 bytes that are already ", $what, ".")]
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = HashError;

            fn from_str(text: &str) -> Result<Self, HashError> {
                parse(text).map(Self)
            }
        }
    };
}

bytes32!(Hash, "a map's hash");
bytes32!(Key, "a hashed key");
bytes32!(Value, "a value's hash");

impl Key {
    /// The key that these bytes stand for.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Whether a bit is set; bit 0 is the highest of the first byte.
    pub(crate) fn bit(&self, bit: u8) -> bool {
        self.0[usize::from(bit / 8)] >> (7 - bit % 8) & 1 == 1
    }

    /// The first bit in which two keys differ.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<u8> {
        (0..=u8::MAX).find(|bit| self.bit(*bit) != other.bit(*bit))
    }
}

impl Value {
    /// What the tree holds for a value with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

fn parse(text: &str) -> Result<[u8; 32], HashError> {
    let error = || HashError { found: text.chars().take(80).collect() };
    let bytes: [u8; 32] =
        hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(error)?;
    if hex::encode(bytes) == text { Ok(bytes) } else { Err(error()) }
}
