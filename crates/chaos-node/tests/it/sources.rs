//! Where blocks come from: nodes that behave and nodes that do not, traces, state proofs, files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Instant,
};

use chaos_chains::{Anvil, AnvilConfig, EvmChain, Outbox, StackConfig};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    program::{Run, anvil_is_there, root, run},
    proxy::{Proxy, Reply, ask},
};

/// A local chain with some blocks of contracts and transfers, and its last block's number.
fn chain() -> Option<(Anvil, u64)> {
    if !anvil_is_there() {
        return None;
    }
    let config = AnvilConfig { root: Some(root()), ..AnvilConfig::default() };
    let anvil = Anvil::start(&config).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let last = runtime.block_on(async {
        let chain = EvmChain::connect(anvil.endpoint(), None).await.unwrap();
        let journal = tempfile::tempdir().unwrap();
        let chain = chain.sending(Outbox::local(journal.path(), || 0)).await.unwrap();
        let signer = anvil.signer(0);
        chain.deploy_governance_stack(&signer, &StackConfig::default()).await.unwrap();
        let publisher = signer.address();
        let anchor =
            chain.deploy_anchor(&signer, "chaoschain.local/log", publisher).await.unwrap().0;
        chain.anchor_checkpoint(anchor, &signer, 10, [1; 32]).await.unwrap();
        chain.anchor_checkpoint(anchor, &signer, 20, [2; 32]).await.unwrap();
        chain.block_number().await.unwrap()
    });
    Some((anvil, last))
}

fn question(endpoint: &str, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
    let mut answer: Value = serde_json::from_str(&ask(endpoint, &body.to_string())).unwrap();
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].take()
}

/// An export of the blocks `first` to `last`.
struct Export<'a> {
    dir: &'a Path,
    first: u64,
    last: u64,
}

impl Export<'_> {
    fn arguments(&self, url: &str, name: &str, further: &[&str]) -> Vec<String> {
        let path = |name: &str| self.dir.join(name).display().to_string();
        let range = format!("{}..={}", self.first, self.last);
        let (cache, out) = (path(&format!("cache-{name}")), path(name));
        ["export", "--rpc-url", url, "--range", &range, "--cache", &cache, "--out", &out]
            .iter()
            .chain(further)
            .map(|&text| text.to_owned())
            .collect()
    }

    #[track_caller]
    fn run(&self, url: &str, name: &str, further: &[&str]) -> Run {
        let run = run(self.arguments(url, name, further));
        assert!(!run.stderr.contains("sesame") && !run.stdout.contains("sesame"), "{run:?}");
        run
    }

    fn files(&self, name: &str) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.dir.join(name)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("manifest.json") {
                    let name = path.strip_prefix(self.dir.join(name)).unwrap().to_owned();
                    files.insert(name, hex::encode(fs::read(&path).unwrap()));
                }
            }
        }
        files
    }

    /// Both exports hold the same files, byte for byte.
    #[track_caller]
    fn check_same(&self, name: &str, other: &str) {
        let (files, others) = (self.files(name), self.files(other));
        assert!(files.keys().eq(others.keys()), "{:?} {:?}", files.keys(), others.keys());
        for (path, bytes) in files {
            if bytes != others[&path] {
                let text = |name: &str| {
                    let bytes = fs::read(self.dir.join(name).join(&path)).unwrap();
                    let mut text = String::new();
                    GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
                    text
                };
                let (one, two) = (text(name), text(other));
                let at = one.bytes().zip(two.bytes()).take_while(|(a, b)| a == b).count();
                let around = |text: &str| {
                    text.get(at.saturating_sub(200)..(at + 200).min(text.len()))
                        .unwrap_or("")
                        .to_owned()
                };
                panic!("{}: {}\nbut {}", path.display(), around(&one), around(&two));
            }
        }
    }

    fn replay(&self, name: &str) -> Vec<Value> {
        let out = self.dir.join(name);
        let mut lines =
            run(["replay", "--blocks", out.to_str().unwrap(), "--json"]).expect_code(0).json();
        lines.pop();
        lines
    }
}

