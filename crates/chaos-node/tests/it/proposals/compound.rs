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

    fn execute(&self, lab: &Lab) {
        let input = executeCall { id: U256::ONE }.abi_encode();
        let act = Act { target: self.governor, input };
        lab.send(lab.chain.account(5).address(), &act);
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
