//! `chaoschain proposal check` on a real chain with a real governor, and on nodes that lie.

mod compound;
mod studies;

use std::{fs, path::Path};

use alloy_sol_types::SolCall as _;
use chaos_chains::{
    Address, Bytes, GovernanceStack, Outbox, U256,
    contracts::{
        chaos_governor::ChaosGovernor, chaos_token::ChaosToken,
        parameter_registry::ParameterRegistry,
    },
    local::LocalChain,
};
use chaos_review::{Lists, Payload, governors};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    log_guide::script,
    program::{Run, anvil_is_there, root, run, run_with, type_in},
    proxy::{Proxy, Reply, ask},
};

/// Those who vote on a local chain; the first proposes.
const VOTERS: [&str; 3] = [
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
];
const PAYEE: &str = "0x9965507D1A55bcC2695C58ba16FB37d819B0A4dc";
const STRANGER: &str = "0x1111111111111111111111111111111111111111";
/// A contract that does as a proxy's `upgradeTo(address)` does and nothing else.
const PROXY: &str = "0x00000000000000000000000000000000000a0a0a";
const PROXY_CODE: &str =
    "0x6004357f360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc5500";

/// A chain with a governor whose timelock holds 10,000 tokens.
struct Lab {
    dir: TempDir,
    chain: LocalChain,
}

/// One call of a proposal.
struct Act {
    target: Address,
    input: Vec<u8>,
}

fn tokens(number: u64) -> U256 {
    U256::from(number) * U256::from(10).pow(U256::from(18))
}

impl Lab {
    /// None after saying that the test is skipped.
    fn start() -> Option<Self> {
        if !anvil_is_there() {
            return None;
        }
        let dir = TempDir::new().unwrap();
        let outbox = Outbox::local(&dir.path().join("transactions"), || 0);
        let chain = LocalChain::start(Some(root()), outbox).unwrap();
        let lab = Self { dir, chain };
        lab.ask("anvil_setCode", json!([PROXY, PROXY_CODE]));
        let pays = lab.pay(lab.stack().timelock, 10_000);
        lab.send(lab.chain.sponsor().address(), &pays);
        Some(lab)
    }

    fn stack(&self) -> &GovernanceStack {
        self.chain.stack()
    }

    fn url(&self) -> &str {
        self.chain.endpoint()
    }

    fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        let answer: Value =
            serde_json::from_str(&ask(self.url(), &body.to_string())).expect("a node answers JSON");
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    fn send(&self, from: Address, act: &Act) {
        let input = Bytes::from(act.input.clone());
        self.mine(json!({"from": from, "to": act.target, "data": input}));
    }

    /// Sends a transaction, and gives what became of it.
    fn mine(&self, mut transaction: Value) -> Value {
        // More gas than any of it takes: what is estimated does not see that gas comes back in the end.
        transaction["gas"] = json!("0x4c4b40");
        let hash = self.ask("eth_sendTransaction", json!([transaction]));
        // A block is made soon after a transaction came.
        let mut asked = (0..1_000).map(|_| self.ask("eth_getTransactionReceipt", json!([hash])));
        let receipt = asked.find(|found| !found.is_null()).expect("a block is made");
        if receipt["status"] != "0x1" {
            let call = json!({"jsonrpc": "2.0", "id": 0, "method": "eth_call",
                "params": [transaction, "latest"]});
            panic!("{receipt}: {}", ask(self.url(), &call.to_string()));
        }
        receipt
    }

    /// Pays whole tokens from whoever makes the call.
    fn pay(&self, to: Address, number: u64) -> Act {
        let call = ChaosToken::transferCall { to, value: tokens(number) };
        Act { target: self.stack().token, input: call.abi_encode() }
    }

    /// Hands the registry to somebody.
    fn hand_over(&self, to: Address) -> Act {
        let call = ParameterRegistry::transferOwnershipCall { newOwner: to };
        Act { target: self.stack().registry, input: call.abi_encode() }
    }

    fn upgrade(&self) -> Act {
        let word = STRANGER.parse::<Address>().unwrap().into_word();
        let input = [&[0x36, 0x59, 0xcf, 0xe6][..], &word[..]].concat();
        Act { target: PROXY.parse().unwrap(), input }
    }

