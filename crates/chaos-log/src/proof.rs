//! Proofs and their verification, which needs nothing but the proof, the leaf and the root.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// A proof that one leaf stands at one index of the tree with a given root
/// ([RFC 6962, section 2.1.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1)).
///
/// The index is within the size, and the number of hashes is the one that they ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    index: u64,
    size: u64,
    hashes: Vec<Hash>,
}

/// A node over a whole power of two of leaves: once a log has so many, no later tree changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeNode {
    /// Its level; leaves have level 0.
    pub level: u32,
    /// Which one of its level, from the left.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
}

/// A proof that one tree is the start of another
/// ([RFC 6962, section 2.1.2](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.2)).
///
/// The old size is at most the new one, and the number of hashes is the one that they ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    old_size: u64,
    new_size: u64,
    hashes: Vec<Hash>,
}

/// The nodes of a tree from which both its root and that of its first leaves follow: a consistency
/// proof whose first node is never left away, so that it needs no claim about the older root.
///
/// The old size is below the new one, and the number of hashes is the one that they ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixProof {
    old_size: u64,
    new_size: u64,
    hashes: Vec<Hash>,
}

/// Why a proof is malformed or does not prove.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index is not below the size.
    #[error("entry {index} is not in a log of {size} entries")]
    Index {
        /// Index of the entry.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The old size is above the new one.
    #[error("old size {old_size} is larger than new size {new_size}")]
    Sizes {
        /// Size of the older tree.
        old_size: u64,
        /// Size of the newer tree.
        new_size: u64,
    },
    /// The proof has too many or too few hashes for its sizes.
    #[error("proof has {found} hashes, expected {expected}")]
    Length {
        /// Hashes that the index and the sizes ask for.
        expected: usize,
        /// Hashes found.
        found: usize,
    },
    /// The proof leads from the leaf to another root.
    #[error("entry {index} of a log of {size} leads to root {found}, expected {expected}")]
    Root {
        /// Index of the entry.
        index: u64,
        /// Size of the tree.
        size: u64,
        /// The root that the log claims.
        expected: Hash,
        /// The root that the leaf and the proof give.
        found: Hash,
    },
    /// The proof leads to another old root.
    #[error("old root at size {old_size} comes out as {found}, expected {expected}")]
    OldRoot {
        /// Size of the older tree.
        old_size: u64,
        /// The root that was claimed.
        expected: Hash,
        /// The root that the proof gives.
        found: Hash,
    },
    /// The proof leads to another new root.
    #[error("new root at size {new_size} comes out as {found}, expected {expected}")]
    NewRoot {
        /// Size of the newer tree.
        new_size: u64,
        /// The root that was claimed.
        expected: Hash,
        /// The root that the proof gives.
        found: Hash,
    },
}

impl InclusionProof {
    /// Takes the parts of a proof, from the leaf's sibling up to the root's child.
    ///
    /// # Errors
    /// If the index is not within the size, or the number of hashes does not fit them.
    pub fn new(index: u64, size: u64, hashes: Vec<Hash>) -> Result<Self, ProofError> {
        if index >= size {
            return Err(ProofError::Index { index, size });
        }
        let (inner, border) = shape(index, size);
        ensure_length(inner + border, hashes.len())?;
        Ok(Self { index, size, hashes })
    }

    /// Takes parts that come from the RFC's own construction.
    pub(crate) fn from_parts(index: u64, size: u64, hashes: Vec<Hash>) -> Self {
        debug_assert!(Self::new(index, size, hashes.clone()).is_ok());
        Self { index, size, hashes }
    }

    /// The index of the entry.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The size of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes from the leaf's sibling up to the root's child.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root that `leaf` leads to.
    #[must_use]
    pub fn root(&self, leaf: &Hash) -> Hash {
        let (inner, _) = shape(self.index, self.size);
        let (inner, border) = self.hashes.split_at(inner);
        climb_border(climb(*leaf, inner, self.index), border)
    }

    /// The root of the tree of all entries before this one, if the proof holds: the hashes to the left of
    /// the way from the leaf to the root are the whole subtrees that tree consists of.
    #[must_use]
    pub fn root_before(&self) -> Hash {
        let mut left = self.left();
        let Some(last) = left.next() else { return EMPTY_ROOT };
        left.fold(last, |hash, sibling| node_hash(&sibling, &hash))
    }

