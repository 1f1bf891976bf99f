//! What a payment's file decides, which somebody else may have written, and what others have paid for already.

use std::fs;

use alloy_sol_types::SolCall as _;
use chaos_chains::{U256, contracts::chaos_token::ChaosToken};
use serde_json::{Value, json};

use crate::{
    handed::{INCLUDED, Stack, account, answering, claims_one_share, pay, pay_at},
    program::{Run, run_with},
    story::{ACCOUNT, DEPLOYED, Story},
    transactions::ended,
};

/// An address at which nothing stands until somebody puts it there.
const ELSEWHERE: &str = "0x00000000000000000000000000000000000000e0";
/// Another of the chain's development accounts.
const OTHER_KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

/// Changes the payment's file as somebody may who hands it on.
pub(crate) fn change(story: &Story, change: impl FnOnce(&mut Value)) {
    let path = story.path("payment.json");
    let mut file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut file);
    fs::write(path, file.to_string()).unwrap();
}

/// Funds the payment from another account, whose directory has no log but the one that is named.
pub(crate) fn funds_from_another(story: &Story, data: &str) -> Run {
    funds_beside(story, data, &[])
}

fn funds_beside(story: &Story, data: &str, more: &[&str]) -> Run {
    let (file, heads, data) = (story.path("payment.json"), story.path("heads"), story.path(data));
    let line = ["pay", "fund", "--payment", &file, "--rpc-url", story.anvil.endpoint()];
    let line = [&line[..], &["--decimals", "18"]].concat();
    let variables = [
        ("CHAOSCHAIN_PASSWORD", "test"),
        ("CHAOSCHAIN_PRIVATE_KEY", OTHER_KEY),
        ("CHAOSCHAIN_HEADS", heads.as_str()),
        ("CHAOSCHAIN_DATA", data.as_str()),
    ];
    run_with([&line[..], &INCLUDED, more].concat(), &variables)
}

/// Our code, at an address that its maker chose: its constructor can have written distributions that take what is
/// funded.
#[test]
fn a_distributor_that_the_file_alone_knows_is_paid_nothing() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    let made = format!("{:#x}", stack.at("reward_distributor"));
    let code = story.ask("eth_getCode", &json!([made, "latest"]));
    story.ask("anvil_setCode", &json!([ELSEWHERE, code]));
    stack.payment(&story, 1, "1000", &[account(&story, 4)]);
    change(&story, |file| {
        file["distributor"] = json!(ELSEWHERE);
        file["funder"] = json!(ACCOUNT);
    });
    let landed = story.landed();
    for step in [&["fund", "--dry-run"][..], &["fund"], &["claim"], &["refund"]] {
        let said = format!("it is by distributor {ELSEWHERE}, and its code says {made}");
        pay(&story, step).expect_error(3, &["payment.json", &said, "--distributor"]);
        let said = format!("deployment.json says {made}");
        pay(&story, &[step, &DEPLOYED].concat()).expect_error(3, &[&said]);
    }
    assert_eq!(story.landed(), landed);
    // Who knows it names it.
    let known = ["fund", "--dry-run", "--distributor", ELSEWHERE];
    let told = pay(&story, &[&known[..], &DEPLOYED].concat()).expect_code(0).stderr;
    assert!(told.contains(&format!("by distributor {ELSEWHERE}\n")), "{told}");
    let other = pay(&story, &["fund", "--dry-run", "--distributor", &made]);
    other.expect_error(3, &["and --distributor says"]);
}

/// A token that calls itself as the project's does.
#[test]
fn a_token_that_the_file_alone_knows_is_not_paid_in() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    let token = format!("{:#x}", stack.at("token"));
    let code = story.ask("eth_getCode", &json!([token, "latest"]));
    story.ask("anvil_setCode", &json!([ELSEWHERE, code]));
    stack.payment(&story, 4, "1000", &[account(&story, 4)]);
    change(&story, |file| {
        file["token"] = json!(ELSEWHERE);
        file["funder"] = json!(ACCOUNT);
    });
    let said = format!("it is in token {ELSEWHERE}, and ");
    for step in ["fund", "claim", "refund"] {
        pay(&story, &[&[step], &DEPLOYED[..]].concat()).expect_error(3, &[&said, "--token"]);
        pay(&story, &[step, "--token", &token]).expect_error(3, &[&said, "--token says"]);
    }
    // Where nobody says which, it is told before anything is sent.
    let told = pay(&story, &["claim", "--dry-run"]).stderr;
    assert!(told.contains(&format!("in token {ELSEWHERE}")), "{told}");
}

/// An account that sent nothing is no funder, and nobody is told that it is.
#[test]
fn who_funds_stands_in_the_file_once_it_could_be_paid_for() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    stack.payment(&story, 5, "1000", &[account(&story, 4)]);
    let funder = || {
        let file = fs::read_to_string(story.path("payment.json")).unwrap();
        serde_json::from_str::<Value>(&file).unwrap()["funder"].clone()
    };
    ended(pay(&story, &["fund", "--max-cost", "0.0000001"]), 4, &["--max-cost"]);
    assert_eq!(funder(), Value::Null);
    change(&story, |file| file["funder"] = json!(ACCOUNT));
    let told = funds_from_another(&story, "other");
    told.expect_error(3, &["was to fund it and has not yet", "take `funder` out"]);
    pay(&story, &["fund"]).expect_code(0);
    assert_eq!(funder(), ACCOUNT);
    funds_from_another(&story, "other").expect_error(3, &["has funded this outcome"]);
}

