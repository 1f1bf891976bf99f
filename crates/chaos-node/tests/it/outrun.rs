//! What anybody may do, and somebody did first: where the chain shows that it is done, nothing is signed for it and
//! nobody's word is needed.

use std::{fs, thread};

use alloy_sol_types::SolCall as _;
use chaos_chains::{
    Bytes, U256, contracts::reward_distributor::RewardDistributor, distribution_id,
};
use chaos_programs::paying::PayPlan;
use serde_json::{Value, json};

use crate::{
    funding::{change, funds_from_another, gives_tokens, later},
    handed::{INCLUDED, Stack, account, balance, pay},
    program::Run,
    story::{ACCOUNT, DEPLOYED, Story, VOTE},
    transactions::ended,
};

const DEPLOY: [&str; 4] = ["chain", "deploy", "distributor", "--finality"];

/// Puts what waits of ours into a block as somebody else's, who pays more for it, before ours.
fn outrun(story: &Story) {
    let pool = story.ask("txpool_content", &json!([]));
    let (other, mut copied) = (format!("{:#x}", account(story, 3)), 0);
    for sent in pool["pending"].as_object().unwrap().values() {
        for waiting in sent.as_object().unwrap().values() {
            let same = json!([{"from": other, "to": waiting["to"], "data": waiting["input"], "gas": "0x2dc6c0",
                "maxFeePerGas": "0x174876e800", "maxPriorityFeePerGas": "0xba43b7400"}]);
            assert!(story.ask("eth_sendTransaction", &same).is_string());
            copied += 1;
        }
    }
    assert_eq!(copied, 1);
    story.ask("evm_mine", &json!([]));
}

#[test]
fn a_contract_that_somebody_put_there_first_is_entered_without_a_word() {
    let Some(story) = Story::start() else { return };
    story.ask("evm_setAutomine", &json!([false]));
    let deploy =
        |wait: &str| story.on(&[&DEPLOY[..], &["included", "--wait", wait], &DEPLOYED].concat());
    deploy("2").expect_code(4);
    outrun(&story);
    story.ask("evm_setAutomine", &json!([true]));
    assert_eq!(story.landed(), 1, "ours is in the same block, and did nothing");
    // Whether that block may be replaced still, or stays.
    for _ in 0..2 {
        deploy("20").expect_code(0);
        let text = fs::read_to_string(story.path("deployment.json")).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        assert!(file["contracts"]["reward_distributor"]["address"].is_string(), "{file}");
        fs::remove_file(story.path("deployment.json")).unwrap();
        story.ask("anvil_mine", &json!(["0x50"]));
    }
    assert_eq!(story.landed(), 1);
}

/// A funded payment to these.
fn funded(story: &Story, payees: &[usize]) -> Stack {
    let stack = Stack::deploy(story, &["governor", "distributor"]);
    let payees: Vec<_> = payees.iter().map(|number| account(story, *number)).collect();
    stack.payment(story, 1, "1000", &payees);
    change(story, |file| file["refund_after_s"] = json!(90 * 86_400));
    pay(story, &["fund"]).expect_code(0);
    stack
}

/// Claims by somebody else, in the first of so many new blocks that take the place of as many.
fn claims_instead(story: &Story, stack: &Stack, blocks: u64) {
    let plan = PayPlan::parse(&fs::read(story.path("payment.json")).unwrap()).unwrap();
    let key = *plan.outcome.as_bytes();
    let claims = plan.due().unwrap().into_iter().map(|due| {
        let data = RewardDistributor::claimCall {
            distributionId: distribution_id(ACCOUNT.parse().unwrap(), key),
            account: due.account,
            amount: due.amount,
            proof: due.proof.iter().copied().map(Into::into).collect(),
        };
        let data = Bytes::from(data.abi_encode());
        let to = format!("{:#x}", stack.at("reward_distributor"));
        let from = format!("{:#x}", account(story, 3));
        json!([{"from": from, "to": to, "data": data, "gas": "0x493e0", "value": "0x0",
            "maxFeePerGas": "0x174876e800", "maxPriorityFeePerGas": "0x1"}, 0])
    });
    let claims: Vec<Value> = claims.collect();
    story.ask("anvil_reorg", &json!([blocks, claims]));
}

