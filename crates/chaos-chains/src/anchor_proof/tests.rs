use std::{fs::File, io::Read, path::Path};

use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, SignableTransaction, TxEip1559, TxEnvelope,
    TxLegacy, proofs,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, Log, TxKind};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolEvent;
use chaos_types::{ChainId, canonical};
use proptest::prelude::*;

use super::{AnchorParts, AnchorProof, AnchorProofError, Trie, trie};
use crate::contracts::checkpoint_anchor::CheckpointAnchor::CheckpointAnchored;

const CONTRACT: Address = Address::repeat_byte(0xaa);
const SIZE: u64 = 12_345;
const ROOT: [u8; 32] = [7; 32];
const CHAIN_NUMBER: u64 = 31337;

/// A block of `count` transactions of which the one at `index` anchors (SIZE, ROOT).
struct Block {
    header: Header,
    transactions: Vec<Vec<u8>>,
    receipts: Vec<Vec<u8>>,
    index: usize,
}

fn check_path(root: B256, index: usize, item: &[u8], nodes: &[Bytes]) -> Result<(), ()> {
    trie::verify(root, u32::try_from(index).unwrap(), item, nodes)
}

struct Plan {
    count: usize,
    index: usize,
    succeeded: bool,
    legacy_without_chain: bool,
}

fn transaction(nonce: usize, legacy_without_chain: bool) -> TxEnvelope {
    let key: PrivateKeySigner = "11".repeat(32).parse().unwrap();
    let to = TxKind::Call(CONTRACT);
    if legacy_without_chain {
        let mut tx = TxLegacy { nonce: nonce as u64, to, ..TxLegacy::default() };
        let signature = key.sign_transaction_sync(&mut tx).unwrap();
        return tx.into_signed(signature).into();
    }
    let mut tx = TxEip1559 {
        chain_id: CHAIN_NUMBER,
        nonce: nonce as u64,
        to,
        input: vec![0x5a; nonce % 90].into(),
        ..TxEip1559::default()
    };
    let signature = key.sign_transaction_sync(&mut tx).unwrap();
    tx.into_signed(signature).into()
}

fn receipt(position: usize, plan: &Plan) -> ReceiptEnvelope {
    let mut logs = Vec::new();
    if position == plan.index {
        let event = CheckpointAnchored { size: SIZE, root: ROOT.into() };
        logs.push(Log { address: Address::repeat_byte(1), data: event.encode_log_data() });
        logs.push(Log { address: CONTRACT, data: event.encode_log_data() });
    }
    let receipt = Receipt {
        status: plan.succeeded.into(),
        cumulative_gas_used: 21_000 * (position as u64 + 1),
        logs,
    };
    let receipt: ReceiptWithBloom<Receipt> = receipt.into();
    if plan.legacy_without_chain {
        ReceiptEnvelope::Legacy(receipt)
    } else {
        ReceiptEnvelope::Eip1559(receipt)
    }
}

impl Block {
    fn new(count: usize, index: usize) -> Self {
        Self::planned(&Plan { count, index, succeeded: true, legacy_without_chain: false })
    }

    fn planned(plan: &Plan) -> Self {
        let transactions: Vec<TxEnvelope> =
            (0..plan.count).map(|nonce| transaction(nonce, plan.legacy_without_chain)).collect();
        let receipts: Vec<ReceiptEnvelope> =
            (0..plan.count).map(|position| receipt(position, plan)).collect();
        // Roots by alloy-consensus, not by the code under test.
        let header = Header {
            number: 77,
            timestamp: 1_767_225_600,
            transactions_root: proofs::calculate_transaction_root(&transactions),
            receipts_root: proofs::calculate_receipt_root(&receipts),
            ..Header::default()
        };
        Self {
            header,
            transactions: transactions.iter().map(Encodable2718::encoded_2718).collect(),
            receipts: receipts.iter().map(Encodable2718::encoded_2718).collect(),
            index: plan.index,
        }
    }

    fn build(&self) -> Result<AnchorProof, AnchorProofError> {
        AnchorProof::build(&AnchorParts {
            chain: &ChainId::evm(CHAIN_NUMBER),
            contract: CONTRACT,
            header: &self.header,
            transactions: &self.transactions,
            receipts: &self.receipts,
            index: self.index,
        })
    }
}

