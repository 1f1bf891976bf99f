//! Anchors in the registry: what is declared, kept, shown and refused, through the program and a real chain.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    program::{Run, root, run, run_with},
    transactions::Lab,
};

/// Another of the chain's development accounts.
const OTHER_KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

/// The first receipt of a kind in the log.
pub(crate) fn receipt(lab: &Lab, kind: &str) -> String {
    let lines = lab.run(&["log", "show", "--json"], "data").expect_code(0).json();
    let found = lines.iter().find(|line| line["action"]["kind"] == kind).expect("such an entry");
    found["action"]["receipt"].as_str().unwrap().to_owned()
}

/// The bundle of a receipt, and what verifying it says.
pub(crate) fn proved(lab: &Lab, receipt: &str, more: &[&str]) -> (String, Value) {
    let file = lab.dir.path().join("bundle.json").to_str().unwrap().to_owned();
    lab.run(&[&["log", "prove", receipt, "--out", &file], more].concat(), "data").expect_code(0);
    let line = run(["verify", &file, "--json"]).expect_code(0).json().remove(0);
    (file, line)
}

pub(crate) fn anchor_check(line: &Value) -> &Value {
    line["checks"].as_array().unwrap().iter().find(|check| check["check"] == "anchor").unwrap()
}

/// Anchors by another account.
fn by_another(lab: &Lab, more: &[&str]) -> Run {
    by_key(lab, OTHER_KEY, more)
}

fn by_key(lab: &Lab, key: &str, more: &[&str]) -> Run {
    let path = |name: &str| lab.dir.path().join(name).to_str().unwrap().to_owned();
    let (data, heads) = (path("data"), path("heads"));
    let line =
        ["anchor", "--rpc-url", lab.anvil.endpoint(), "--finality", "included", "--data", &data];
    let variables = [
        ("CHAOSCHAIN_PASSWORD", "test"),
        ("CHAOSCHAIN_PRIVATE_KEY", key),
        ("CHAOSCHAIN_HEADS", heads.as_str()),
    ];
    run_with([&line[..], more].concat(), &variables)
}

#[test]
fn a_receipt_is_shown_under_the_newest_anchored_head_that_holds_it() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let early = receipt(&lab, "register");
    let (_, line) = proved(&lab, &early, &[]);
    assert_eq!(anchor_check(&line)["status"], "not_applicable", "{line}");
    let anchored = lab.anchor(url, &["--deploy", "--json"]).expect_code(0).json().remove(0);
    let declaration = receipt(&lab, "declare_anchoring");

    for receipt in [&early, &declaration] {
        let (file, line) = proved(&lab, receipt, &[]);
        assert_eq!(anchor_check(&line)["status"], "not_placed", "{line}");
        assert_eq!(line["words"]["declared"], "there", "{line}");
        let hash = anchored["anchor"]["block_hash"].as_str().unwrap();
        let placed = ["verify", &file, "--block-hash", hash, "--chain", "eip155:31337"];
        let shown = run([&placed[..], &["--require", "anchored,declared"]].concat());
        let shown = shown.expect_code(0).stdout;
        assert!(shown.contains("anchored (where the log declares it)"), "{shown}");
    }
    let (_, line) = proved(&lab, &early, &["--without-anchor"]);
    assert_eq!(anchor_check(&line)["status"], "not_applicable", "{line}");
    // The anchor's own receipt is under no anchored head yet, and carries what shows it.
    let (file, line) = proved(&lab, anchored["receipt"].as_str().unwrap(), &[]);
    assert_eq!(anchor_check(&line)["status"], "not_applicable", "{line}");
    let bundle: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let attached = bundle["attachments"].as_object().unwrap();
    assert!(
        attached.contains_key(anchored["anchor"]["shown_by"].as_str().unwrap()),
        "{attached:?}"
    );
}

