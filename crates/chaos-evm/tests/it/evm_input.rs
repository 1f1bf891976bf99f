//! Bad input: each error names the thing and its place.

use std::io::Write;

use chaos_evm::{
    Agreement, Bytecodes, DecodeError, Incomparable, RecordedBlock, ReplayInput, Skipped,
    load::{self, LoadParameters},
    replay,
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// A small generated block, as JSON and as a value.
fn block() -> (Vec<u8>, Value) {
    let load = load::generate(&small()).unwrap();
    let json = load.blocks[0].json.clone();
    let value = serde_json::from_slice(&json).unwrap();
    (json, value)
}

fn small() -> LoadParameters {
    LoadParameters { blocks: 2, gas_limit: 2_000_000, accounts: 32, ..LoadParameters::default() }
}

fn decode(value: &Value) -> Result<RecordedBlock, DecodeError> {
    RecordedBlock::decode(&serde_json::to_vec(value).unwrap(), None)
}

/// The error and its causes on one line, as a person sees them.
fn message(error: &DecodeError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

#[track_caller]
fn check(change: impl FnOnce(&mut Value), expect: &str) {
    let (_, mut value) = block();
    change(&mut value);
    let found = message(&decode(&value).unwrap_err());
    assert!(found.contains(expect), "{found:?} does not contain {expect:?}");
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
}

/// Takes the root of the transactions out, so that they can be changed.
fn unbind(value: &mut Value) {
    remove(value, "/block/transactionsRoot");
}

#[test]
fn names_the_missing_field_of_a_block() {
    for field in [
        "parentHash",
        "timestamp",
        "miner",
        "gasLimit",
        "gasUsed",
        "baseFeePerGas",
        "difficulty",
        "mixHash",
        "receiptsRoot",
        "blobGasUsed",
        "excessBlobGas",
        "parentBeaconBlockRoot",
        "transactions",
    ] {
        check(
            |value| remove(value, &format!("/block/{field}")),
            &format!("block 1: missing field `block.{field}`"),
        );
    }
    check(
        |value| {
            remove(value, "/block/withdrawals");
            remove(value, "/block/withdrawalsRoot");
        },
        "block 1: missing field `block.withdrawals`",
    );
    check(|value| remove(value, "/block/number"), "missing field `block.number`");
    check(|value| remove(value, "/block"), "missing field `block`");
    check(|value| remove(value, "/preState"), "block 1: missing field `preState`");
    check(|value| remove(value, "/blockHashes"), "block 1: missing field `blockHashes`");
}

#[test]
fn names_the_missing_field_of_a_transaction() {
    for field in ["hash", "from", "nonce", "gas", "value", "input"] {
        check(
            |value| remove(value, &format!("/block/transactions/3/{field}")),
            &format!("block 1: missing field `block.transactions[3].{field}`"),
        );
    }
    check(
        |value| {
            unbind(value);
            remove(value, "/block/transactions/2/type");
        },
        "block 1: missing field `block.transactions[2].type`",
    );
    check(
        |value| value["block"]["transactions"][3]["gas"] = Value::Null,
        "block 1: missing field `block.transactions[3].gas`, expected a 0x-prefixed",
    );
}

#[test]
fn names_the_missing_field_of_an_account() {
    let (_, mut value) = block();
    let accounts = value["preState"].as_object_mut().unwrap();
    let (address, account) = accounts.iter_mut().next().unwrap();
    let expect = format!("block 1: missing field `preState.{address}.balance`");
    account.as_object_mut().unwrap().remove("balance");
    assert!(message(&decode(&value).unwrap_err()).starts_with(&expect));
}

#[test]
fn says_what_it_expected_in_a_field_of_another_type() {
    check(
        |value| value["block"]["transactions"][3]["gas"] = json!(21_000),
        "block 1: bad field `block.transactions[3].gas`: invalid type: integer `21000`, expected a \
         0x-prefixed hexadecimal quantity of at most 64 bits",
    );
    check(
        |value| value["block"]["gasLimit"] = json!("0x10000000000000000"),
        "block 1: bad field `block.gasLimit`: invalid value",
    );
    check(
        |value| value["block"]["transactions"][0] = json!("0xhash"),
        "block 1: bad field `block.transactions[0]`",
    );
    check(|value| value["block"]["miner"] = json!("0x12"), "bad field `block.miner`");
}

#[test]
fn refuses_an_account_given_twice() {
    let (json, _) = block();
    let text = String::from_utf8(json).unwrap();
    let twice = r#""preState":{"0x00000000000000000000000000000000000000aA":{"balance":"0x1","nonce":0,"storage":{}},"0x00000000000000000000000000000000000000aa":{"balance":"0x2","nonce":0,"storage":{}},"#;
    let text = text.replacen(r#""preState":{"#, twice, 1);
    let error = RecordedBlock::decode(text.as_bytes(), None).unwrap_err();
    assert!(message(&error).contains("the same key appears twice"), "{}", message(&error));
}

#[test]
fn refuses_another_chain_than_asked_for() {
    let (json, _) = block();
    let error = RecordedBlock::decode(&json, Some(1)).unwrap_err();
    assert_eq!(message(&error), "block 1 is on chain 1337001, expected chain 1");
    check(
        |value| value["block"]["transactions"][2]["chainId"] = json!("0x1"),
        "block 1: `block.transactions[2].chainId` is 1, earlier transactions say 1337001",
    );
    check(
        |value| {
            for transaction in value["block"]["transactions"].as_array_mut().unwrap() {
                transaction["chainId"] = json!("0x7");
            }
        },
        "block 1 cannot be executed: chain 7 has no known fork schedule",
    );
}

#[test]
fn refuses_a_cut_file() {
    let (json, _) = block();
    let cut = RecordedBlock::decode(&json[..json.len() / 2], None).unwrap_err();
    assert!(message(&cut).starts_with("not a complete JSON document: EOF"), "{}", message(&cut));

    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&json).unwrap();
    let gzip = encoder.finish().unwrap();
    assert_eq!(
        RecordedBlock::decode(&gzip, None).unwrap(),
        RecordedBlock::decode(&json, None).unwrap(),
        "gzip makes no difference, not even to the digest"
    );
    for length in [2, 10, gzip.len() / 2, gzip.len() - 1] {
        let error = RecordedBlock::decode(&gzip[..length], None).unwrap_err();
        assert!(
            message(&error).starts_with("gzip stream is damaged or truncated"),
            "{length}: {}",
            message(&error)
        );
    }
}

#[test]
fn refuses_a_code_that_does_not_hash_to_its_key() {
    let load = load::generate(&small()).unwrap();
    let mut codes: Value = serde_json::from_slice(&load.bytecodes).unwrap();
    let (key, code) = codes.as_object_mut().unwrap().iter_mut().next().unwrap();
    let key = key.clone();
    *code = json!(format!("{}00", code.as_str().unwrap()));
    let error = Bytecodes::decode(&serde_json::to_vec(&codes).unwrap()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("code filed under {key} hashes to")));
}

#[test]
fn counts_slots_and_codes_that_the_file_lacks() {
    let (_, mut value) = block();
    let load = load::generate(&small()).unwrap();
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    let mut removed = 0;
    for account in value["preState"].as_object_mut().unwrap().values_mut() {
        let storage = account["storage"].as_object_mut().unwrap();
        removed += storage.len() as u64;
        storage.clear();
    }
    let result = replay(&ReplayInput::new(decode(&value).unwrap(), &codes)).unwrap();
    assert!(result.unknown_reads.storage > 0 && result.unknown_reads.storage <= removed);
    assert_eq!(result.unknown_reads.code, 0);
    assert!(!result.agrees());

    let (_, value) = block();
    let result = replay(&ReplayInput::new(decode(&value).unwrap(), &Bytecodes::default())).unwrap();
    assert!(result.unknown_reads.code > 0);
    assert!(!result.agrees());
}

#[test]
fn reports_a_transaction_that_may_not_stand_there_instead_of_stopping() {
    let load = load::generate(&small()).unwrap();
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    let (_, mut value) = block();
    unbind(&mut value);
    value["block"]["transactions"][1]["nonce"] = json!("0x77");
    value["block"]["transactions"][2]["gas"] = json!("0x7fffffffffffffff");
    let result = replay(&ReplayInput::new(decode(&value).unwrap(), &codes)).unwrap();
    let reasons: Vec<(usize, String)> =
        result.rejected.iter().map(|r| (r.index, r.reason.to_string())).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].0 == 1 && reasons[0].1.contains("nonce"), "{reasons:?}");
    assert!(reasons[1].0 == 2 && reasons[1].1.contains("gas left in the block"), "{reasons:?}");
    assert!(!result.agrees());
}

#[test]
fn reports_an_unknown_transaction_type_as_skipped() {
    let load = load::generate(&small()).unwrap();
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    let (_, mut value) = block();
    value["block"]["transactions"][4]["type"] = json!("0x6a");
    let result = replay(&ReplayInput::new(decode(&value).unwrap(), &codes)).unwrap();
    let skipped = Skipped { index: 4, type_byte: 0x6a };
    assert_eq!(result.skipped_transactions, [skipped]);
    assert_eq!(result.receipts_root.as_str(), "not_comparable");
    let why = Incomparable::UnknownType { index: 4, type_byte: 0x6a };
    assert_eq!(result.agreement(), Agreement::NotComparable(why));
    assert!(!result.agrees(), "what was not compared is no agreement");
}
