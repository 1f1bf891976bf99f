use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{
    HashBuilder, Nibbles, TrieAccount,
    proof::{ProofRetainer, verify_proof},
};
use chaos_types::{Digest, canonical};
use proptest::prelude::*;

use super::{RegistryFact, RegistryProof, RegistryProofError, Wire};
use crate::{
    registry::{REGISTRY, REGISTRY_CODE_HASH, RegistryKey},
    trie_path,
};

const SIZE: u64 = 12_345;
const ROOT: [u8; 32] = [7; 32];
/// What a proof may have before it is encoded as text.
const FRESH_BYTES_MAX: usize = 1_500;
const DEEP_BYTES_MAX: usize = 8_000;
const VERIFIED_WITHIN: Duration = Duration::from_millis(2);

pub(crate) type Leaves = BTreeMap<B256, Vec<u8>>;

fn key() -> RegistryKey {
    RegistryKey { origin: Digest::of(b"example.org/log"), publisher: Address::repeat_byte(0xaa) }
}

/// The root of a trie of these leaves, and the way to each of some keys.
pub(crate) fn trie(leaves: &Leaves, keys: &[B256]) -> (B256, Vec<Vec<Bytes>>) {
    let paths: Vec<Nibbles> = keys.iter().map(Nibbles::unpack).collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(paths.clone()));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes();
    let way = |path: &Nibbles| {
        let nodes = nodes.matching_nodes_sorted(path);
        nodes.into_iter().map(|(_, node)| node).collect()
    };
    (root, paths.iter().map(way).collect())
}

/// So many full branches on the way to a key: for each of its first nibbles all its neighbours.
pub(crate) fn crowd(leaves: &mut Leaves, key: B256, depth: usize, value: &[u8]) {
    for at in 0..depth {
        for other in 0..16_u8 {
            let mut neighbour = Nibbles::unpack(key);
            neighbour.set_at(at, other);
            leaves.entry(B256::from_slice(&neighbour.pack())).or_insert_with(|| value.to_vec());
        }
    }
}

struct World {
    storage: Leaves,
    accounts: Leaves,
    account: TrieAccount,
    header: Header,
}

impl World {
    /// A registry that holds the checkpoint and nothing else, beside some accounts.
    fn fresh() -> Self {
        let mut storage = Leaves::new();
        let [size, root] = key().slots();
        storage.insert(keccak256(size), alloy_rlp::encode(U256::from(SIZE)));
        storage.insert(keccak256(root), alloy_rlp::encode(U256::from_be_bytes(ROOT)));
        let mut accounts = Leaves::new();
        let other = TrieAccount { code_hash: KECCAK256_EMPTY, ..TrieAccount::default() };
        for number in 0..12_u8 {
            let address = Address::repeat_byte(number);
            accounts.insert(keccak256(address), alloy_rlp::encode(other));
        }
        let account =
            TrieAccount { nonce: 1, code_hash: REGISTRY_CODE_HASH, ..TrieAccount::default() };
        let header = Header {
            number: 77,
            timestamp: 1_767_225_600,
            base_fee_per_gas: Some(7),
            withdrawals_root: Some(B256::repeat_byte(1)),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::repeat_byte(2)),
            requests_hash: Some(B256::repeat_byte(3)),
            ..Header::default()
        };
        Self { storage, accounts, account, header }
    }

    /// As deep as Ethereum's: nine full branches above the account, and some hundred logs in the registry.
    fn deep() -> Self {
        let mut world = Self::fresh();
        let other = alloy_rlp::encode(TrieAccount::default());
        crowd(&mut world.accounts, keccak256(REGISTRY), 9, &other);
        for slot in key().slots() {
            crowd(&mut world.storage, keccak256(slot), 2, &[0x05]);
        }
        world
    }

    fn proof(mut self) -> RegistryProof {
        let slots = key().slots().map(keccak256);
        let (storage_root, ways) = trie(&self.storage, &slots);
        self.account.storage_root = storage_root;
        let registry = keccak256(REGISTRY);
        self.accounts.insert(registry, alloy_rlp::encode(self.account));
        let (state_root, account) = trie(&self.accounts, &[registry]);
        let header = Header { state_root, ..self.header };
        let [size, root] = <[Vec<Bytes>; 2]>::try_from(ways).unwrap();
        let account = account.into_iter().next().unwrap();
        RegistryProof { header_rlp: alloy_rlp::encode(&header).into(), account, size, root }
    }
}