#[test]
fn every_state_source_exports_the_same_bytes_and_they_replay_offline() {
    let Some((anvil, last)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    // The header of the local chain's genesis block does not commit to its state, so nothing can be
    // proven against it.
    let export = Export { dir: dir.path(), first: 2, last };
    let state_proof = with_state_proof(&anvil);
    export.run(anvil.endpoint(), "rpc", &[]).expect_code(0);
    export.run(anvil.endpoint(), "trace", &["--state-from", "trace"]).expect_code(0);
    export.run(&state_proof.url, "proof", &["--state-from", "proof"]).expect_code(0);
    let range = format!("2..={last}");
    let live = run([
        "replay",
        "--rpc-url",
        anvil.endpoint(),
        "--range",
        &range,
        "--json",
        "--cache",
        dir.path().join("cache-live").to_str().unwrap(),
    ]);
    let mut live = live.expect_code(0).json();
    live.pop();

    let files = export.files("rpc");
    assert_eq!(files.len() as u64, last + 1, "blocks, codes and fees: {:?}", files.keys());
    export.check_same("trace", "rpc");
    export.check_same("proof", "rpc");
    assert_eq!(export.replay("rpc"), live);
    for line in &live {
        assert_eq!(line["gas_header"], line["gas_replayed"], "{line}");
        assert_eq!(line["receipts_root"], "match", "{line}");
    }
    let first = Export { dir: dir.path(), first: 1, last: 1 };
    // The word of the first version, still accepted.
    let run_first = first.run(&state_proof.url, "unproven", &["--state-from", "witness"]);
    run_first.expect_error(1, &["block 1", "does not give the block"]);
    let out = |name: &str| dir.path().join(name).display().to_string();
    run(["export", "--blocks", &out("rpc"), "--out", &out("again")]).expect_code(0);
    export.check_same("again", "rpc");
    let two = format!("{}..={last}", last - 1);
    run(["export", "--blocks", &out("rpc"), "--range", &two, "--out", &out("two")]).expect_code(0);
    assert_eq!(export.replay("two"), live[live.len() - 2..]);

    let manifest: Value =
        serde_json::from_slice(&fs::read(dir.path().join("rpc/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["checks"]["header_hashes_recomputed"], last - 1);
    assert_eq!(manifest["blocks"].as_array().unwrap().len() as u64, last - 1);
    assert_eq!(manifest["bytecodes"]["missing"], 0);
}

/// The local chain has no `debug_executionWitness`, but it proves accounts and slots against its
/// own state root; the nodes of those proofs, the codes and the parent's header are a state proof.
fn with_state_proof(anvil: &Anvil) -> Proxy {
    let endpoint = anvil.endpoint().to_owned();
    Proxy::start(anvil.endpoint(), move |_, body| {
        let asked: Value = serde_json::from_str(body).unwrap();
        if asked["method"] != "debug_executionWitness" {
            return Reply::Forward;
        }
        let tag = asked["params"][0].as_str().unwrap();
        let number = u64::from_str_radix(&tag[2..], 16).unwrap();
        let parent = format!("{:#x}", number - 1);
        let tracer = json!({"tracer": "prestateTracer"});
        let trace = question(&endpoint, "debug_traceBlockByNumber", &json!([tag, tracer]));
        let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        // The system calls at the start of a block write one slot of history and two of beacon roots.
        let block = question(&endpoint, "eth_getBlockByNumber", &json!([tag, false]));
        let timestamp =
            u64::from_str_radix(&block["timestamp"].as_str().unwrap()[2..], 16).unwrap();
        for (system, slots) in [
            ("0x0000f90827f1c53a10cb7a02335b175320002935", vec![(number - 1) % 8191]),
            (
                "0x000f3df6d732807ef1319fb7b8bb8522d0beac02",
                vec![timestamp % 8191, timestamp % 8191 + 8191],
            ),
        ] {
            let slots = slots.into_iter().map(|slot| format!("{slot:#066x}"));
            places.entry(system.to_owned()).or_default().extend(slots);
        }
        for entry in trace.as_array().unwrap() {
            for (address, account) in entry["result"].as_object().unwrap() {
                let slots = account["storage"].as_object();
                let slots = slots.into_iter().flat_map(|slots| slots.keys().cloned());
                places.entry(address.clone()).or_default().extend(slots);
            }
        }
        let (mut state, mut codes) = (BTreeSet::new(), BTreeSet::new());
        for (address, slots) in places {
            let proof = question(&endpoint, "eth_getProof", &json!([address, slots, parent]));
            let storage = proof["storageProof"].as_array().unwrap().iter();
            let lists = storage.map(|slot| &slot["proof"]).chain([&proof["accountProof"]]);
            for node in lists.flat_map(|list| list.as_array().unwrap()) {
                state.insert(node.as_str().unwrap().to_owned());
            }
            let code = question(&endpoint, "eth_getCode", &json!([address, parent]));
            codes.insert(code.as_str().unwrap().to_owned());
        }
        let header = question(&endpoint, "eth_getBlockByNumber", &json!([parent, false]));
        let state_proof =
            json!({"state": state, "codes": codes, "keys": null, "headers": [header]});
        let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": state_proof});
        Reply::Answer(200, String::new(), answer.to_string())
    })
}

#[test]
fn failing_node_gives_the_same_export_in_the_end() {
    let Some((anvil, last)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last };
    export.run(anvil.endpoint(), "good", &[]).expect_code(0);
    let limited = |id: &Value| {
        json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32005, "message": "limit exceeded",
            "data": {"rate": {"backoff_seconds": 0}}}})
    };
    let endpoint = anvil.endpoint().to_owned();
    let bad = Proxy::start(anvil.endpoint(), move |number, body| match number % 14 {
        1 => Reply::HangUp,
        3 => Reply::Answer(503, String::new(), "busy".to_owned()),
        5 => Reply::Answer(429, "retry-after: 0\r\n".to_owned(), String::new()),
        7 => Reply::CutOff,
        9 => Reply::CutShort,
        11 => Reply::Answer(200, String::new(), limited(&json!(0)).to_string()),
        13 => {
            // Some questions of a batch are answered, the others are limited.
            let mut answers: Value = serde_json::from_str(&ask(&endpoint, body)).unwrap();
            for answer in answers.as_array_mut().into_iter().flatten().skip(1).step_by(2) {
                *answer = limited(&answer["id"]);
            }
            Reply::Answer(200, String::new(), answers.to_string())
        }
        _ => Reply::Forward,
    });
    let run = export.run(&bad.url, "bad", &[]).expect_code(0);
    export.check_same("bad", "good");
    assert!(!run.stderr.contains(" 0 of them retries"), "{}", run.stderr);
}

#[test]
fn node_without_batches_and_block_hash_parameters_is_read_as_well() {
    let Some((anvil, last)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last };
    export.run(anvil.endpoint(), "good", &[]).expect_code(0);
    let refuse = |text: &str| {
        let error = json!({"code": -32602, "message": text});
        let answer = json!({"jsonrpc": "2.0", "id": 0, "error": error});
        Reply::Answer(200, String::new(), answer.to_string())
    };
    let old = Proxy::start(anvil.endpoint(), move |_, body| {
        if body.starts_with('[') {
            refuse("batches are not supported")
        } else if body.contains("blockHash") {
            refuse("invalid argument 1: hex string expected")
        } else {
            Reply::Forward
        }
    });
    export.run(&old.url, "old", &[]).expect_code(0);
    export.check_same("old", "good");
}

#[test]
fn stalled_request_times_out_and_is_sent_again() {
    let Some((anvil, _)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last: 1 };
    let slow =
        Proxy::start(
            anvil.endpoint(),
            |number, _| {
                if number == 2 { Reply::Stall } else { Reply::Forward }
            },
        );
    let run = export.run(&slow.url, "slow", &["--request-timeout", "1"]).expect_code(0);
    assert!(run.stderr.contains(" 1 of them retries"), "{}", run.stderr);
}

#[test]
fn node_that_asks_for_a_long_wait_is_reported_with_what_to_do() {
    let Some((anvil, last)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last };
    let closed = Proxy::start(anvil.endpoint(), |number, _| match number {
        1 => Reply::Forward,
        _ => Reply::Answer(429, "retry-after: 3600\r\n".to_owned(), String::new()),
    });
    let run = export.run(&closed.url, "closed", &[]);
    run.expect_error(4, &["127.0.0.1", "3600 s", "goes on where it stopped"]);
    assert!(!dir.path().join("closed").exists());
}

#[test]
fn rate_is_kept() {
    let Some((anvil, _)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last: 2 };
    let started = Instant::now();
    let run = export.run(anvil.endpoint(), "paced", &["--requests-per-second", "20"]);
    let elapsed_ms = started.elapsed().as_millis();
    let stderr = run.expect_code(0).stderr;
    let words: Vec<&str> = stderr.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "requests,").unwrap();
    let requests: u128 = words[at - 1].parse().unwrap();
    // The last batch, of at most 20, is sent without waiting for its own share.
    assert!(requests > 20, "{stderr}");
    assert!(elapsed_ms >= (requests - 20) * 50, "{requests} requests in {elapsed_ms} ms");
}

