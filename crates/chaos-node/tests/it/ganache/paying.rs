//! What a chain of an older machine takes of the story: the outcome of a vote elsewhere is paid there, and shown.

use std::fs;

use serde_json::{Value, json};

use super::{Ganache, STRANGER};
use crate::{
    program::{Run, root},
    proxy::{Proxy, Reply, method, question, refusal},
    story::{ACCOUNT, DEPLOY, DEPLOYED, Story, VOTE},
};

const CHAIN: &str = "eip155:1338";
/// Where a token is put, since none of ours can be deployed there.
const TOKEN: &str = "0x00000000000000000000000000000000000000e7";
/// What is divided, in the token's smallest unit.
const POOL: u128 = 1_000_000_000_000_000_000_000;
/// Accounts of the agents.
const PAYEES: [usize; 2] = [4, 5];
/// The shortest time after which a funder gets back the rest.
const REFUND_AFTER_S: u64 = 90 * 24 * 60 * 60;

/// A story whose vote is on one chain, and whose payment on another.
struct Paying {
    story: Story,
    ganache: Ganache,
}

/// What whoever pays knows of the token.
const UNIT: [&str; 2] = ["--decimals", "18"];

impl Paying {
    /// None after saying that the test is skipped.
    fn start() -> Option<Self> {
        let (story, ganache) = (Story::start()?, Ganache::start_as("1338", &[])?);
        let paying = Self { story, ganache };
        paying.ganache.put_deployer();
        let line = ["chain", "deploy", "registry", "distributor", "--deployment", "@older.json"];
        paying.on(&line).expect_code(0);
        paying.put_token();
        Some(paying)
    }

    /// The load generator's token: its code but for its name and symbol needs no newer machine.
    fn put_token(&self) {
        let text = fs::read(root().join("contracts/artifacts/LoadToken.json")).unwrap();
        let artifact: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            self.ask("evm_setAccountCode", &json!([TOKEN, artifact["deployedBytecode"]])),
            true
        );
        // mint(address,uint256), for two payments
        let data = format!("0x40c10f19{:0>64}{:064x}", &ACCOUNT[2..], 2 * POOL);
        let mint = json!([{"from": STRANGER, "to": TOKEN, "data": data, "gas": "0x30d40"}]);
        assert!(self.ask("eth_sendTransaction", &mint).is_string());
    }

    fn ask(&self, method: &str, params: &Value) -> Value {
        question(&self.ganache.endpoint, method, params)
    }

    /// Runs the program on Ganache.
    fn on(&self, line: &[&str]) -> Run {
        self.over(&self.ganache.endpoint, line)
    }

    fn over(&self, url: &str, line: &[&str]) -> Run {
        let place = ["--rpc-url", url, "--finality", "included"];
        self.story.run(&[line, &place].concat())
    }

    fn pay(&self, step: &[&str]) -> Run {
        self.on(&[&["pay"], step, &["--payment", "@payment.json"]].concat())
    }

    fn held(&self, account: &str) -> u128 {
        // balanceOf(address)
        let data = format!("0x70a08231{:0>64}", &account[2..]);
        let word = self.ask("eth_call", &json!([{"to": TOKEN, "data": data}, "latest"]));
        u128::from_str_radix(&word.as_str().unwrap()[34..], 16).unwrap()
    }

    fn transactions(&self) -> Value {
        self.ask("eth_getTransactionCount", &json!([ACCOUNT, "latest"]))
    }
}

/// Votes on a proposal of two agents with accounts of the older chain, and logs how it ended. Gives the receipt.
fn decided(story: &Story) -> String {
    let done =
        |line: &[&str]| story.on(&[line, &["--finality", "included"]].concat()).expect_code(0);
    story.propose();
    for (agent, number) in ["ada", "linus"].into_iter().zip(PAYEES) {
        story.register_account(agent, number, CHAIN);
    }
    done(&[&DEPLOY[..], &["governor", "endpoint"], &DEPLOYED].concat());
    done(&[&["vote", "delegate"], &DEPLOYED[..]].concat());
    let submit = ["proposal", "submit", "@proposal/proposal.json", "--agent", "linus", "--json"];
    let submitted = done(&[&submit[..], &DEPLOYED].concat()).json().remove(0);
    let open = ["vote", "open", "@proposal/proposal.json", "--out", "@vote.json"];
    done(&[&open[..], &DEPLOYED].concat());
    story.ask("anvil_mine", &json!(["0x2"]));
    done(&[&["vote", "cast", "for"], &VOTE[..]].concat());
    story.ask("anvil_mine", &json!(["0x8"]));
    // The timelock opens by the chain's time.
    story.ask("evm_setIntervalMining", &json!([1]));
    done(&[&["vote", "execute"], &VOTE[..]].concat());
    let receipt = submitted["receipt"].as_str().unwrap();
    let observe = ["vote", "observe", "--submission", receipt, "--json"];
    let observed = done(&[&observe[..], &VOTE].concat()).json().remove(0);
    observed["receipt"].as_str().unwrap().to_owned()
}

