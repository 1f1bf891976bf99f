//! In which unit an amount is meant: one answer of one node had a hundred times the pool paid, and dust recorded.

use std::fs;

use serde_json::{Value, json};

use crate::{
    handed::{Stack, account, answering, step_at},
    program::{Run, root},
    proxy::Proxy,
    story::{ACCOUNT, DEPLOYED, Story},
    transactions::ended,
};

/// Where another's token stands.
const TOKEN: &str = "0x00000000000000000000000000000000000000f0";
/// A thousand whole tokens, in the smallest unit of our token.
const THOUSAND: &str = "1000000000000000000000";

/// A node that says what it likes of every token's unit.
fn saying(story: &Story, decimals: Option<u8>) -> Proxy {
    // decimals()
    let answer = decimals.map_or_else(|| "0x".to_owned(), |it| format!("0x{it:064x}"));
    answering(story, ["eth_call", "0x313ce567"], json!({"result": answer}))
}

/// Plans for an outcome that no log has, which is found out after the unit.
fn plan(story: &Story, url: &str, pool: &str, more: &[&str]) -> Run {
    let outcome = format!("sha256:{}", "01".repeat(32));
    let line = ["pay", "plan", "--outcome", &outcome, "--pool", pool, "--rpc-url", url];
    story.run(&[&line[..], &["--out", "@planned.json"], &DEPLOYED, more].concat())
}

/// The load generator's token at an address, of which the account holds so much, and a payment in it.
fn in_another_token(story: &Story, stack: &Stack) {
    let text = fs::read(root().join("contracts/artifacts/LoadToken.json")).unwrap();
    let artifact: Value = serde_json::from_slice(&text).unwrap();
    story.ask("anvil_setCode", &json!([TOKEN, artifact["deployedBytecode"]]));
    // mint(address,uint256)
    let data =
        format!("0x40c10f19{:0>64}{:064x}", &ACCOUNT[2..], 2_000_000_000_000_000_000_000_u128);
    let mint = json!([{"from": ACCOUNT, "to": TOKEN, "data": data, "gas": "0x30d40"}]);
    assert!(story.ask("eth_sendTransaction", &mint).is_string());
    story.ask("anvil_mine", &json!(["0x1"]));
    stack.payment(story, 1, THOUSAND, &[account(story, 4)]);
    let path = story.path("payment.json");
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file["token"] = json!(TOKEN);
    fs::write(path, file.to_string()).unwrap();
}

/// Twenty decimals pay a hundred times the pool, none record a thousand smallest units as a thousand tokens.
#[test]
fn a_node_that_says_another_unit_of_our_own_token_is_refused_by_name() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    let token = format!("{:#x}", stack.at("token"));
    let register = ["agent", "register", "--name", "ada", "--role", "researcher"];
    story.run(&register).expect_code(0);
    for (decimals, word) in [(Some(20), "20"), (Some(0), "0"), (Some(6), "6"), (None, "no")] {
        let liar = saying(&story, decimals);
        let said = format!("says that {token} has {word} decimals");
        let words = ["http://127.0.0.1:", &said, "which has 18 by its code", "nothing was sent"];
        plan(&story, &liar.url, "1000", &[]).expect_error(4, &words);
        plan(&story, &liar.url, "1000", &["--token", &token]).expect_error(4, &words);
        stack.payment(&story, 1, THOUSAND, &[account(&story, 4)]);
        let landed = story.landed();
        let step = |step: &[&str]| {
            let told = step_at(&story, &liar.url, &[step, &DEPLOYED].concat()).expect_code(4);
            for word in &words {
                assert!(told.stderr.contains(word), "`{word}` is not in: {}", told.stderr);
            }
        };
        step(&["fund", "--dry-run"]);
        step(&["fund"]);
        assert_eq!(story.landed(), landed);
        stack.payment(&story, 2, "1000", &[account(&story, 4)]);
        let path = story.path("payment.json");
        let dust = fs::read_to_string(&path).unwrap();
        fs::write(path, dust.replace("\"funder\":null", &format!("\"funder\":\"{ACCOUNT}\"")))
            .unwrap();
        step(&["claim", "--pool", "1000"]);
        step(&["claim", "--pool", "1000", "--token", &token]);
        step(&["refund"]);
        assert_eq!(story.landed(), landed);
    }
    // Whoever copies the liar's number is stopped by the code.
    let liar = saying(&story, Some(20));
    let copied = ["--decimals", "20"];
    let words = ["--decimals says 20", "is that of ChaosToken, which has 18"];
    plan(&story, &liar.url, "1000", &copied).expect_error(3, &words);
    ended(step_at(&story, &liar.url, &[&["fund"], &copied[..]].concat()), 3, &words);
    // By an honest node it needs no word, and is shown with what is to be paid.
    stack.payment(&story, 3, "1000000000000", &[account(&story, 4), account(&story, 5)]);
    let honest = step_at(&story, story.anvil.endpoint(), &[&["fund"], &DEPLOYED[..]].concat());
    let told = honest.expect_code(0).stderr;
    for said in [
        &format!("{:#x} gets 0.0000005 CHAOS\n", account(&story, 4))[..],
        &format!("in token {token} (CHAOS, 18 decimals)\n"),
        "0.000001 CHAOS in all, 1000000000000 of its smallest units\n",
        "its decimals are those of its code, which is ours\n",
        "no log here has outcome sha256:0303",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    plan(&story, story.anvil.endpoint(), "0", &[]).expect_error(3, &["expected more than 0"]);
}

