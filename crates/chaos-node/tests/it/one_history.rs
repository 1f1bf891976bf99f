//! An account has one history on chains of one number, and what somebody said to be gone.

use chaos_chains::{Anvil, AnvilConfig};
use serde_json::json;

use crate::{
    program::root,
    proxy::{Proxy, Reply},
    transactions::Lab,
};

/// A node that names another first block than the chain's.
fn liar(lab: &Lab) -> Proxy {
    Proxy::start(lab.anvil.endpoint(), |_, body| {
        if body.contains("\"0x0\",false") {
            let hash = format!("0x{}", "ab".repeat(32));
            let answer = json!({"jsonrpc": "2.0", "id": 0, "result": {"hash": hash}});
            return Reply::Answer(200, String::new(), answer.to_string());
        }
        Reply::Forward
    })
}

/// A deployment that a node lost, and that somebody struck on a liar's word.
fn struck() -> Option<Lab> {
    let lab = Lab::start()?;
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    let line = ["tx", "cancel", "0", "--gone", "--rpc-url", &liar(&lab).url];
    lab.run(&line, "data").expect_code(0);
    assert!(lab.list().is_empty());
    let all = lab.tx(&["list", "--all", "--json"]).expect_code(0).json();
    assert_eq!(all[0]["state"], "abandoned", "asking for it does not open it");
    Some(lab)
}

#[test]
fn what_has_ended_is_not_paid_again_to_a_node_that_lies_about_the_first_block() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    lab.ask("anvil_mine", &json!(["0x50"]));
    lab.tx(&["resume"]).expect_code(0);
    assert!(lab.list().is_empty(), "everything has ended");
    let liar = liar(&lab);
    for more in [&["--deploy"][..], &["--deploy", "--dry-run"]] {
        let refused = lab.anchor(&liar.url, more);
        refused.expect_error(4, &["nonce 0", "was sent to", "first block", "tx cancel 0 --gone"]);
    }
    assert_eq!(lab.landed(), 2);
    // Whoever says that the chain is gone says it of everything there.
    let line = ["tx", "cancel", "0", "--gone", "--json", "--rpc-url", &liar.url];
    let told = lab.run(&line, "data").expect_code(0).json();
    let nonces: Vec<_> = told.iter().map(|it| (&it["event"], &it["nonce"])).collect();
    let event = json!("abandoned");
    assert_eq!(nonces, [(&event, &json!("0")), (&event, &json!("1"))]);
    // And if it was not gone after all, what landed there is found again.
    assert_eq!(lab.deployed(), contract);
    assert_eq!(lab.landed(), 3, "the head that grew since");
}

#[test]
fn what_was_struck_by_mistake_is_gone_on_with() {
    let Some(lab) = struck() else { return };
    let all = lab.tx(&["list", "--all", "--json"]).expect_code(0).json();
    lab.deployed();
    assert_eq!(lab.landed(), 2);
    assert_eq!(lab.list()[0]["landed"], all[0]["attempts"][0]["transaction"], "the same bytes");
}

#[test]
fn what_was_struck_by_mistake_can_be_cancelled() {
    let Some(lab) = struck() else { return };
    let told = lab.tx(&["cancel", "0", "--finality", "included", "--json"]).expect_code(0).json();
    assert_eq!(told[0]["event"], "cancelled");
    lab.ask("anvil_mine", &json!(["0x50"]));
    let anew = ["--deploy", "--anew", told[0]["transaction"].as_str().unwrap()];
    lab.anchor(lab.anvil.endpoint(), &anew).expect_code(0);
    assert_eq!(lab.landed(), 3);
}

#[test]
fn what_was_struck_keeps_no_other_directory_from_sending() {
    let Some(lab) = struck() else { return };
    lab.register("other");
    let url = lab.anvil.endpoint();
    let line = ["anchor", "--rpc-url", url, "--finality", "included", "--deploy"];
    lab.run(&line, "other").expect_code(0);
    assert_eq!(lab.landed(), 2);
    // Its nonce was taken by the other's, and the registry is there by then.
    let line = ["tx", "list", "--all", "--json", "--rpc-url", url];
    let took = lab.run(&line, "other").expect_code(0).json().remove(0)["landed"].clone();
    lab.ask("anvil_mine", &json!(["0x50"]));
    lab.anchor(url, &["--deploy", "--anew", took.as_str().unwrap()]).expect_code(0);
    assert_eq!(lab.landed(), 3);
}

