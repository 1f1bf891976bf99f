//! The journal of transactions on a bad day, through the program.

use std::fs;

use chaos_ledger::{Ledger, System, agents};
use serde_json::json;

use crate::{
    compatibility::KINDS,
    program::run_with,
    story::{DEPLOYED, Story},
    transactions::{Lab, ended},
};

/// The hint led to what was cancelled.
#[test]
fn a_cancel_that_waits_is_named_as_one_and_raised_as_one() {
    let Some(lab) = Lab::start() else { return };
    let losing = lab.losing();
    lab.anchor(&losing.url, &["--deploy"]).expect_code(4);
    let line = ["tx", "cancel", "0", "--finality", "included", "--wait", "1"];
    let line = [&line[..], &["--rpc-url", &losing.url]].concat();
    let words = [
        "sending cancel of CheckpointRegistry on eip155:31337: ",
        "cancel of CheckpointRegistry) was sent but not mined",
        "`chaoschain tx cancel 0` goes on with it",
        "`chaoschain tx bump 0` offers more for it",
    ];
    ended(lab.run(&line, "data"), 4, &words);
    let planned = lab.tx(&["bump", "0", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!(
        (&planned[0]["what"], &planned[0]["data"]),
        (&json!("cancel of CheckpointRegistry"), &json!("0x"))
    );
    let bumped = lab.tx(&["bump", "0", "--finality", "included", "--json"]).expect_code(0).json();
    assert_eq!(bumped[0]["event"], "cancelled");
    // Nothing of the same is signed while what was cancelled could come back.
    let early = lab.anchor(lab.anvil.endpoint(), &["--deploy"]);
    let words =
        ["was cancelled in block", "nothing is signed anew", "goes on once that block is final"];
    ended(early, 4, &words);
    assert_eq!(lab.landed(), 1);
}

#[test]
fn a_flipped_bit_is_told_beside_the_rest_and_put_right() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    let folder = lab.dir.path().join("data/transactions/open");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    for at in [whole.len() / 2, whole.windows(5).position(|it| it == b"\"raw\"").unwrap() + 40] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&file, &damaged).unwrap();
        let told = lab.tx(&["list"]).expect_code(5);
        assert!(told.stderr.contains("`chaoschain tx repair`"), "{}", told.stderr);
        assert!(told.stderr.len() < 2_000, "{}", told.stderr);
        lab.anchor(lab.anvil.endpoint(), &["--deploy"]).expect_error(5, &["tx repair"]);
        let repaired = lab.run(&["tx", "repair", "--json"], "data").expect_code(0).json();
        assert_eq!(
            (&repaired[0]["event"], &repaired[0]["nonce"]),
            (&json!("repaired"), &json!("0"))
        );
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
    let none = lab.run(&["tx", "repair"], "data").expect_code(0).stdout;
    assert!(none.starts_with("every file of the journal reads"), "{none}");
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    lab.run(&["tx", "repair"], "data").expect_error(5, &["more than a bit", "from a copy"]);
    fs::write(&file, whole).unwrap();
    lab.tx(&["resume", "--finality", "included"]).expect_code(0);
    assert_eq!(lab.landed(), 1);
}

#[test]
fn a_journal_that_is_not_there_is_no_empty_one() {
    let Some(lab) = Lab::start() else { return };
    for command in [&["tx", "list"][..], &["tx", "resume"]] {
        let line = [command, &["--rpc-url", lab.anvil.endpoint()]].concat();
        lab.run(&line, "nope").expect_error(3, &["there is no data directory", "nope", "--data"]);
    }
    let wrong = ["list", "--chain", "eip155:1"];
    lab.tx(&wrong).expect_error(3, &["wrong chain: expected eip155:1"]);
    let line = ["tx", "list", "--rpc-url", lab.anvil.endpoint(), "--data"];
    let data = lab.dir.path().join("data");
    let line = [&line[..], &[data.to_str().unwrap()]].concat();
    let nowhere = [("CHAOSCHAIN_HEADS", ""), ("HOME", ""), ("XDG_STATE_HOME", "")];
    run_with(line, &nowhere).expect_error(3, &["transactions of an account", "HOME"]);
}

/// The check against the file came before what the journal would have sent again.
#[test]
fn a_deployment_that_a_reorganisation_took_is_gone_on_with() {
    let Some(story) = Story::start() else { return };
    let line = ["chain", "deploy", "governor", "--max-cost", "0.1", "--finality", "included"];
    let deploy = [&line[..], &DEPLOYED].concat();
    story.on(&deploy).expect_code(0);
    let before = story.landed();
    let planned = story.on(&[&deploy[..], &["--dry-run"]].concat()).expect_code(0).stdout;
    assert!(planned.starts_with("nothing would be signed or paid"), "{planned}");
    // Another file is no reason to pay, nor what has ended one to wait.
    let second = [&line[..], &["--deployment", "@second.json", "--dry-run", "--json"]].concat();
    let planned = story.on(&second).expect_code(0).json();
    assert_eq!(planned, [json!({"event": "nothing_to_send"})]);
    story.ask("anvil_reorg", &json!([2, []]));
    story.ask("anvil_dropAllTransactions", &json!([]));
    assert!(story.landed() < before);
    let again = [&deploy[..], &["--voting-delay", "1"]].concat();
    story.on(&again).expect_code(0);
    assert_eq!(story.landed(), before);
    // From a copy of the folder that knows of nothing the account's contracts are found on the chain.
    let lost = ["--deployment", "@lost.json", "--data", "@lost", "--dry-run"];
    let refused = story.on(&[&line[..], &lost].concat());
    refused.expect_error(3, &["made a ChaosToken before", "--again"]);
    story.on(&[&line[..], &lost, &["--again"]].concat()).expect_code(0);
}

/// It paid, and then the log would not have it.
#[test]
fn a_log_that_takes_nothing_in_is_asked_before_anything_is_paid() {
    let Some(lab) = Lab::start() else { return };
    let data = lab.dir.path().join("data");
    let system = System {
        kinds: KINDS,
        now_ms: || 2_098_742_400_000,
        random: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
    };
    let mut ledger = Ledger::open(&data, Some("test".to_owned().into()), None, system).unwrap();
    ledger.accept_clock().unwrap();
    let profile = chaos_agency::action::Profile {
        name: "grace".to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    agents::enrol(&mut ledger, profile).unwrap();
    drop(ledger);
    for more in [&["--deploy"][..], &["--deploy", "--dry-run"]] {
        let refused = lab.anchor(lab.anvil.endpoint(), more);
        refused.expect_error(3, &["the clock is at", "behind the log's last entry"]);
    }
    assert!(lab.list().is_empty());
    assert_eq!(lab.landed(), 0);
}
