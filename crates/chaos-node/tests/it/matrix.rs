//! What a chain, its nodes and a second process do to an anchor, each a row: the situation, what the program says,
//! and what the chain has to hold afterwards. Paid at most once, not lost, not stuck, never above the cap.

mod rows;

use std::{collections::HashMap, thread};

use serde_json::{Value, json};

use self::rows::{ROWS, Row};
use crate::{
    bench::{Bench, CAP, anchoring},
    finality::copy,
    program::{DEVELOPMENT_KEY, run, run_with},
    proxy::{Proxy, Reply, ask, method, question},
};

/// One question to a node that misbehaves.
struct Asked<'a> {
    method: &'a str,
    body: &'a str,
    /// How often the method was asked for, this time included.
    time: u64,
    chain: &'a str,
}

impl Asked<'_> {
    /// The chain's own answer, as JSON.
    fn answer(&self) -> Value {
        serde_json::from_str(&ask(self.chain, self.body)).unwrap()
    }
}

/// In the place of a method's name: bytes that are no transaction, by which a node is asked whether it takes any.
const PROBE: &str = "a probe";

fn node_of(bench: &Bench, row: &Row) -> Proxy {
    let (chain, node) = (bench.endpoint().to_owned(), row.node);
    let mut times: HashMap<String, u64> = HashMap::new();
    Proxy::start(bench.endpoint(), move |_, body| {
        let is_probe = body.contains(r#""params":["0x"]"#);
        let method = if is_probe { PROBE.to_owned() } else { method(body) };
        let time = times.entry(method.clone()).or_default();
        *time += 1;
        node(&Asked { method: &method, body, time: *time, chain: &chain })
    })
}

/// Plays a row, and says what does not hold.
fn play(bench: &Bench, row: &Row) -> Result<(), String> {
    bench.begin();
    (row.before)(bench);
    let (before, logged) = (bench.spent_by(row.account), bench.logged());
    let node = node_of(bench, row);
    let more: Vec<String> = row.more.iter().map(|word| bench.word(word)).collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let url = row.url.unwrap_or(&node.url);
    let first =
        bench.run_by(row.key, &[&anchoring(url)[..], &["--wait", row.wait], &more].concat());
    let said = format!("{}{}", first.stdout, first.stderr);
    if first.code != row.code {
        return Err(format!("exit code {}, expected {}: {said}", first.code, row.code));
    }
    if let Some(word) = row.says.iter().find(|word| !said.contains(**word)) {
        return Err(format!("`{word}` is not in: {said}"));
    }
    let sent = bench.spent_by(row.account).transactions - before.transactions;
    if sent != row.sends {
        return Err(format!(
            "{sent} transactions are in the chain, expected {}: {said}",
            row.sends
        ));
    }
    // The faults end.
    (row.after)(bench);
    for line in row.then {
        let line = [*line, &["--rpc-url", bench.endpoint()]].concat();
        let run = bench.run_by(row.key, &line);
        if run.code != 0 {
            return Err(format!("stuck: {line:?} gives {}: {}", run.code, run.stderr));
        }
    }
    if first.code != 0 {
        let word: Vec<String> =
            (row.taker)(bench).into_iter().flat_map(|taker| ["--anew".to_owned(), taker]).collect();
        let word: Vec<&str> = word.iter().map(String::as_str).collect();
        let again = bench.run_by(row.key, &[&anchoring(bench.endpoint())[..], &word].concat());
        if again.code != 0 {
            return Err(format!("stuck: again gives {}: {}", again.code, again.stderr));
        }
    }
    let spent = bench.spent_by(row.account);
    let transactions = spent.transactions - before.transactions;
    let cost = (before.balance + row.gets).saturating_sub(spent.balance);
    let of = [
        ("transactions", transactions, 1 + row.others),
        ("anchors on the chain", (spent.anchors - before.anchors) as u64, 1),
        ("anchors in the log", (bench.logged() - logged) as u64, 1),
    ];
    if let Some((what, found, expected)) = of.iter().find(|(_, found, expected)| found != expected)
    {
        return Err(format!("{found} {what}, expected {expected}: {said}"));
    }
    if cost > CAP * u128::from(transactions) {
        return Err(format!("{cost} wei were paid, the cap is {CAP}: {said}"));
    }
    Ok(())
}

/// Plays every row that a chain can play, and names all that do not hold.
fn plays(bench: &Bench, part: usize) {
    let mut wrong = Vec::new();
    for (_, row) in ROWS.iter().enumerate().filter(|(index, _)| index % 2 == part) {
        if row.anvil_only && !bench.is_anvil() {
            continue;
        }
        let start = std::time::Instant::now();
        let played = play(bench, row);
        eprintln!("{:>5.1} s  {}", start.elapsed().as_secs_f64(), row.situation);
        if let Err(reason) = played {
            eprintln!("{}: {reason}", row.situation);
            wrong.push(format!("{}: {reason}", row.situation));
        }
    }
    assert!(wrong.is_empty(), "{} rows do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_other_row_holds_on_anvil() {
    let Some(bench) = Bench::anvil() else { return };
    plays(&bench, 0);
}

#[test]
fn every_remaining_row_holds_on_anvil() {
    let Some(bench) = Bench::anvil() else { return };
    plays(&bench, 1);
}

#[test]
fn every_other_row_holds_on_ganache() {
    let Some(bench) = Bench::ganache() else { return };
    plays(&bench, 0);
}

#[test]
fn every_remaining_row_holds_on_ganache() {
    let Some(bench) = Bench::ganache() else { return };
    plays(&bench, 1);
}

/// Two that send at once, from one folder or from copies of it on two machines.
fn shared_key_anchors_once(bench: &Bench, is_one_machine: bool) {
    bench.begin();
    // What the log declares is in both.
    bench.anchor(bench.endpoint(), &[]).expect_code(0);
    let (before, logged) = (bench.spent(), bench.logged());
    let [first, second] = ["data", if is_one_machine { "data" } else { "copy" }];
    if !is_one_machine {
        copy(&bench.path("data"), &bench.path("copy"));
        copy(&bench.path("heads"), &bench.path("heads-of-copy"));
    }
    let run = |data: &str| {
        let heads = bench.path(if data == "data" { "heads" } else { "heads-of-copy" });
        let variables = [
            ("CHAOSCHAIN_PASSWORD", "test"),
            ("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY),
            ("CHAOSCHAIN_HEADS", heads.to_str().unwrap()),
        ];
        let data = bench.path(data);
        let place = ["--data", data.to_str().unwrap(), "--wait", "2"];
        run_with([&anchoring(bench.endpoint())[..], &place].concat(), &variables)
    };
    let runs = thread::scope(|scope| {
        let other = scope.spawn(|| run(second));
        [run(first), other.join().unwrap()]
    });
    assert!(runs.iter().any(|run| run.code == 0), "{runs:#?}");
    for (ran, data) in runs.iter().zip([first, second]).filter(|(ran, _)| ran.code != 0) {
        assert!([4, 5].contains(&ran.code), "{ran:#?}");
        // What the other sent under the nonce has to stay first.
        if bench.is_anvil() {
            bench.ask("anvil_mine", &json!(["0x50"]));
        }
        let again = run(data);
        let again = if again.code == 0 { again } else { run(data) };
        assert_eq!(again.code, 0, "stuck: {ran:#?} and {again:#?}");
    }
    let spent = bench.spent();
    let (transactions, anchors) =
        (spent.transactions - before.transactions, (spent.anchors - before.anchors) as u64);
    if is_one_machine {
        // One log grew by the first anchor, and a second one is another.
        let expected = (bench.logged() - logged) as u64;
        assert_eq!((transactions, anchors), (expected, expected), "{runs:#?}");
    } else {
        // Both have the same head, and neither knows of the other: the later one may find it there.
        assert_eq!(anchors, 1, "{runs:#?}");
        assert!((1..=2).contains(&transactions), "{transactions}: {runs:#?}");
    }
}

#[test]
fn two_processes_and_two_machines_with_one_key_anchor_a_head_once() {
    for bench in [Bench::anvil(), Bench::ganache()].into_iter().flatten() {
        shared_key_anchors_once(&bench, true);
        shared_key_anchors_once(&bench, false);
    }
}

#[test]
fn the_doctor_names_what_a_node_lacks_in_one_line_each() {
    let Some(bench) = Bench::anvil() else { return };
    let doctor = |url: &str| bench.run(&["chain", "doctor", "--rpc-url", url]);
    let whole = doctor(bench.endpoint()).expect_code(0).stdout;
    for (methods, word, name, works) in [
        (&["eth_feeHistory"][..], "limited", "eth_feeHistory", true),
        (&["eth_getLogs"], "limited", "eth_getLogs", true),
        (&["eth_getBlockReceipts"], "limited", "receipts of a block", true),
        (
            &["eth_getBlockReceipts", "eth_getTransactionReceipt"],
            "missing",
            "receipts of a block",
            false,
        ),
        (&["eth_getProof"], "missing", "eth_getProof", false),
        (&["eth_sendRawTransaction"], "missing", "sending", false),
        (&["eth_getTransactionReceipt"], "missing", "a receipt", false),
        (&["eth_getTransactionByHash"], "limited", "a transaction", true),
        (&["eth_getTransactionCount"], "missing", "nonces", false),
        (&["eth_estimateGas"], "missing", "eth_estimateGas", false),
        (&["eth_syncing"], "limited", "eth_syncing", true),
        (&["eth_getCode"], "missing", "eth_getCode", false),
        (&["eth_call"], "missing", "eth_call", false),
    ] {
        let lacking = Proxy::start(bench.endpoint(), move |_, body| {
            if methods.contains(&method(body).as_str()) {
                return crate::proxy::refusal(body, -32601, "method not found");
            }
            Reply::Forward
        });
        let run = doctor(&lacking.url).expect_code(if works { 0 } else { 4 });
        let changed: Vec<&str> =
            run.stdout.lines().skip(1).filter(|line| !whole.contains(*line)).collect();
        let is_named = |line: &&&str| line.contains(word) && line.contains(name);
        assert!(changed.iter().any(|line| is_named(&line)), "{methods:?}: {changed:?}");
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    }
    // Nobody named an account, so whether it can pay was not looked at: that is no success.
    let told = run(["chain", "doctor", "--rpc-url", bench.endpoint()]).expect_code(4).stdout;
    assert!(told.contains("anchor  not shown, not asked: coins to anchor"), "{told}");
    let chain = bench.endpoint().to_owned();
    let foreign = Proxy::start(bench.endpoint(), move |_, body| {
        if !body.contains("\"latest\",true]") {
            return Reply::Forward;
        }
        let mut answer: Value = serde_json::from_str(&ask(&chain, body)).unwrap();
        answer["result"]["transactions"] =
            json!([{"type": "0x6a"}, {"type": "0x7e"}, {"type": "0x64"}]);
        Reply::Answer(200, String::new(), answer.to_string())
    });
    let told = doctor(&foreign.url).expect_code(0).stdout;
    let line = told.lines().find(|line| line.contains("transaction kinds")).unwrap();
    assert!(line.starts_with("  limited ") && line.contains("0x64, 0x6a: no proof of"), "{line}");
    assert!(line.chars().count() <= 80 && told.contains("anchor  works"), "{told}");
}

/// What deploying and submitting would be paid for and fail on is named before.
#[test]
fn a_chain_of_an_older_machine_is_named_before_anything_is_paid() {
    let Some(bench) = Bench::ganache() else { return };
    let url = bench.endpoint();
    let spent = bench.spent();
    let told = bench.run(&["chain", "doctor", "--rpc-url", url]).expect_code(4).stdout;
    for line in [
        "missing   EVM of Cancun",
        "deploy  fails",
        "vote    fails",
        "pay     works",
        "anchor  works",
    ] {
        assert!(told.contains(line), "`{line}` is not in: {told}");
    }
    let deployment = bench.path("deployment.json");
    let deploy = ["chain", "deploy", "governor", "--max-cost", "0.1", "--rpc-url", url];
    let into = ["--deployment", deployment.to_str().unwrap()];
    for more in [&[][..], &["--dry-run"]] {
        let refused = bench.run(&[&deploy[..], &into, more].concat());
        refused.expect_error(4, &["the opcodes of Cancun", "nothing was sent"]);
    }
    // Not the registry either, where all parts are asked for.
    let all = ["chain", "deploy", "--max-cost", "0.1", "--rpc-url", url];
    for more in [&[][..], &["--dry-run"]] {
        let refused = bench.run(&[&all[..], &into, more].concat());
        refused.expect_error(
            4,
            &["nothing was sent", "`chaoschain chain deploy registry distributor`"],
        );
    }
    assert_eq!(bench.spent(), spent);
    // What is compiled for older chains too is deployed there.
    let distributor =
        ["chain", "deploy", "distributor", "--rpc-url", url, "--finality", "included"];
    bench.run(&[&distributor[..], &into].concat()).expect_code(0);
    assert_eq!(bench.spent().transactions, spent.transactions + 1);
}

/// And where the deployer of the registry is missing, that is named too.
#[test]
fn a_chain_without_the_deployer_is_named_and_anchored_in_once_it_is_there() {
    let Some(ganache) = crate::ganache::Ganache::start(&["--miner.blockTime", "2"]) else { return };
    let dir = tempfile::TempDir::new().unwrap();
    let text = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let run = |line: &[&str]| {
        let variables = [
            ("CHAOSCHAIN_PASSWORD", "test"),
            ("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY),
            ("CHAOSCHAIN_HEADS", &text("heads")),
            ("CHAOSCHAIN_DATA", &text("data")),
        ];
        run_with(line, &variables)
    };
    run(&["agent", "register", "--name", "ada", "--role", "researcher"]).expect_code(0);
    let url = ganache.endpoint.as_str();
    let anchor = |more: &[&str]| {
        run(&[&["anchor", "--rpc-url", url, "--finality", "included"], more].concat())
    };
    anchor(&["--deploy"]).expect_error(4, &["the deterministic deployer", "nothing was sent"]);
    ganache.put_deployer();
    anchor(&["--deploy", "--dry-run"]).expect_code(0);
    anchor(&["--deploy"]).expect_code(0);
    // A chain that takes back what it called final: once it has other blocks there, the same bytes go out again.
    let snapshot = question(url, "evm_snapshot", &json!([]));
    let first = anchor(&["--json"]).expect_code(0).json().remove(0);
    assert_eq!(question(url, "evm_revert", &json!([snapshot])), true);
    anchor(&[]).expect_error(4, &["it is behind"]);
    question(url, "evm_mine", &json!([]));
    question(url, "evm_mine", &json!([]));
    anchor(&[]).expect_error(4, &["no longer part of the chain", "nothing was paid twice"]);
    anchor(&[]).expect_code(0);
    let receipt = json!([first["anchor"]["transaction"]]);
    assert!(question(url, "eth_getTransactionReceipt", &receipt).is_object());
}
