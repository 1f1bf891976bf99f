//! The way through a Merkle-Patricia trie from its root to what a key holds.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable as _;
use alloy_trie::{
    Nibbles,
    nodes::{RlpNode, TrieNode},
};

/// What the trie with this root holds under the Keccak-256 of `key`; none if the nodes do not lead there, or if one
/// of them is not on the way.
pub(super) fn value(root: B256, key: &[u8], nodes: &[Bytes]) -> Option<Vec<u8>> {
    let key = Nibbles::unpack(keccak256(key));
    let mut nodes = nodes.iter();
    let mut node = nodes.next().filter(|first| keccak256(first) == root).map(|it| decode(it))??;
    let mut at = 0;
    loop {
        let child = match node {
            TrieNode::Branch(branch) => {
                let nibble = key.get(at)?;
                at += 1;
                let branch = branch.as_ref();
                branch.children().find(|(index, _)| *index == nibble)?.1?.clone()
            }
            TrieNode::Extension(extension) => {
                at = follow(&key, at, &extension.key)?;
                extension.child
            }
            TrieNode::Leaf(leaf) => {
                let is_at_end = follow(&key, at, &leaf.key)? == key.len();
                return (is_at_end && nodes.next().is_none()).then_some(leaf.value);
            }
            TrieNode::EmptyRoot => return None,
        };
        // What is shorter than a hash stands in its parent.
        node = if child.is_hash() {
            let next = nodes.next()?;
            if RlpNode::from_rlp(next) != child {
                return None;
            }
            decode(next)?
        } else {
            decode(&child)?
        };
    }
}

fn decode(mut bytes: &[u8]) -> Option<TrieNode> {
    TrieNode::decode(&mut bytes).ok().filter(|_| bytes.is_empty())
}

/// How far the key is followed after a part of it.
fn follow(key: &Nibbles, at: usize, part: &Nibbles) -> Option<usize> {
    let end = at + part.len();
    (end <= key.len() && key.slice(at..end) == *part).then_some(end)
}
