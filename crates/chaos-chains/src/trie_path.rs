//! The way through a Merkle-Patricia trie from its root to what a key holds.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable as _;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, nodes::TrieNode};

/// What a trie holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// These bytes.
    Value(Vec<u8>),
    /// Nothing, which is shown.
    Nothing,
}

/// What the trie with this root holds under the Keccak-256 of `key`; none if the nodes do not lead there, or if one
/// of them is not on the way.
pub(crate) fn value(root: B256, key: &[u8], nodes: &[Bytes]) -> Option<Vec<u8>> {
    let mut nodes = nodes.iter();
    let next = |hash| nodes.next().filter(|node| keccak256(node) == hash).map(Bytes::as_ref);
    match held(root, key, next)? {
        Held::Value(value) if nodes.next().is_none() => Some(value),
        Held::Value(_) | Held::Nothing => None,
    }
}

/// What the trie with this root holds under the Keccak-256 of `key`, by the nodes of these hashes; none if one is not
/// to be had, or is no node.
pub(crate) fn held<'n>(
    root: B256,
    key: &[u8],
    mut node_of: impl FnMut(B256) -> Option<&'n [u8]>,
) -> Option<Held> {
    if root == EMPTY_ROOT_HASH {
        return Some(Held::Nothing);
    }
    let key = Nibbles::unpack(keccak256(key));
    let mut node = decode(node_of(root)?)?;
    let mut at = 0;
    loop {
        let child = match node {
            TrieNode::Branch(branch) => {
                let nibble = key.get(at)?;
                at += 1;
                let branch = branch.as_ref();
                match branch.children().find(|(index, _)| *index == nibble)?.1 {
                    Some(child) => child.clone(),
                    None => return Some(Held::Nothing),
                }
            }
            TrieNode::Extension(extension) => match follow(&key, at, &extension.key) {
                Some(end) => {
                    at = end;
                    extension.child
                }
                None => return Some(Held::Nothing),
            },
            TrieNode::Leaf(leaf) => {
                let is_it = follow(&key, at, &leaf.key) == Some(key.len());
                return Some(if is_it { Held::Value(leaf.value) } else { Held::Nothing });
            }
            TrieNode::EmptyRoot => return None,
        };
        // What is shorter than a hash stands in its parent.
        node = match child.as_hash() {
            Some(hash) => decode(node_of(hash)?)?,
            None => decode(&child)?,
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
