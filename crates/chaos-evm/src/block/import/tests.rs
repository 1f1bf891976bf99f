use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, keccak256, map::B256Map};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use proptest::prelude::*;

use super::{TrieError, trie::lookup};

/// The trie over `leaves`, built by another implementation: its root and every node.
fn build(leaves: &BTreeMap<B256, Vec<u8>>) -> (B256, B256Map<Bytes>) {
    let keys = leaves.keys().map(Nibbles::unpack).collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(keys));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    (root, nodes.into_iter().map(|(_, node)| (keccak256(&node), node)).collect())
}

/// Keys that share long prefixes, so that extensions and embedded nodes come up.
fn keys() -> impl Strategy<Value = Vec<B256>> {
    let key = (0_usize..=32, prop::collection::vec(0_u8..4, 32)).prop_map(|(zeros, mut bytes)| {
        bytes[..zeros].fill(0);
        B256::from_slice(&bytes)
    });
    prop::collection::vec(key, 1..40)
}

proptest! {
    #[test]
    fn finds_what_is_there_and_proves_what_is_not(
        keys in keys(), others in keys(), length in 1_usize..40,
    ) {
        let leaves: BTreeMap<B256, Vec<u8>> =
            keys.iter().map(|key| (*key, alloy_rlp::encode(&key[32 - length.min(32)..]))).collect();
        let (root, nodes) = build(&leaves);
        for key in keys.iter().chain(&others) {
            prop_assert_eq!(lookup(&nodes, root, *key).unwrap(), leaves.get(key).cloned());
        }
    }

    /// A node that is gone is an error for the keys below it and for no other; never an absence.
    #[test]
    fn never_takes_a_missing_node_for_an_absent_key(keys in keys(), gone in any::<prop::sample::Index>()) {
        let leaves: BTreeMap<B256, Vec<u8>> =
            keys.iter().map(|key| (*key, alloy_rlp::encode(key))).collect();
        let (root, mut nodes) = build(&leaves);
        let mut hashes: Vec<B256> = nodes.keys().copied().collect();
        hashes.sort_unstable();
        let gone = *gone.get(&hashes);
        nodes.remove(&gone);
        for key in &keys {
            match lookup(&nodes, root, *key) {
                Ok(value) => prop_assert_eq!(value.as_ref(), leaves.get(key)),
                Err(TrieError::Missing { hash, .. }) => prop_assert_eq!(hash, gone),
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }

    #[test]
    fn survives_any_bytes_in_the_place_of_a_node(node in prop::collection::vec(any::<u8>(), 0..80)) {
        let node = Bytes::from(node);
        let root = keccak256(&node);
        let _answer = lookup(&B256Map::from_iter([(root, node)]), root, B256::ZERO);
    }
}

#[test]
fn refuses_nodes_that_no_trie_has() {
    let check = |node: &[u8], expect: &str| {
        let node = Bytes::copy_from_slice(node);
        let root = keccak256(&node);
        let error = lookup(&B256Map::from_iter([(root, node)]), root, B256::ZERO).unwrap_err();
        let TrieError::Malformed { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.to_string(), expect);
    };
    check(&[0xc0], "a node has 2 or 17 items");
    check(&[0xc2, 0x40, 0x80], "an unknown path prefix");
    check(&[0xc2, 0x00, 0x80], "an extension without a path");
    check(&[0xc2, 0x20, 0x01], "a leaf above the end of the key");
    check(&[0xc2, 0x10, 0x05], "unexpected length");
    check(&[0x05], "unexpected string");
}

/// A block of one transfer, and the law of the fuzz targets `trace` and `state_proof` on a few inputs.
fn transfer() -> crate::Block {
    let block = include_bytes!("../../../../../fuzz/fuzz_targets/one_transfer.json");
    crate::Block::decode_rpc(block, Some(1)).unwrap()
}

const TRACE: &str = r#"[{"txHash":"0x0000000000000000000000000000000000000000000000000000000000000000","result":{"0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":{"balance":"0x64","nonce":1,"code":"0x6001","storage":{"0x01":"0x02"}}}}]"#;

proptest! {
    #[test]
    fn damaged_trace_is_read_or_refused(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut trace = TRACE.as_bytes().to_vec();
        for (at, byte) in cuts {
            let at = at.index(trace.len());
            trace[at] = byte;
        }
        if let Ok(state) = super::prestate(&trace, None, &transfer()) {
            let empty_diff = br#"[{"result": {"pre": {}, "post": {}}}]"#;
            let with_diff = super::prestate(&trace, Some(empty_diff), &transfer()).unwrap();
            prop_assert_eq!(with_diff, state);
        }
    }

    #[test]
    fn state_proof_of_any_nodes_answers_or_fails(
        nodes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..5),
    ) {
        let nodes: Vec<Bytes> = nodes.into_iter().map(Bytes::from).collect();
        let mut block = transfer();
        let number = block.header.number - 1;
        let state_root = keccak256(&nodes[0]);
        let parent = alloy_consensus::Header { number, state_root, ..Default::default() };
        block.header.parent_hash = parent.hash_slow();
        let state_proof = serde_json::json!({"state": nodes, "headers": [parent]});
        let state_proof = serde_json::to_vec(&state_proof).unwrap();
        let state_proof = super::StateProof::decode(&state_proof, &block, None).unwrap();
        let _answered = super::record_complete(&block, &state_proof);
    }
}