/// What a run leaves is under no anchored head, and the hint says the way there.
#[test]
fn a_run_hints_at_the_anchor_that_shows_its_receipt() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let path = |name: &str| root().join(name).to_str().unwrap().to_owned();
    let file = lab.dir.path().join("ran.json").to_str().unwrap().to_owned();
    let (component, input) = (path("guests/artifacts/scorer.wasm"), path("examples/evidence.json"));
    let line = ["run", &component, "--input", &input, "--bundle", &file, "--json"];
    let ran = lab.run(&line, "data").expect_code(0);
    let hint = "no anchored head holds it yet: `chaoschain anchor`, then `chaoschain log prove`";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    let receipt = ran.json()[0]["receipt"].as_str().unwrap().to_owned();
    let (_, line) = proved(&lab, &receipt, &[]);
    assert_eq!(anchor_check(&line)["status"], "not_applicable", "{line}");
    lab.anchor(lab.anvil.endpoint(), &[]).expect_code(0);
    let (_, line) = proved(&lab, &receipt, &[]);
    assert_eq!(anchor_check(&line)["status"], "not_placed", "{line}");
}

#[test]
fn nothing_is_sent_where_nothing_but_receipts_of_anchors_is_new() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    lab.deployed();
    let landed = lab.landed();
    for _ in 0..2 {
        let again = lab.anchor(url, &["--if-changed"]).expect_code(0);
        assert!(again.stdout.contains("nothing to anchor: size"), "{}", again.stdout);
    }
    lab.anchor(url, &["--if-changed", "--dry-run"]).expect_code(0);
    assert_eq!(lab.landed(), landed);
    let line = ["agent", "register", "--name", "grace", "--role", "researcher"];
    lab.run(&line, "data").expect_code(0);
    lab.anchor(url, &["--if-changed"]).expect_code(0);
    assert_eq!(lab.landed(), landed + 1);
}

#[test]
fn another_account_anchors_only_once_the_log_declares_it() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let early = receipt(&lab, "register");
    by_another(&lab, &[]).expect_error(3, &["may not anchor under publisher", "--redeclare"]);
    by_another(&lab, &["--redeclare"]).expect_code(0);
    let (_, line) = proved(&lab, &early, &[]);
    assert_eq!(line["words"]["declared"], "there", "{line}");
    // And the first one is another now.
    let refused = lab.anchor(lab.anvil.endpoint(), &[]);
    refused.expect_error(3, &["may not anchor under publisher", "--redeclare"]);
    // A contract of the log's own is elsewhere too.
    let own = lab.own_contract("data");
    let refused = lab.anchor(lab.anvil.endpoint(), &["--contract", &own]);
    refused.expect_error(3, &["the log declares to be anchored by", "--redeclare"]);
}

/// The entry stays for ever: whoever tries with an account that has no coins, or a cap that is too low, has said
/// nothing.
#[test]
fn nothing_is_declared_that_could_not_be_paid_for() {
    let Some(lab) = Lab::start() else { return };
    let head = || lab.run(&["log", "show", "--json"], "data").expect_code(0).json().len();
    // Another log's anchor puts the registry there.
    lab.register("another");
    let line = ["anchor", "--rpc-url", lab.anvil.endpoint(), "--finality", "included", "--deploy"];
    lab.run(&line, "another").expect_code(0);
    let entries = head();
    let poor = format!("0x{:064x}", 12_345);
    by_key(&lab, &poor, &[]).expect_error(4, &["has 0 of the coin"]);
    by_key(&lab, OTHER_KEY, &["--max-cost", "0.0000001"]).expect_error(4, &["--max-cost"]);
    assert_eq!(head(), entries);
    by_another(&lab, &[]).expect_code(0);
    assert_eq!(head(), entries + 2);
}

