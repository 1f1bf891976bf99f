//! Keys that somebody else has: the program with a remote signer, behind which a local chain signs with its
//! own accounts, or lies.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    program::{Run, run_with},
    proxy::{Proxy, Reply, ask},
    story::{DEPLOY, DEPLOYED, Story, VOTE},
    transactions::Lab,
};

/// The first development account of anvil. Its key is in no variable of these tests.
const ACCOUNT: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// A signer that signs what `change` makes of what it is asked for, with the keys of a local chain.
fn signer(endpoint: &str, change: impl Fn(&mut Value) + Send + 'static) -> Proxy {
    let chain = endpoint.to_owned();
    Proxy::start(endpoint, move |_, body| {
        let mut question: Value = serde_json::from_str(body).unwrap();
        match question["method"].as_str() {
            Some("eth_accounts" | "eth_sign") => return Reply::Forward,
            Some("eth_signTransaction") => change(&mut question["params"][0]),
            // Web3Signer reads a text that holds JSON, anvil the JSON.
            Some("eth_signTypedData") => {
                let typed = question["params"][1].as_str().unwrap();
                question["params"][1] = serde_json::from_str(typed).unwrap();
                question["method"] = json!("eth_signTypedData_v4");
            }
            other => panic!("a signer is asked {other:?}"),
        }
        Reply::Answer(200, String::new(), ask(&chain, &question.to_string()))
    })
}

/// Runs a command with the signer's key, and without any other.
fn signed(lab: &Lab, line: &[&str], signer: &Proxy) -> Run {
    let path = |name: &str| lab.dir.path().join(name).to_str().unwrap().to_owned();
    let (data, heads) = (path("data"), path("heads"));
    let more = ["--data", data.as_str(), "--signer-account", ACCOUNT];
    let variables = [
        ("CHAOSCHAIN_PASSWORD", "test"),
        ("CHAOSCHAIN_SIGNER", signer.url.as_str()),
        ("CHAOSCHAIN_HEADS", heads.as_str()),
    ];
    let run = run_with([line, &more].concat(), &variables);
    let told = format!("{}{}", run.stdout, run.stderr);
    assert!(!told.contains("sesame"), "the signer's password is shown: {told}");
    run
}

/// Lets the log grow.
fn register(lab: &Lab, name: &str) {
    let line = ["agent", "register", "--name", name, "--role", "researcher"];
    lab.run(&line, "data").expect_code(0);
}

/// Whether a file under a folder holds a word.
fn holds(folder: &Path, word: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, word);
        }
        fs::read(&path).unwrap().windows(word.len()).any(|bytes| bytes == word.as_bytes())
    })
}

#[test]
fn a_log_is_anchored_bumped_and_cancelled_by_a_remote_signer() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let signer = signer(url, |_| ());
    let anchor = |url: &str, more: &[&str]| {
        let line = ["anchor", "--rpc-url", url, "--finality", "included", "--wait", "2"];
        signed(&lab, &[&line[..], more].concat(), &signer)
    };
    // A dry run asks nothing but whether the signer has the account.
    let planned = anchor(url, &["--deploy", "--dry-run"]).expect_code(0).stdout;
    assert!(planned.contains(ACCOUNT), "{planned}");
    assert_eq!((signer.requests(), lab.landed()), (1, 0));
    anchor(url, &["--deploy"]).expect_code(0);
    // One of these is what it would sign before the log declares anything.
    assert_eq!((signer.requests(), lab.landed()), (5, 2));

    let tx = |command: &[&str]| {
        signed(&lab, &[&["tx"], command, &["--rpc-url", url, "--json"]].concat(), &signer)
    };
    register(&lab, "grace");
    anchor(&lab.losing().url, &[]).expect_code(4);
    let bumped = tx(&["bump", "2", "--finality", "included"]).expect_code(0).json();
    assert_eq!((&bumped[0]["event"], lab.landed()), (&json!("landed"), 3));
    register(&lab, "linus");
    anchor(&lab.losing().url, &["--go-on"]).expect_code(4);
    let cancelled = tx(&["cancel", "3", "--finality", "included"]).expect_code(0).json();
    assert_eq!((&cancelled[0]["event"], lab.landed()), (&json!("cancelled"), 4));
    assert!(!holds(lab.dir.path(), "sesame"), "the signer's password is kept");
}

#[test]
fn a_signer_that_lies_has_nothing_sent_and_nothing_kept() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let anchor = ["anchor", "--rpc-url", url, "--deploy", "--finality", "included"];
    let thief = json!("0x6666666666666666666666666666666666666666");
    let lies: [(&str, &str, Value); 4] = [
        ("receiver", "to", thief),
        ("value", "value", json!("0xde0b6b3a7640000")),
        ("nonce", "nonce", json!("0x7")),
        ("fee", "maxFeePerGas", json!("0x174876e800")),
    ];
    for (field, name, value) in lies {
        let liar = signer(url, move |asked| asked[name] = value.clone());
        let told = format!("signed another transaction: expected {field}");
        signed(&lab, &anchor, &liar).expect_error(1, &[&told, "nothing was sent"]);
    }
    // Another account's key under the name of this one.
    let liar = signer(url, |asked| {
        asked["from"] = json!("0x70997970c51812dc3a010c7d01b50e0d17dc79c8");
    });
    let told = ["expected the signature of 0xf39F", "found that of 0x7099", "nothing was sent"];
    signed(&lab, &anchor, &liar).expect_error(1, &told);
    assert_eq!(lab.landed(), 0);
    assert!(!lab.dir.path().join("data/transactions").exists());
    // An honest one goes on as if nothing had been.
    signed(&lab, &anchor, &signer(url, |_| ())).expect_code(0);
    assert_eq!(lab.landed(), 2);
}