#[test]
fn shows_size_and_root_under_a_block_of_any_chain() {
    let proof = World::fresh().proof();
    let fact = RegistryFact {
        size: SIZE,
        root: ROOT,
        block_number: 77,
        block_hash: keccak256(&proof.header_rlp),
        timestamp_s: 1_767_225_600,
    };
    assert_eq!(proof.verify(&key()), Ok(fact));
    // Who writes stands beside the size, once writing was handed on.
    let mut handed = World::fresh();
    let word = (U256::from(0xabcd_u64) << 64) | U256::from(SIZE);
    handed.storage.insert(keccak256(key().slots()[0]), alloy_rlp::encode(word));
    assert_eq!(handed.proof().verify(&key()).unwrap().size, SIZE);
}

#[test]
fn another_key_of_the_same_registry_is_not_shown() {
    let proof = World::fresh().proof();
    let unshown = Err(RegistryProofError::Path { from: "storage", part: "size" });
    let other = RegistryKey { publisher: Address::repeat_byte(0xab), ..key() };
    assert_eq!(proof.verify(&other), unshown);
    let other = RegistryKey { origin: Digest::of(b"example.org/other"), ..key() };
    assert_eq!(proof.verify(&other), unshown);
}

#[test]
fn an_account_with_other_code_is_not_the_registry() {
    let mut world = World::fresh();
    world.account.code_hash = KECCAK256_EMPTY;
    let found = KECCAK256_EMPTY;
    assert_eq!(world.proof().verify(&key()), Err(RegistryProofError::Code { found }));
}

#[test]
fn a_key_with_a_writer_and_no_checkpoint_holds_nothing() {
    let mut world = World::fresh();
    let writer = U256::from(0xabcd_u64) << 64;
    world.storage.insert(keccak256(key().slots()[0]), alloy_rlp::encode(writer));
    let publisher = key().publisher;
    assert_eq!(world.proof().verify(&key()), Err(RegistryProofError::Nothing { publisher }));
}

#[test]
fn paths_that_are_short_long_or_swapped_lead_nowhere() {
    let proof = World::deep().proof();
    proof.verify(&key()).unwrap();
    let refused = |proof: RegistryProof| assert!(proof.verify(&key()).is_err());
    refused(RegistryProof { account: vec![], ..proof.clone() });
    refused(RegistryProof { account: proof.account[..9].to_vec(), ..proof.clone() });
    let longer = [proof.account.clone(), proof.account[..1].to_vec()].concat();
    refused(RegistryProof { account: longer, ..proof.clone() });
    refused(RegistryProof { size: proof.root.clone(), root: proof.size.clone(), ..proof.clone() });
    refused(RegistryProof { root: proof.size.clone(), ..proof.clone() });
    let endless = RegistryProof { size: vec![Bytes::from_static(&[0x80]); 21], ..proof.clone() };
    let limit = RegistryProofError::TooLong { part: "size", found: 21 };
    assert_eq!(endless.verify(&key()), Err(limit));
    let large = RegistryProof { header_rlp: vec![0; 70_000].into(), ..proof };
    assert!(matches!(large.verify(&key()), Err(RegistryProofError::TooLarge { .. })));
}

#[test]
fn every_flipped_bit_of_its_json_is_refused() {
    for world in [World::fresh(), World::deep()] {
        let proof = world.proof();
        let fact = proof.verify(&key()).unwrap();
        let bytes = canonical::to_vec(&proof).unwrap();
        assert_eq!(canonical::from_slice::<RegistryProof>(&bytes).unwrap(), proof);
        for position in 0..bytes.len() {
            for mask in [0x01, 0x20, 0x80] {
                let mut flipped = bytes.clone();
                flipped[position] ^= mask;
                // A flipped header may be one of another block, which the anchor's receipt does not name.
                let accepted = canonical::from_slice::<RegistryProof>(&flipped)
                    .ok()
                    .and_then(|proof| proof.verify(&key()).ok());
                assert!(accepted != Some(fact), "byte {position} flipped by {mask:#x}");
            }
        }
    }
}