#[test]
fn the_unit_of_anothers_token_is_its_readers_word_and_not_a_nodes() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    in_another_token(&story, &stack);
    let register = ["agent", "register", "--name", "ada", "--role", "researcher"];
    story.run(&register).expect_code(0);
    let landed = story.landed();
    let honest = story.anvil.endpoint();
    let named = ["--token", TOKEN];
    // What the node says is not in what is told: it would be copied.
    let asks = |run: Run| {
        let words = [TOKEN, "nobody here says how many decimals", "--decimals", "explorer"];
        let told = run.expect_code(3);
        for word in words {
            assert!(told.stderr.contains(word), "`{word}` is not in: {}", told.stderr);
        }
        assert!(!told.stderr.contains("18"), "{}", told.stderr);
    };
    let step = |url: &str, step: &[&str]| step_at(&story, url, &[step, &named[..]].concat());
    asks(plan(&story, honest, "1000", &named));
    asks(step(honest, &["fund"]));
    asks(step(honest, &["fund", "--dry-run"]));
    let words = ["--decimals says 18", "has 20 decimals", "one of the two is wrong"];
    let liar = saying(&story, Some(20));
    ended(step(&liar.url, &["fund", "--decimals", "18"]), 3, &words);
    let with = [&named[..], &["--decimals", "18"]].concat();
    plan(&story, &liar.url, "1000", &with).expect_error(3, &words);
    plan(&story, honest, "1000", &with).expect_error(3, &["is no outcome of a vote in this log"]);
    // What has no unit is told in its smallest, and not planned for.
    let none = saying(&story, None);
    let told = step(&none.url, &["fund", "--dry-run"]).expect_code(0).stderr;
    assert!(told.contains(&format!("gets {THOUSAND} smallest units\n")), "{told}");
    plan(&story, &none.url, "1", &named).expect_error(3, &["does not say how many decimals"]);
    assert_eq!(story.landed(), landed);

    // Another's token that says six, as whoever pays in it knows.
    let six = saying(&story, Some(6));
    let known = ["fund", "--dry-run", "--decimals", "6"];
    let told = step(&six.url, &known).expect_code(0).stderr;
    for said in
        ["gets 1000000000000000 tokens\n", "(no symbol, 6 decimals)", "what --decimals says"]
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    let with = [&named[..], &["--decimals", "6"]].concat();
    plan(&story, &six.url, "1.0000001", &with)
        .expect_error(3, &["--pool `1.0000001`", "6 decimals"]);

    step(honest, &["fund", "--decimals", "18"]).expect_code(0);
    asks(step(honest, &["claim", "--pool", "1000"]));
    let other = step(honest, &["claim", "--pool", "999", "--decimals", "18"]);
    ended(other, 3, &["--pool says 999"]);
    step(honest, &["claim", "--pool", "1000", "--decimals", "18"]).expect_code(0);
}

/// Its code's hash was a node's word when it was entered.
#[test]
fn a_token_that_was_there_before_the_deployment_takes_its_readers_word_too() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    let path = story.path("deployment.json");
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file["contracts"]["token"]["transaction"] = Value::Null;
    fs::write(path, file.to_string()).unwrap();
    stack.payment(&story, 1, THOUSAND, &[account(&story, 4)]);
    let fund = |more: &[&str]| {
        step_at(&story, story.anvil.endpoint(), &[&["fund"], &DEPLOYED[..], more].concat())
    };
    ended(fund(&[]), 3, &["nobody here says how many decimals", "--decimals"]);
    fund(&["--decimals", "18"]).expect_code(0);
}

#[test]
fn the_chain_files_other_endpoints_say_the_same_unit() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    in_another_token(&story, &stack);
    let first = story.ask("eth_getBlockByNumber", &json!(["0x0", false]))["hash"].clone();
    let number = story.ask("eth_chainId", &json!([]));
    let number =
        u64::from_str_radix(number.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    let fund = |endpoints: [&str; 2], decimals: &str| {
        let text = format!(
            "version = 1\nid = \"eip155:{number}\"\ngenesis = {first}\nendpoints = {endpoints:?}\nblock_time_ms = 1000\n"
        );
        fs::write(story.path("chain.toml"), text).unwrap();
        let line = ["pay", "fund", "--payment", "@payment.json", "--token", TOKEN];
        let place = ["--chain-config", "@chain.toml", "--finality", "included"];
        story.run(&[&line[..], &place, &["--decimals", decimals]].concat())
    };
    let (liar, honest, landed) = (saying(&story, Some(20)), story.anvil.endpoint(), story.landed());
    // The number is the first node's own, which somebody copied.
    let said = format!("{honest} says that {TOKEN} has 18 decimals");
    ended(fund([&liar.url, honest], "20"), 3, &["--decimals says 20", &said]);
    ended(fund([honest, &liar.url], "18"), 3, &["--decimals says 18", "has 20 decimals"]);
    assert_eq!(story.landed(), landed);
    // One that is down says nothing, which is told: its reader has said it, and a node the same.
    let told = fund([honest, "http://127.0.0.1:9"], "18").expect_code(0).stderr;
    assert!(told.contains("what http://127.0.0.1:9, of the chain file, says"), "{told}");
}