#[test]
fn different_block_for_the_same_number_is_named_with_both_hashes() {
    let (Some((anvil, last)), Some((other, _))) = (chain(), chain()) else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last };
    let hash = |anvil: &Anvil, number: u64| {
        let tag = format!("{number:#x}");
        let block = question(anvil.endpoint(), "eth_getBlockByNumber", &json!([tag, false]));
        block["hash"].as_str().unwrap().to_owned()
    };
    question(other.endpoint(), "anvil_reset", &json!([]));
    question(other.endpoint(), "anvil_mine", &json!(["0x20", "0x7"]));
    let (honest, foreign) = (hash(&anvil, 3), hash(&other, 3));
    assert_ne!(honest, foreign);

    // Behind one address stand two nodes with two histories.
    let (first, second) = (anvil.endpoint().to_owned(), other.endpoint().to_owned());
    let balanced = Proxy::start(&first, {
        let first = first.clone();
        move |_, body| {
            let asked: Value = serde_json::from_str(body).unwrap();
            let mut answers: Value = serde_json::from_str(&ask(&first, body)).unwrap();
            let others: Value = serde_json::from_str(&ask(&second, body)).unwrap();
            let third = |question: &Value| question["params"][0] == "0x3";
            if third(&asked) {
                answers = others;
            } else if let Some(questions) = asked.as_array() {
                for (index, _) in questions.iter().enumerate().filter(|(_, q)| third(q)) {
                    answers[index] = others[index].clone();
                }
            }
            Reply::Answer(200, String::new(), answers.to_string())
        }
    });
    let words = ["two different blocks 2", &hash(&anvil, 2), &hash(&other, 2)];
    export.run(&balanced.url, "balanced", &[]).expect_error(4, &words);
    export.run(&balanced.url, "headers", &["--headers-only"]).expect_error(4, &words);

    // Receipts of another node's block.
    let second = other.endpoint().to_owned();
    question(other.endpoint(), "evm_setAutomine", &json!([true]));
    let account = question(other.endpoint(), "eth_accounts", &json!([]))[0].clone();
    for _ in 0..3 {
        let transfer = json!([{"from": account, "to": account, "value": "0x1"}]);
        question(other.endpoint(), "eth_sendTransaction", &transfer);
    }
    let newest = question(other.endpoint(), "eth_blockNumber", &json!([]));
    let mixed = Proxy::start(&first, move |_, body| {
        if body.contains("eth_getBlockReceipts") {
            let body = json!({"jsonrpc": "2.0", "id": 0, "method": "eth_getBlockReceipts",
                "params": [newest]});
            return Reply::Answer(200, String::new(), ask(&second, &body.to_string()));
        }
        Reply::Forward
    });
    let run = export.run(&mixed.url, "mixed", &[]);
    run.expect_error(4, &["two different blocks 1", &hash(&anvil, 1), "receipts"]);

    // A header that does not hash to what it claims.
    let lying = Proxy::start(&first, {
        let first = first.clone();
        move |_, body| {
            let answer = ask(&first, body);
            let forged = answer.replace(&honest, &foreign);
            Reply::Answer(200, String::new(), forged)
        }
    });
    let run = export.run(&lying.url, "lying", &[]);
    run.expect_error(4, &["block 3", &hash(&anvil, 3), &hash(&other, 3)]);
}

