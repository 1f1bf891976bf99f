//! What is sent to a chain, through the program, a real chain and nodes that lie about it.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chaos_chains::{Anvil, AnvilConfig, EvmChain, Outbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    program::{DEVELOPMENT_KEY, Run, anvil_is_there, root, run_with},
    proxy::{Proxy, Reply, ask},
};

/// The account of [`DEVELOPMENT_KEY`].
const ACCOUNT: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// A log, a chain of its own, and the memory of one user.
pub(crate) struct Lab {
    pub(crate) dir: TempDir,
    pub(crate) anvil: Anvil,
}

impl Lab {
    /// None after saying that the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        anvil_is_there().then(|| {
            let config = AnvilConfig { root: Some(root()), ..AnvilConfig::default() };
            let lab = Self { dir: TempDir::new().unwrap(), anvil: Anvil::start(&config).unwrap() };
            lab.register("data");
            lab
        })
    }

    pub(crate) fn register(&self, data: &str) {
        let line = ["agent", "register", "--name", "ada", "--role", "researcher"];
        self.run(&line, data).expect_code(0);
    }

    /// Runs the program on one of its data directories.
    pub(crate) fn run(&self, line: &[&str], data: &str) -> Run {
        let path = |name: &str| self.dir.path().join(name).to_str().unwrap().to_owned();
        let (data, heads) = (path(data), path("heads"));
        let variables = [
            ("CHAOSCHAIN_PASSWORD", "test"),
            ("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY),
            ("CHAOSCHAIN_HEADS", heads.as_str()),
        ];
        run_with([line, &["--data", &data]].concat(), &variables)
    }

    /// Anchors through an endpoint, and counts what is in a block.
    pub(crate) fn anchor(&self, url: &str, more: &[&str]) -> Run {
        let line = ["anchor", "--rpc-url", url, "--finality", "included", "--wait", "2"];
        self.run(&[&line[..], more].concat(), "data")
    }

    pub(crate) fn tx(&self, command: &[&str]) -> Run {
        self.run(&[&["tx"], command, &["--rpc-url", self.anvil.endpoint()]].concat(), "data")
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.tx(&["list", "--json"]).expect_code(0).json()
    }

    pub(crate) fn ask(&self, method: &str, params: &Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        let answer = ask(self.anvil.endpoint(), &body.to_string());
        serde_json::from_str::<Value>(&answer).unwrap()["result"].clone()
    }

    /// Transactions of the account that are in a block.
    pub(crate) fn landed(&self) -> u64 {
        let count = self.ask("eth_getTransactionCount", &json!([ACCOUNT, "latest"]));
        u64::from_str_radix(count.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    /// A contract of the first kind for a log, put there by somebody else for the account.
    pub(crate) fn own_contract(&self, data: &str) -> String {
        let head = self.run(&["log", "checkpoint", "--json"], data).expect_code(0).json();
        let origin = head[0]["log"].as_str().unwrap().split('+').next().unwrap().to_owned();
        let folder = self.dir.path().join("another's");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let address = runtime.block_on(async {
            let chain = EvmChain::connect(self.anvil.endpoint(), None).await.unwrap();
            let chain = chain.sending(Outbox::local(&folder, || 0)).await.unwrap();
            let publisher = ACCOUNT.parse().unwrap();
            chain.deploy_anchor(&self.anvil.signer(5), &origin, publisher).await.unwrap().0
        });
        format!("{address:#x}")
    }

    /// The contract that holds the log's heads: the registry, deployed and anchored in.
    pub(crate) fn deployed(&self) -> String {
        let run = self.anchor(self.anvil.endpoint(), &["--deploy", "--json"]).expect_code(0);
        run.json()[0]["anchor"]["contract"].as_str().unwrap().to_owned()
    }

    /// A node that answers one method by itself while it is told to, and passes everything else on.
    pub(crate) fn lying(&self, method: &'static str, answer: Value) -> (Proxy, Arc<AtomicBool>) {
        let lies = Arc::new(AtomicBool::new(true));
        let told = Arc::clone(&lies);
        let proxy = Proxy::start(self.anvil.endpoint(), move |_, body| {
            if told.load(Ordering::SeqCst) && body.contains(&format!("\"{method}\"")) {
                let answer = json!({"jsonrpc": "2.0", "id": 0, "result": answer});
                return Reply::Answer(200, String::new(), answer.to_string());
            }
            Reply::Forward
        });
        (proxy, lies)
    }

    /// A node that says that it took a transaction, and loses it.
    pub(crate) fn losing(&self) -> Proxy {
        self.lying("eth_sendRawTransaction", json!(format!("0x{}", "0".repeat(64)))).0
    }
}

/// A run that failed with `code` after it sent something, of which it talked first.
#[track_caller]
pub(crate) fn ended(run: Run, code: i32, words: &[&str]) -> Run {
    let run = run.expect_code(code);
    for word in words.iter().chain(&["\nerror: "]) {
        assert!(run.stderr.contains(word), "`{word}` is not in: {}", run.stderr);
    }
    run
}

/// Every file under a folder with its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.to_string_lossy().into_owned(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn dry_run_says_what_it_costs_and_writes_nothing() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    // Reading brings a database's own files up to date.
    lab.anchor(url, &["--deploy", "--dry-run"]).expect_code(0);
    let transactions = lab.dir.path().join("data/transactions");
    let planned = lab.anchor(url, &["--deploy", "--dry-run", "--json"]).expect_code(0).json();
    assert!(!transactions.exists() && !lab.dir.path().join("heads/accounts").exists());
    assert_eq!(lab.landed(), 0);
    let [deploy, anchor] = &planned[..] else { panic!("{planned:?}") };
    assert_eq!((&deploy["nonce"], &anchor["nonce"]), (&json!("0"), &json!("1")));

    let done = lab.anchor(url, &["--deploy", "--json"]).expect_code(0).json();
    assert_eq!(done[0]["anchor"]["contract"], anchor["to"], "where it would be");
    let hash = &done[0]["anchor"]["transaction"];
    let receipt = lab.ask("eth_getTransactionReceipt", &json!([hash]));
    let used = u64::from_str_radix(&receipt["gasUsed"].as_str().unwrap()[2..], 16).unwrap();
    let foretold: u64 = anchor["gas"].as_str().unwrap().parse().unwrap();
    assert!(used <= foretold && foretold < used + 3_000, "{used} of {foretold}");

    let before = files(&transactions);
    let contract = anchor["to"].as_str().unwrap();
    lab.anchor(url, &["--contract", contract, "--dry-run"]).expect_code(0);
    assert_eq!(files(&transactions), before);
    assert_eq!(lab.landed(), 2);
}

#[test]
fn what_a_node_lost_is_listed_resumed_and_lands_once() {
    let Some(lab) = Lab::start() else { return };
    let losing = lab.losing();
    ended(lab.anchor(&losing.url, &["--deploy"]), 4, &["not mined within", "tx bump"]);
    let open = lab.list();
    assert_eq!((&open[0]["state"], &open[0]["nonce"]), (&json!("sent"), &json!("0")));
    assert_eq!(lab.landed(), 0);
    let resumed = lab.tx(&["resume", "--finality", "included", "--json"]).expect_code(0).json();
    assert_eq!(resumed[0]["event"], "landed");
    assert_eq!(resumed[0]["transaction"], open[0]["attempts"][0]["transaction"], "the same bytes");
    assert_eq!(lab.landed(), 1);
    let table = lab.tx(&["list"]).expect_code(0).stdout;
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("CheckpointRegistry") && table.contains("included"), "{table}");
}

