use std::collections::{BTreeMap, BTreeSet};

use super::{
    EMPTY, Hash, Key, Value,
    node::{Node, NodeRead, Passed, ReadError, Walk, branch},
};

/// What puts a map from one root to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The new root.
    pub root: Hash,
    /// Nodes that the new root leads to and the old one did not, by their hashes.
    pub born: BTreeMap<Hash, Node>,
    /// Nodes that the old root led to and the new one does not.
    pub died: BTreeSet<Hash>,
}

/// What a put changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<C> {
    /// The new root.
    pub root: Hash,
    /// What has to be stored for it.
    pub change: C,
}

/// A map that says what would change if values were put. Nothing is written by that.
pub trait Put {
    /// Why the map could not be read.
    type Error;
    /// What has to be stored.
    type Change;

    /// Puts values, one after another, in the place of what their keys held under a root.
    ///
    /// # Errors
    /// If the map cannot be read, or is damaged on the way.
    fn put<P: IntoIterator<Item = (Key, Value)>>(
        &self,
        root: &Hash,
        values: P,
    ) -> Result<Changed<Self::Change>, ReadError<Self::Error>>;
}

/// Puts values in the place of what their keys held, one after another, and says which nodes that
/// takes. Nothing is written.
///
/// # Errors
/// If a node on the way cannot be read, is missing, or is not the one that its hash names.
pub fn update<R: NodeRead>(
    nodes: &R,
    root: &Hash,
    puts: impl IntoIterator<Item = (Key, Value)>,
) -> Result<Change, ReadError<R::Error>> {
    let mut overlay = Overlay { nodes, born: BTreeMap::new(), died: BTreeSet::new() };
    let mut root = *root;
    for (key, value) in puts {
        root = overlay.put(&root, key, value)?;
    }
    Ok(Change { root, born: overlay.born, died: overlay.died })
}

/// The stored nodes with what has changed since.
struct Overlay<'a, R> {
    nodes: &'a R,
    born: BTreeMap<Hash, Node>,
    died: BTreeSet<Hash>,
}

impl<R: NodeRead> NodeRead for Overlay<'_, R> {
    type Error = R::Error;

    fn read_node(&self, hash: &Hash) -> Result<Option<Node>, R::Error> {
        match self.born.get(hash) {
            Some(node) => Ok(Some(*node)),
            None => self.nodes.read_node(hash),
        }
    }
}

impl<R: NodeRead> Overlay<'_, R> {
    fn put(&mut self, root: &Hash, key: Key, value: Value) -> Result<Hash, ReadError<R::Error>> {
        let leaf = Node::Leaf { key, value };
        let Walk { passed, end } = Walk::of(&*self, root, &key)?;
        let Some((met, old)) = end else {
            debug_assert_eq!(*root, EMPTY);
            return Ok(self.born(leaf));
        };
        let Some(bit) = met.first_difference(&key) else {
            if old == value {
                return Ok(*root);
            }
            self.died(Node::Leaf { key, value: old }.hash());
            let own = self.born(leaf);
            return Ok(self.climb(&key, own, &passed));
        };
        // The new branch stands above everything whose keys share more than `bit` bits.
        let above = passed.iter().take_while(|passed| passed.bit < bit).count();
        let displaced = match passed.get(above) {
            Some(passed) => passed.hash,
            None => Node::Leaf { key: met, value: old }.hash(),
        };
        let own = self.born(leaf);
        let own = self.born(branch(&key, bit, own, displaced));
        Ok(self.climb(&key, own, &passed[..above]))
    }

    /// Puts `own` below the branches that were passed, from the last to the root.
    fn climb(&mut self, key: &Key, own: Hash, passed: &[Passed]) -> Hash {
        passed.iter().rev().fold(own, |own, passed| {
            self.died(passed.hash);
            self.born(branch(key, passed.bit, own, passed.sibling))
        })
    }

    fn born(&mut self, node: Node) -> Hash {
        let hash = node.hash();
        // A node that died in this very change was stored before, and lives on.
        if !self.died.remove(&hash) {
            self.born.insert(hash, node);
        }
        hash
    }

    fn died(&mut self, hash: Hash) {
        if self.born.remove(&hash).is_none() {
            self.died.insert(hash);
        }
    }
}