#[test]
fn export_that_was_killed_goes_on_with_whole_blocks() {
    let Some((anvil, last)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last };
    export.run(anvil.endpoint(), "fresh", &[]).expect_code(0);
    for fatal in [3, 8, 13, 21] {
        let name = format!("killed-{fatal}");
        let (sender, stalled) = mpsc::channel();
        let deaf = Proxy::start(anvil.endpoint(), move |number, _| {
            if number < fatal {
                return Reply::Forward;
            }
            sender.send(()).unwrap();
            Reply::Stall
        });
        let mut child = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
            .args(export.arguments(&deaf.url, &name, &[]))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It is in the middle of a request now.
        stalled.recv().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!dir.path().join(&name).exists(), "nothing is put in place before all is there");
        let kept = dir.path().join(format!("cache-{name}/eip155-31337"));
        if kept.join("blocks").exists() && kept.join("bytecodes.json").exists() {
            run(["replay", "--blocks", kept.to_str().unwrap()]).expect_code(0);
        }

        let again = Proxy::start(anvil.endpoint(), |_, _| Reply::Forward);
        export.run(&again.url, &name, &[]).expect_code(0);
        export.check_same(&name, "fresh");
        let resumed = again.requests();
        fs::remove_dir_all(dir.path().join(&name)).unwrap();
        export.run(&again.url, &name, &[]).expect_code(0);
        assert_eq!(again.requests() - resumed, last + 1, "a whole cache needs one look per block");
    }
}

