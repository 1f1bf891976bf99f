//! The same for a governor of Compound's kind, which keeps the calls, and names them by signatures.

use alloy_sol_types::{SolValue as _, sol};

use super::*;

sol! {
    function propose(
        address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, string description
    ) external returns (uint256);
    function execute(uint256 id) external payable;
    function timelock() external view returns (address);
}

const ARTIFACT: &str = include_str!("../../../../../contracts/artifacts/CompoundGovernor.json");
const TEXT: &str = "Pay 100 CHAOS for the audit.";

/// A governor whose timelock has tokens.
struct Compound {
    governor: Address,
    timelock: Address,
}

impl Compound {
    fn deploy(lab: &Lab) -> Self {
        let artifact: Value = serde_json::from_str(ARTIFACT).unwrap();
        let from = lab.chain.account(5).address();
        let receipt = lab.mine(json!({"from": from, "data": artifact["bytecode"]}));
        let governor: Address = serde_json::from_value(receipt["contractAddress"].clone()).unwrap();
        let question = Bytes::from(timelockCall {}.abi_encode());
        let answer = lab.ask("eth_call", json!([{"to": governor, "data": question}, "latest"]));
        let answer: Bytes = serde_json::from_value(answer).unwrap();
        let timelock = Address::abi_decode(&answer).unwrap();
        lab.send(lab.chain.sponsor().address(), &lab.pay(timelock, 5_000));
        Self { governor, timelock }
    }

    /// Proposes to pay 1,000 tokens by a signature and its arguments, and 7 by a whole input. It is proposal 1.
    fn propose(&self, lab: &Lab) {
        let payee: Address = PAYEE.parse().unwrap();
        let [first, second] = [lab.pay(payee, 1_000), lab.pay(payee, 7)].map(|act| act.input);
        let call = proposeCall {
            targets: vec![lab.stack().token; 2],
            values: vec![U256::ZERO; 2],
            signatures: vec!["transfer(address,uint256)".to_owned(), String::new()],
            calldatas: vec![first[4..].to_vec().into(), second.into()],
            description: TEXT.to_owned(),
        };
        let act = Act { target: self.governor, input: call.abi_encode() };
        lab.send(VOTERS[0].parse().unwrap(), &act);
    }

    /// Proposes calls with wei and inputs that begin with their selectors.
    fn propose_paying(&self, lab: &Lab, calls: &[(Address, U256, Vec<u8>)]) {
        let call = proposeCall {
            targets: calls.iter().map(|(target, ..)| *target).collect(),
            values: calls.iter().map(|(_, wei, _)| *wei).collect(),
            signatures: vec![String::new(); calls.len()],
            calldatas: calls.iter().map(|(.., input)| input.clone().into()).collect(),
            description: TEXT.to_owned(),
        };
        let act = Act { target: self.governor, input: call.abi_encode() };
        lab.send(VOTERS[0].parse().unwrap(), &act);
    }

    fn execute(&self, lab: &Lab) {
        self.execute_with(lab, U256::ZERO);
    }

    fn execute_with(&self, lab: &Lab, wei: U256) {
        let input = Bytes::from(executeCall { id: U256::ONE }.abi_encode());
        let from = lab.chain.account(5).address();
        lab.mine(json!({"from": from, "to": self.governor, "data": input, "value": wei}));
    }
}

#[test]
fn calls_that_a_governor_keeps_are_its_own_and_do_what_was_foretold() {
    let Some(lab) = Lab::start() else { return };
    let compound = Compound::deploy(&lab);
    compound.propose(&lab);
    let governor = compound.governor.to_string();
    let line = ["--governor", &governor, "--id", "1"];
    let run = lab.check(&line).expect_code(0);
    for said in [
        "calls    from the governor's state; the text is the node's word",
        "         the timelock that the governor names",
        "         pending",
        "all 2 calls succeed: ",
        "  the number 100: not found in the calls",
        "transfer(address,uint256)",
    ] {
        assert!(run.stdout.contains(said), "`{said}` is not in\n{}", run.stdout);
    }
    let foretold = review(&lab.check(&[&line[..], &["--json"]].concat()).expect_code(0));
    assert_eq!(foretold["sender"], json!(compound.timelock));
    let paid = foretold["tokens"].as_array().unwrap();
    assert!(paid.iter().any(|it| it["difference"] == tokens(1_007).to_string()), "{foretold}");

    lab.ask("anvil_mine", json!(["0x8"]));
    compound.execute(&lab);
    assert!(lab.slots_as_foretold(&foretold) >= 2, "{foretold}");
    let run = lab.check(&line).expect_code(0);
    let said = "         executed\n         what follows is what its calls would do once more";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    lab.check(&["--governor", &governor, "--id", "2"]).expect_error(3, &["knows no proposal 2"]);
}

fn balance(lab: &Lab, account: impl serde::Serialize) -> U256 {
    serde_json::from_value(lab.ask("eth_getBalance", json!([account, "latest"]))).unwrap()
}

