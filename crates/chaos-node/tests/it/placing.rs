//! Where nodes say that an anchor's block is, and what was anchored at all: the program, a chain, and nodes
//! that lie about it.

use chaos_chains::{Address, EvmChain, Outbox, RegistryKey};
use chaos_log::SignedCheckpoint;
use chaos_types::Digest;
use serde_json::{Value, json};

use crate::{
    program::{Run, root, run},
    proxy::{Proxy, Reply, ask},
    transactions::Lab,
};

/// A log's name and the anchor that a bundle of it has.
const ORIGIN: &str = "chaoschain.local/dad5ac8f";
const BUNDLE: &str = "fixtures/first/bundles/10-draft.json";
const BLOCK: &str = "0x2a";
const HASH: &str = "0x7f50df2c4c0fb20ffb410db8200d5fefc6d034643c065863b636efb04ebf48c9";
const CONTRACT: &str = "0xdc64a140aa3e981100a9beca4e685f962f0cf6c9";

/// Anything async of the chain, by an account of its own.
fn on<T>(lab: &Lab, act: impl AsyncFnOnce(&EvmChain) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let chain = EvmChain::connect(lab.anvil.endpoint(), None).await.unwrap();
        let outbox = Outbox::local(&lab.dir.path().join("another"), || 0);
        act(&chain.sending(outbox).await.unwrap()).await
    })
}

/// A node of the chain that the bundle's anchor is on: everything is a local chain's, but for the one block.
struct Place {
    lab: Lab,
    contract: Address,
}

impl Place {
    fn start() -> Option<Self> {
        let lab = Lab::start()?;
        let signer = lab.anvil.signer(1);
        let contract = on(&lab, async |chain| {
            let deployed = chain.deploy_anchor(&signer, ORIGIN, signer.address()).await.unwrap();
            chain.mine_blocks(110).await.unwrap();
            deployed.0
        });
        Some(Self { lab, contract })
    }

    /// A node that has `hash` as the bundle's block.
    fn node(&self, hash: &str) -> String {
        let (chain, deployed) =
            (self.lab.anvil.endpoint().to_owned(), format!("{:#x}", self.contract));
        let hash = hash.to_owned();
        let node = Proxy::start(self.lab.anvil.endpoint(), move |_, body| {
            let question: Value = serde_json::from_str(body).unwrap();
            let mut answer: Value =
                serde_json::from_str(&ask(&chain, &body.replace(CONTRACT, &deployed))).unwrap();
            if question["method"] == "eth_getBlockByNumber" && question["params"][0] == BLOCK {
                answer["result"]["hash"] = json!(hash);
            }
            Reply::Answer(200, String::new(), answer.to_string())
        });
        node.url
    }
}

fn verify(urls: &[&str], more: &[&str]) -> Run {
    let bundle = root().join(BUNDLE);
    let mut line = vec!["verify", bundle.to_str().unwrap()];
    for url in urls {
        line.extend(["--rpc-url", url]);
    }
    run([&line[..], more].concat())
}

fn anchor(run: &Run) -> Value {
    let checks = run.json()[0]["checks"].as_array().unwrap().clone();
    checks.into_iter().find(|check| check["check"] == "anchor").unwrap()
}

#[test]
fn nodes_place_an_anchor_and_are_named_without_their_keys() {
    let Some(place) = Place::start() else { return };
    let (one, two) = (place.node(HASH), place.node(HASH));
    let insist = ["--require", "anchored"];
    let shown = verify(&[&one, &two], &insist).expect_code(0);
    let words = "placed: block 42 of eip155:31337, final, said by 2 of 2 nodes";
    assert!(shown.stdout.contains(words), "{}", shown.stdout);
    assert!(shown.stdout.contains("; anchored ("), "{}", shown.stdout);
    assert_eq!(shown.stdout.matches(" has the block, final\n").count(), 2, "{}", shown.stdout);
    assert!(!format!("{shown:?}").contains("sesame"), "{shown:?}");
    let line = verify(&[&one, &two], &["--json"]).expect_code(0).json().remove(0);
    assert_eq!(line["words"]["anchored"], "anchored");
    assert_eq!(line["nodes"][1]["agrees"], true);
    assert!(!line.to_string().contains("sesame"), "{line}");
}

