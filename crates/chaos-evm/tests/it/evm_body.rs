//! A block's body is held to its header: by signed transactions of EIP-155 and others' libraries.

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header, SignableTransaction, TxEnvelope, TxLegacy,
    proofs::{calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, address, uint};
use chaos_evm::{Block, DecodeError, Hardfork, Part, Under, Why};
use serde_json::{Value, json};

/// Who signed the transaction of EIP-155's example.
const SENDER: Address = address!("0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");

/// The transaction of [EIP-155](https://eips.ethereum.org/EIPS/eip-155)'s example.
fn example() -> TxEnvelope {
    let signature = Signature::new(
        uint!(0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276_U256),
        uint!(0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83_U256),
        false,
    );
    let transaction = TxLegacy {
        chain_id: Some(1),
        nonce: 9,
        gas_price: 20_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(Address::repeat_byte(0x35)),
        value: U256::from(1_000_000_000_000_000_000_u64),
        input: Bytes::new(),
    };
    transaction.into_signed(signature).into()
}

fn withdrawal() -> Withdrawal {
    Withdrawal { index: 7, validator_index: 8, address: Address::repeat_byte(1), amount: 9 }
}

/// A block of mainnet in Shanghai with the example and a withdrawal, as a node gives it.
fn block() -> Value {
    let header = Header {
        number: 17_100_000,
        timestamp: 1_682_100_000,
        gas_limit: 30_000_000,
        gas_used: 21_000,
        base_fee_per_gas: Some(1),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: calculate_transaction_root(&[example()]),
        withdrawals_root: Some(calculate_withdrawals_root(&[withdrawal()])),
        ..Header::default()
    };
    let mut block = serde_json::to_value(&header).unwrap();
    block["hash"] = json!(header.hash_slow());
    block["uncles"] = json!([]);
    block["withdrawals"] = json!([{
        "index": "0x7", "validatorIndex": "0x8", "address": Address::repeat_byte(1), "amount": "0x9",
    }]);
    block["transactions"] = json!([{
        "type": "0x0", "hash": example().tx_hash(), "from": SENDER, "to": Address::repeat_byte(0x35),
        "nonce": "0x9", "gas": "0x5208", "gasPrice": "0x4a817c800", "value": "0xde0b6b3a7640000",
        "input": "0x", "v": "0x25",
        "r": "0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276",
        "s": "0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
    }]);
    block
}

fn decode(block: &Value) -> Result<Block, DecodeError> {
    Block::decode_rpc(&serde_json::to_vec(block).unwrap(), Some(1))
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), expect: &str) {
    let mut block = block();
    change(&mut block);
    let error = decode(&block).unwrap_err().to_string();
    assert!(error.contains(expect), "{error:?} does not contain {expect:?}");
}

#[test]
fn body_that_its_header_commits_to_is_bound_in_every_part() {
    let block = decode(&block()).unwrap();
    assert_eq!(block.unbound, []);
    assert_eq!(block.transactions[0].sender(), SENDER);
}

#[test]
fn each_changed_part_of_a_body_is_refused_by_name() {
    let first =
        |block: &mut Value, field: &str, value: Value| block["transactions"][0][field] = value;
    refused(|b| first(b, "value", json!("0x1")), "transactions[0].hash");
    refused(|b| first(b, "hash", json!(alloy_primitives::B256::ZERO)), "transactions[0].hash");
    refused(|b| first(b, "from", json!(Address::ZERO)), "transactions[0].from");
    refused(|b| first(b, "r", Value::Null), "transactions[0].r");
    refused(|b| b["transactions"] = json!([]), "transactionsRoot");
    refused(
        |b| {
            let copy = b["transactions"][0].clone();
            b["transactions"].as_array_mut().unwrap().push(copy);
        },
        "transactionsRoot",
    );
    refused(|b| b["withdrawals"][0]["amount"] = json!("0xa"), "withdrawalsRoot");
    refused(|b| b["withdrawals"] = json!([]), "withdrawalsRoot");
    refused(|b| b["uncles"] = json!([alloy_primitives::B256::ZERO]), "sha3Uncles");
    refused(|b| b["gasUsed"] = json!("0x5209"), "block.hash");
}