#[test]
fn bump_offers_an_eighth_more_up_to_the_cap() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    let fee = |listed: &Value, at: usize| -> u128 {
        listed["attempts"][at]["max_fee_per_gas"].as_str().unwrap().parse().unwrap()
    };
    let before = lab.list();
    let capped = ["bump", "0", "--max-fee", "0.5", "--finality", "included"];
    lab.tx(&capped).expect_error(4, &["the cap is 0.5 gwei"]);
    let planned = lab.tx(&["bump", "0", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!(lab.list(), before, "nothing was written");
    let bumped = lab.tx(&["bump", "0", "--finality", "included", "--json"]).expect_code(0).json();
    assert_eq!(bumped[0]["event"], "landed");
    let after = lab.list().remove(0);
    assert_eq!(json!(fee(&after, 1).to_string()), planned[0]["max_fee_per_gas"]);
    assert!(fee(&after, 1) * 8 >= fee(&before[0], 0) * 9);
    assert_eq!(after["landed"], after["attempts"][1]["transaction"]);
    assert_eq!(lab.landed(), 1);
    lab.tx(&["bump", "9"]).expect_error(3, &["no open transaction `9`", "tx list"]);
}

#[test]
fn cancel_says_which_of_the_two_landed() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    let hash = lab.list()[0]["attempts"][0]["transaction"].as_str().unwrap().to_owned();
    let cancel = ["cancel", &hash[..12], "--finality", "included", "--json"];
    let cancelled = lab.tx(&cancel).expect_code(0).json();
    assert_eq!(cancelled[0]["event"], "cancelled");
    let landed = lab.ask("eth_getTransactionByHash", &json!([cancelled[0]["transaction"]]));
    assert_eq!(
        (&landed["to"], &landed["value"], &landed["input"]),
        (&json!(ACCOUNT), &json!("0x0"), &json!("0x"))
    );
    // What it was for is signed anew by whoever has seen elsewhere what took its nonce.
    lab.ask("anvil_mine", &json!(["0x50"]));
    let (url, hash) = (lab.anvil.endpoint(), cancelled[0]["transaction"].as_str().unwrap());
    let all = lab.list().remove(0);
    let meant = all["attempts"][0]["transaction"].as_str().unwrap();
    let asked = format!(
        "what took nonce 0 of {ACCOUNT}: signed for it here were {meant}, {hash} (its cancel)"
    );
    let words = ["was cancelled by", hash, "nothing was signed", &asked, "is no answer"];
    for more in [&["--deploy"][..], &["--deploy", "--anew", &format!("0x{}", "1".repeat(64))]] {
        lab.anchor(url, more).expect_error(4, &words);
    }
    assert_eq!(lab.landed(), 1);
    lab.anchor(url, &["--deploy", "--anew", hash]).expect_code(0);
    // And what was in a block before anybody cancelled it.
    let number = lab.list().last().unwrap()["nonce"].as_str().unwrap().to_owned();
    let late = lab.tx(&["cancel", &number, "--finality", "included", "--json"]).expect_code(0);
    assert_eq!(late.json()[0]["event"], "landed");
    assert_eq!(lab.landed(), 3);
}

