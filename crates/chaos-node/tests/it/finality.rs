//! When an anchor counts: what a node shows, how sure it is, and what is looked at before anything is paid.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    proxy::{Proxy, Reply},
    transactions::{Lab, ended},
};

fn error(code: i64, message: &str) -> Reply {
    let answer = json!({"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": message}});
    Reply::Answer(200, String::new(), answer.to_string())
}

/// Entries of the log.
fn entries(lab: &Lab) -> usize {
    lab.run(&["log", "show", "--json"], "data").expect_code(0).json().len()
}

/// Anchors in a contract and waits until that is final.
fn finally(lab: &Lab, url: &str, contract: &str, wait: &str) -> crate::program::Run {
    let line = ["anchor", "--rpc-url", url, "--contract", contract, "--wait", wait, "--json"];
    lab.run(&line, "data")
}

#[test]
fn an_anchor_is_logged_once_its_block_stays() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    let (before, landed) = (entries(&lab), lab.landed());
    let early = finally(&lab, lab.anvil.endpoint(), &contract, "1");
    ended(early, 4, &["included", "not final yet", "the same command goes on with it"]);
    assert_eq!((entries(&lab), lab.landed()), (before, landed + 1));
    let open = lab.list().pop().unwrap();
    assert_eq!(open["finality"], "included");
    lab.ask("anvil_mine", &json!(["0x50"]));
    let done = finally(&lab, lab.anvil.endpoint(), &contract, "60").expect_code(0).json();
    assert_eq!(done[0]["anchor"]["transaction"], open["landed"]);
    assert_eq!(done[0]["finality"], "final");
    assert_eq!((entries(&lab), lab.landed()), (before + 1, landed + 1));
}

/// A command that lost its patience, and a log that grew before the next one.
#[test]
fn an_anchor_that_was_paid_for_is_logged_although_the_log_grew() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    let (before, landed) = (entries(&lab), lab.landed());
    ended(finally(&lab, lab.anvil.endpoint(), &contract, "1"), 4, &["not final yet"]);
    let line = ["agent", "register", "--name", "grace", "--role", "researcher"];
    lab.run(&line, "data").expect_code(0);
    // And it ends behind the log's back.
    lab.ask("anvil_mine", &json!(["0x50"]));
    lab.tx(&["resume"]).expect_code(0);
    let line = ["anchor", "--rpc-url", lab.anvil.endpoint(), "--contract", &contract];
    let line = [&line[..], &["--finality", "included"]].concat();
    let done = lab.run(&line, "data").expect_code(0);
    let told = format!("size {before} was anchored before, receipt sha256:");
    assert!(done.stderr.contains(&told), "{}", done.stderr);
    // Nobody asked for more to be paid.
    let told = format!("the log has {} entries; nothing was paid for those behind it", before + 2);
    assert!(done.stdout.contains(&told), "{}", done.stdout);
    assert_eq!((entries(&lab), lab.landed()), (before + 2, landed + 1));
    // Once: the next finds its receipt, and anchors what came since.
    let again = lab.run(&line, "data").expect_code(0);
    assert!(!again.stderr.contains("was anchored before"), "{}", again.stderr);
    assert_eq!((entries(&lab), lab.landed()), (before + 3, landed + 2));
}

#[test]
fn a_command_that_is_to_go_on_logs_what_was_paid_for_and_anchors_the_newer_head() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    let (before, landed) = (entries(&lab), lab.landed());
    ended(finally(&lab, lab.anvil.endpoint(), &contract, "1"), 4, &["not final yet"]);
    let line = ["agent", "register", "--name", "grace", "--role", "researcher"];
    lab.run(&line, "data").expect_code(0);
    let done = lab.anchor(lab.anvil.endpoint(), &["--go-on", "--json"]).expect_code(0);
    assert!(done.stderr.contains("was anchored before, receipt"), "{}", done.stderr);
    let lines = done.json();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["anchor"]["log_size"], json!((before + 2).to_string()));
    assert_eq!((entries(&lab), lab.landed()), (before + 3, landed + 2));
}

/// The node's chain is reorganised as soon as the anchor was seen in a block, and grows once it is back.
#[test]
fn what_a_reorganisation_takes_goes_out_again_with_the_same_bytes() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    // What was sent so far ends, so that nothing but the next anchor is asked for.
    lab.ask("anvil_mine", &json!(["0x50"]));
    lab.tx(&["resume"]).expect_code(0);
    let (before, landed) = (entries(&lab), lab.landed());
    let chain = lab.anvil.endpoint().to_owned();
    let mut asked = 0;
    let unsteady = Proxy::start(lab.anvil.endpoint(), move |_, body| {
        if body.contains("\"finalized\"") {
            asked += 1;
            let method = match asked {
                1 => Some(
                    json!({"jsonrpc": "2.0", "id": 0, "method": "anvil_reorg", "params": [1, []]}),
                ),
                3 => Some(
                    json!({"jsonrpc": "2.0", "id": 0, "method": "anvil_mine", "params": ["0x50"]}),
                ),
                _ => None,
            };
            if let Some(method) = method {
                let answer = crate::proxy::ask(&chain, &method.to_string());
                assert!(!answer.contains("error"), "{answer}");
            }
        }
        Reply::Forward
    });
    let done = finally(&lab, &unsteady.url, &contract, "60").expect_code(0);
    assert!(
        done.stderr.contains("no longer part of the chain, sending it again"),
        "{}",
        done.stderr
    );
    let sent: Vec<&str> = done.stderr.lines().filter(|line| line.starts_with("sending ")).collect();
    assert!(sent.len() == 2 && sent[0] == sent[1], "{sent:?}");
    assert_eq!((entries(&lab), lab.landed()), (before + 1, landed + 1));
    let anchor = &done.json()[0]["anchor"];
    let receipt = lab.ask("eth_getTransactionReceipt", &json!([anchor["transaction"]]));
    assert_eq!(receipt["blockHash"], anchor["block_hash"], "the block that stayed");
}

