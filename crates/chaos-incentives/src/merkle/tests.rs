use alloy_sol_types::SolValue;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::*;

/// Made by the npm package, see `fixtures/merkle/README.md`.
const VECTORS: &str = include_str!("../../../../fixtures/merkle/standard-v1.json");

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    root: B256,
    dump: Value,
    proofs: Vec<Vec<B256>>,
}

/// A tree as the npm package writes it down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Dump {
    format: String,
    leaf_encoding: [String; 2],
    tree: Vec<B256>,
    values: Vec<DumpValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DumpValue {
    value: (Address, Amount),
    tree_index: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Amount(#[serde(with = "chaos_types::decimal")] U256);

impl Dump {
    fn of(tree: &MerkleTree) -> Self {
        let values = tree.claims.iter().zip(&tree.positions).map(|(claim, position)| DumpValue {
            value: (claim.account, Amount(claim.amount)),
            tree_index: *position,
        });
        Self {
            format: "standard-v1".to_owned(),
            leaf_encoding: ["address", "uint256"].map(str::to_owned),
            tree: tree.nodes.clone(),
            values: values.collect(),
        }
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<Vectors>(VECTORS).unwrap().cases
}

fn claim(account: u8, amount: u64) -> Claim {
    Claim { account: Address::repeat_byte(account), amount: U256::from(amount) }
}

#[test]
fn roots_proofs_and_dumps_equal_those_of_the_npm_package() {
    let cases = cases();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let dump: Dump = serde_json::from_value(case.dump.clone()).unwrap();
        let claims: Vec<Claim> = dump
            .values
            .iter()
            .map(|value| Claim { account: value.value.0, amount: value.value.1.0 })
            .collect();
        let tree = MerkleTree::new(claims).unwrap();
        assert_eq!(tree.root(), case.root, "{}", case.name);
        for (index, proof) in case.proofs.iter().enumerate() {
            assert!(verify_claim(case.root, &tree.claims()[index], proof));
            assert_eq!(tree.proof(index).as_ref(), Some(proof), "{} {index}", case.name);
        }
        assert_eq!(serde_json::to_value(Dump::of(&tree)).unwrap(), lower_case(case.dump));
    }
}

/// The package keeps an address as it was given; ours are written in lower case.
fn lower_case(value: Value) -> Value {
    serde_json::from_str(
        &value
            .to_string()
            .to_lowercase()
            .replace("leafencoding", "leafEncoding")
            .replace("treeindex", "treeIndex"),
    )
    .unwrap()
}

#[test]
fn a_leaf_is_the_double_hash_of_the_abi_encoding() {
    let claim = claim(0xab, 77);
    let encoded = (claim.account, claim.amount).abi_encode();
    assert_eq!(claim.leaf_hash(), keccak256(keccak256(encoded)));
}

#[test]
fn no_leaves_is_an_error() {
    assert_eq!(MerkleTree::new(Vec::new()), Err(NoLeaves { leaves: 0 }));
    assert_eq!(MerkleTree::new(vec![claim(1, 1)]).unwrap().proof(1), None);
}

proptest! {
    #[test]
    fn every_claim_is_proved_and_no_other(amounts in prop::collection::vec(any::<u64>(), 1..40)) {
        let claims: Vec<Claim> =
            amounts.iter().zip(0u8..).map(|(amount, byte)| claim(byte, *amount)).collect();
        let tree = MerkleTree::new(claims.clone()).unwrap();
        for (index, claim) in claims.iter().enumerate() {
            let proof = tree.proof(index).unwrap();
            prop_assert!(verify_claim(tree.root(), claim, &proof));
            let more = Claim { amount: claim.amount + U256::ONE, ..*claim };
            prop_assert!(!verify_claim(tree.root(), &more, &proof));
        }
        let mut turned = claims;
        turned.reverse();
        prop_assert_eq!(MerkleTree::new(turned).unwrap().root(), tree.root());
    }
}