#[test]
fn what_was_given_up_and_struck_does_not_hold_up_what_landed() {
    let Some(lab) = Lab::start() else { return };
    let (far, _lies) = lab.lying("eth_getTransactionCount", json!("0x3e8"));
    lab.anchor(&far.url, &["--deploy"]).expect_code(4);
    lab.tx(&["cancel", "1000"]).expect_code(0);
    let given_up = lab.list().remove(0)["attempts"][1]["transaction"].clone();
    let anew = ["--deploy", "--anew", given_up.as_str().unwrap()];
    lab.anchor(lab.anvil.endpoint(), &anew).expect_code(0);
    let contract = lab.deployed();
    let line = ["tx", "cancel", "1000", "--gone", "--json", "--rpc-url", &liar(&lab).url];
    assert_eq!(lab.run(&line, "data").expect_code(0).json().len(), 4);
    assert_eq!(lab.deployed(), contract);
    // The contract, and an anchor of each head: the log grew by the receipt of the last.
    assert_eq!(lab.landed(), 4);
}

/// The node of a chain that is gone answers nothing any more; another chain's has another number.
#[test]
fn a_chain_that_is_gone_is_struck_at_a_node_of_another_number() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    let config = AnvilConfig { root: Some(root()), chain_id: 31_338, ..AnvilConfig::default() };
    let other = Anvil::start(&config).unwrap();
    let on_other =
        |line: &[&str]| lab.run(&[line, &["--rpc-url", other.endpoint()]].concat(), "data");
    let told = on_other(&["tx", "list"]).expect_code(0).stderr;
    assert!(told.contains("`chaoschain tx cancel 0 --gone` strikes it"), "{told}");
    on_other(&["tx", "cancel", "0", "--gone"]).expect_code(0);
    assert!(on_other(&["tx", "list", "--json"]).expect_code(0).json().is_empty());
    // What has ended on a chain of another number is none of this one's.
    lab.deployed();
    lab.ask("anvil_mine", &json!(["0x50"]));
    lab.tx(&["resume"]).expect_code(0);
    on_other(&["tx", "cancel", "0", "--gone"]).expect_error(3, &["no open transaction `0`"]);
}

#[test]
fn a_second_gap_above_one_that_was_given_up_is_given_up_as_well() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    // Each that was given up takes a word of its own.
    let mut words = vec!["--contract".to_owned(), contract];
    for (nonce, hex) in [("1000", "0x3e8"), ("2000", "0x7d0")] {
        // It is wrong once it is about to be signed.
        let mut is_wrong = false;
        let far = Proxy::start(lab.anvil.endpoint(), move |_, body| {
            is_wrong |= body.contains("\"eth_estimateGas\"");
            if is_wrong && body.contains("\"eth_getTransactionCount\"") {
                let answer = json!({"jsonrpc": "2.0", "id": 0, "result": hex});
                return Reply::Answer(200, String::new(), answer.to_string());
            }
            Reply::Forward
        });
        let line: Vec<&str> = words.iter().map(String::as_str).collect();
        lab.anchor(&far.url, &line).expect_code(4);
        let line = ["cancel", nonce, "--finality", "included", "--wait", "5", "--json"];
        let told = lab.tx(&line).expect_code(0).json();
        assert_eq!(told[0]["event"], "given_up", "{nonce}");
        let open = lab.list();
        let of_nonce =
            |it: &&serde_json::Value| it["attempts"].as_array().is_some_and(|all| all.len() == 2);
        let newest = open.iter().rfind(of_nonce).unwrap()["attempts"][1]["transaction"].clone();
        words.extend(["--anew".to_owned(), newest.as_str().unwrap().to_owned()]);
    }
    let line: Vec<&str> = words.iter().map(String::as_str).collect();
    lab.anchor(lab.anvil.endpoint(), &line).expect_code(0);
    assert_eq!(lab.landed(), 3);
}
