use chaos_agency::action::Anchor;
use chaos_chains::{Address, AnchorFact, AnchorProof};
use chaos_types::{ChainId, Check};
use serde_json::{Value, json};

use super::anchors::{ensure_signed, parse};

fn spelled() -> Value {
    json!({
        "chain": "eip155:1",
        "contract": format!("0x{}", "aa".repeat(20)),
        "block_number": 7,
        "block_hash": format!("0x{}", "bb".repeat(32)),
        "header_rlp": "0xc0",
        "receipt_index": 0,
        "receipt": "0x01",
        "proof": ["0x02"],
        "transaction": "0x03",
        "transaction_proof": ["0x04"],
    })
}

#[test]
fn rejects_an_anchor_proof_in_any_other_spelling() {
    let good = spelled();
    parse::<AnchorProof>(&good).unwrap();
    // serde also reads a struct from the array of its fields.
    let names = [
        "chain",
        "contract",
        "block_number",
        "block_hash",
        "header_rlp",
        "receipt_index",
        "receipt",
        "proof",
        "transaction",
        "transaction_proof",
    ];
    let array = Value::Array(names.iter().map(|&name| good[name].clone()).collect());
    let rejection = parse::<AnchorProof>(&array).unwrap_err();
    assert_eq!(rejection.check, Check::Anchor);
    assert!(rejection.reason.contains("expected an object"), "{rejection}");
}

#[test]
fn rejects_an_anchor_receipt_that_names_another_place_than_the_proof() {
    let fact = AnchorFact {
        chain: ChainId::evm(1),
        contract: Address::repeat_byte(0xaa),
        block_number: 7,
        block_hash: [0xbb; 32].into(),
        transaction_hash: Some([0xcc; 32].into()),
        timestamp_s: 0,
    };
    let signed = Anchor {
        chain: ChainId::evm(1),
        contract: format!("0x{}", "aa".repeat(20)),
        log_size: 3,
        root: "00".repeat(32),
        publisher: None,
        shown_by: None,
        transaction: Some(format!("0x{}", "cc".repeat(32))),
        block_number: 7,
        block_hash: format!("0x{}", "bb".repeat(32)),
    };
    ensure_signed(&fact, &signed).unwrap();
    let other = format!("0x{}", "dd".repeat(32));
    let lies = [
        ("chain", Anchor { chain: ChainId::evm(2), ..signed.clone() }),
        ("contract", Anchor { contract: other.clone(), ..signed.clone() }),
        ("block 7", Anchor { block_number: 8, ..signed.clone() }),
        ("block hash", Anchor { block_hash: other.clone(), ..signed.clone() }),
        ("transaction", Anchor { transaction: Some(other), ..signed }),
    ];
    for (field, lie) in lies {
        let rejection = ensure_signed(&fact, &lie).unwrap_err();
        assert_eq!(rejection.check, Check::Anchor);
        assert!(rejection.reason.contains(field), "{field}: {rejection}");
    }
}