#[test]
fn too_few_nodes_place_nothing_and_each_is_told() {
    let Some(place) = Place::start() else { return };
    let one = place.node(HASH);
    let gone = "http://127.0.0.1:1";
    let shown = verify(&[&one, gone], &[]).expect_code(0);
    for words in [
        "said  anchor ",
        "not placed: 1 of 2 nodes say that they have it, final, and 2 have to",
        "; not placed (",
        "http://127.0.0.1:1 says nothing of use: no answer to eth_chainId",
    ] {
        assert!(shown.stdout.contains(words), "`{words}` is not in: {}", shown.stdout);
    }
    let lacks = verify(&[&one, gone], &["--require", "anchored", "--json"]).expect_code(1);
    assert_eq!(lacks.json()[0]["lacks"][0]["code"], "not-anchored");
    let enough = verify(&[&one, gone], &["--agree", "1", "--require", "anchored"]).expect_code(0);
    assert!(enough.stdout.contains("said by 1 of 2 nodes"), "{}", enough.stdout);
}

#[test]
fn a_node_that_contradicts_refuses_the_bundle() {
    let Some(place) = Place::start() else { return };
    let (one, liar) = (place.node(HASH), place.node(&format!("0x{}", "12".repeat(32))));
    let refused = verify(&[&one, &liar], &["--agree", "1", "--json"]).expect_code(1);
    let check = anchor(&refused);
    assert_eq!(check["code"], "anchor-block-contradicted");
    let detail = check["detail"].as_str().unwrap();
    assert!(detail.contains("has another block there, final: 0x1212"), "{detail}");
    assert!(!detail.contains("sesame"), "{detail}");
    // Where no node has the contract's code, it is no anchor.
    let bare = verify(&[place.lab.anvil.endpoint()], &["--json"]).expect_code(1);
    assert_eq!(anchor(&bare)["code"], "anchor-block-contradicted");
}

#[test]
fn nodes_are_named_as_they_can_be() {
    for (line, words) in [
        (&["--rpc-url", "ftp://sesame@host/sesame"][..], "expected http:// or https://"),
        (&["--rpc-url", "http://h/sesame", "--rpc-url", "http://h/sesame"], "given twice"),
        (&["--rpc-url", "http://h/sesame", "--agree", "2"], "2 of 1 nodes cannot agree"),
    ] {
        let refused = verify(&[], line).expect_error(3, &[words]);
        assert!(!refused.stderr.contains("sesame"), "{}", refused.stderr);
    }
    verify(&[], &["--agree", "1"]).expect_code(2);
}

/// A log in the registry, and what its publisher and a stranger anchored under its name.
struct Registry {
    lab: Lab,
    publisher: String,
}

impl Registry {
    fn start() -> Option<Self> {
        let lab = Lab::start()?;
        let publisher = format!("{:#x}", lab.anvil.signer(1).address());
        on(&lab, async |chain| chain.deploy_registry(&lab.anvil.signer(1)).await.unwrap());
        Some(Self { lab, publisher })
    }

    /// Anchors under the log's name.
    fn register(&self, account: usize, size: u64, root: [u8; 32]) {
        register(&self.lab, account, &head_of(&self.lab).2, size, root);
    }

    /// The newest signed head: its size and root.
    fn head(&self) -> (u64, [u8; 32]) {
        let (size, root, _) = head_of(&self.lab);
        (size, root)
    }

    fn audit(&self, urls: &[&str], more: &[&str]) -> Run {
        let mut line = vec!["anchor", "audit"];
        for url in urls {
            line.extend(["--rpc-url", url]);
        }
        self.lab.run(&[&line[..], more].concat(), "data")
    }
}

/// Anchors under a log's name by one of the chain's accounts.
fn register(lab: &Lab, account: usize, origin: &str, size: u64, root: [u8; 32]) {
    let signer = lab.anvil.signer(account);
    let key = RegistryKey { origin: Digest::of(origin.as_bytes()), publisher: signer.address() };
    on(lab, async |chain| chain.register_checkpoint(&signer, &key, size, root).await.unwrap());
}

/// The newest head that the log signs: its size, root and origin.
fn head_of(lab: &Lab) -> (u64, [u8; 32], String) {
    let line = lab.run(&["log", "checkpoint", "--json"], "data").expect_code(0).json();
    let head = SignedCheckpoint::parse(line[0]["note"].as_str().unwrap().as_bytes()).unwrap();
    let head = head.claimed();
    (head.size(), *head.root().as_bytes(), head.origin().to_owned())
}