#[test]
fn depth_stands_for_final_where_a_chain_names_no_final_block() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    let untagged = Proxy::start(lab.anvil.endpoint(), |_, body| {
        if body.contains("\"finalized\"") || body.contains("\"safe\"") {
            return error(-32602, "unknown block tag");
        }
        Reply::Forward
    });
    let early = ended(finally(&lab, &untagged.url, &contract, "1"), 4, &["not final yet"]);
    let stated = "this chain names no final block: 64 blocks stand for one";
    assert!(early.stderr.contains(stated), "{}", early.stderr);
    lab.ask("anvil_mine", &json!(["0x3e"]));
    ended(finally(&lab, &untagged.url, &contract, "1"), 4, &["safe", "not final yet"]);
    lab.ask("anvil_mine", &json!(["0x1"]));
    finally(&lab, &untagged.url, &contract, "60").expect_code(0);
    let line = ["anchor", "--rpc-url", &untagged.url, "--deploy", "--finality", "seen"];
    let refused = lab.run(&line, "data").expect_code(2);
    assert!(refused.stderr.contains("`included:N`"), "{}", refused.stderr);
}

/// Two machines with one key: whoever comes second finds the anchor and logs it, and pays nothing.
#[test]
fn an_anchor_that_another_sent_is_found_and_not_paid_again() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    copy(&lab.dir.path().join("data"), &lab.dir.path().join("copy"));
    let url = lab.anvil.endpoint();
    let line = ["anchor", "--rpc-url", url, "--contract", &contract, "--json"];
    let line = [&line[..], &["--finality", "included", "--wait", "5"]].concat();
    // The copy's own journal is not that of the first.
    fs::remove_dir_all(lab.dir.path().join("copy/transactions")).unwrap();
    fs::remove_dir_all(lab.dir.path().join("heads/accounts")).unwrap();
    let first = lab.run(&line, "copy").expect_code(0).json();
    let landed = lab.landed();
    let second = lab.run(&line, "data").expect_code(0).json();
    assert!(first[0]["anchor"]["transaction"].is_string(), "{first:?}");
    // Which transaction it was the registry does not say, and the proof does not need.
    assert!(second[0]["anchor"].get("transaction").is_none(), "{second:?}");
    for field in ["root", "block_number", "block_hash"] {
        assert_eq!(first[0]["anchor"][field], second[0]["anchor"][field], "{field}");
    }
    assert_eq!(lab.landed(), landed);
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

#[test]
fn a_method_that_the_proof_needs_is_missed_before_anything_is_paid() {
    let Some(lab) = Lab::start() else { return };
    for method in ["eth_getTransactionReceipt", "eth_getProof"] {
        let lacking = Proxy::start(lab.anvil.endpoint(), move |_, body| {
            if body.contains(&format!("\"{method}\"")) {
                return error(-32601, "method not found");
            }
            Reply::Forward
        });
        lab.anchor(&lacking.url, &["--deploy"]).expect_error(4, &["does not support", method]);
        lab.anchor(&lacking.url, &["--deploy", "--dry-run"]).expect_error(4, &[method]);
    }
    assert_eq!(lab.landed(), 0);
}

/// As Ganache does.
#[test]
fn a_node_without_receipts_of_whole_blocks_is_asked_for_each() {
    let Some(lab) = Lab::start() else { return };
    let lacking = Proxy::start(lab.anvil.endpoint(), move |_, body| {
        if body.contains("\"eth_getBlockReceipts\"") {
            return error(
                -32601,
                "The method eth_getBlockReceipts does not exist/is not available",
            );
        }
        Reply::Forward
    });
    // The registry needs no receipts of others at all; a contract of the log's own is asked one by one.
    let own = lab.own_contract("data");
    lab.anchor(&lacking.url, &["--contract", &own]).expect_code(0);
    assert_eq!(lab.landed(), 1);
    lab.anchor(&lacking.url, &["--deploy"]).expect_code(0);
    assert_eq!(lab.landed(), 3);
}