#[test]
fn proves_a_checkpoint_at_every_kind_of_position() {
    // 127 and 128 are where RLP of the index gets longer; 1 is a trie of a single leaf.
    for (count, index) in [(1, 0), (2, 0), (2, 1), (129, 127), (129, 128), (300, 0), (300, 299)] {
        let block = Block::new(count, index);
        let proof = block.build().unwrap();
        let fact = proof.verify(SIZE, ROOT).unwrap();
        assert_eq!(fact.block_hash, block.header.hash_slow());
        assert_eq!(fact.block_number, 77);
        assert_eq!(fact.transaction_hash, Some(*transaction(index, false).tx_hash()));
        assert_eq!(fact.contract, CONTRACT);
        assert_eq!(fact.chain, ChainId::evm(CHAIN_NUMBER));
    }
}

#[test]
fn rejects_another_size_root_contract_chain_number_or_position() {
    let proof = Block::new(5, 3).build().unwrap();
    let no_event = AnchorProofError::NoEvent { contract: CONTRACT, size: SIZE + 1 };
    assert_eq!(proof.verify(SIZE + 1, ROOT), Err(no_event));
    assert!(matches!(proof.verify(SIZE, [8; 32]), Err(AnchorProofError::NoEvent { .. })));

    let contract = Address::repeat_byte(0xab);
    let other = AnchorProof { contract, ..proof.clone() };
    assert!(matches!(other.verify(SIZE, ROOT), Err(AnchorProofError::NoEvent { .. })));

    let other = AnchorProof { chain: ChainId::evm(1), ..proof.clone() };
    let got = Some(ChainId::evm(CHAIN_NUMBER));
    let expected = ChainId::evm(1);
    assert_eq!(other.verify(SIZE, ROOT), Err(AnchorProofError::Chain { expected, got }));

    let other = AnchorProof { block_number: 78, ..proof.clone() };
    let number = AnchorProofError::BlockNumber { expected: 78, got: 77 };
    assert_eq!(other.verify(SIZE, ROOT), Err(number));

    let other = AnchorProof { receipt_index: 2, ..proof.clone() };
    let path = AnchorProofError::Path { trie: Trie::Transactions, index: 2 };
    assert_eq!(other.verify(SIZE, ROOT), Err(path));

    let other = AnchorProof { block_hash: B256::ZERO, ..proof };
    assert!(matches!(other.verify(SIZE, ROOT), Err(AnchorProofError::BlockHash { .. })));
}

#[test]
fn rejects_paths_that_are_short_long_or_swapped() {
    let proof = Block::new(200, 150).build().unwrap();
    let with = |nodes: Vec<Bytes>| AnchorProof { proof: nodes, ..proof.clone() };
    let bad = Err(AnchorProofError::Path { trie: Trie::Receipts, index: 150 });
    assert_eq!(with(vec![]).verify(SIZE, ROOT), bad);
    assert_eq!(with(proof.proof[..1].to_vec()).verify(SIZE, ROOT), bad);
    let longer = [proof.proof.clone(), vec![proof.proof[0].clone()]].concat();
    assert_eq!(with(longer).verify(SIZE, ROOT), bad);
    assert_eq!(with(proof.transaction_proof.clone()).verify(SIZE, ROOT), bad);
    let endless = vec![Bytes::from_static(&[0x80]); 11];
    let limit = AnchorProofError::TooLarge { part: "proof", found: 11, max: 10 };
    assert_eq!(with(endless).verify(SIZE, ROOT), Err(limit));
}

#[test]
fn rejects_a_failed_transaction_and_one_for_any_chain() {
    let failed = Plan { count: 3, index: 1, succeeded: false, legacy_without_chain: false };
    let proof = Block::planned(&failed).build().unwrap();
    assert_eq!(proof.verify(SIZE, ROOT), Err(AnchorProofError::Failed));

    let legacy = Plan { count: 3, index: 1, succeeded: true, legacy_without_chain: true };
    let proof = Block::planned(&legacy).build().unwrap();
    let error = AnchorProofError::Chain { expected: ChainId::evm(CHAIN_NUMBER), got: None };
    assert_eq!(proof.verify(SIZE, ROOT), Err(error));
}