#[test]
fn fee_history_of_headers_is_resumed_and_read_back() {
    let Some((anvil, _)) = chain() else { return };
    question(anvil.endpoint(), "anvil_mine", &json!(["0x5dc", "0xc"]));
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last: 1400 };
    let fresh = Proxy::start(anvil.endpoint(), |_, _| Reply::Forward);
    export.run(&fresh.url, "fresh", &["--headers-only"]).expect_code(0);
    // The chain's id, and 100 headers in a request.
    assert!(fresh.requests() <= 1 + 5 + 5 + 5, "{}", fresh.requests());

    let broken = Proxy::start(anvil.endpoint(), |number, _| match number {
        ..=8 => Reply::Forward,
        _ => Reply::Answer(403, String::new(), "forbidden".to_owned()),
    });
    export.run(&broken.url, "fees", &["--headers-only"]).expect_error(4, &["403"]);
    let rest = Proxy::start(anvil.endpoint(), |_, _| Reply::Forward);
    export.run(&rest.url, "fees", &["--headers-only"]).expect_code(0);
    assert!(rest.requests() < fresh.requests(), "{} of {}", rest.requests(), fresh.requests());
    export.check_same("fees", "fresh");

    let text = fs::read_to_string(dir.path().join("fees/fee-history.csv")).unwrap();
    let history = chaos_history::FeeHistory::decode(text.as_bytes()).unwrap();
    assert_eq!(history.blocks().len(), 1400);
    let block = question(anvil.endpoint(), "eth_getBlockByNumber", &json!(["0x3e8", false]));
    let hex = |name: &str| u64::from_str_radix(&block[name].as_str().unwrap()[2..], 16).unwrap();
    let row = format!(
        "1000,{},{},{},{}",
        hex("timestamp"),
        hex("gasUsed"),
        hex("gasLimit"),
        hex("baseFeePerGas")
    );
    assert_eq!(text.lines().nth(1000), Some(row.as_str()));
}