#[test]
fn transaction_of_an_unknown_type_after_a_whole_body_is_refused() {
    refused(
        |b| {
            let mut copy = b["transactions"][0].clone();
            copy["type"] = json!("0x7e");
            b["transactions"].as_array_mut().unwrap().push(copy);
        },
        "`block.transactions[1]` alone",
    );
}

#[test]
fn unknown_type_leaves_the_root_unbound_and_not_believed() {
    let mut changed = block();
    changed["transactions"][0]["type"] = json!("0x6a");
    let block = decode(&changed).unwrap();
    let why = Why::UnknownType { index: 0, type_byte: 0x6a };
    let transactions = block.unbound.iter().find(|unbound| unbound.part == Part::Transactions);
    assert_eq!(transactions.map(|unbound| &unbound.why), Some(&why));
}

#[test]
fn header_with_a_field_that_is_not_known_has_no_hash_to_compare() {
    let mut changed = block();
    changed["hash"] = json!(alloy_primitives::B256::ZERO);
    changed["extDataHash"] = json!(alloy_primitives::B256::ZERO);
    let block = decode(&changed).unwrap();
    let header = block.unbound.iter().find(|unbound| unbound.part == Part::Header).unwrap();
    assert_eq!(header.why, Why::ForeignField("extDataHash".to_owned()));
}

#[test]
fn type_that_older_nodes_leave_out_is_told_by_the_fields() {
    let mut older = block();
    older["transactions"][0].as_object_mut().unwrap().remove("type");
    assert_eq!(decode(&older).unwrap(), decode(&block()).unwrap());

    older["transactions"][0].as_object_mut().unwrap().remove("gasPrice");
    let error = decode(&older).unwrap_err().to_string();
    assert!(error.contains("missing field `block.transactions[0].type`"), "{error}");
}

#[test]
fn withdrawals_may_be_left_out_where_the_header_says_that_there_are_none() {
    let mut none = block();
    none["withdrawals"] = Value::Null;
    let error = decode(&none).unwrap_err().to_string();
    assert!(error.contains("missing field `block.withdrawals`"), "{error}");
    none["withdrawalsRoot"] = json!(alloy_consensus::EMPTY_ROOT_HASH);
    none["hash"] = Value::Null;
    assert_eq!(decode(&none).unwrap().withdrawals, []);
}

#[test]
fn mix_hash_may_be_left_out_before_the_merge() {
    let mut old = block();
    let fields = old.as_object_mut().unwrap();
    for name in ["mixHash", "withdrawals", "withdrawalsRoot"] {
        fields.remove(name);
    }
    fields.insert("number".to_owned(), json!("0xe4e1c0"));
    let block = decode(&old).unwrap();
    let header = block.unbound.iter().find(|unbound| unbound.part == Part::Header).unwrap();
    assert_eq!(header.why, Why::NoField("mixHash"));
}

#[test]
fn named_hard_fork_takes_the_place_of_the_schedule() {
    let json = serde_json::to_vec(&block()).unwrap();
    let under = |fork| {
        Block::decode_rpc_under(&json, Some(1), Some(Under::Hardfork(fork))).unwrap().rules.spec
    };
    for fork in Hardfork::ALL {
        if fork < Hardfork::Cancun {
            assert_eq!(under(fork), fork.spec());
        }
        assert_eq!(fork.name().parse(), Ok(fork));
        assert_eq!(fork.name().to_uppercase().replace('-', "").parse(), Ok(fork));
    }
    assert!("constantinople".parse::<Hardfork>().unwrap_err().to_string().contains("petersburg"));
}