#[test]
fn wei_of_a_call_are_those_of_whoever_executes_as_this_governor_hands_them_on() {
    let Some(lab) = Lab::start() else { return };
    let compound = Compound::deploy(&lab);
    let payee = "0x00000000000000000000000000000000000c0c0c";
    let ether = tokens(1);
    compound.propose_paying(&lab, &[(payee.parse().unwrap(), ether, Vec::new())]);
    let governor = compound.governor.to_string();
    let line = ["--governor", &governor, "--id", "1"];
    // The timelock holds nothing.
    let run = lab.check(&line).expect_code(0);
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "with 1000000000000000000 wei that whoever executes brings",
        "Look at first",
        "they are taken from",
        "and call 1 fails then",
        "0 → 1000000000000000000",
    ] {
        assert!(words.contains(said), "`{said}` is not in\n{}", run.stdout);
    }
    // Where it holds enough, nothing is foretold of what it holds, and it keeps that.
    lab.ask("anvil_setBalance", json!([compound.timelock, tokens(5)]));
    lab.ask("anvil_mine", json!(["0x1"]));
    let foretold = review(&lab.check(&[&line[..], &["--json"]].concat()).expect_code(0));
    let moved = foretold["wei"].as_array().unwrap();
    assert_eq!(moved.len(), 1, "{foretold}");
    assert_eq!(
        (&moved[0]["account"], &moved[0]["after"]),
        (&json!(payee), &json!(ether.to_string()))
    );
    let notice = foretold["notices"][0]["text"].as_str().unwrap();
    assert!(notice.ends_with("and the calls do the same then"), "{notice}");
    lab.ask("anvil_mine", json!(["0x8"]));
    compound.execute_with(&lab, ether);
    assert_eq!(balance(&lab, payee), ether);
    assert_eq!(balance(&lab, compound.timelock), tokens(5));
}

#[test]
fn code_that_asks_what_the_timelock_holds_sees_what_it_sees_in_an_execution() {
    let Some(lab) = Lab::start() else { return };
    let compound = Compound::deploy(&lab);
    lab.ask("anvil_setBalance", json!([compound.timelock, "0x64"]));
    // Keeps `BALANCE(CALLER)` in the slot that its input names.
    let asks = "0x00000000000000000000000000000000000d0d0d";
    lab.ask("anvil_setCode", json!([asks, "0x33315f3555"]));
    let input = |slot: u8| U256::from(slot).to_be_bytes::<32>().to_vec();
    let asks_at = asks.parse().unwrap();
    let marker = "0x00000000000000000000000000000000000c0c0c".parse().unwrap();
    let calls = [
        (asks_at, U256::ZERO, input(1)),
        (marker, U256::ONE, Vec::new()),
        (asks_at, U256::ZERO, input(2)),
        (asks_at, U256::from(3), input(3)),
    ];
    compound.propose_paying(&lab, &calls);
    let governor = compound.governor.to_string();
    let run = lab.check(&["--governor", &governor, "--id", "1", "--json"]).expect_code(0);
    let foretold = review(&run);
    let notices = foretold["notices"].to_string();
    assert!(notices.contains("how much wei the sender or the governor has"), "{notices}");
    assert!(notices.contains("THE CALLS DO SOMETHING ELSE then"), "{notices}");
    lab.ask("anvil_mine", json!(["0x8"]));
    compound.execute_with(&lab, U256::from(4));
    assert!(lab.slots_as_foretold(&foretold) >= 3, "{foretold}");
}

#[test]
fn a_receipt_names_a_proposal_whose_calls_its_governor_keeps() {
    let Some(lab) = Lab::start() else { return };
    let compound = Compound::deploy(&lab);
    compound.propose(&lab);
    let governor = compound.governor.to_string();
    let (data, heads, bundle) = (lab.out("data"), lab.out("heads"), lab.out("check.json"));
    let variables = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", heads.as_str())];
    let line = ["proposal", "check", "--governor", &governor, "--id", "1", "--rpc-url", lab.url()];
    let sign = ["--agent", "operator", "--data", &data, "--bundle", &bundle];
    run_with([&line[..], &sign].concat(), &variables).expect_code(0);
    drop(lab.chain);
    let run = run_with(["verify", &bundle, "--reexecute"], &variables).expect_code(0);
    let said = format!("ran proposal 1 of {}", governor.to_lowercase());
    let words: Vec<_> = run.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains(&said), "{}", run.stdout);
}

#[test]
fn a_node_can_withhold_the_text_of_a_proposal_and_put_no_other_calls_under_it() {
    let Some(lab) = Lab::start() else { return };
    let compound = Compound::deploy(&lab);
    compound.propose(&lab);
    let governor = compound.governor.to_string();
    let line = ["--governor", &governor, "--id", "1", "--json"];
    let honest = review(&lab.check(&line).expect_code(0));
    // The event as it would be if the second call paid the stranger.
    let proxy = Proxy::start(lab.url(), {
        let endpoint = lab.url().to_owned();
        move |_, body| {
            if !body.contains("eth_getLogs") {
                return Reply::Forward;
            }
            let payee = &PAYEE.to_lowercase()[2..];
            let answer = ask(&endpoint, body).replace(payee, &STRANGER[2..]);
            assert!(answer.contains(&STRANGER[2..]), "{answer}");
            Reply::Answer(200, String::new(), answer)
        }
    });
    let lied_to = review(&lab.check_at(&proxy.url, &line).expect_code(0));
    assert_eq!(lied_to["calls"], honest["calls"]);
    // No event at all: the calls are the same, and that there is no text is said.
    let proxy = Proxy::start(lab.url(), |_, body| {
        if !body.contains("eth_getLogs") {
            return Reply::Forward;
        }
        let asked: Value = serde_json::from_str(body).unwrap();
        let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": []});
        Reply::Answer(200, String::new(), answer.to_string())
    });
    let run = lab.check_at(&proxy.url, &line[..4]).expect_code(0);
    let said =
        "no text was compared: the proposal has none, or the node shows no event that holds it";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    assert!(run.stdout.contains("all 2 calls succeed"), "{}", run.stdout);
}