#[test]
fn a_signer_that_is_gone_or_has_other_accounts_is_named_before_the_log_is_written() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let entries = || lab.run(&["log", "show", "--json"], "data").expect_code(0).stdout;
    let before = entries();
    let anchor = ["anchor", "--rpc-url", url, "--deploy", "--finality", "included"];
    let gone = Proxy::start(url, |_, _| Reply::HangUp);
    signed(&lab, &anchor, &gone).expect_error(4, &["says nothing of use", "CHAOSCHAIN_SIGNER"]);
    let empty = Proxy::start(url, |_, _| {
        let answer = json!({"jsonrpc": "2.0", "id": 0, "result": []});
        Reply::Answer(200, String::new(), answer.to_string())
    });
    signed(&lab, &anchor, &empty).expect_error(3, &["has 0 accounts", "--signer-account"]);
    let refuses = Proxy::start(url, |_, body| {
        if body.contains("eth_accounts") {
            return Reply::Forward;
        }
        let error = json!({"code": -32000, "message": "sesame: to address not authorized"});
        let answer = json!({"jsonrpc": "2.0", "id": 0, "error": error});
        Reply::Answer(200, String::new(), answer.to_string())
    });
    assert_eq!(entries(), before);
    let told = ["does not sign for 0xf39F", "to address not authorized"];
    signed(&lab, &anchor, &refuses).expect_error(4, &told);
    assert_eq!(lab.landed(), 0);
    // And without any place where it could be.
    let line = ["anchor", "--rpc-url", url, "--signer-account", ACCOUNT];
    lab.run(&line, "data").expect_error(3, &["neither --signer nor CHAOSCHAIN_SIGNER"]);
}

/// An entry that declares who anchors stays for ever, so what can be refused is asked for before.
#[test]
fn nothing_is_declared_that_a_signer_does_not_sign_or_a_node_does_not_take() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    // The registry is there, and the log has not been anchored.
    let file = lab.dir.path().join("deployment.json").to_str().unwrap().to_owned();
    let deploy = ["chain", "deploy", "registry", "--rpc-url", url, "--finality", "included"];
    lab.run(&[&deploy[..], &["--deployment", &file]].concat(), "other").expect_code(0);
    let entries = || lab.run(&["log", "show", "--json"], "data").expect_code(0).stdout;
    let before = entries();
    let refuses = Proxy::start(url, |_, body| {
        if body.contains("eth_accounts") {
            return Reply::Forward;
        }
        let error = json!({"code": -32000, "message": "denied: receiver is not on the list"});
        let answer = json!({"jsonrpc": "2.0", "id": 0, "error": error});
        Reply::Answer(200, String::new(), answer.to_string())
    });
    let anchor = ["anchor", "--rpc-url", url, "--finality", "included"];
    signed(&lab, &anchor, &refuses).expect_error(4, &["receiver is not on the list"]);
    assert_eq!(entries(), before);
    let takes_none = Proxy::start(url, |_, body| {
        if !body.contains("eth_sendRawTransaction") {
            return Reply::Forward;
        }
        crate::proxy::refusal(body, -32601, "method not found")
    });
    lab.anchor(&takes_none.url, &[]).expect_error(4, &["eth_sendRawTransaction"]);
    assert_eq!(entries(), before);
    signed(&lab, &anchor, &signer(url, |_| ())).expect_code(0);
}

/// Transactions of five contracts, and typed data: what a story signs until a vote is cast.
#[test]
fn a_proposal_is_submitted_and_voted_on_by_a_remote_signer() {
    let Some(mut story) = Story::start() else { return };
    story.propose();
    let url = story.anvil.endpoint().to_owned();
    story.signer = Some(signer(&url, |_| ()));
    let sent = |line: &[&str]| {
        let by = ["--finality", "included", "--signer-account", ACCOUNT];
        story.on(&[line, &by[..]].concat()).expect_code(0)
    };
    sent(&[&DEPLOY[..], &DEPLOYED].concat());
    sent(&[&["vote", "delegate"], &DEPLOYED[..]].concat());
    let submit = ["proposal", "submit", "@proposal/proposal.json", "--agent", "linus"];
    sent(&[&submit[..], &DEPLOYED].concat());
    let open = ["vote", "open", "@proposal/proposal.json", "--out", "@vote.json"];
    sent(&[&open[..], &DEPLOYED].concat());
    story.ask("anvil_mine", &json!(["0x3"]));
    let cast = sent(&[&["vote", "cast", "for"], &VOTE[..]].concat());
    assert!(cast.stdout.starts_with("1000000 votes are cast: for\n"), "{}", cast.stdout);
}