#[test]
fn every_anchor_is_held_against_the_log() {
    let Some(registry) = Registry::start() else { return };
    let url = registry.lab.anvil.endpoint().to_owned();
    let named = ["--publisher", registry.publisher.as_str()];
    // Nothing yet: that is no success.
    registry.audit(&[&url], &named).expect_code(1);
    let (size, root) = registry.head();
    registry.register(1, size, root);
    registry.register(2, 77, [7; 32]);
    let told = registry.audit(&[&url], &named).expect_code(0);
    for words in [
        "publisher ",
        ", the log's",
        ", somebody else's",
        "in the log",
        "ahead of this copy",
        "of 1 anchor: 1 in the log, 0 ahead of this copy, 0 of another history",
    ] {
        assert!(told.stdout.contains(words), "`{words}` is not in: {}", told.stdout);
    }
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{}", told.stdout);
    // Whose the log's publisher is, has to be said.
    registry.audit(&[&url], &[]).expect_code(3);
    let ahead = registry.audit(
        &[&url],
        &["--publisher", &format!("{:#x}", registry.lab.anvil.signer(2).address())],
    );
    let ahead = ahead.expect_code(3);
    assert!(ahead.stderr.contains("1 anchor not judged: ahead of this copy"), "{}", ahead.stderr);
}

#[test]
fn another_root_than_the_logs_is_a_split_view() {
    let Some(registry) = Registry::start() else { return };
    let url = registry.lab.anvil.endpoint().to_owned();
    let named = ["--publisher", registry.publisher.as_str()];
    let (size, _) = registry.head();
    registry.register(1, size, [9; 32]);
    let told = registry.audit(&[&url], &named).expect_code(6);
    for words in [
        "SPLIT VIEW",
        "split view",
        "  transaction  0x",
        "  anchored     09090909",
        "1 of another history",
    ] {
        assert!(told.stdout.contains(words), "`{words}` is not in: {}", told.stdout);
    }
    assert!(told.stderr.contains("hint: keep this copy"), "{}", told.stderr);
    let json = registry.audit(&[&url], &[&named[..], &["--json"]].concat()).expect_code(6).json();
    assert_eq!(json[0]["is_split"], true);
    assert_eq!(json[0]["anchors"][0]["judgement"], "split_view");
    // By somebody else it says nothing about the log.
    let other = format!("{:#x}", registry.lab.anvil.signer(2).address());
    let told = registry.audit(&[&url], &["--publisher", &other]).expect_code(1);
    assert!(told.stdout.contains("not in the log"), "{}", told.stdout);
}

/// One of two nodes makes an anchor up: nobody is accused by it.
#[test]
fn nodes_that_disagree_accuse_nobody() {
    let Some(registry) = Registry::start() else { return };
    let (size, root) = registry.head();
    registry.register(1, size, root);
    let chain = registry.lab.anvil.endpoint().to_owned();
    let honest = chain.clone();
    let liar = Proxy::start(&chain.clone(), move |_, body| {
        let question: Value = serde_json::from_str(body).unwrap();
        let mut answer: Value = serde_json::from_str(&ask(&chain, body)).unwrap();
        match question["method"].as_str().unwrap() {
            "eth_getLogs" => answer["result"][0]["data"] = json!(format!("0x{}", "09".repeat(32))),
            "eth_call" => {
                let text = answer["result"].as_str().unwrap()[..66].to_owned();
                answer["result"] = json!(format!("{text}{}", "09".repeat(32)));
            }
            // What it makes up it cannot prove.
            "eth_getProof" => {
                answer =
                    json!({"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": "no"}});
            }
            _ => {}
        }
        Reply::Answer(200, String::new(), answer.to_string())
    });
    let named = ["--publisher", registry.publisher.as_str()];
    let told = registry.audit(&[&honest, &liar.url], &named).expect_code(1);
    assert!(told.stderr.contains("the nodes disagree about 2 anchors"), "{}", told.stderr);
    assert!(told.stdout.contains("by 1 of 2 nodes"), "{}", told.stdout);
    assert!(!format!("{told:?}").contains("sesame"), "{told:?}");
    // Where one is enough, a liar is believed: that is what `--agree 1` asks for.
    registry.audit(&[&liar.url], &named).expect_code(6);
    let lone = registry.audit(&[&honest, "http://127.0.0.1:1"], &named).expect_code(4);
    assert!(lone.stderr.contains("1 of 2 nodes answered, 2 have to"), "{}", lone.stderr);
    let enough = [&named[..], &["--agree", "1"]].concat();
    registry.audit(&[&honest, "http://127.0.0.1:1"], &enough).expect_code(0);
}

