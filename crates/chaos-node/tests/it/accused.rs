//! What an audit finds where nobody but its reader says that it is the log's, and what it did not look at.

use serde_json::{Value, json};

use crate::{chain_files::lab_on, moved::GENESIS_S, transactions::Lab};

/// Creation code that emits `CheckpointAnchored(3, dd…)` and leaves this code.
fn emitting(code: &str) -> String {
    let code = code.trim_start_matches("0x");
    let topic = format!("{:x}", chaos_chains::keccak256("CheckpointAnchored(uint64,bytes32)"));
    let (root, size) = ("dd".repeat(32), format!("{:064x}", 3));
    let event = format!("7f{root}5f527f{size}7f{topic}60205fa2");
    let (bytes, begins) = (code.len() / 2, event.len() / 2 + 13);
    format!("0x{event}61{bytes:04x}61{begins:04x}5f3961{bytes:04x}5ff3{code}")
}

/// Our code with the log's name and publisher, whose constructor wrote what the publisher never signed.
fn strangers_contract(lab: &Lab) -> String {
    let honest = lab.own_contract("data");
    let code = lab.ask("eth_getCode", &json!([honest, "latest"]));
    let from = format!("{:#x}", lab.anvil.signer(4).address());
    let data = emitting(code.as_str().unwrap());
    let hash = lab.ask("eth_sendTransaction", &json!([{"from": from, "data": data}]));
    lab.ask("anvil_mine", &json!(["0x1"]));
    let receipt = lab.ask("eth_getTransactionReceipt", &json!([hash]));
    assert_eq!(receipt["logs"].as_array().map(Vec::len), Some(1), "{receipt}");
    receipt["contractAddress"].as_str().unwrap().to_owned()
}

#[test]
fn a_contract_that_no_entry_names_accuses_nobody() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let contract = strangers_contract(&lab);
    let audit = ["anchor", "audit", "--rpc-url", lab.anvil.endpoint(), "--contract", &contract];
    let told = lab.run(&audit, "data");
    let words = [&format!("in {contract}, which no entry of the log names"), "nobody says but you"];
    let told = told.expect_error(1, &words);
    assert!(told.stdout.contains("not in the log"), "{}", told.stdout);
    assert!(told.stdout.contains("nobody says but"), "{}", told.stdout);
    assert!(!told.stdout.to_lowercase().contains("split view"), "{}", told.stdout);
    assert!(told.stderr.contains("this accuses nobody"), "{}", told.stderr);
    let json = lab.run(&[&audit[..], &["--json"]].concat(), "data").expect_code(1).json();
    let own = [&json[0]["is_split"], &json[0]["anchors"][0]["is_own"]];
    assert_eq!(own, [&Value::Bool(false); 2], "{}", json[0]);
    assert_eq!(json[0]["is_on_readers_word"], true);
    assert_eq!(json[0]["anchors"][0]["judgement"], "not_in_the_log");
    // Not by naming the publisher either.
    let publisher = json[0]["anchors"][0]["publisher"].as_str().unwrap();
    lab.run(&[&audit[..], &["--publisher", publisher]].concat(), "data").expect_code(1);
}

/// A log that was anchored on a chain of the same number, which is gone: its entry names a block before the registry
/// of this one.
#[test]
fn an_anchor_that_an_entry_names_outside_of_what_was_looked_at_is_no_success() {
    let (Some(lab), Some(other)) = (Lab::start(), lab_on(31_337, GENESIS_S)) else { return };
    lab.deployed();
    let url = other.anvil.endpoint();
    other.ask("anvil_mine", &json!(["0x14"]));
    lab.run(&["tx", "cancel", "0", "--gone", "--rpc-url", url], "data").expect_code(0);
    let line = ["agent", "register", "--name", "bob", "--role", "researcher"];
    lab.run(&line, "data").expect_code(0);
    lab.anchor(url, &["--deploy"]).expect_code(0);
    let audit = ["anchor", "audit", "--rpc-url", url];
    let told = lab.run(&audit, "data");
    let told = told.expect_error(3, &["not judged: entry 3 says that size 3", "were looked at"]);
    assert!(told.stderr.contains("--from-block"), "{}", told.stderr);
    let json = lab.run(&[&audit[..], &["--json"]].concat(), "data").expect_code(3).json();
    assert_eq!(json[0]["not_looked_at"][0]["entry"], "3");
    let whole = lab.run(&[&audit[..], &["--from-block", "0"]].concat(), "data");
    whole.expect_error(1, &["entry 3 says that size 3", "the chain has no such anchor"]);
}
