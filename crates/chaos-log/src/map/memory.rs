use std::{collections::BTreeMap, convert::Infallible};

use super::{
    Change, Changed, EMPTY, Hash, Key, Node, NodeRead, Proof, Put, ReadError, Value, prove, update,
};

/// A map held in memory. It keeps the nodes that its root leads to, and no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryMap {
    root: Hash,
    nodes: BTreeMap<Hash, Node>,
}

impl Default for MemoryMap {
    fn default() -> Self {
        Self { root: EMPTY, nodes: BTreeMap::new() }
    }
}

impl MemoryMap {
    /// A map without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a value in the place of what its key held.
    pub fn insert(&mut self, key: Key, value: Value) {
        let change = update(&*self, &self.root, [(key, value)]).expect("all nodes are in memory");
        self.apply(change);
    }

    /// Takes in a change that was computed from this map.
    pub fn apply(&mut self, change: Change) {
        for hash in &change.died {
            self.nodes.remove(hash);
        }
        self.nodes.extend(change.born);
        self.root = change.root;
    }

    /// The root over all keys and values.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// Proves what the map holds for `key`.
    #[must_use]
    pub fn prove(&self, key: &Key) -> Proof {
        prove(self, &self.root, key).expect("all nodes are in memory")
    }

    /// Every node, in the order of their hashes.
    pub fn nodes(&self) -> impl Iterator<Item = (&Hash, &Node)> {
        self.nodes.iter()
    }

    /// Every key with its value, in the order of the keys.
    #[must_use]
    pub fn entries(&self) -> Vec<(Key, Value)> {
        let entry = |node: &Node| match node {
            Node::Leaf { key, value } => Some((*key, *value)),
            Node::Branch { .. } => None,
        };
        let mut entries: Vec<_> = self.nodes.values().filter_map(entry).collect();
        entries.sort_unstable();
        entries
    }

    /// The number of nodes: one less than twice the number of keys, or none.
    #[must_use]
    pub fn nodes_len(&self) -> usize {
        self.nodes.len()
    }
}

impl Put for MemoryMap {
    type Error = Infallible;
    type Change = Change;

    fn put<P: IntoIterator<Item = (Key, Value)>>(
        &self,
        root: &Hash,
        values: P,
    ) -> Result<Changed<Change>, ReadError<Infallible>> {
        let change = update(self, root, values)?;
        Ok(Changed { root: change.root, change })
    }
}

impl NodeRead for MemoryMap {
    type Error = Infallible;

    fn read_node(&self, hash: &Hash) -> Result<Option<Node>, Infallible> {
        Ok(self.nodes.get(hash).copied())
    }
}
