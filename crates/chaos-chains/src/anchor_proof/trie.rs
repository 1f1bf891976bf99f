//! Paths in the tries of a block, which map `rlp(index)` to an item.

use alloy_primitives::{B256, Bytes};
use alloy_trie::{
    HashBuilder, Nibbles,
    proof::{ProofRetainer, verify_proof},
    root::adjust_index_for_rlp,
};

/// The root over all items, and the nodes on the way from it to the item at `index`.
pub(super) fn path(items: &[Vec<u8>], index: usize) -> (B256, Vec<Bytes>) {
    let retainer = ProofRetainer::new(vec![key(index)]);
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    // The builder wants keys in ascending order, and RLP does not keep the order of numbers.
    for position in 0..items.len() {
        let item = adjust_index_for_rlp(position, items.len());
        builder.add_leaf(key(item), &items[item]);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    (root, nodes.into_iter().map(|(_, node)| node).collect())
}

/// Checks that the nodes lead from the root to exactly this item at exactly this index.
pub(super) fn verify(root: B256, index: u32, item: &[u8], nodes: &[Bytes]) -> Result<(), ()> {
    let key = key(usize::try_from(index).map_err(|_| ())?);
    verify_proof(root, key, Some(item.to_vec()), nodes).map_err(|_| ())
}

fn key(index: usize) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode_fixed_size(&index))
}
