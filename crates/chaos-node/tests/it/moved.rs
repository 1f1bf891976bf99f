//! A log that declares another place: what it anchors where is held against one copy, wherever that was.

use std::{fs, path::Path};

use crate::{
    anchors::{proved, receipt},
    chain_files::{describe, lab_on},
    finality::copy,
    program::{DEVELOPMENT_KEY, Run, root, run, run_with},
    transactions::Lab,
};

/// A clock that is ahead of every log.
pub(crate) const GENESIS_S: u64 = 4_000_000_000;

/// Runs the program on a folder, with a memory of heads of its own.
fn elsewhere(lab: &Lab, data: &str, line: &[&str]) -> Run {
    let path = |name: &str| lab.dir.path().join(name).to_str().unwrap().to_owned();
    let (data, heads) = (path(data), path(&format!("{data}-heads")));
    let variables = [
        ("CHAOSCHAIN_PASSWORD", "test"),
        ("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY),
        ("CHAOSCHAIN_HEADS", heads.as_str()),
    ];
    run_with([line, &["--data", &data]].concat(), &variables)
}

/// The chain file of a lab, under a name of its own.
fn file(lab: &Lab, id: &str) -> String {
    let written = describe(lab, id, None);
    let named = format!("{written}.{}", id.replace(':', "-"));
    let text = fs::read_to_string(&written).unwrap().replace(", \"http://127.0.0.1:1\"", "");
    fs::write(&named, text).unwrap();
    named
}

/// Two chains, and a log that was anchored on both.
struct Moved {
    here: Lab,
    there: Lab,
    files: [String; 2],
}

impl Moved {
    fn start() -> Option<Self> {
        let (here, there) = (Lab::start()?, lab_on(1_338, GENESIS_S)?);
        here.deployed();
        let files = [file(&here, "eip155:31337"), file(&there, "eip155:1338")];
        Some(Self { here, there, files })
    }

    /// Anchors the log in a folder on one of the chains.
    fn anchor(&self, data: &str, lab: &Lab, more: &[&str]) {
        let line = ["anchor", "--rpc-url", lab.anvil.endpoint(), "--finality", "included"];
        elsewhere(&self.here, data, &[&line[..], more].concat()).expect_code(0);
    }

    fn grow(&self, data: &str, names: &[&str]) {
        for name in names {
            let line = ["agent", "register", "--name", name, "--role", "researcher"];
            elsewhere(&self.here, data, &line).expect_code(0);
        }
    }

    /// Audits a folder by these chain files.
    fn audit(&self, data: &str, files: &[&String]) -> Run {
        let mut line = vec!["anchor", "audit"];
        for file in files {
            line.extend(["--chain-config", file.as_str()]);
        }
        elsewhere(&self.here, data, &line)
    }

    /// A copy of the log as it is, with the memory of it.
    fn branch(&self, data: &str) {
        let path = |name: &str| self.here.dir.path().join(name);
        copy(&path("data"), &path(data));
        copy(&path("heads"), &path(&format!("{data}-heads")));
        // Each has sent what it sends by itself.
        let _gone = fs::remove_dir_all(path(&format!("{data}-heads")).join("accounts"));
    }
}

#[test]
fn a_log_that_moved_is_audited_where_it_was_as_well() {
    let Some(moved) = Moved::start() else { return };
    moved.branch("y");
    moved.grow("y", &["grace"]);
    moved.anchor("y", &moved.there, &["--redeclare", "--deploy"]);
    let [here, there] = &moved.files;
    let told = moved.audit("y", &[there]).expect_code(3);
    assert!(told.stdout.contains("entry 2: eip155:31337"), "{}", told.stdout);
    assert!(told.stdout.contains("not looked at"), "{}", told.stdout);
    let words = "on eip155:31337, which entry 2 declares";
    assert!(told.stderr.contains(words), "{}", told.stderr);
    let told = moved.audit("y", &[here]).expect_code(3);
    assert!(told.stderr.contains("on eip155:1338, which entry"), "{}", told.stderr);
    let told = moved.audit("y", &[here, there]).expect_code(0);
    assert_eq!(told.stdout.matches(", looked at").count(), 2, "{}", told.stdout);
    // The entry that declares it on this chain is the one that is named.
    assert!(told.stdout.contains(", the log's, by its entry 2\n"), "{}", told.stdout);
}

/// The operator goes on with one history where it was, and shows another where it is.
#[test]
fn two_histories_in_two_places_that_a_log_declares_are_a_split_view() {
    let Some(moved) = Moved::start() else { return };
    for data in ["x", "y"] {
        moved.branch(data);
    }
    moved.grow("x", &["eve", "mallory"]);
    moved.anchor("x", &moved.here, &[]);
    moved.grow("y", &["grace", "alan", "edsger", "barbara"]);
    moved.anchor("y", &moved.there, &["--redeclare", "--deploy"]);
    let [here, there] = &moved.files;
    // Whoever has the second history and looks where it is finds nothing wrong, and is told where he did not look.
    moved.audit("y", &[there]).expect_code(3);
    let told = moved.audit("y", &[here]).expect_code(6);
    assert!(told.stdout.contains("SPLIT VIEW"), "{}", told.stdout);
    assert!(!told.stdout.contains("somebody else's"), "{}", told.stdout);
    moved.audit("y", &[here, there]).expect_code(6);
    // Whoever has the first does not know of the other place; if he looks there, what he finds is not of his log.
    moved.audit("x", &[here]).expect_code(0);
    let told = moved.audit("x", &[there]);
    assert!([3, 6].contains(&told.code), "{told:?}");
    assert!(!told.stdout.contains("somebody else's"), "{}", told.stdout);
}

/// A block that holds an event says nothing of the contract that wrote it.
#[test]
fn an_anchor_of_the_first_form_is_not_placed_by_a_hash_before_its_contract_is_known() {
    let bundle = root().join("fixtures/first/bundles/10-draft.json");
    let bundle = bundle.to_str().unwrap();
    let hash = "0x7f50df2c4c0fb20ffb410db8200d5fefc6d034643c065863b636efb04ebf48c9";
    let contract = "0xdc64a140aa3e981100a9beca4e685f962f0cf6c9";
    let line = ["verify", bundle, "--block-hash", hash, "--chain", "eip155:31337"];
    let line = [&line[..], &["--require", "anchored"]].concat();
    let told = run(&line).expect_code(1);
    assert!(told.stdout.contains("nobody looked at the contract's code"), "{}", told.stdout);
    run([&line[..], &["--contract", contract]].concat()).expect_code(0);
    // The registry's code is in its proof.
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let (file, line) = proved(&lab, &receipt(&lab, "register"), &[]);
    assert!(Path::new(&file).exists() && line["words"]["anchored"] == "not_placed", "{line}");
}