#[test]
fn a_contract_of_the_logs_own_is_audited_as_well() {
    let Some(lab) = Lab::start() else { return };
    let (contract, url) = (lab.own_contract("data"), lab.anvil.endpoint());
    lab.anchor(url, &["--contract", &contract]).expect_code(0);
    let line = ["anchor", "audit", "--rpc-url", url, "--contract", &contract];
    let told = lab.run(&line, "data").expect_code(0);
    assert!(told.stdout.contains(", the log's"), "{}", told.stdout);
    let other = format!("{:#x}", lab.anvil.signer(4).address());
    lab.run(&[&line[..], &["--publisher", &other]].concat(), "data").expect_error(3, &["alone"]);
    let line = ["anchor", "audit", "--rpc-url", url, "--contract", &other];
    lab.run(&line, "data").expect_error(4, &["has no contract at", "expected one that this log"]);
    // `anchor` by itself still writes, and says what it lacks.
    lab.run(&["anchor"], "data").expect_code(2);
}

/// A log that went on in the registry, with another history where it was first.
#[test]
fn a_contract_in_which_the_log_says_that_it_was_anchored_is_audited_without_being_named() {
    let Some(lab) = Lab::start() else { return };
    let (contract, url) = (lab.own_contract("data"), lab.anvil.endpoint());
    lab.anchor(url, &["--contract", &contract]).expect_code(0);
    // By itself, where the log declares nothing.
    let audit = ["anchor", "audit", "--rpc-url", url];
    let told = lab.run(&audit, "data").expect_code(0);
    assert!(told.stdout.contains(&contract), "{}", told.stdout);
    lab.deployed();
    let told = lab.run(&audit, "data").expect_code(0);
    assert!(told.stdout.contains(&contract) && told.stdout.contains("0x81ce"), "{}", told.stdout);
    assert!(told.stdout.contains("newest    shown under block"), "{}", told.stdout);
    assert!(told.stdout.contains("newest    the word of"), "{}", told.stdout);
    // Whoever names one alone has not looked at the other.
    let only = |contract: &str| lab.run(&[&audit[..], &["--contract", contract]].concat(), "data");
    let registry = format!("{:#x}", chaos_chains::REGISTRY);
    only(&registry).expect_error(3, &[&contract, "which entry 2 says that it was anchored in"]);
    only(&contract).expect_error(3, &[&registry, "declares"]);
    let both = [&audit[..], &["--contract", &contract, "--contract", &registry]].concat();
    lab.run(&both, "data").expect_code(0);

    let own: Address = contract.parse().unwrap();
    on(&lab, async |chain| {
        chain.anchor_checkpoint(own, &lab.anvil.signer(0), 3, [0xee; 32]).await.unwrap();
    });
    let told = lab.run(&audit, "data").expect_code(6);
    assert!(told.stdout.contains("SPLIT VIEW"), "{}", told.stdout);
    assert!(told.stderr.contains("whoever made the contract"), "{}", told.stderr);
}

/// From the log to a bundle that nodes place, and to the audit of what the log declares.
#[test]
fn what_is_anchored_is_placed_and_audited_as_the_log_declares() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    let url = lab.anvil.endpoint();
    let lines = lab.run(&["log", "show", "--json"], "data").expect_code(0).json();
    let receipt = lines[1]["action"]["receipt"].as_str().unwrap().to_owned();
    let file = lab.dir.path().join("bundle.json").to_str().unwrap().to_owned();
    lab.run(&["log", "prove", &receipt, "--out", &file], "data").expect_code(0);
    let line = ["verify", &file, "--rpc-url", url, "--require", "anchored"];
    // Nothing of this chain is final yet.
    let early = run(line).expect_code(1);
    assert!(early.stdout.contains("it may still be replaced"), "{}", early.stdout);
    let placed = run([&line[..], &["--finality", "included"]].concat()).expect_code(0);
    assert!(placed.stdout.contains("of eip155:31337, included"), "{}", placed.stdout);
    assert!(placed.stdout.contains(", said by 1 of 1 nodes"), "{}", placed.stdout);
    assert!(placed.stdout.contains("anchored (where the log declares it)"), "{}", placed.stdout);

    let audit = ["anchor", "audit", "--rpc-url", url];
    let told = lab.run(&audit, "data").expect_code(0);
    assert!(told.stdout.contains(", the log's, by its entry 2"), "{}", told.stdout);
    // A stranger who anchors under the log's name is listed, and accuses nobody.
    let origin = head_of(&lab).2;
    register(&lab, 3, &origin, 2, [9; 32]);
    let told = lab.run(&audit, "data").expect_code(0);
    assert!(told.stdout.contains("somebody else's"), "{}", told.stdout);
    assert!(told.stdout.contains("not in the log"), "{}", told.stdout);
    // Somebody who has the publisher's key, and the owner who asks.
    register(&lab, 0, &origin, 1_000, [9; 32]);
    let told = lab.run(&audit, "data").expect_code(3);
    assert!(told.stderr.contains("ahead of this copy"), "{}", told.stderr);
    let other = format!("{:#x}", lab.anvil.signer(3).address());
    let told = lab.run(&[&audit[..], &["--publisher", &other]].concat(), "data").expect_code(1);
    assert!(
        told.stdout.contains("the log's as you say; the log declares others"),
        "{}",
        told.stdout
    );
    let said = "by a publisher that no entry of the log declares";
    assert!(told.stderr.contains(said), "{}", told.stderr);
    // Of one that anchored nothing, nothing is said of the log's own.
    let none = format!("{:#x}", lab.anvil.signer(4).address());
    let told = lab.run(&[&audit[..], &["--publisher", &none]].concat(), "data").expect_code(1);
    let said = format!("{none}, which you named, has anchored nothing of this log");
    assert!(told.stderr.contains(&said), "{}", told.stderr);
}