/// A node that answers 1,000 once for both counts locked the account for ever.
#[test]
fn a_nonce_that_cannot_be_reached_is_told_and_given_up() {
    let Some(lab) = Lab::start() else { return };
    let (far, lies) = lab.lying("eth_getTransactionCount", json!("0x3e8"));
    lab.anchor(&far.url, &["--deploy"]).expect_code(4);
    lies.store(false, Ordering::SeqCst);
    let url = lab.anvil.endpoint();
    let stopped = lab.anchor(url, &["--deploy"]);
    stopped.expect_error(4, &["nonce 1000", "next nonce is 0", "chaoschain tx cancel 1000"]);
    assert_eq!(lab.list()[0]["state"], "gap");
    let told = lab.tx(&["list"]).expect_code(0).stderr;
    assert!(told.contains("tx cancel 1000"), "{told}");
    lab.tx(&["resume", "--finality", "included"]).expect_error(4, &["cannot land"]);

    let given_up = lab.tx(&["cancel", "1000", "--json"]).expect_code(0).json();
    assert_eq!(given_up[0]["event"], "given_up");
    assert_eq!(lab.list()[0]["state"], "given up");
    // Its bytes are somewhere, and can land once the account comes there: it is for somebody to say.
    let words = ["can still land", "`chaoschain tx cancel 0`", "nothing was signed"];
    lab.anchor(url, &["--deploy"]).expect_error(4, &words);
    let given_up = lab.list().remove(0)["attempts"][1]["transaction"].as_str().unwrap().to_owned();
    lab.anchor(url, &["--deploy", "--anew", &given_up]).expect_code(0);
    // Another data directory of the user is free as well.
    lab.register("other");
    let line = ["anchor", "--rpc-url", url, "--finality", "included", "--deploy"];
    lab.run(&line, "other").expect_code(0);
    assert_eq!(lab.landed(), 3, "the registry is there by then");
    // And meaning the same again pays nothing: what landed is found beside what was given up.
    lab.tx(&["resume", "--finality", "included"]).expect_code(0);
    assert_eq!(lab.landed(), 3);
}