    /// The root of the tree that ends with this entry, if the proof holds for `leaf`.
    #[must_use]
    pub fn root_through(&self, leaf: &Hash) -> Hash {
        self.left().fold(*leaf, |hash, sibling| node_hash(&sibling, &hash))
    }

    /// The hashes to the left of the way from the leaf to the root, the lowest first.
    fn left(&self) -> impl Iterator<Item = Hash> {
        let (inner, _) = shape(self.index, self.size);
        let left =
            move |(height, _): &(usize, &Hash)| *height >= inner || self.index >> height & 1 == 1;
        self.hashes.iter().enumerate().filter(left).map(|(_, hash)| *hash)
    }

    /// The whole nodes that the proof shows if it holds: on the way from the leaf to the root, and beside
    /// it. Two trees of one log that reach so far agree in each of them.
    #[must_use]
    pub fn whole_nodes(&self, leaf: &Hash) -> Vec<WholeNode> {
        let (inner, _) = shape(self.index, self.size);
        let mut nodes = Vec::new();
        let mut put = |level: u32, index: u64, hash: Hash| {
            if (u128::from(index) + 1) << level <= u128::from(self.size) {
                nodes.push(WholeNode { level, index, hash });
            }
        };
        let (mut level, mut hash) = (0, *leaf);
        put(level, self.index, hash);
        for (step, sibling) in self.hashes.iter().enumerate() {
            // At the tree's right edge only left siblings are left; a level without one is passed over.
            while step >= inner && (self.index >> level) & 1 == 0 {
                level += 1;
            }
            let at = self.index >> level;
            put(level, at ^ 1, *sibling);
            hash = if at & 1 == 1 { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) };
            level += 1;
            put(level, self.index >> level, hash);
        }
        nodes
    }

    /// Checks that the leaf with hash `leaf` is in the tree with root `root`.
    ///
    /// # Errors
    /// If the proof leads elsewhere.
    pub fn verify(&self, leaf: &Hash, root: &Hash) -> Result<(), ProofError> {
        let found = self.root(leaf);
        if found == *root {
            return Ok(());
        }
        Err(ProofError::Root { index: self.index, size: self.size, expected: *root, found })
    }
}

impl ConsistencyProof {
    /// Takes the parts of a proof in the order of RFC 6962.
    ///
    /// # Errors
    /// If the old size is above the new one, or the number of hashes does not fit them.
    pub fn new(old_size: u64, new_size: u64, hashes: Vec<Hash>) -> Result<Self, ProofError> {
        if old_size > new_size {
            return Err(ProofError::Sizes { old_size, new_size });
        }
        let expected = if old_size == 0 || old_size == new_size {
            0
        } else {
            climbed(old_size, new_size) + usize::from(!old_size.is_power_of_two())
        };
        ensure_length(expected, hashes.len())?;
        Ok(Self { old_size, new_size, hashes })
    }

    /// Takes parts that come from the RFC's own construction.
    pub(crate) fn from_parts(old_size: u64, new_size: u64, hashes: Vec<Hash>) -> Self {
        debug_assert!(Self::new(old_size, new_size, hashes.clone()).is_ok());
        Self { old_size, new_size, hashes }
    }

    /// The size of the older tree.
    #[must_use]
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The size of the newer tree.
    #[must_use]
    pub const fn new_size(&self) -> u64 {
        self.new_size
    }

    /// The hashes in the order of RFC 6962.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Checks that the tree with `old_root` is the start of the tree with `new_root`.
    ///
    /// The empty tree is the start of every tree, but only under its own root, [`EMPTY_ROOT`].
    ///
    /// # Errors
    /// If the proof leads to other roots.
    pub fn verify(&self, old_root: &Hash, new_root: &Hash) -> Result<(), ProofError> {
        let (old_size, new_size) = (self.old_size, self.new_size);
        let (found_old, found_new) = if old_size == 0 {
            (EMPTY_ROOT, if new_size == 0 { EMPTY_ROOT } else { *new_root })
        } else if old_size == new_size {
            (*old_root, *old_root)
        } else {
            self.roots(old_root)
        };
        if found_old != *old_root {
            return Err(ProofError::OldRoot { old_size, expected: *old_root, found: found_old });
        }
        if found_new != *new_root {
            return Err(ProofError::NewRoot { new_size, expected: *new_root, found: found_new });
        }
        Ok(())
    }

