//! The map against vectors that Python made from its definition (`fixtures/map/map.py`), against the
//! definition itself, and against damaged proofs.

use std::collections::{BTreeMap, BTreeSet};

use chaos_log::map::{
    Change, EMPTY, End, Found, Hash, Key, MemoryMap, NODE_BYTES_MAX, Node, NodeRead, Proof,
    ProofError, ReadError, STEPS_MAX, Step, Value, prove, update,
};
use proptest::prelude::*;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::bytes_from_hex;

fn vectors() -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/map/vectors.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap()
}

fn key(hex: &Json) -> Key {
    text(hex).parse().unwrap()
}

fn hash(hex: &Json) -> Hash {
    text(hex).parse().unwrap()
}

fn value(hex: &Json) -> Value {
    text(hex).parse().unwrap()
}

fn entries(case: &Json) -> Vec<(Key, Value)> {
    let entries = case["entries"].as_array().unwrap().iter();
    entries.map(|entry| (key(&entry[0]), Value::of(text(&entry[1]).as_bytes()))).collect()
}

fn map_of(entries: &[(Key, Value)]) -> MemoryMap {
    let mut map = MemoryMap::new();
    entries.iter().for_each(|(key, value)| map.insert(*key, *value));
    map
}

/// The definition, as the documentation says it.
fn defined(entries: &BTreeMap<[u8; 32], Value>) -> [u8; 32] {
    let bit = |key: &[u8; 32], at: usize| key[at / 8] >> (7 - at % 8) & 1 == 1;
    let (Some((first, value)), Some((last, _))) =
        (entries.first_key_value(), entries.last_key_value())
    else {
        return Sha256::digest(b"chaoschain-map/1 empty").into();
    };
    let Some(at) = (0..256).find(|at| bit(first, *at) != bit(last, *at)) else {
        let parts = [b"chaoschain-map/1 leaf\0", first.as_slice(), value.as_bytes()].concat();
        return Sha256::digest(parts).into();
    };
    let side = |set| {
        entries.iter().filter(|(key, _)| bit(key, at) == set).map(|(k, v)| (*k, *v)).collect()
    };
    let (left, right) = (defined(&side(false)), defined(&side(true)));
    let at = [u8::try_from(at).unwrap()];
    Sha256::digest([b"chaoschain-map/1 node\0", at.as_slice(), &left, &right].concat()).into()
}

#[test]
fn roots_and_proofs_are_those_that_python_makes() {
    let vectors = vectors();
    for typed in vectors["typed"].as_array().unwrap() {
        assert_eq!(Key::of(text(&typed[0]).as_bytes()), key(&typed[1]));
    }
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let map = map_of(&entries(case));
        let root = hash(&case["root"]);
        assert_eq!(map.root(), root, "{}", case["name"]);
        for vector in case["proofs"].as_array().unwrap() {
            let steps = vector["steps"].as_array().unwrap().iter().map(|step| Step {
                bit: step[0].as_u64().unwrap().try_into().unwrap(),
                sibling: hash(&step[1]),
            });
            let end = match &vector["end"] {
                Json::Null => End::Empty,
                end => End::Leaf { key: key(&end[0]), value: value(&end[1]) },
            };
            let proof = Proof::new(steps.collect(), end).unwrap();
            let searched = key(&vector["key"]);
            assert_eq!(map.prove(&searched), proof, "{}", case["name"]);
            let found = match &vector["found"] {
                Json::Null => Found::Absent,
                found => Found::Value(value(found)),
            };
            assert_eq!(proof.verify(&root, &searched).unwrap(), found);
        }
    }
}