#[test]
fn a_nonce_that_was_used_is_not_signed_for_a_node_that_is_behind() {
    let Some(lab) = Lab::start() else { return };
    let contract = lab.deployed();
    let (behind, _lies) = lab.lying("eth_getTransactionCount", json!("0x0"));
    let refused = lab.anchor(&behind.url, &["--contract", &contract]);
    refused.expect_error(4, &["next nonce", "is 0, and nonce 1 is used", "another node"]);
    assert_eq!((lab.list().len(), lab.landed()), (2, 2));
}

#[test]
fn a_hint_names_no_directory_that_is_gone() {
    let Some(lab) = Lab::start() else { return };
    lab.register("lost");
    let losing = lab.losing();
    let line = ["anchor", "--rpc-url", &losing.url, "--finality", "included", "--deploy"];
    lab.run(&[&line[..], &["--wait", "1"]].concat(), "lost").expect_code(4);
    let url = lab.anvil.endpoint();
    lab.anchor(url, &["--deploy"])
        .expect_error(4, &["lost/transactions", "finish or cancel it there"]);
    fs::remove_dir_all(lab.dir.path().join("lost")).unwrap();
    let told = lab.anchor(url, &["--deploy"]).expect_error(4, &["has it no longer", "tx cancel 0"]);
    assert!(!told.stderr.contains("there first"), "{}", told.stderr);
    let taken = lab.tx(&["cancel", "0", "--finality", "included", "--json"]).expect_code(0).json();
    assert_eq!(taken[0]["event"], "cancelled");
    lab.deployed();
    assert_eq!(lab.landed(), 3);
}

#[test]
fn a_node_that_lies_about_the_first_block_gets_no_second_payment() {
    let Some(lab) = Lab::start() else { return };
    let (withholding, _lies) = lab.lying("eth_getTransactionReceipt", json!(null));
    lab.anchor(&withholding.url, &["--deploy"]).expect_code(4);
    assert_eq!(lab.landed(), 1);
    let genesis = format!("0x{}", "ab".repeat(32));
    let lie = genesis.clone();
    let lying = Proxy::start(lab.anvil.endpoint(), move |_, body| {
        if body.contains("\"0x0\",false") {
            let answer = json!({"jsonrpc": "2.0", "id": 0, "result": {"hash": lie}});
            return Reply::Answer(200, String::new(), answer.to_string());
        }
        Reply::Forward
    });
    let refused = lab.anchor(&lying.url, &["--deploy"]);
    refused.expect_error(4, &["first block", &genesis, "tx cancel 0 --gone"]);
    assert_eq!(lab.landed(), 1);
    // A chain that is gone is struck on somebody's word; the journal says so.
    let struck = ["tx", "cancel", "0", "--gone", "--rpc-url", &lying.url];
    lab.run(&struck, "data").expect_code(0);
    let all = ["tx", "list", "--all", "--json", "--rpc-url", &lying.url];
    assert_eq!(lab.run(&all, "data").expect_code(0).json()[0]["state"], "abandoned");
    lab.tx(&["cancel", "0", "--gone"]).expect_error(3, &["no open transaction"]);
    // And if it was not gone after all, what landed there is found again.
    lab.deployed();
    assert_eq!(lab.landed(), 2);
}

#[test]
fn signed_bytes_are_believed_and_not_what_is_written_beside_them() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    let folder = lab.dir.path().join("data/transactions/open");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read_to_string(&file).unwrap();
    for (field, from, to) in [
        ("nonce", "\"nonce\": 0", "\"nonce\": 5"),
        ("chain", "eip155:31337", "eip155:1"),
        ("purpose", "\"act\"", "\"cancel\""),
        (
            "account",
            "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
            "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
        ),
    ] {
        fs::write(&file, whole.replacen(from, to, 1)).unwrap();
        let words = ["was changed", &format!("another {field}")];
        lab.anchor(lab.anvil.endpoint(), &["--deploy"]).expect_error(5, &words);
        let words = [&words[..], &["`chaoschain tx repair`"]].concat();
        lab.tx(&["list"]).expect_error(5, &words);
    }
    fs::write(&file, whole).unwrap();
    lab.tx(&["resume", "--finality", "included"]).expect_code(0);
}