#[test]
fn what_the_registry_holds_is_the_beginning_of_the_log_or_nothing_is_paid() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let refused = lab.anchor(url, &[]);
    refused
        .expect_error(3, &["this chain has no CheckpointRegistry at 0x", "--deploy puts it there"]);
    assert_eq!(lab.landed(), 0);
    let old = lab.dir.path().join("old");
    crate::finality::copy(&lab.dir.path().join("data"), &old);
    lab.deployed();
    // An older copy, whose memory of what was signed is gone with its machine.
    let elsewhere = lab.dir.path().join("elsewhere").to_str().unwrap().to_owned();
    let data = old.to_str().unwrap();
    let variables = [
        ("CHAOSCHAIN_PASSWORD", "test"),
        ("CHAOSCHAIN_PRIVATE_KEY", crate::program::DEVELOPMENT_KEY),
        ("CHAOSCHAIN_HEADS", elsewhere.as_str()),
    ];
    let anchor = ["anchor", "--rpc-url", url, "--finality", "included", "--data", data];
    let landed = lab.landed();
    let refused = run_with(anchor.to_vec(), &variables);
    refused
        .expect_error(3, &["has anchored 3 entries of this log, and it has 2 here", "older copy"]);
    for name in ["eve", "mallory"] {
        let line = ["agent", "register", "--name", name, "--role", "researcher", "--data", data];
        run_with(line.to_vec(), &variables).expect_code(0);
    }
    let refused = run_with(anchor.to_vec(), &variables);
    refused
        .expect_error(1, &["the registry holds another history of this log", "nothing was sent"]);
    assert_eq!(lab.landed(), landed);
}

/// The bundle of a log on a chain that is gone, as the first version with such anchors wrote it.
const KEPT: &str = "fixtures/anchors/registered.json";
const KEPT_BLOCK: &str = "0x6d2ac29bfdd973f2b303e6353ae23a1c4baaef2ef649f45cd474cba3989f2164";

#[test]
fn a_bundle_of_an_anchor_in_the_registry_is_read_for_ever() {
    let file = root().join(KEPT);
    let file = file.to_str().unwrap();
    let line = run(["verify", file, "--json"]).expect_code(0).json().remove(0);
    assert_eq!(anchor_check(&line)["status"], "not_placed", "{line}");
    assert_eq!(line["words"]["declared"], "there");
    let placed = ["verify", file, "--block-hash", KEPT_BLOCK, "--require", "anchored,declared"];
    run(placed).expect_code(0);
    let other = ["verify", file, "--block-hash", &KEPT_BLOCK.replace("6d2a", "6d2b"), "--json"];
    let line = run(other).expect_code(1).json().remove(0);
    assert_eq!(anchor_check(&line)["code"], "anchor-block-other");
}

/// Nothing signs the chain's proof or the rows beside it: no byte of theirs may change unnoticed.
#[test]
fn no_byte_of_what_shows_an_anchor_can_change_unnoticed() {
    let whole = fs::read_to_string(root().join(KEPT)).unwrap();
    let bundle: Value = serde_json::from_str(&whole).unwrap();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("changed.json");
    let refused = |text: &str, what: &str| {
        fs::write(&path, text).unwrap();
        let line = run(["verify", path.to_str().unwrap(), "--json"]).json().remove(0);
        assert_eq!(line["verdict"], "rejected", "{what}: {line}");
    };
    // The proof, letter by letter in some places; each of them is of a header, a node or a length.
    let proof = bundle["anchor"]["proof"]["rlp"].as_str().unwrap();
    for at in (0..proof.len()).step_by(97) {
        let letter = if proof.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{letter}{}", &proof[..at], &proof[at + 1..]);
        refused(&whole.replace(proof, &changed), &format!("letter {at} of the proof"));
    }
    // Another publisher in the rows, and rows that are left out.
    let mut other = bundle.clone();
    other["anchoring"][0]["value"]["publisher"] = format!("0x{}", "11".repeat(20)).into();
    refused(&canonical(&other), "another publisher");
    let mut other = bundle.clone();
    other["anchoring"].as_array_mut().unwrap().remove(0);
    refused(&canonical(&other), "the last row alone");
    let mut other = bundle;
    other.as_object_mut().unwrap().remove("anchoring");
    refused(&canonical(&other), "no rows");
}

fn canonical(value: &Value) -> String {
    String::from_utf8(chaos_types::canonical::to_vec(value).unwrap()).unwrap()
}
