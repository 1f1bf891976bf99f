//! Which chain a reader means, by a file or a word, and what a log on another one comes to.

use std::{fs, os::unix::fs::PermissionsExt as _};

use chaos_chains::{Anvil, AnvilConfig};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    anchors::{anchor_check, proved, receipt},
    program::{anvil_is_there, root, run},
    transactions::Lab,
};

/// A lab on a chain of another number, whose first block is of this second.
pub(crate) fn lab_on(chain_id: u64, genesis_time_s: u64) -> Option<Lab> {
    anvil_is_there().then(|| {
        let config =
            AnvilConfig { root: Some(root()), chain_id, genesis_time_s, ..AnvilConfig::default() };
        let lab = Lab { dir: TempDir::new().unwrap(), anvil: Anvil::start(&config).unwrap() };
        lab.register("data");
        lab
    })
}

/// A file that describes the lab's chain, with a node of it and one that is down.
pub(crate) fn describe(lab: &Lab, id: &str, genesis: Option<&str>) -> String {
    let first = lab.ask("eth_getBlockByNumber", &json!(["0x0", false]));
    let genesis = genesis.unwrap_or_else(|| first["hash"].as_str().unwrap());
    let text = format!(
        "version = 1\nid = \"{id}\"\ngenesis = \"{genesis}\"\nendpoints = [\"{}\", \"http://127.0.0.1:1\"]\n\
         block_time_ms = 1000\nfinality = \"included:1\"\n",
        lab.anvil.endpoint()
    );
    let path = lab.dir.path().join("chain.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const OTHER_FIRST: &str = "0x00000000000000000000000000000000000000000000000000000000000000aa";

#[test]
fn a_chain_file_names_the_nodes_that_place_an_anchor() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let (bundle, _) = proved(&lab, &receipt(&lab, "register"), &[]);
    let verify = |file: &str, more: &[&str]| {
        let line = ["verify", &bundle, "--chain-config", file, "--require", "anchored"];
        run([&line[..], more].concat())
    };
    let file = describe(&lab, "eip155:31337", None);
    let few = verify(&file, &[]).expect_code(1);
    assert!(few.stdout.contains("1 of 2 nodes say that they have it"), "{}", few.stdout);
    let shown = verify(&file, &["--agree", "1"]).expect_code(0);
    assert!(shown.stdout.contains("final, said by 1 of 2 nodes"), "{}", shown.stdout);
    verify(&file, &["--agree", "3"]).expect_error(3, &["3 of 2 nodes cannot agree"]);
    verify(&file, &["--rpc-url", lab.anvil.endpoint()]).expect_code(2);
    verify(&file, &["--chain", "eip155:1"])
        .expect_error(3, &["--chain is eip155:1, and the chain file describes eip155:31337"]);

    let file = describe(&lab, "eip155:31337", Some(OTHER_FIRST));
    let other = verify(&file, &["--agree", "1"]).expect_code(1);
    let words = "begins with another block than the chain file says, 0x";
    assert!(other.stdout.contains(words), "{}", other.stdout);
    let file = describe(&lab, "eip155:1", None);
    let other = verify(&file, &["--json"]).expect_code(1).json().remove(0);
    assert_eq!(anchor_check(&other)["code"], "anchor-chain-other");
}

#[test]
fn a_chain_file_with_keys_that_others_can_read_is_told() {
    let Some(lab) = Lab::start() else { return };
    let file = describe(&lab, "eip155:31337", None);
    let doctor = |file: &str| run(["chain", "doctor", "--chain-config", file]);
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    assert!(!doctor(&file).stderr.contains("others can read"), "there is no key in it");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("127.0.0.1:1\"", "127.0.0.1:1/v1/sesame\"")).unwrap();
    let told = doctor(&file).stderr;
    assert!(told.contains("others can read") && told.contains("chmod 600"), "{told}");
    assert_eq!(told.matches("others can read").count(), 1, "{told}");
    assert!(!told.contains("sesame"), "{told}");
    mode(0o600);
    assert!(!doctor(&file).stderr.contains("others can read"));
}