#[test]
fn a_share_that_a_reorganisation_gave_to_anothers_claim_is_paid_and_not_gone_back() {
    let Some(story) = Story::start() else { return };
    let stack = funded(&story, &[4]);
    let landed = story.landed();
    let story = &story;
    let run: Run = thread::scope(|scope| {
        let claim = ["pay", "claim", "--finality", "included:6", "--payment", "@payment.json"];
        let running = scope.spawn(move || story.on(&claim));
        while story.landed() == landed {
            thread::yield_now();
        }
        claims_instead(story, &stack, 1);
        while !running.is_finished() {
            story.ask("anvil_mine", &json!(["0x1"]));
        }
        running.join().unwrap()
    });
    let run = run.expect_code(0);
    assert!(run.stdout.contains("was claimed before, not from here"), "{}", run.stdout);
    assert_eq!(balance(story, stack.at("token"), account(story, 4)), U256::from(1_000));
}

#[test]
fn what_went_back_is_not_said_to_be_funded_and_the_way_on_is_named() {
    let Some(story) = Story::start() else { return };
    let stack = funded(&story, &[4, 5]);
    later(&story, 91);
    pay(&story, &["refund"]).expect_code(0);
    let landed = story.landed();
    let way = ["an outcome from each funder once", "another account", "pay plan"];
    ended(pay(&story, &["claim"]), 4, &way);
    ended(
        pay(&story, &["fund"]),
        4,
        &[&["2 of 2 shares are not paid, and nothing was sent"], &way[..]].concat(),
    );
    assert_eq!(story.landed(), landed);
    // The way that is named.
    gives_tokens(&story, &stack);
    stack.payment(&story, 1, "1000", &[account(&story, 4), account(&story, 5)]);
    funds_from_another(&story, "other").expect_code(0);
}

#[test]
fn a_refund_that_somebody_sent_first_asks_for_no_word() {
    let Some(story) = Story::start() else { return };
    funded(&story, &[4, 5]);
    later(&story, 91);
    story.ask("evm_setAutomine", &json!([false]));
    pay(&story, &["refund", "--wait", "2"]).expect_code(4);
    outrun(&story);
    story.ask("evm_setAutomine", &json!([true]));
    for _ in 0..2 {
        let again = pay(&story, &["refund"]);
        let gone = "the rest went back to its funder before";
        assert!(again.code == 4 && again.stderr.contains(gone), "{}", again.stderr);
        assert!(!again.stderr.contains("--anew"), "{}", again.stderr);
        story.ask("anvil_mine", &json!(["0x50"]));
    }
}

/// Outruns the next transaction of a command once it waits.
fn outrun_next(story: &Story, running: &thread::ScopedJoinHandle<'_, Run>) {
    let waits = || story.ask("txpool_content", &json!([]))["pending"] != json!({});
    while !waits() {
        assert!(!running.is_finished(), "it has sent nothing");
        thread::yield_now();
    }
    outrun(story);
}

#[test]
fn a_vote_that_somebody_else_queues_and_executes_first_is_carried_out() {
    let Some(story) = Story::start() else { return };
    story.propose();
    Stack::deploy(&story, &["governor"]);
    let on = |line: &[&str]| story.on(&[line, &INCLUDED].concat());
    on(&[&["vote", "delegate"], &DEPLOYED[..]].concat()).expect_code(0);
    let open = ["vote", "open", "@proposal/proposal.json", "--out", "@vote.json"];
    on(&[&open[..], &DEPLOYED].concat()).expect_code(0);
    story.ask("anvil_mine", &json!(["0x3"]));
    on(&[&["vote", "cast", "for"], &VOTE[..]].concat()).expect_code(0);
    story.ask("anvil_mine", &json!(["0x10"]));
    story.ask("evm_setAutomine", &json!([false]));
    let line = [&["vote", "execute"], &VOTE[..]].concat();
    let run = thread::scope(|scope| {
        let running = scope.spawn(|| on(&line));
        outrun_next(&story, &running);
        story.ask("evm_increaseTime", &json!([60]));
        story.ask("evm_mine", &json!([]));
        outrun_next(&story, &running);
        running.join().unwrap()
    });
    let run = run.expect_code(0);
    assert!(run.stdout.starts_with("the vote is carried out: gas-limit"), "{}", run.stdout);
    assert!(!run.stdout.contains("transaction"), "none of ours did it: {}", run.stdout);
}