#[test]
fn saved_answers_are_imported_and_bad_ones_are_refused() {
    let Some((anvil, last)) = chain() else { return };
    let dir = TempDir::new().unwrap();
    let export = Export { dir: dir.path(), first: 1, last };
    export.run(anvil.endpoint(), "rpc", &[]).expect_code(0);
    let tag = json!(format!("{last:#x}"));
    let save = |name: &str, value: &Value| {
        let path = dir.path().join(name).display().to_string();
        fs::write(&path, value.to_string()).unwrap();
        path
    };
    let envelope = |result: Value| json!({"jsonrpc": "2.0", "id": 1, "result": result});
    let ask_chain = |method: &str, params: Value| question(anvil.endpoint(), method, &params);
    let block = ask_chain("eth_getBlockByNumber", json!([tag, true]));
    let tracer =
        |diff: bool| json!([tag, {"tracer": "prestateTracer", "tracerConfig": {"diffMode": diff}}]);
    let prestate = ask_chain("debug_traceBlockByNumber", tracer(false));
    let block_file = save("block.json", &envelope(block));
    let trace = save("trace.json", &prestate);
    let diff = save("diff.json", &envelope(ask_chain("debug_traceBlockByNumber", tracer(true))));
    let state_proof_node = with_state_proof(&anvil);
    let state_proof = question(
        &state_proof_node.url.replace("user:sesame@", "").replace("/v3/sesame?key=sesame", ""),
        "debug_executionWitness",
        &json!([tag]),
    );
    let state_proof_file = save("proof.json", &state_proof);
    let import = |name: &str, further: &[&str]| {
        let out = dir.path().join(name).display().to_string();
        let given = ["import", "--block", &block_file, "--out", &out];
        run(given.iter().chain(further))
    };
    import("a", &["--trace", &trace, "--diff", &diff]).expect_code(0);
    import("b", &["--proof", &state_proof_file]).expect_code(0);
    let plain = |name: &str| -> Value {
        let path = dir.path().join(name).join(format!("blocks/{last}.json.gz"));
        serde_json::from_reader(GzDecoder::new(fs::File::open(path).unwrap())).unwrap()
    };
    let mut state = plain("rpc")["preState"].clone();
    assert_eq!(plain("b")["preState"], state);
    // What the system calls read before the first transaction is in no trace.
    state.as_object_mut().unwrap().remove("0x0000f90827f1c53a10cb7a02335b175320002935").unwrap();
    assert_eq!(plain("a")["preState"], state);
    for name in ["a", "b"] {
        assert_eq!(export.replay(name), export.replay("rpc")[export.replay("rpc").len() - 1..]);
    }

    let mut lie = prestate;
    let accounts = lie[0]["result"].as_object_mut().unwrap();
    let contract = accounts.values_mut().find(|account| account.get("code").is_some()).unwrap();
    contract["code"] = json!("0x00");
    let lie = save("lie.json", &lie);
    import("c", &["--trace", &lie]).expect_error(1, &["does not agree", "gas"]);
    let mut torn = state_proof;
    torn["state"] = json!([]);
    let torn = save("torn.json", &torn);
    import("d", &["--proof", &torn]).expect_error(3, &["proof.state", "state root"]);
    import("e", &["--trace", &diff]).expect_error(3, &["diff mode", "result[0]"]);
    for name in ["c", "d", "e"] {
        assert!(!dir.path().join(name).exists());
    }
    // The word of the first version, still accepted.
    import("a", &["--witness", &state_proof_file]).expect_error(3, &["is there already"]);
}