    /// Has the governor set its own voting delay.
    fn set_delay(&self) -> Act {
        let call = ChaosGovernor::setVotingDelayCall { newVotingDelay: "77".parse().unwrap() };
        Act { target: self.stack().governor, input: call.abi_encode() }
    }

    /// Proposes, and gives the number.
    fn propose(&self, acts: &[Act], text: &str) -> String {
        let lists = Lists {
            targets: acts.iter().map(|act| act.target).collect(),
            values: vec![U256::ZERO; acts.len()],
            signatures: Vec::new(),
            inputs: acts.iter().map(|act| act.input.clone().into()).collect(),
        };
        let call = ChaosGovernor::proposeCall {
            targets: lists.targets.clone(),
            values: lists.values.clone(),
            calldatas: lists.inputs.clone(),
            description: text.to_owned(),
        };
        let act = Act { target: self.stack().governor, input: call.abi_encode() };
        self.send(VOTERS[0].parse().unwrap(), &act);
        governors::id_of(&Payload::of_lists(lists, text.to_owned()).unwrap()).to_string()
    }

    fn file(&self, acts: &[Act], text: &str) -> String {
        let calls: Vec<Value> = acts
            .iter()
            .map(|act| json!({"target": act.target, "calldata": Bytes::from(act.input.clone())}))
            .collect();
        let file = json!({
            "format": "chaoschain-calls/1", "sender": self.stack().timelock, "description": text,
            "calls": calls,
        });
        let path = self.dir.path().join("calls.json");
        fs::write(&path, file.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn check(&self, line: &[&str]) -> Run {
        self.check_at(self.url(), line)
    }

    fn check_at(&self, url: &str, line: &[&str]) -> Run {
        run([&["proposal", "check", "--rpc-url", url], line].concat())
    }

    /// Every slot that was foretold has that value now; how many there are.
    fn slots_as_foretold(&self, foretold: &Value) -> usize {
        let mut compared = 0;
        for account in foretold["changes"].as_array().unwrap() {
            for slot in account["slots"].as_array().unwrap() {
                let place = json!([account["address"], slot["slot"], "latest"]);
                assert_eq!(self.ask("eth_getStorageAt", place), slot["after"], "{account}");
                compared += 1;
            }
        }
        compared
    }

    fn out(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }
}

fn review(run: &Run) -> Value {
    run.json()[0]["review"].clone()
}

#[test]
fn a_proposal_on_record_is_run_and_what_its_text_hides_is_said() {
    let Some(lab) = Lab::start() else { return };
    let acts = [
        lab.pay(PAYEE.parse().unwrap(), 1_000),
        lab.hand_over(STRANGER.parse().unwrap()),
        lab.upgrade(),
    ];
    let governor = lab.stack().governor.to_string();
    let id = lab.propose(&acts, "Pay 100 CHAOS for the audit.");
    let out = lab.out("checked");
    let line = ["--governor", &governor, "--id", &id, "--out", &out];
    let run = lab.check(&line).expect_code(0);
    assert!(run.stdout.lines().all(|line| line.chars().count() < 80), "{}", run.stdout);
    for said in [
        "calls    with their text they hash to the proposal's number",
        "         the timelock that the governor names",
        "state    proven against that block's state root, place by place",
        "all 3 calls succeed: ",
        "  the number 100: not found in the calls",
        "transfer(address,uint256)",
        "ChaosToken",
        "1000000000000000000000",
        "selector of upgradeTo(address)",
        "proxy implementation (EIP-1967): none →",
        "OwnershipTransferred: previousOwner",
        "_balances[",
        "_owner",
    ] {
        assert!(run.stdout.contains(said), "`{said}` is not in\n{}", run.stdout);
    }
    let live = lab.check(&[&line[..4], &["--json"]].concat()).expect_code(0);
    let shown = review(&live);
    assert_eq!(shown["sender"], json!(lab.stack().timelock));
    assert_eq!(shown["calls"][0]["decoded"]["ground"], "code");
    assert_eq!(shown["calls"][2]["decoded"]["ground"], "selector");
    assert_eq!(shown["tokens"][0]["difference"].as_str().unwrap().len(), 22);

    // Whoever has the file needs no chain.
    let recording = format!("{out}/recording.json.gz");
    let Lab { dir: _dir, chain } = lab;
    drop(chain);
    let again = run_recorded(&recording).expect_code(0);
    assert_eq!(again.json()[0]["digest"], live.json()[0]["digest"]);
    assert_eq!(review(&again), shown);
    let page = fs::read_to_string(Path::new(&out).join("report.html")).unwrap();
    assert!(page.contains("Pay 100 CHAOS for the audit.") && page.contains("not found"));
}

fn run_recorded(path: &str) -> Run {
    run(["proposal", "check", "--recorded", path, "--json"])
}

#[test]
fn what_running_it_says_is_what_the_chain_then_does() {
    let Some(lab) = Lab::start() else { return };
    let payee: Address = PAYEE.parse().unwrap();
    let acts = [lab.pay(payee, 1_000), lab.set_delay(), lab.hand_over(payee)];
    let text = "Pay 1,000 CHAOS.";
    let id = lab.propose(&acts, text);
    let governor = lab.stack().governor;
    let line = ["--governor", &governor.to_string(), "--id", &id, "--json"];
    let foretold = review(&lab.check(&line).expect_code(0));
    assert_eq!(foretold["result"]["succeeded"], true, "{foretold}");
    assert!(foretold["filled_queue"].is_string(), "the governor calls itself");

    // The vote, as people hold it.
    lab.ask("anvil_mine", json!(["0x2"]));
    for voter in VOTERS {
        let call = ChaosGovernor::castVoteCall { proposalId: id.parse().unwrap(), support: 1 };
        lab.send(voter.parse().unwrap(), &Act { target: governor, input: call.abi_encode() });
    }
    lab.ask("anvil_mine", json!(["0x20"]));
    let (targets, values, calldatas): (Vec<_>, Vec<_>, Vec<Bytes>) = (
        acts.iter().map(|act| act.target).collect(),
        vec![U256::ZERO; acts.len()],
        acts.iter().map(|act| act.input.clone().into()).collect(),
    );
    let description = chaos_chains::keccak256(text);
    let queue = ChaosGovernor::queueCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        descriptionHash: description,
    };
    let from = lab.chain.account(5).address();
    lab.send(from, &Act { target: governor, input: queue.abi_encode() });
    // Each block of this chain is as much later than the last one as the chain says.
    lab.ask("anvil_mine", json!(["0x40"]));
    let execute =
        ChaosGovernor::executeCall { targets, values, calldatas, descriptionHash: description };
    lab.send(from, &Act { target: governor, input: execute.abi_encode() });

    assert!(lab.slots_as_foretold(&foretold) >= 4, "{foretold}");
}

#[test]
fn a_receipt_of_a_check_is_run_again_by_whoever_doubts_it() {
    let Some(lab) = Lab::start() else { return };
    let governor = lab.stack().governor.to_string();
    let id = lab.propose(&[lab.pay(PAYEE.parse().unwrap(), 1_000)], "Pay 100 CHAOS.");
    let (data, heads, bundle) = (lab.out("data"), lab.out("heads"), lab.out("check.json"));
    let variables = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", heads.as_str())];
    let url = lab.url();
    let line = ["proposal", "check", "--governor", &governor, "--id", &id, "--rpc-url", url];
    let sign = ["--agent", "operator", "--data", &data, "--bundle", &bundle];
    run_with([&line[..], &sign].concat(), &variables).expect_code(0);
    drop(lab.chain);
    let run = run_with(["verify", &bundle, "--reexecute", "--json"], &variables).expect_code(0);
    assert!(run.stdout.contains("re-executed with chaos-review/check-proposal"), "{}", run.stdout);
    assert!(
        run.stdout.contains("the values that the calls read are not placed on a chain"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_recording_of_another_chain_or_other_rules_than_its_reader_names_is_refused() {
    let Some(lab) = Lab::start() else { return };
    // Its caller is told apart by `CHAINID`.
    let asks = "0x00000000000000000000000000000000000d0d0d";
    lab.ask("anvil_setCode", json!([asks, "0x465f55"]));
    lab.ask("anvil_mine", json!(["0x1"]));
    let file = lab.file(&[Act { target: asks.parse().unwrap(), input: Vec::new() }], "");
    let endpoint = lab.url().to_owned();
    // A node that says another number, and proves everything.
    let proxy = Proxy::start(lab.url(), move |_, body| {
        if !body.contains("eth_chainId") {
            return Reply::Forward;
        }
        Reply::Answer(200, String::new(), ask(&endpoint, body).replace("0x7a69", "0x7a6a"))
    });
    let out = lab.out("checked");
    let line = ["--calls", &file, "--out", &out, "--fork", "osaka"];
    lab.check_at(&proxy.url, &line).expect_code(0);
    let path = format!("{out}/recording.json.gz");
    let line = ["proposal", "check", "--recorded", &path];
    let told = run(line).expect_code(0).stdout;
    for said in [
        "its code asks for the chain's number",
        "claimed by the recording alone, compare with the chain that you mean:",
        "\n--chain eip155:31338\n",
        "\n--block-hash 0x",
        "\n--fork osaka\n",
    ] {
        assert!(told.contains(said), "`{said}` is not in\n{told}");
    }
    let with = |more: &[&str]| run([&line[..], more].concat());
    let hash = lab.ask("eth_getBlockByNumber", json!(["latest", false]))["hash"].clone();
    let hash = hash.as_str().unwrap();
    let told = with(&["--block-hash", hash]).expect_code(0).stdout;
    assert!(told.contains("--chain eip155:31338"), "{told}");
    let said = "the recording says that it is of eip155:31338, expected eip155:31337";
    with(&["--block-hash", hash, "--chain", "eip155:31337"]).expect_error(1, &[said]);
    let said = "by the rules of osaka, expected prague";
    with(&["--chain", "eip155:31338", "--fork", "prague"]).expect_error(1, &[said]);
    let held = ["--chain", "eip155:31338", "--block-hash", hash, "--fork", "osaka", "--json"];
    assert_eq!(with(&held).expect_code(0).json()[0]["claimed"], json!([]));
}

#[test]
fn a_call_that_fails_names_itself_and_its_reason() {
    let Some(lab) = Lab::start() else { return };
    let file = lab.file(&[lab.hand_over(STRANGER.parse().unwrap()), lab.pay(Address::ZERO, 1)], "");
    let run = lab.check(&["--calls", &file]).expect_code(1);
    assert!(run.stdout.contains("call 2 of 2 fails, so nothing happens: "), "{}", run.stdout);
    assert!(run.stdout.contains("ERC20InvalidReceiver(address)"), "{}", run.stdout);
    let run = lab.check(&["--calls", &file, "--sender", STRANGER]).expect_code(1);
    assert!(run.stdout.contains("OwnableUnauthorizedAccount(address)"), "{}", run.stdout);
}

#[test]
fn a_node_that_shows_another_state_is_found_out() {
    let Some(lab) = Lab::start() else { return };
    let file = lab.file(&[lab.pay(PAYEE.parse().unwrap(), 1)], "");
    let honest = lab.check(&["--calls", &file, "--json"]).expect_code(0);
    let before = lab.ask("eth_blockNumber", json!([]));
    // Proofs of an older state, for whatever block it is asked.
    let proxy = Proxy::start(lab.url(), {
        let endpoint = lab.url().to_owned();
        move |_, body| {
            if !body.contains("eth_getProof") {
                return Reply::Forward;
            }
            let mut asked: Value = serde_json::from_str(body).unwrap();
            let old = |call: &mut Value| call["params"][2] = json!("0x1");
            match &mut asked {
                Value::Array(calls) => calls.iter_mut().for_each(old),
                call => old(call),
            }
            Reply::Answer(200, String::new(), ask(&endpoint, &asked.to_string()))
        }
    });
    let run = lab.check_at(&proxy.url, &["--calls", &file]);
    let run = run.expect_error(4, &["proves nothing of the state after this block"]);
    assert!(!run.stderr.contains("sesame"), "{}", run.stderr);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    // A header that is not the one of its hash.
    let proxy = Proxy::start(lab.url(), {
        let endpoint = lab.url().to_owned();
        move |_, body| {
            if !body.contains("eth_getBlockByNumber") {
                return Reply::Forward;
            }
            let mut answer: Value = serde_json::from_str(&ask(&endpoint, body)).unwrap();
            answer["result"]["stateRoot"] = json!(format!("0x{}", "11".repeat(32)));
            Reply::Answer(200, String::new(), answer.to_string())
        }
    });
    lab.check_at(&proxy.url, &["--calls", &file]).expect_error(4, &["hash"]);
    // Later blocks change nothing about an earlier one.
    lab.ask("anvil_mine", json!(["0x3"]));
    let number = u64::from_str_radix(&before.as_str().unwrap()[2..], 16).unwrap().to_string();
    let again = lab.check(&["--calls", &file, "--block", &number, "--json"]).expect_code(0);
    assert_eq!(again.json()[0]["digest"], honest.json()[0]["digest"]);
}

#[test]
fn wrong_requests_say_what_to_do() {
    let Some(lab) = Lab::start() else { return };
    let governor = lab.stack().governor.to_string();
    lab.check(&["--governor", &governor, "--id", "7"])
        .expect_error(3, &["knows no proposal 7", "\nhint: compare number, governor and chain"]);
    lab.check(&["--governor", STRANGER, "--id", "7"]).expect_error(3, &["knows no proposal 7"]);
    let file = lab.file(&[lab.pay(PAYEE.parse().unwrap(), 1)], "");
    lab.check(&["--calls", &file, "--chain", "eip155:1"]).expect_error(3, &["eip155:1"]);
    lab.check(&["--calls", &file, "--block", "0"])
        .expect_error(3, &["says that no account has anything", "name a later block"]);
    lab.check(&["--calls", &file, "--block", "999999"]).expect_error(4, &["999999"]);
    lab.check(&["--calls", &file, "--fork", "tomorrow"])
        .expect_error(3, &["no rules are called \"tomorrow\"", "by --fork: osaka"]);
    fs::write(&file, "[]").unwrap();
    lab.check(&["--calls", &file]).expect_error(3, &["calls.json", "no file of calls"]);
    run(["proposal", "check", "--recorded", &file])
        .expect_error(3, &["no recording of a proposal"]);
    let call = json!({"target": STRANGER});
    let many = json!({"format": "chaoschain-calls/1", "calls": vec![call.clone(); 10_000]});
    fs::write(&file, many.to_string()).unwrap();
    lab.check(&["--calls", &file]).expect_error(3, &["10000 calls; at most 1000 are run"]);
    fs::write(&file, json!({"format": "chaoschain-calls/1", "calls": [call]}).to_string()).unwrap();
    lab.check(&["--calls", &file])
        .expect_error(3, &["nobody is named who makes the calls", "--sender ADDRESS"]);
}

#[test]
fn every_command_of_the_proposal_guide_can_be_pasted() {
    let Some(lab) = Lab::start() else { return };
    let payee: Address = PAYEE.parse().unwrap();
    let acts = [lab.pay(payee, 1_000), lab.hand_over(STRANGER.parse().unwrap())];
    let id = lab.propose(&acts, "Pay 100 CHAOS for the audit.");
    let page = fs::read_to_string(root().join("docs/guides/proposal-check.md")).unwrap();
    let script = script(&page);
    for shown in ["--governor", "--recorded", "--calls", "--abi"] {
        assert!(script.contains(shown), "the guide no longer shows `{shown}`");
    }
    let stack = lab.stack();
    // What the guide says that its reader has.
    let has = format!(
        "URL={} GOVERNOR={} ID={id} TOKEN={} TIMELOCK={}\n",
        lab.url(),
        stack.governor,
        stack.token,
        stack.timelock
    );
    let run = type_in(lab.dir.path(), &format!("{has}{script}")).expect_code(0);
    for said in [
        "the number 100: not found in the calls",
        "OwnershipTransferred",
        "call 1 of 1 fails, so nothing happens",
        "by the ABI that was given, on its giver's word",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
}