/// A node without old receipts: what landed must not look replaced once its nonce is final.
#[test]
fn a_node_that_forgot_a_receipt_does_not_have_it_paid_again() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    // It lands behind the journal's back, and becomes final.
    let raw = {
        let folder = lab.dir.path().join("data/transactions/open");
        let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        document["intent"]["attempts"][0]["raw"].clone()
    };
    lab.ask("eth_sendRawTransaction", &json!([raw]));
    lab.ask("anvil_mine", &json!(["0x50"]));
    assert_eq!(lab.landed(), 1);
    let (forgetful, _lies) = lab.lying("eth_getTransactionReceipt", json!(null));
    let words = ["is in the chain", "has its receipt no longer", "--rpc-url"];
    lab.anchor(&forgetful.url, &["--deploy"]).expect_error(4, &words);
    let line = ["tx", "list", "--json", "--rpc-url", &forgetful.url];
    assert_eq!(lab.run(&line, "data").expect_code(0).json()[0]["state"], "not shown");
    assert_eq!(lab.landed(), 1);
    // A node that has it shows that it landed, and the anchor goes on from there.
    lab.deployed();
    assert_eq!(lab.landed(), 2);
}

#[test]
fn what_took_a_nonce_is_looked_up_before_anything_is_signed_anew() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    // The key is used elsewhere, under the same nonce.
    let transfer = json!([{"from": ACCOUNT, "to": ACCOUNT, "value": "0x0"}]);
    let taken = lab.ask("eth_sendTransaction", &transfer).as_str().unwrap().to_owned();
    lab.ask("anvil_mine", &json!(["0x50"]));
    let words =
        ["something took it which is not in this journal", "what took nonce 0 of", "--anew"];
    lab.anchor(lab.anvil.endpoint(), &["--deploy"]).expect_error(4, &words);
    lab.anchor(lab.anvil.endpoint(), &["--deploy", "--anew", &taken]).expect_code(0);
    assert_eq!(lab.landed(), 3);
    let all = lab.tx(&["list", "--all", "--json"]).expect_code(0).json();
    assert_eq!((&all[0]["nonce"], &all[0]["state"]), (&json!("0"), &json!("replaced")));
}

#[test]
fn amounts_that_are_none_are_refused_with_what_is_expected() {
    let Some(lab) = Lab::start() else { return };
    for flag in ["--max-fee", "--max-tip", "--max-cost"] {
        let refused = lab.anchor(lab.anvil.endpoint(), &["--deploy", flag, "-1"]);
        refused.expect_error(3, &[flag, "`-1`", "expected a number such as 2 or 0.5"]);
    }
}

/// A log whose deployment was signed for half a gwei of tip, and lost.
fn tipped() -> Option<Lab> {
    let lab = Lab::start()?;
    let greedy = Proxy::start(lab.anvil.endpoint(), |_, body| {
        let result = match body {
            body if body.contains("\"eth_maxPriorityFeePerGas\"") => json!("0xba43b7400"),
            body if body.contains("\"eth_sendRawTransaction\"") => {
                json!(format!("0x{}", "0".repeat(64)))
            }
            _ => return Reply::Forward,
        };
        let answer = json!({"jsonrpc": "2.0", "id": 0, "result": result});
        Reply::Answer(200, String::new(), answer.to_string())
    });
    lab.anchor(&greedy.url, &["--deploy", "--max-tip", "0.5"]).expect_code(4);
    assert_eq!(lab.list()[0]["attempts"][0]["max_priority_fee_per_gas"], "500000000");
    Some(lab)
}

#[test]
fn the_cap_of_the_tip_bounds_a_replacement_too() {
    let Some(lab) = tipped() else { return };
    let before = lab.list();
    for command in ["bump", "cancel"] {
        for more in [&[][..], &["--dry-run"]] {
            let line = [&[command, "0", "--max-tip", "0.5"], more].concat();
            let words = ["at least 0.5625 gwei of tip", "the cap is 0.5 gwei", "raise --max-tip"];
            lab.tx(&line).expect_error(4, &words);
        }
    }
    assert_eq!(lab.list(), before, "nothing was signed");
    let line = ["bump", "0", "--max-tip", "0.6", "--finality", "included"];
    lab.tx(&line).expect_code(0);
    assert_eq!(lab.list()[0]["attempts"][1]["max_priority_fee_per_gas"], "600000000");
    assert_eq!(lab.landed(), 1);
}