    /// The two roots that the proof leads to, for `0 < old_size < new_size`. Both climb from the
    /// largest whole subtree at the old tree's right edge; if that is the old tree itself, the
    /// proof leaves it out.
    fn roots(&self, old_root: &Hash) -> (Hash, Hash) {
        let (seed, rest) = match self.hashes.split_first() {
            Some((first, rest)) if !self.old_size.is_power_of_two() => (*first, rest),
            _ => (*old_root, self.hashes.as_slice()),
        };
        climb_both(self.old_size, self.new_size, seed, rest)
    }
}

impl PrefixProof {
    /// Takes the parts of a proof in the order of RFC 6962, the first node always among them.
    ///
    /// # Errors
    /// If the old size is not below the new one, or the number of hashes does not fit them.
    pub fn new(old_size: u64, new_size: u64, hashes: Vec<Hash>) -> Result<Self, ProofError> {
        if old_size >= new_size {
            return Err(ProofError::Sizes { old_size, new_size });
        }
        let expected = if old_size == 0 { 0 } else { climbed(old_size, new_size) + 1 };
        ensure_length(expected, hashes.len())?;
        Ok(Self { old_size, new_size, hashes })
    }

    /// The size of the older tree.
    #[must_use]
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The size of the newer tree.
    #[must_use]
    pub const fn new_size(&self) -> u64 {
        self.new_size
    }

    /// The hashes in the order of RFC 6962.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root of the older tree, as the newer tree with root `new_root` has it.
    ///
    /// # Errors
    /// If the nodes lead to another new root.
    pub fn old_root(&self, new_root: &Hash) -> Result<Hash, ProofError> {
        let Some((seed, rest)) = self.hashes.split_first() else { return Ok(EMPTY_ROOT) };
        let (old, found) = climb_both(self.old_size, self.new_size, *seed, rest);
        if found == *new_root {
            return Ok(old);
        }
        Err(ProofError::NewRoot { new_size: self.new_size, expected: *new_root, found })
    }
}

/// How many nodes stand above the largest whole subtree at the right edge of the old tree, on its
/// way to the new root; for `0 < old_size < new_size`.
const fn climbed(old_size: u64, new_size: u64) -> usize {
    let (inner, border) = shape(old_size - 1, new_size);
    inner - old_size.trailing_zeros() as usize + border
}

/// The old and the new root above `seed`, the largest whole subtree at the right edge of the old
/// tree; for `0 < old_size < new_size`.
fn climb_both(old_size: u64, new_size: u64, seed: Hash, rest: &[Hash]) -> (Hash, Hash) {
    let (inner, _) = shape(old_size - 1, new_size);
    let within = old_size.trailing_zeros();
    let (inner, border) = rest.split_at(inner - within as usize);
    let path = (old_size - 1) >> within;
    let old = inner
        .iter()
        .enumerate()
        .filter(|(height, _)| path >> height & 1 == 1)
        .fold(seed, |hash, (_, sibling)| node_hash(sibling, &hash));
    (climb_border(old, border), climb_border(climb(seed, inner, path), border))
}

/// How many hashes of an inclusion proof lie below the point where the paths of `index` and of
/// the last leaf meet, and how many above it (there, all siblings are on the left).
const fn shape(index: u64, size: u64) -> (usize, usize) {
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let border = match index.checked_shr(inner) {
        Some(above) => above.count_ones(),
        None => 0,
    };
    (inner as usize, border as usize)
}

fn climb(seed: Hash, siblings: &[Hash], path: u64) -> Hash {
    siblings.iter().enumerate().fold(seed, |hash, (height, sibling)| {
        if path >> height & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    })
}

fn climb_border(seed: Hash, siblings: &[Hash]) -> Hash {
    siblings.iter().fold(seed, |hash, sibling| node_hash(sibling, &hash))
}

const fn ensure_length(expected: usize, found: usize) -> Result<(), ProofError> {
    if expected == found { Ok(()) } else { Err(ProofError::Length { expected, found }) }
}
