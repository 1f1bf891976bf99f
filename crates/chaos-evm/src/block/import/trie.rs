//! Looking a key up in a Merkle Patricia trie of which only some nodes are known.
//!
//! Nodes are found by their Keccak-256 hash, so each one used is proven by the one above it, up to
//! the root ([Yellow Paper, appendix D](https://ethereum.github.io/yellowpaper/paper.pdf)).

use alloy_primitives::{B256, Bytes, map::B256Map};
use alloy_rlp::{EMPTY_STRING_CODE, Header};
use alloy_trie::EMPTY_ROOT_HASH;

/// Nibbles of a hashed key.
const KEY_NIBBLES: usize = 64;

/// Why a key could not be looked up. Neither case says that the key is absent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrieError {
    /// A node on the way to the key is not known.
    #[error("the trie node {hash} at depth {depth} is missing")]
    Missing {
        /// Keccak-256 of the node.
        hash: B256,
        /// Nibbles of the key above it.
        depth: usize,
    },
    /// A node is known, and is no trie node.
    #[error("the trie node {hash} is malformed")]
    Malformed {
        /// Keccak-256 of the node.
        hash: B256,
        /// The cause.
        #[source]
        source: alloy_rlp::Error,
    },
}

/// Where one node leads.
enum Step<'a> {
    /// The key's value.
    Value(&'a [u8]),
    /// The key is not in the trie.
    Absent,
    /// On to a node of its own, this many nibbles of the key further down.
    Hash(B256, usize),
}

/// The value at a hashed key, or `None` if the nodes prove that there is none.
pub(super) fn lookup(
    nodes: &B256Map<Bytes>,
    root: B256,
    key: B256,
) -> Result<Option<Vec<u8>>, TrieError> {
    if root == EMPTY_ROOT_HASH {
        return Ok(None);
    }
    let key = nibbles(key);
    let (mut hash, mut depth) = (root, 0);
    loop {
        let node = nodes.get(&hash).ok_or(TrieError::Missing { hash, depth })?;
        match walk(node, &key, depth).map_err(|source| TrieError::Malformed { hash, source })? {
            Step::Value(value) => return Ok(Some(value.to_vec())),
            Step::Absent => return Ok(None),
            Step::Hash(next, next_depth) => (hash, depth) = (next, next_depth),
        }
    }
}

fn nibbles(key: B256) -> [u8; KEY_NIBBLES] {
    let mut nibbles = [0; KEY_NIBBLES];
    for (pair, byte) in nibbles.chunks_exact_mut(2).zip(key) {
        pair.copy_from_slice(&[byte >> 4, byte & 0xf]);
    }
    nibbles
}

/// Follows the key through a node and the nodes embedded in it. Every step takes at least one
/// nibble, so it ends.
fn walk<'a>(
    mut node: &'a [u8],
    key: &[u8; KEY_NIBBLES],
    mut depth: usize,
) -> alloy_rlp::Result<Step<'a>> {
    loop {
        let (items, count) = items(node)?;
        let child = match count {
            17 => {
                let Some(nibble) = key.get(depth) else {
                    return Err(alloy_rlp::Error::Custom("a branch below the end of the key"));
                };
                depth += 1;
                items[usize::from(*nibble)]
            }
            2 => {
                let path = Header::decode_bytes(&mut &*items[0], false)?;
                let (leaf, used) = match follow(path, &key[depth..])? {
                    Some(taken) => taken,
                    None => return Ok(Step::Absent),
                };
                depth += used;
                if leaf {
                    if depth != KEY_NIBBLES {
                        return Err(alloy_rlp::Error::Custom("a leaf above the end of the key"));
                    }
                    return Ok(Step::Value(Header::decode_bytes(&mut &*items[1], false)?));
                }
                if used == 0 {
                    return Err(alloy_rlp::Error::Custom("an extension without a path"));
                }
                items[1]
            }
            _ => return Err(alloy_rlp::Error::Custom("a node has 2 or 17 items")),
        };
        if child == [EMPTY_STRING_CODE] {
            return Ok(Step::Absent);
        }
        // A child shorter than a hash stands in its parent itself.
        if child.first().is_some_and(|first| *first >= 0xc0) {
            node = child;
            continue;
        }
        let hash = Header::decode_bytes(&mut &*child, false)?;
        let hash = B256::try_from(hash).map_err(|_| alloy_rlp::Error::UnexpectedLength)?;
        return Ok(Step::Hash(hash, depth));
    }
}

/// The raw items of a list, at most 17, and how many there are.
fn items(node: &[u8]) -> alloy_rlp::Result<([&[u8]; 17], usize)> {
    let mut rest = node;
    let mut payload = Header::decode_bytes(&mut rest, true)?;
    if !rest.is_empty() {
        return Err(alloy_rlp::Error::UnexpectedLength);
    }
    let mut items: [&[u8]; 17] = [&[]; 17];
    let mut count = 0;
    while !payload.is_empty() {
        let start = payload;
        let header = Header::decode(&mut payload)?;
        payload = payload.get(header.payload_length..).ok_or(alloy_rlp::Error::InputTooShort)?;
        let item =
            items.get_mut(count).ok_or(alloy_rlp::Error::Custom("a node has 2 or 17 items"))?;
        *item = &start[..start.len() - payload.len()];
        count += 1;
    }
    Ok((items, count))
}

/// Compares a hex-prefix path with what is left of the key: whether it ends in a leaf and how many
/// nibbles it took, or `None` where they part.
fn follow(path: &[u8], key: &[u8]) -> alloy_rlp::Result<Option<(bool, usize)>> {
    let (first, rest) = path.split_first().ok_or(alloy_rlp::Error::InputTooShort)?;
    let (leaf, odd) = match first >> 4 {
        0 => (false, false),
        1 => (false, true),
        2 => (true, false),
        3 => (true, true),
        _ => return Err(alloy_rlp::Error::Custom("an unknown path prefix")),
    };
    let odd_nibble = odd.then_some(first & 0xf);
    let expected = odd_nibble.into_iter().chain(rest.iter().flat_map(|b| [b >> 4, b & 0xf]));
    let length = rest.len() * 2 + usize::from(odd);
    let agrees = length <= key.len() && expected.eq(key[..length].iter().copied());
    Ok(agrees.then_some((leaf, length)))
}