#[test]
fn there_is_one_spelling() {
    let proof = World::fresh().proof();
    let value = serde_json::to_value(&proof).unwrap();
    let read = |value: &serde_json::Value| serde_json::from_value::<RegistryProof>(value.clone());
    assert_eq!(read(&value).unwrap(), proof);
    let mut other = value.clone();
    other["format"] = "chaoschain-registry-proof/2".into();
    assert!(read(&other).unwrap_err().to_string().contains("expected format"));
    let mut other = value.clone();
    other["more"] = 1.into();
    assert!(read(&other).is_err());
    let bytes = proof.to_rlp();
    assert_eq!(RegistryProof::from_rlp(&bytes), Ok(proof.clone()));
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(RegistryProof::from_rlp(&longer).is_err(), "bytes left over");
    // The path to the root's slot is not to repeat what the one to the size's has.
    let wire = Wire::from(RegistryProof { size: vec![], ..proof.clone() });
    let apart: RegistryProof = wire.try_into().unwrap();
    assert_eq!(apart.size, Vec::<Bytes>::new());
    assert!(
        bytes.len()
            < proof.size.iter().chain(&proof.root).map(|n| n.len()).sum::<usize>()
                + proof.header_rlp.len()
                + proof.account.iter().map(|n| n.len()).sum::<usize>()
    );
}

#[test]
fn it_is_small_and_checked_in_no_time() {
    for (what, world, most) in [
        ("fresh chain", World::fresh(), FRESH_BYTES_MAX),
        ("nine full branches", World::deep(), DEEP_BYTES_MAX),
    ] {
        let proof = world.proof();
        let text = canonical::to_vec(&proof).unwrap();
        let quickest = (0..20).map(|_| {
            let start = Instant::now();
            canonical::from_slice::<RegistryProof>(&text).unwrap().verify(&key()).unwrap();
            start.elapsed()
        });
        let quickest = quickest.min().unwrap();
        eprintln!(
            "{what}: {} nodes to the account, {} bytes, {} of JSON, read and verified in {quickest:?}",
            proof.account.len(),
            proof.to_rlp().len(),
            text.len()
        );
        assert!(proof.to_rlp().len() <= most, "{what}: {} bytes", proof.to_rlp().len());
        assert!(quickest < VERIFIED_WITHIN, "{what}: {quickest:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// alloy-trie's own check is the judge of the way through a trie.
    #[test]
    fn a_way_leads_to_what_another_check_says(
        keys in proptest::collection::btree_set(any::<u16>(), 1..300),
        value in proptest::collection::vec(any::<u8>(), 1..60),
        pick in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let leaves: Leaves =
            keys.iter().map(|key| (keccak256(key.to_be_bytes()), value.clone())).collect();
        let picked = *keys.iter().nth(pick.index(keys.len())).unwrap();
        let (root, ways) = trie(&leaves, &[keccak256(picked.to_be_bytes())]);
        let mut way = ways.into_iter().next().unwrap();
        prop_assert_eq!(trie_path::value(root, &picked.to_be_bytes(), &way), Some(value.clone()));
        let nibbles = Nibbles::unpack(keccak256(picked.to_be_bytes()));
        verify_proof(root, nibbles, Some(value), &way).unwrap();
        prop_assert_eq!(trie_path::value(root, &picked.wrapping_add(1).to_be_bytes(), &way), None);
        way.remove(cut.index(way.len()));
        prop_assert_eq!(trie_path::value(root, &picked.to_be_bytes(), &way), None);
    }

    #[test]
    fn bytes_from_strangers_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(proof) = RegistryProof::from_rlp(&bytes) {
            prop_assert_eq!(proof.to_rlp(), bytes);
            prop_assert!(proof.verify(&key()).is_err());
        }
    }
}