#[test]
fn an_outcome_is_paid_on_a_chain_of_an_older_machine_and_shown() {
    let Some(paying) = Paying::start() else { return };
    let outcome = decided(&paying.story);
    let plan = ["pay", "plan", "--outcome", &outcome, "--pool", "1000", "--token", TOKEN];
    let plan = [&plan[..], &["--deployment", "@older.json", "--out", "@payment.json"]].concat();
    let plan = [&plan[..], &UNIT].concat();
    let planned = paying.story.run(&[&plan[..], &["--rpc-url", &paying.ganache.endpoint]].concat());
    assert!(planned.expect_code(0).stdout.contains("no symbol, 18 decimals"));
    let fund = [&["fund"], &UNIT[..]].concat();
    let funded = paying.pay(&fund).expect_code(0).stdout;
    assert!(funded.starts_with("1000 tokens are funded"), "{funded}");
    assert_eq!(paying.pay(&fund).expect_code(0).stdout, funded);

    // Nothing is paid of which could not be shown that it was.
    let unproved = Proxy::start(&paying.ganache.endpoint, |_, body| match method(body).as_str() {
        "eth_getProof" => refusal(body, -32601, "method not found"),
        _ => Reply::Forward,
    });
    let claim =
        ["pay", "claim", "--record", "--json", "--payment", "@payment.json", "--token", TOKEN];
    let sent = paying.transactions();
    let words = ["does not support eth_getProof", "nothing was sent"];
    paying.over(&unproved.url, &claim).expect_error(4, &words);
    assert_eq!(paying.transactions(), sent);
    let claimed = paying.on(&claim).expect_code(0).json();
    let [_, _, recorded] = &claimed[..] else { panic!("{claimed:?}") };
    let accounts =
        PAYEES.map(|number| format!("{:#x}", paying.story.anvil.signer(number).address()));
    assert_eq!(accounts.iter().map(|account| paying.held(account)).sum::<u128>(), POOL);
    shows(&paying, recorded["receipt"].as_str().unwrap());
    takes_back(&paying);
}

/// The receipt is shown to whoever has a node of that chain, with what it leaves to the signer's word.
fn shows(paying: &Paying, receipt: &str) {
    paying.on(&["anchor"]).expect_code(0);
    paying.story.run(&["log", "prove", receipt, "--out", "@paid.json"]).expect_code(0);
    let asked = ["verify", "@paid.json", "--require", "anchored,declared,on-chain"];
    paying.story.run(&asked).expect_code(1);
    let told = paying.on(&asked).expect_code(0).stdout;
    for word in
        ["on chain: shown", "by which transactions, and what the token is, is the signer's word"]
    {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
}

/// What nobody claims goes back after its time, and not before.
fn takes_back(paying: &Paying) {
    let file = paying.story.path("payment.json");
    let mut payment: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    payment["outcome"] = json!(format!("sha256:{}", "7".repeat(64)));
    payment["refund_after_s"] = json!(REFUND_AFTER_S);
    payment["funder"] = Value::Null;
    fs::write(&file, payment.to_string()).unwrap();
    paying.pay(&[&["fund"], &UNIT[..]].concat()).expect_code(0);
    assert_eq!(paying.held(ACCOUNT), 0);
    let early = ["refund(address,bytes32) reverted: RefundNotOpen", "nothing was sent"];
    paying.pay(&["refund"]).expect_error(4, &early);
    paying.ask("evm_increaseTime", &json!([REFUND_AFTER_S + 1]));
    paying.ask("evm_mine", &json!([]));
    let refunded = paying.pay(&["refund"]).expect_code(0).stdout;
    assert!(refunded.starts_with("1000 tokens went back to"), "{refunded}");
    assert_eq!(paying.held(ACCOUNT), POOL);
}