/// The vectors that the design of the map names, so that a change of the script cannot move them.
#[test]
fn roots_are_those_of_the_design() {
    let mut map = MemoryMap::new();
    let mut check = |key: &[u8], value: &[u8], root: &str| {
        map.insert(Key::of(key), Value::of(value));
        assert_eq!(map.root().to_string(), root);
    };
    let ada = "053611d8b4d95d840b1a8bf78e9a065080b79b059abc8278c0d4be231f482075";
    let bob = "1a05e65ac21ba375954966efcdbf73b2bc0ac816652bed3b7f4af920fa5edb67";
    let refused = "631375341daad9b6ba57661f6f958eb3e2e74a988342154f562392e6e5f350c5";
    check(b"name\0ada", br#"{"owner":"did:key:zA"}"#, ada);
    check(b"name\0bob", br#"{"owner":"did:key:zB"}"#, bob);
    check(b"refused\x007", br#"{"code":"time-back"}"#, refused);
    let mut last = [0; 32];
    last[31] = 1;
    let pair =
        [(Key::from_bytes([0; 32]), Value::of(b"a")), (Key::from_bytes(last), Value::of(b"b"))];
    let expect = "936d76646bc7f4829b075f6a293b52b8fd17979c3fff2b1a2d0b71b29221cbc0";
    assert_eq!(map_of(&pair).root().to_string(), expect);
    assert_eq!(
        EMPTY.to_string(),
        "a9037c5b5fb83732ca73343e35409496e7f245c49b1b2fc80019f5bd7c16ed09"
    );
    assert_eq!(MemoryMap::new().root(), EMPTY);
}

fn of_case(name: &str) -> MemoryMap {
    let vectors = vectors();
    let case =
        vectors["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    map_of(&entries(case))
}

#[test]
fn the_longest_way_has_as_many_steps_as_a_key_has_bits() {
    let map = of_case("the longest way");
    let proof = map.prove(&Key::from_bytes([0; 32]));
    assert_eq!(proof.steps().len(), STEPS_MAX);
    let longer: Vec<Step> = proof.steps().iter().chain(&proof.steps()[..1]).copied().collect();
    assert_eq!(Proof::new(longer, *proof.end()), Err(ProofError::TooLong { found: 257 }));
}

#[test]
fn malformed_proofs_are_refused_by_name() {
    let map = of_case("300 keys");
    let (present, absent) = (*some_key(&map), Key::of(b"absent"));
    let proof = map.prove(&present);
    let end = *proof.end();
    let mut steps = proof.steps().to_vec();
    steps.swap(0, 1);
    let bit = steps[1].bit;
    assert_eq!(Proof::new(steps, end), Err(ProofError::Order { position: 1, bit }));
    let mut steps = proof.steps().to_vec();
    steps[1].bit = steps[0].bit;
    let bit = steps[1].bit;
    assert_eq!(Proof::new(steps, end), Err(ProofError::Order { position: 1, bit }));
    let some = proof.steps()[..1].to_vec();
    assert_eq!(Proof::new(some, End::Empty), Err(ProofError::Empty { found: 1 }));
    // A proof for one key says nothing of another that leaves its way.
    let refusal = proof.verify(&map.root(), &absent).unwrap_err();
    assert!(matches!(refusal, ProofError::Astray { .. }), "{refusal}");
    let refusal = proof.verify(&EMPTY, &present).unwrap_err();
    assert!(matches!(refusal, ProofError::Root { .. }), "{refusal}");
    assert_eq!(Proof::new(vec![], End::Empty).unwrap().verify(&EMPTY, &absent), Ok(Found::Absent));
    let nothing = Proof::new(vec![], End::Empty).unwrap();
    assert!(nothing.verify(&map.root(), &absent).is_err());
}

#[test]
fn another_value_step_or_sibling_leads_to_another_root() {
    let map = of_case("300 keys");
    let present = *some_key(&map);
    let proof = map.prove(&present);
    let root = map.root();
    assert!(matches!(proof.verify(&root, &present), Ok(Found::Value(_))));
    let forged = End::Leaf { key: present, value: Value::of(b"forged") };
    assert!(Proof::new(proof.steps().to_vec(), forged).unwrap().verify(&root, &present).is_err());
    for position in 0..proof.steps().len() {
        let mut steps = proof.steps().to_vec();
        steps.remove(position);
        assert!(Proof::new(steps, *proof.end()).unwrap().verify(&root, &present).is_err());
        let mut steps = proof.steps().to_vec();
        steps[position].sibling = EMPTY;
        assert!(Proof::new(steps, *proof.end()).unwrap().verify(&root, &present).is_err());
        let mut steps = proof.steps().to_vec();
        steps[position].bit += 1;
        let moved = Proof::new(steps, *proof.end());
        assert!(moved.is_err() || moved.unwrap().verify(&root, &present).is_err());
    }
    // Claiming absence by ending in the leaf of another key.
    let other = Key::of(b"other");
    let astray = End::Leaf { key: other, value: Value::of(b"") };
    assert!(Proof::new(proof.steps().to_vec(), astray).unwrap().verify(&root, &present).is_err());
}

fn some_key(map: &MemoryMap) -> &'static Key {
    static KEY: std::sync::OnceLock<Key> = std::sync::OnceLock::new();
    KEY.get_or_init(|| match map.prove(&Key::of(b"any")).end() {
        End::Leaf { key, .. } => *key,
        End::Empty => unreachable!("the map is not empty"),
    })
}

/// Nodes in the hands of somebody who damages them.
struct Damaged {
    map: MemoryMap,
    at: Hash,
    with: Option<Node>,
}

impl NodeRead for Damaged {
    type Error = std::convert::Infallible;

    fn read_node(&self, hash: &Hash) -> Result<Option<Node>, Self::Error> {
        if *hash == self.at { Ok(self.with) } else { self.map.read_node(hash) }
    }
}

#[test]
fn damaged_nodes_are_named() {
    let map = of_case("300 keys");
    let (root, searched) = (map.root(), Key::of(b"absent"));
    let missing = Damaged { map: map.clone(), at: root, with: None };
    assert_eq!(prove(&missing, &root, &searched), Err(ReadError::Missing { hash: root }));
    let put = [(searched, Value::of(b"1"))];
    assert_eq!(update(&missing, &root, put), Err(ReadError::Missing { hash: root }));
    let leaf = Node::Leaf { key: searched, value: Value::of(b"1") };
    let other = Damaged { map, at: root, with: Some(leaf) };
    let refusal = prove(&other, &root, &searched).unwrap_err();
    assert_eq!(refusal, ReadError::Other { expected: root, found: leaf.hash() });
    // A ring or a descent that does not end cannot be built from hashes, but a wrong order can.
    let branch = |bit, left| Node::Branch { bit, left, right: EMPTY };
    let (low, high) = (branch(5, leaf.hash()), branch(5, branch(5, leaf.hash()).hash()));
    struct Two([Node; 3]);
    impl NodeRead for Two {
        type Error = std::convert::Infallible;
        fn read_node(&self, hash: &Hash) -> Result<Option<Node>, Self::Error> {
            Ok(self.0.iter().find(|node| node.hash() == *hash).copied())
        }
    }
    let two = Two([leaf, low, high]);
    let refusal = prove(&two, &high.hash(), &Key::from_bytes([0; 32])).unwrap_err();
    assert_eq!(refusal, ReadError::Order { hash: low.hash(), bit: 5 });
}

#[test]
fn nodes_have_one_spelling_and_hashes_two_words() {
    let map = of_case("300 keys");
    let root = map.read_node(&map.root()).unwrap().unwrap();
    let leaf = Node::Leaf { key: Key::of(b"k"), value: Value::of(b"v") };
    for node in [root, leaf] {
        let bytes = node.to_bytes();
        assert!(bytes.len() <= NODE_BYTES_MAX);
        assert_eq!(Node::from_bytes(&bytes).unwrap(), node);
        assert!(Node::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Node::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
    }
    let refusal = Node::from_bytes(&[2; 65]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "expected a leaf of 65 bytes or a branch of 66, found 65 bytes"
    );
    assert!(Node::from_bytes(&[]).is_err());
    let upper = map.root().to_string().to_uppercase();
    assert!(upper.parse::<Hash>().is_err(), "one spelling of a hash");
    assert_eq!(Hash::from_bytes(*map.root().as_bytes()), map.root());
    let bytes: [u8; 32] = bytes_from_hex(&map.root().to_string()).try_into().unwrap();
    assert_eq!(&bytes, map.root().as_bytes());
}

/// Keys in few places, so that they share long prefixes and repeat.
fn crowded() -> impl Strategy<Value = Vec<([u8; 32], u8)>> {
    let key = prop_oneof![
        (0u8..4, 0u8..=255).prop_map(|(first, last)| {
            let mut key = [0; 32];
            (key[0], key[31]) = (first << 6, last);
            key
        }),
        (0usize..256).prop_map(|at| {
            let mut key = [0; 32];
            key[at / 8] = 128 >> (at % 8);
            key
        }),
        any::<[u8; 32]>(),
    ];
    proptest::collection::vec((key, 0u8..4), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn roots_and_proofs_follow_the_definition(puts in crowded(), searched in any::<[u8; 32]>()) {
        let mut map = MemoryMap::new();
        let mut entries = BTreeMap::new();
        for (key, value) in &puts {
            map.insert(Key::from_bytes(*key), Value::of(&[*value]));
            entries.insert(*key, Value::of(&[*value]));
        }
        prop_assert_eq!(map.root(), Hash::from_bytes(defined(&entries)));
        prop_assert_eq!(map.nodes_len(), (entries.len() * 2).saturating_sub(1));
        let backwards: Vec<_> =
            entries.iter().rev().map(|(k, v)| (Key::from_bytes(*k), *v)).collect();
        prop_assert_eq!(map_of(&backwards), map.clone(), "in whatever order");
        for key in entries.keys().chain([&searched]) {
            let expect = entries.get(key).map_or(Found::Absent, |value| Found::Value(*value));
            let key = Key::from_bytes(*key);
            prop_assert_eq!(map.prove(&key).verify(&map.root(), &key), Ok(expect));
        }
    }

    #[test]
    fn one_change_of_many_keys_is_the_sum_of_its_parts(before in crowded(), puts in crowded()) {
        let entry = |(key, value): &([u8; 32], u8)| (Key::from_bytes(*key), Value::of(&[*value]));
        let old = map_of(&before.iter().map(entry).collect::<Vec<_>>());
        let all: Vec<_> = before.iter().chain(&puts).map(entry).collect();
        let new = map_of(&all);
        let Change { root, born, died } = update(&old, &old.root(), puts.iter().map(entry)).unwrap();
        prop_assert_eq!(root, new.root());
        let nodes = |map: &MemoryMap| -> BTreeSet<Hash> { reached(map, map.root()) };
        let (before, after) = (nodes(&old), nodes(&new));
        prop_assert_eq!(born.keys().copied().collect::<BTreeSet<_>>(), &after - &before);
        prop_assert_eq!(died, &before - &after);
        for (hash, node) in born {
            prop_assert_eq!(node.hash(), hash);
        }
    }
}

/// The nodes that a root leads to.
fn reached(map: &MemoryMap, root: Hash) -> BTreeSet<Hash> {
    let mut found = BTreeSet::new();
    let mut left = vec![root];
    while let Some(hash) = left.pop() {
        match map.read_node(&hash).unwrap() {
            Some(Node::Branch { left: one, right: other, .. }) => left.extend([one, other]),
            Some(Node::Leaf { .. }) => {}
            None => continue,
        }
        found.insert(hash);
    }
    found
}
