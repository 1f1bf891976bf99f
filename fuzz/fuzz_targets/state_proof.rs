//! A state proof of any bytes is read or refused, and a trie of any nodes answers or says what is
//! missing; neither panics.

#![no_main]

use alloy_consensus::Header;
use alloy_primitives::{Bytes, keccak256};
use chaos_evm::{Block, import::{StateProof, record_complete}};
use libfuzzer_sys::fuzz_target;

/// A block of one transaction.
const BLOCK: &str = include_str!("one_transfer.json");

fuzz_target!(|bytes: &[u8]| {
    let mut block = Block::decode_rpc(BLOCK.as_bytes(), Some(1)).expect("the block is well formed");
    let _refused = StateProof::decode(bytes, &block, Some(bytes));

    // Nodes of any bytes, each with its length before it, under a parent that names the first.
    let mut nodes: Vec<Bytes> = Vec::new();
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_first() {
        let (node, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        nodes.push(Bytes::copy_from_slice(node));
        rest = tail;
    }
    let Some(first) = nodes.first() else { return };
    let number = block.header.number - 1;
    let parent = Header { number, state_root: keccak256(first), ..Header::default() };
    block.header.parent_hash = parent.hash_slow();
    let state_proof = serde_json::json!({"state": nodes, "headers": [parent]});
    let state_proof = serde_json::to_vec(&state_proof).expect("a value is written to memory");
    let state_proof = StateProof::decode(&state_proof, &block, None).expect("its parent and root are there");
    let _answered = record_complete(&block, &state_proof);
});
