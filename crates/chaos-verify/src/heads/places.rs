//! What heads show of their trees.

use std::collections::BTreeMap;

use chaos_agency::HeadSigner;
use chaos_log::{Hash, SignedCheckpoint, VerifierKey, node_hash};

use crate::Head;

/// Something of a tree that every honest tree of the log has alike; what covers the fewest entries first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Node { level: u32, index: u64 },
    Root { size: u64 },
}

/// A head and all that was shown of its tree, by whatever showed it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) log: VerifierKey,
    pub(super) checkpoint: SignedCheckpoint,
    /// Where it was seen; of several the first by name.
    pub(super) whose: String,
    /// Whether the key has signed it that is in force by what was shown with it.
    pub(super) is_verified: bool,
    /// The first entries that the root key has signed with a delegation that this tree holds.
    pub(super) rooted: u64,
    nodes: BTreeMap<(u32, u64), Hash>,
}

impl Seen {
    pub(super) fn new(head: &Head, whose: &str) -> Self {
        let claimed = head.checkpoint.claimed();
        let (log, checkpoint) = (head.log.clone(), head.checkpoint.clone());
        let mut nodes = BTreeMap::new();
        if claimed.size().is_power_of_two() {
            nodes.insert((claimed.size().trailing_zeros(), 0), *claimed.root());
        }
        let mut seen =
            Self { log, checkpoint, whose: whose.to_owned(), is_verified: false, rooted: 0, nodes };
        seen.add(head, whose);
        seen
    }

    /// Takes in what is shown of the same head elsewhere.
    pub(super) fn add(&mut self, head: &Head, whose: &str) {
        let signer = head.succession.signer(&head.checkpoint, head.log.name());
        self.is_verified |= matches!(signer, HeadSigner::InForce(_));
        let last = head.succession.delegations().last();
        self.rooted = self.rooted.max(last.map_or(0, |last| last.body.size));
        self.nodes.extend(head.nodes.iter().map(|node| ((node.level, node.index), node.hash)));
        if whose < self.whose.as_str() {
            whose.clone_into(&mut self.whose);
        }
    }

    pub(super) const fn size(&self) -> u64 {
        self.checkpoint.claimed().size()
    }

    /// The roots of first entries that follow from the nodes, and the tree's own.
    pub(super) fn roots(&self) -> impl Iterator<Item = (u64, Hash)> {
        let ends = self
            .nodes
            .keys()
            .filter_map(|(level, index)| index.checked_add(1)?.checked_shl(*level));
        let shown = ends.filter_map(|size| Some((size, root_of(&self.nodes, size)?)));
        shown.chain([(self.size(), *self.checkpoint.claimed().root())])
    }

    /// Everything that two trees have alike if both reach so far.
    pub(super) fn places(&self) -> impl Iterator<Item = (Place, Hash)> {
        let node =
            |(&(level, index), hash): (&(u32, u64), &Hash)| (Place::Node { level, index }, *hash);
        let roots = self.roots().map(|(size, hash)| (Place::Root { size }, hash));
        self.nodes.iter().map(node).chain(roots)
    }

    /// The nodes that were shown, by level and index.
    pub(super) fn node_places(&self) -> impl Iterator<Item = (u32, u64)> {
        self.nodes.keys().copied()
    }
}

/// The whole subtrees, by level and index, that the tree of so many entries consists of, from the left.
pub(super) fn subtrees(size: u64) -> impl DoubleEndedIterator<Item = (u32, u64)> {
    let levels = (0..u64::BITS).rev().filter(move |level| size >> level & 1 == 1);
    levels.map(move |level| (level, (size >> level) - 1))
}

/// The root of the first entries, if the nodes show all that it consists of.
fn root_of(nodes: &BTreeMap<(u32, u64), Hash>, size: u64) -> Option<Hash> {
    let mut parts = subtrees(size).rev();
    let last = *nodes.get(&parts.next()?)?;
    parts.try_fold(last, |right, part| Some(node_hash(nodes.get(&part)?, &right)))
}