#[test]
fn what_is_too_cheap_for_its_cap_goes_on_waiting_and_says_what_to_do() {
    let Some(lab) = tipped() else { return };
    lab.ask("anvil_setNextBlockBaseFeePerGas", &json!(["0x12a05f200"]));
    lab.ask("anvil_mine", &json!(["0x1"]));
    let waiting = lab.anchor(lab.anvil.endpoint(), &["--deploy", "--max-tip", "0.5"]);
    let words = [
        "goes on waiting",
        "the cap is 0.5 gwei",
        "`chaoschain tx bump 0`",
        "the node does not take it again",
        "not mined within 2 s",
    ];
    ended(waiting, 4, &words);
    assert_eq!(lab.list()[0]["attempts"].as_array().unwrap().len(), 1);
    lab.tx(&["bump", "0", "--finality", "included"]).expect_code(0);
    assert_eq!(lab.landed(), 1);
}

#[test]
fn what_a_cancel_took_is_listed_as_cancelled_and_nothing_more_is_planned_for_it() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    lab.tx(&["cancel", "0", "--finality", "included"]).expect_code(0);
    let listed = lab.list().remove(0);
    assert_eq!((&listed["state"], &listed["succeeded"]), (&json!("cancelled"), &Value::Null));
    assert_eq!((&listed["finality"], &listed["depth"]), (&json!("included"), &json!("1")));
    let table = lab.tx(&["list"]).expect_code(0).stdout;
    assert!(table.contains("cancelled") && !table.contains("included"), "{table}");
    for command in ["bump", "cancel"] {
        let planned = lab.tx(&[command, "0", "--dry-run"]).expect_code(0).stdout;
        assert!(planned.starts_with("nothing would be signed: it is in a block"), "{planned}");
        assert!(lab.tx(&[command, "0", "--dry-run", "--json"]).expect_code(0).json().is_empty());
    }
    lab.ask("anvil_mine", &json!(["0x50"]));
    assert_eq!(lab.tx(&["list", "--all", "--json"]).expect_code(0).json()[0]["state"], "dropped");
}

#[test]
fn dry_run_names_the_contract_that_the_journal_deploys() {
    let Some(lab) = Lab::start() else { return };
    lab.anchor(&lab.losing().url, &["--deploy"]).expect_code(4);
    let url = lab.anvil.endpoint();
    let planned = lab.anchor(url, &["--deploy", "--dry-run", "--json"]).expect_code(0).json();
    let [anchor] = &planned[..] else { panic!("{planned:?}") };
    assert_eq!(anchor["nonce"], "1", "the deployment has 0");
    assert_eq!(anchor["to"], lab.deployed());
    let planned = lab.anchor(url, &["--deploy", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!((&planned[0]["nonce"], &planned[0]["to"]), (&json!("2"), &anchor["to"]));
}

#[test]
fn what_was_reverted_is_told_apart_from_what_succeeded() {
    let Some(lab) = Lab::start() else { return };
    lab.ask("evm_setAutomine", &json!([false]));
    lab.anchor(lab.anvil.endpoint(), &["--deploy"]).expect_code(4);
    // The deployer's code reverts now.
    let deployer = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
    lab.ask("anvil_setCode", &json!([deployer, "0x60006000fd"]));
    lab.ask("anvil_mine", &json!(["0x1"]));
    let wait = ["--finality", "included", "--wait", "5"];
    for command in [&["resume"][..], &["bump", "0"]] {
        let run = lab.tx(&[command, &wait].concat()).expect_code(4);
        assert!(run.stdout.contains("was reverted in block 1"), "{}", run.stdout);
        assert!(run.stderr.contains("was reverted: it did nothing"), "{}", run.stderr);
    }
    let shown = lab.tx(&["list"]).expect_code(0).stdout;
    assert!(shown.contains("reverted, included"), "{shown}");
    let listed = &lab.list()[0];
    assert_eq!(
        (&listed["state"], &listed["succeeded"]),
        (&json!("reverted, included"), &json!(false))
    );
    lab.ask("anvil_mine", &json!(["0x50"]));
    let shown = lab.tx(&["list", "--all"]).expect_code(0).stdout;
    assert!(shown.contains("reverted, final"), "{shown}");
}