/// Arbitrum begins each of its blocks with a transaction of a kind of its own.
#[test]
fn blocks_of_unknown_kinds_hinder_no_anchor_but_in_a_contract_of_the_logs_own() {
    let Some(lab) = Lab::start() else { return };
    let chain = lab.anvil.endpoint().to_owned();
    let foreign = Proxy::start(lab.anvil.endpoint(), move |_, body| {
        let is_whole = body.contains("\"eth_getBlockBy") && body.contains(",true]");
        if !is_whole {
            return Reply::Forward;
        }
        let mut answer: Value = serde_json::from_str(&crate::proxy::ask(&chain, body)).unwrap();
        answer["result"]["transactions"] = json!([{"type": "0x6a", "hash": "0x00"}]);
        Reply::Answer(200, String::new(), answer.to_string())
    });
    let own = lab.own_contract("data");
    let refused = lab.anchor(&foreign.url, &["--contract", &own]);
    refused.expect_error(4, &["does not support proving an anchor", "nothing was sent"]);
    assert_eq!(lab.landed(), 0);
    lab.anchor(&foreign.url, &["--deploy"]).expect_code(0);
    assert_eq!(lab.landed(), 2);
}

#[test]
fn a_contract_that_is_not_this_logs_is_refused_by_its_code() {
    let Some(lab) = Lab::start() else { return };
    let own = lab.own_contract("data");
    lab.anchor(lab.anvil.endpoint(), &["--contract", &own]).expect_code(0);
    let landed = lab.landed();
    lab.register("other");
    let url = lab.anvil.endpoint();
    let line = |contract: &str| {
        let line = ["anchor", "--rpc-url", url, "--finality", "included", "--contract", contract];
        line.map(str::to_owned)
    };
    let anchor = |contract: &str| {
        let line = line(contract);
        lab.run(&line.iter().map(String::as_str).collect::<Vec<_>>(), "other")
    };
    anchor(&own).expect_error(3, &["is not the CheckpointAnchor of this log", "its log is 0x"]);
    let nobody = "0x000000000000000000000000000000000000dEaD";
    anchor(nobody).expect_error(3, &["its code is none"]);
    // The same length, and one byte otherwise.
    let code = lab.ask("eth_getCode", &json!([own, "latest"]));
    let code = code.as_str().unwrap().to_owned();
    let patched = format!("{}00", &code[..code.len() - 2]);
    lab.ask("anvil_setCode", &json!([own, patched]));
    let refused = lab.anchor(url, &["--contract", &own]);
    refused.expect_error(3, &["its code hash is 0x", "expected 0x"]);
    assert_eq!(lab.landed(), landed);
}

#[test]
fn a_chain_without_fee_caps_is_named_before_anything_is_paid() {
    let Some(lab) = Lab::start() else { return };
    let chain = lab.anvil.endpoint().to_owned();
    let old = Proxy::start(lab.anvil.endpoint(), move |_, body| {
        if !body.contains("\"latest\",false") {
            return Reply::Forward;
        }
        let mut answer: Value = serde_json::from_str(&crate::proxy::ask(&chain, body)).unwrap();
        answer["result"].as_object_mut().unwrap().remove("baseFeePerGas");
        Reply::Answer(200, String::new(), answer.to_string())
    });
    lab.anchor(&old.url, &["--deploy"]).expect_error(4, &["does not support EIP-1559"]);
    assert_eq!(lab.landed(), 0);
}

/// A rollup's node calls each block safe at once: that says nothing of how many are on top.
#[test]
fn depth_that_is_asked_for_is_waited_for_whatever_the_node_calls_the_block() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    let (before, chain) = (entries(&lab), lab.anvil.endpoint().to_owned());
    let rollup = Proxy::start(lab.anvil.endpoint(), move |_, body| {
        if !body.contains("\"safe\"") {
            return Reply::Forward;
        }
        let answer = crate::proxy::ask(&chain, &body.replace("\"safe\"", "\"latest\""));
        Reply::Answer(200, String::new(), answer)
    });
    let anchor = |finality: &str, wait: &str| {
        let line = ["anchor", "--rpc-url", &rollup.url, "--contract", &contract, "--json"];
        lab.run(&[&line[..], &["--finality", finality, "--wait", wait]].concat(), "data")
    };
    ended(anchor("included:10", "1"), 4, &["safe (1 deep)", "not included:10 yet"]);
    lab.ask("anvil_mine", &json!(["0x8"]));
    anchor("included:10", "1").expect_error(4, &["safe (9 deep)", "not included:10 yet"]);
    assert_eq!(entries(&lab), before);
    lab.ask("anvil_mine", &json!(["0x1"]));
    let done = anchor("included:10", "60").expect_code(0).json().remove(0);
    assert_eq!((&done["finality"], &done["depth"]), (&json!("safe"), &json!("10")));
    assert_eq!(entries(&lab), before + 1);
    // And what is final is not deep.
    lab.ask("anvil_mine", &json!(["0x50"]));
    ended(anchor("included:200", "1"), 4, &["(1 deep)", "not included:200 yet"]);
    lab.ask("anvil_mine", &json!(["0x64"]));
    anchor("included:200", "1").expect_error(4, &["final (101 deep)", "not included:200 yet"]);
}