/// A node that has not come so far hides nothing that enough others show.
#[test]
fn a_node_that_is_behind_hides_nothing() {
    let Some(registry) = Registry::start() else { return };
    let (size, _) = registry.head();
    registry.register(1, size, [9; 32]);
    let chain = registry.lab.anvil.endpoint().to_owned();
    let honest = chain.clone();
    let behind = Proxy::start(&chain.clone(), move |_, body| {
        let question: Value = serde_json::from_str(body).unwrap();
        if question["method"] == "eth_blockNumber" {
            let answer = json!({"jsonrpc": "2.0", "id": 0, "result": "0x1"});
            return Reply::Answer(200, String::new(), answer.to_string());
        }
        Reply::Forward
    });
    let named = ["--publisher", registry.publisher.as_str()];
    let both = [honest.as_str(), behind.url.as_str()];
    registry.audit(&both, &[&named[..], &["--agree", "1"]].concat()).expect_code(6);
    // Where both have to say so, nobody is accused by one of them, and it is no success.
    let told = registry.audit(&both, &named).expect_code(1);
    let words = "another history was anchored in block 2";
    assert!(told.stderr.contains(words) && told.stderr.contains("past block 1"), "{}", told.stderr);
    // Of what was anchored before the reader's first block nothing is judged, and nobody is accused of that.
    registry.lab.ask("anvil_mine", &json!(["0x3"]));
    let later = [&named[..], &["--from-block", "3"]].concat();
    let told = registry.audit(&[&honest], &later).expect_code(3);
    let said = "not judged: the newest anchor, of size";
    assert!(
        told.stderr.contains(said) && told.stderr.contains("before block 3"),
        "{}",
        told.stderr
    );
}

/// A node that stands still, beside one whose anchors are all in the log.
#[test]
fn blocks_that_too_few_nodes_have_reached_are_no_success() {
    let Some(registry) = Registry::start() else { return };
    let (size, root) = registry.head();
    registry.register(1, size, root);
    let honest = registry.lab.anvil.endpoint().to_owned();
    let (still, _) = registry.lab.lying("eth_blockNumber", json!("0x2"));
    let named = ["--publisher", registry.publisher.as_str()];
    let both = [honest.as_str(), still.url.as_str()];
    // So near to each other they answered at slightly different times.
    registry.lab.ask("anvil_mine", &json!(["0x40"]));
    let told = registry.audit(&both, &named).expect_code(0);
    let hash = registry.lab.ask("eth_getBlockByNumber", &json!(["0x42", false]))["hash"].clone();
    assert!(told.stdout.contains(hash.as_str().unwrap()), "{hash} is not in: {}", told.stdout);
    registry.lab.ask("anvil_mine", &json!(["0x1"]));
    let told = registry.audit(&both, &named).expect_code(4);
    let words = ["not judged: what is past block 2", "is at block 67"];
    assert!(words.iter().all(|words| told.stderr.contains(words)), "{}", told.stderr);
    registry.audit(&both, &[&named[..], &["--agree", "1"]].concat()).expect_code(0);
}

/// The chain took the anchor back after it was logged.
#[test]
fn an_anchor_that_is_logged_and_gone_is_told() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    lab.ask("anvil_reorg", &json!([1, []]));
    let line = ["anchor", "audit", "--rpc-url", lab.anvil.endpoint()];
    let told = lab.run(&line, "data").expect_code(1);
    assert!(told.stderr.contains("the chain has no such anchor"), "{}", told.stderr);
}