#[test]
fn a_chain_file_names_the_nodes_of_an_audit() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let audit = |file: &str, more: &[&str]| {
        lab.run(&[&["anchor", "audit", "--chain-config", file], more].concat(), "data")
    };
    let file = describe(&lab, "eip155:31337", None);
    let few = audit(&file, &[]).expect_code(4);
    assert!(few.stderr.contains("1 of 2 nodes answered, 2 have to"), "{}", few.stderr);
    let done = audit(&file, &["--agree", "1", "--json"]).expect_code(0).json().remove(0);
    assert_eq!((&done["answered"], &done["nodes"]), (&json!(1), &json!(2)));
    // When a block stays is what the file says.
    assert_eq!(done["anchors"][0]["finality"], "final", "{done}");
    let file = describe(&lab, "eip155:31337", Some(OTHER_FIRST));
    let refused = audit(&file, &["--agree", "1"]).expect_code(4);
    assert!(refused.stderr.contains("first block"), "{}", refused.stderr);
    lab.run(&["anchor", "audit"], "data").expect_code(2);
}

/// The chain begins with the year: its blocks are older than what they hold.
#[test]
fn the_time_of_a_block_that_is_named_bounds_the_log_unless_the_reader_says_otherwise() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let anchored = lab.anchor(url, &["--deploy", "--json"]).expect_code(0).json().remove(0);
    let hash = anchored["anchor"]["block_hash"].as_str().unwrap();
    let (bundle, line) = proved(&lab, &receipt(&lab, "register"), &[]);
    // Offline the operator's word that the chain has no clock is as good as that there is a block.
    let detail = anchor_check(&line)["detail"].as_str().unwrap();
    assert!(detail.contains("a development chain, whose clock bounds nothing"), "{detail}");
    let insist = |more: &[&str]| {
        run([&["verify", &bundle, "--json", "--require", "anchored"], more].concat())
    };
    let line = insist(&[]).expect_code(1).json().remove(0);
    assert_eq!(line["lacks"][0]["code"], "not-anchored");
    // The hash could be of a block of another chain, which has a clock.
    let old = insist(&["--block-hash", hash]).expect_code(1);
    assert_eq!(anchor_check(&old.json()[0])["code"], "anchor-too-old");
    assert!(old.stderr.contains("--chain eip155:31337"), "{}", old.stderr);
    insist(&["--block-hash", hash, "--chain", "eip155:31337"]).expect_code(0);
    insist(&["--rpc-url", url, "--finality", "included"]).expect_code(0);
    let other = insist(&["--block-hash", hash, "--chain", "eip155:1"]).expect_code(1);
    assert_eq!(anchor_check(&other.json()[0])["code"], "anchor-chain-other");
    insist(&["--chain", "no chain"]).expect_error(3, &[]);
}

#[test]
fn a_private_chain_dates_no_log_back_and_anchors_nothing_by_itself() {
    // 2026 begins, and the year 2096.
    for (genesis_time_s, is_old) in [(1_767_225_600, true), (4_000_000_000, false)] {
        let Some(lab) = lab_on(1_337, genesis_time_s) else { return };
        lab.deployed();
        let bundle = lab.dir.path().join("bundle.json").to_str().unwrap().to_owned();
        let prove = ["log", "prove", &receipt(&lab, "register"), "--out", &bundle];
        lab.run(&prove, "data").expect_code(0);
        let insist = ["verify", &bundle, "--require", "anchored", "--json"];
        for more in [&[][..], &["--chain", "eip155:1337"]] {
            let line = run([&insist[..], more].concat()).expect_code(1).json().remove(0);
            let check = anchor_check(&line);
            if is_old {
                assert_eq!(check["code"], "anchor-too-old", "{line}");
            } else {
                assert_eq!(check["status"], "not_placed", "{line}");
                assert_eq!(line["lacks"][0]["code"], "not-anchored", "{line}");
            }
        }
    }
}

#[test]
fn a_log_that_declares_one_chain_is_anchored_on_no_other() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let Some(other) = lab_on(1_337, 1_767_225_600) else { return };
    for more in [&["--deploy"][..], &["--deploy", "--dry-run"], &["--every", "1s"]] {
        let refused = lab.anchor(other.anvil.endpoint(), more);
        refused.expect_error(3, &["the log declares to be anchored by", "--redeclare"]);
    }
    assert_eq!(other.landed(), 0);
}

#[test]
fn a_node_that_is_down_is_named_in_one_line_with_what_to_do() {
    for line in [&["chain", "doctor"][..], &["chain", "doctor", "--json"]] {
        let run = run([line, &["--rpc-url", "http://127.0.0.1:1/sesame"]].concat());
        let words = ["http://127.0.0.1:1 is unreachable", "Connection refused", "start the node"];
        let run = run.expect_error(4, &words);
        let error = run.stderr.lines().next().unwrap();
        assert!(!error.contains("client error") && !run.stderr.contains("sesame"), "{error}");
        assert_eq!(run.stdout, "");
    }
}