#[test]
fn refuses_to_build_from_parts_that_do_not_belong_together() {
    let mut block = Block::new(4, 2);
    block.index = 4;
    assert_eq!(block.build(), Err(AnchorProofError::Index { index: 4, count: 4 }));
    let mut block = Block::new(4, 2);
    block.receipts.swap(0, 1);
    assert!(matches!(block.build(), Err(AnchorProofError::Root { trie: Trie::Receipts, .. })));
    let mut block = Block::new(4, 2);
    block.transactions.pop();
    assert!(matches!(block.build(), Err(AnchorProofError::Root { trie: Trie::Transactions, .. })));
}

#[test]
fn rejects_every_flipped_byte_of_its_json() {
    let proof = Block::new(3, 1).build().unwrap();
    let bytes = canonical::to_vec(&proof).unwrap();
    assert_eq!(canonical::from_slice::<AnchorProof>(&bytes).unwrap(), proof);
    for position in 0..bytes.len() {
        // Low bit (another digit), case bit (upper-case hex), and the top bit (not UTF-8).
        for mask in [0x01, 0x20, 0x80] {
            let mut flipped = bytes.clone();
            flipped[position] ^= mask;
            let accepted = canonical::from_slice::<AnchorProof>(&flipped)
                .is_ok_and(|proof| proof.verify(SIZE, ROOT).is_ok());
            assert!(!accepted, "byte {position} flipped by {mask:#x} was accepted");
        }
    }
}

/// The transactions roots of real headers are the judge of our trie.
#[test]
fn finds_the_roots_of_real_blocks() {
    let dir =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/chain/ethereum/blocks");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        eprintln!("skipped: ../shared/data is absent");
        return;
    };
    let mut checked = 0;
    for entry in entries {
        let mut json = Vec::new();
        flate2::read::GzDecoder::new(File::open(entry.unwrap().path()).unwrap())
            .read_to_end(&mut json)
            .unwrap();
        let block: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let expected: B256 =
            serde_json::from_value(block["block"]["transactionsRoot"].clone()).unwrap();
        let Ok(transactions) = serde_json::from_value::<Vec<alloy_rpc_types_eth::Transaction>>(
            block["block"]["transactions"].clone(),
        ) else {
            continue;
        };
        let encoded: Vec<Vec<u8>> = transactions.iter().map(|tx| tx.inner.encoded_2718()).collect();
        if encoded.is_empty() {
            continue;
        }
        for index in [0, encoded.len() / 2, encoded.len() - 1] {
            let (root, nodes) = trie::path(&encoded, index);
            assert_eq!(root, expected);
            check_path(root, index, &encoded[index], &nodes).unwrap();
        }
        checked += 1;
    }
    assert!(checked >= 50, "only {checked} blocks could be read");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    // Signed transactions and receipts are always longer than a hash, so no node is embedded in
    // another.
    fn a_path_proves_its_item_and_no_other(
        items in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 64..200), 1..200),
        pick in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let index = pick.index(items.len());
        let (root, nodes) = trie::path(&items, index);
        prop_assert!(check_path(root, index, &items[index], &nodes).is_ok());
        let mut item = items[index].clone();
        let position = flip.index(item.len());
        item[position] ^= 1;
        prop_assert!(check_path(root, index, &item, &nodes).is_err());
        prop_assert!(check_path(root, index + 1, &items[index], &nodes).is_err());
    }
}

#[test]
fn refuses_json_in_another_spelling() {
    let proof = Block::new(1, 0).build().unwrap();
    let value = serde_json::to_value(&proof).unwrap();
    assert_eq!(value["contract"], "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let reject = |field: &str, text: serde_json::Value| {
        let mut value = value.clone();
        value[field] = text;
        assert!(serde_json::from_value::<AnchorProof>(value).is_err(), "{field}");
    };
    reject("contract", "0xAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".into());
    reject("contract", "0xaaaa".into());
    reject("block_hash", "aa".repeat(32).into());
    reject("receipt", "0xabc".into());
    reject("receipt_index", "0".into());
    reject("unknown", "x".into());
}
