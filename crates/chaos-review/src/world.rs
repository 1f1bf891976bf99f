//! A state of a few contracts, with the proof of all of it: what a node gives, without a node.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, address, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use chaos_evm::{calls::Call, fork::LOCAL};
use chaos_types::ChainId;
use serde_json::json;

use crate::{Origin, Payload, Place, ProposedCall, Recording};

pub(crate) const SENDER: Address = address!("0x00000000000000000000000000000000000005e1");

/// Contracts by address: code, and slots.
pub(crate) type Contracts<'a> = &'a [(Address, &'a [u8], &'a [(U256, U256)])];

/// A recording of calls without input on these contracts; the sender has 1,000 wei.
pub(crate) fn recording(contracts: Contracts<'_>, calls: Vec<Call>, text: &str) -> Recording {
    let mut nodes = Vec::new();
    let mut accounts = BTreeMap::new();
    let account = |storage_root, code: &[u8]| TrieAccount {
        nonce: 1,
        balance: U256::ZERO,
        storage_root,
        code_hash: keccak256(code),
    };
    for (address, code, slots) in contracts {
        let leaves = slots
            .iter()
            .map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), alloy_rlp::encode(value)));
        let root = trie(&leaves.collect(), &mut nodes);
        accounts.insert(keccak256(address), alloy_rlp::encode(account(root, code)));
    }
    let sender = TrieAccount {
        balance: U256::from(1_000),
        code_hash: KECCAK256_EMPTY,
        ..account(EMPTY_ROOT_HASH, &[])
    };
    accounts.insert(keccak256(SENDER), alloy_rlp::encode(sender));
    let header = Header {
        number: 7,
        state_root: trie(&accounts, &mut nodes),
        gas_limit: 30_000_000,
        base_fee_per_gas: Some(7),
        ..Header::default()
    };
    let codes: Vec<Bytes> =
        contracts.iter().map(|(_, code, _)| Bytes::copy_from_slice(code)).collect();
    let calls = calls.into_iter().map(|call| ProposedCall { call, signature: None });
    Recording {
        place: Place {
            chain: ChainId::evm(LOCAL),
            fork: None,
            number: header.number,
            hash: header.hash_slow(),
        },
        sender: SENDER,
        payload: Payload {
            sender: None,
            sent_along: U256::ZERO,
            description: text.to_owned(),
            calls: calls.collect(),
        },
        origin: Origin::File {},
        abis: Vec::new(),
        proof: json!({
            "state": nodes, "codes": codes, "headers": [Bytes::from(alloy_rlp::encode(header))],
        }),
    }
}

pub(crate) fn call(target: Address) -> Call {
    Call { target, value: U256::ZERO, input: Bytes::new() }
}

/// The root of a trie, and all of its nodes.
fn trie(leaves: &BTreeMap<B256, Vec<u8>>, nodes: &mut Vec<Bytes>) -> B256 {
    let keys = leaves.keys().map(Nibbles::unpack).collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(keys));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    nodes.extend(builder.take_proof_nodes().into_nodes_sorted().into_iter().map(|(_, node)| node));
    root
}

/// `PUSH32 value PUSH32 slot SSTORE`
pub(crate) fn store(slot: B256, value: B256) -> Vec<u8> {
    [&[0x7f], &value.0[..], &[0x7f], &slot.0[..], &[0x55]].concat()
}