/// One plan that is handed to two sponsors, or kept in two folders.
#[test]
fn what_another_account_has_funded_is_not_funded_again() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    stack.payment(&story, 2, "1000", &[account(&story, 4)]);
    let planned = fs::read_to_string(story.path("payment.json")).unwrap();
    // A node that shows no events shows none of others: that is said, and no success.
    let refuses = json!({"error": {"code": -32601, "message": "no such method"}});
    let silent = answering(&story, ["eth_getLogs", "eth_getLogs"], refuses);
    let told = pay_at(&story, &silent.url, &["fund", "--dry-run"]).expect_code(0).stderr;
    assert!(told.contains("whether another account has funded this is not known"), "{told}");

    pay(&story, &["fund"]).expect_code(0);
    fs::write(story.path("payment.json"), &planned).unwrap();
    let said = format!("{ACCOUNT} has funded this payment");
    ended(funds_from_another(&story, "other"), 3, &[&said, "nothing was sent"]);
    assert_eq!(fs::read_to_string(story.path("payment.json")).unwrap(), planned);
    // Anybody may fund anything under any key: another amount keeps nobody from paying.
    stack.payment(&story, 2, "2000", &[account(&story, 4)]);
    let told = funds_from_another(&story, "other").expect_code(3).stderr;
    assert!(told.contains("has funded something for this outcome too"), "{told}");
    assert!(told.contains("holds 0 CHAOS, the pool is"), "{told}");
}

/// It was refused for ever, although nobody was paid and the distribution was empty.
#[test]
fn what_another_account_funded_and_took_back_keeps_nobody_from_funding() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    stack.payment(&story, 6, "1000", &[account(&story, 4), account(&story, 5)]);
    let planned = fs::read_to_string(story.path("payment.json")).unwrap();
    change(&story, |file| file["refund_after_s"] = json!(90 * 86_400));
    pay(&story, &["fund"]).expect_code(0);
    let theirs = fs::read_to_string(story.path("payment.json")).unwrap();
    gives_tokens(&story, &stack);
    let fund = || {
        fs::write(story.path("payment.json"), &planned).unwrap();
        funds_from_another(&story, "other")
    };
    let way = format!("--beside {ACCOUNT}");
    ended(fund(), 3, &["1000 of 1000 smallest units can be claimed", "nothing was sent", &way]);
    // After its term nobody can be paid from it, whether it went back by then or not.
    later(&story, 91);
    fs::write(story.path("payment.json"), &theirs).unwrap();
    pay(&story, &["refund"]).expect_code(0);
    let funded = fund().expect_code(0);
    let said = "nobody was paid from it nor can be any more, as the node says";
    assert!(funded.stderr.contains(said), "{}", funded.stderr);
}

/// A part of it was claimed before the rest went back: who pays once more pays that part again, and says so.
#[test]
fn beside_what_another_account_paid_is_funded_on_somebodys_word_alone() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    stack.payment(&story, 7, "1000", &[account(&story, 4), account(&story, 5)]);
    let planned = fs::read_to_string(story.path("payment.json")).unwrap();
    change(&story, |file| file["refund_after_s"] = json!(90 * 86_400));
    pay(&story, &["fund"]).expect_code(0);
    claims_one_share(&story, 0);
    later(&story, 91);
    pay(&story, &["refund"]).expect_code(0);
    gives_tokens(&story, &stack);
    fs::write(story.path("payment.json"), &planned).unwrap();
    let refused = funds_from_another(&story, "other");
    ended(refused, 3, &["somebody was paid from it", "nothing was sent", "--beside"]);
    funds_beside(&story, "other", &["--beside", ACCOUNT]).expect_code(0);
}

/// Lets the chain's time pass by so many days.
pub(crate) fn later(story: &Story, days: u64) {
    let newest = story.ask("eth_getBlockByNumber", &json!(["latest", false]));
    let now_s = newest["timestamp"].as_str().unwrap().trim_start_matches("0x");
    let later_s = u64::from_str_radix(now_s, 16).unwrap() + days * 86_400;
    story.ask("evm_setNextBlockTimestamp", &json!([later_s]));
    story.ask("anvil_mine", &json!(["0x1"]));
}

/// Lets the other account hold what it is to fund.
pub(crate) fn gives_tokens(story: &Story, stack: &Stack) {
    let (to, value) = (account(story, 1), U256::from(1_000));
    let data = chaos_chains::Bytes::from(ChaosToken::transferCall { to, value }.abi_encode());
    let token = format!("{:#x}", stack.at("token"));
    let sent = json!([{"from": ACCOUNT, "to": token, "data": data, "gas": "0x493e0"}]);
    assert!(story.ask("eth_sendTransaction", &sent).is_string());
    story.ask("anvil_mine", &json!(["0x1"]));
}

#[test]
fn when_the_rest_comes_back_is_said_before_it_is_fixed() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    stack.payment(&story, 3, "1000", &[account(&story, 4)]);
    let dry = || pay(&story, &["fund", "--dry-run"]).expect_code(0).stderr;
    for (term, said) in [
        (json!(31_536_000), "what nobody claims comes back after 365 days"),
        (json!(u32::MAX), "what nobody claims comes back after 4294967295 seconds"),
        (Value::Null, "what nobody claims never comes back"),
    ] {
        change(&story, |file| file["refund_after_s"] = term);
        let told = dry();
        assert!(told.contains(said), "{said}: {told}");
    }
    let funded = pay(&story, &["fund"]).expect_code(0);
    assert!(funded.stderr.contains("what nobody claims never comes back"), "{}", funded.stderr);
    assert!(funded.stdout.contains("  goes back    never\n"), "{}", funded.stdout);
    // The chain's word counts afterwards, whatever the file says.
    change(&story, |file| file["refund_after_s"] = json!(31_536_000));
    let again = pay(&story, &["fund"]).expect_code(0);
    assert_eq!(again.stdout, funded.stdout);
}
