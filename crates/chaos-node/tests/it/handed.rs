//! Files that somebody else handed over, acts that were done before, and nodes and tokens that refuse a part.

use std::fs;

use alloy_sol_types::SolCall;
use chaos_chains::{
    Address, Claim, EvmChain, OpenVote, Outbox, U256,
    contracts::{chaos_token::ChaosToken, reward_distributor::RewardDistributor},
    distribution_id,
};
use chaos_programs::paying::PayPlan;
use chaos_types::AgentKey;
use serde_json::{Value, json};

use crate::{
    program::Run,
    proxy::{Proxy, Reply, method, result},
    story::{ACCOUNT, DEPLOYED, Story},
    transactions::ended,
};

pub(crate) const INCLUDED: [&str; 2] = ["--finality", "included"];
const DEPLOY: [&str; 8] =
    ["chain", "deploy", "--max-cost", "0.1", "--voting-period", "5", "--timelock", "4"];
/// An account to which no token of ours can be paid.
const NOBODY: &str = "0x0000000000000000000000000000000000000000";
/// Code that takes half a million gas and answers 1, whatever it is asked.
const WASTEFUL: &str = "0x614e205b600190038060035760015f5260205ff3";

/// Where the contracts of a story are, and the first block of its chain.
pub(crate) struct Stack(Value);

impl Stack {
    pub(crate) fn deploy(story: &Story, parts: &[&str]) -> Self {
        story.on(&[&DEPLOY[..], parts, &INCLUDED, &DEPLOYED].concat()).expect_code(0);
        let text = fs::read_to_string(story.path("deployment.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn at(&self, contract: &str) -> Address {
        self.0["contracts"][contract]["address"].as_str().unwrap().parse().unwrap()
    }

    /// Writes a payment of the deployment's token in equal shares, for an outcome that no log has.
    pub(crate) fn payment(&self, story: &Story, number: u8, pool: &str, payees: &[Address]) {
        let slots: Vec<Value> = payees
            .iter()
            .zip(["measure", "simulate", "draft"])
            .map(|(account, task)| json!([task, 1, format!("{account:#x}")]))
            .collect();
        let payees: Vec<Value> = payees
            .iter()
            .zip(1..)
            .map(|(account, seed)| {
                let agent = AgentKey::from_seed(&[seed; 32]).did();
                json!({"agent": agent, "account": format!("{account:#x}")})
            })
            .collect();
        let payment = json!({
            "format": "chaoschain-payment/1",
            "chain": self.0["chain"],
            "genesis": self.0["genesis"],
            "token": format!("{:#x}", self.at("token")),
            "distributor": format!("{:#x}", self.at("reward_distributor")),
            "outcome": format!("sha256:{}", hex(number)),
            "refund_after_s": 31_536_000,
            "funder": null,
            "document": {"pool": pool, "slots": slots},
            "payees": payees,
        });
        fs::write(story.path("payment.json"), payment.to_string()).unwrap();
    }
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

pub(crate) fn account(story: &Story, number: usize) -> Address {
    story.anvil.signer(number).address()
}

/// A step of a payment through an endpoint, by somebody who knows that our token has 18 decimals.
pub(crate) fn pay_at(story: &Story, url: &str, step: &[&str]) -> Run {
    let unit: &[&str] = if step.first() == Some(&"fund") { &["--decimals", "18"] } else { &[] };
    step_at(story, url, &[step, unit].concat())
}

/// A step of a payment through an endpoint, and nothing else.
pub(crate) fn step_at(story: &Story, url: &str, step: &[&str]) -> Run {
    let file = ["--payment", "@payment.json", "--rpc-url", url];
    story.run(&[&["pay"], step, &file[..], &INCLUDED].concat())
}

pub(crate) fn pay(story: &Story, step: &[&str]) -> Run {
    pay_at(story, story.anvil.endpoint(), step)
}

fn call(story: &Story, to: Address, call: &impl SolCall) -> Vec<u8> {
    let data = format!("0x{}", hex_of(&call.abi_encode()));
    let answer = story.ask("eth_call", &json!([{"to": to, "data": data}, "latest"]));
    let digits = answer.as_str().unwrap().trim_start_matches("0x").to_owned();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn balance(story: &Story, token: Address, account: Address) -> U256 {
    U256::from_be_slice(&call(story, token, &ChaosToken::balanceOfCall { account }))
}

/// A node that answers what holds a text by itself, and passes everything else on.
pub(crate) fn answering(story: &Story, what: [&'static str; 2], answer: Value) -> Proxy {
    Proxy::start(story.anvil.endpoint(), move |_, body| {
        if what.iter().all(|word| body.contains(word)) {
            let mut document = json!({"jsonrpc": "2.0", "id": 0});
            document.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
            return Reply::Answer(200, String::new(), document.to_string());
        }
        Reply::Forward
    })
}

#[test]
fn a_vote_counts_in_the_governor_that_its_reader_names_alone() {
    let Some(story) = Story::start() else { return };
    story.propose();
    let stack = Stack::deploy(&story, &["governor", "endpoint"]);
    story.on(&[&["vote", "delegate"], &INCLUDED[..], &DEPLOYED].concat()).expect_code(0);
    let open = ["vote", "open", "@proposal/proposal.json", "--out", "@vote.json"];
    story.on(&[&open[..], &INCLUDED, &DEPLOYED].concat()).expect_code(0);
    let own = OpenVote::parse(&fs::read(story.path("vote.json")).unwrap()).unwrap();
    // It answers 1 to whatever it is asked: a vote that is open, and yours.
    let liar = Address::repeat_byte(0x66);
    story.ask("anvil_setCode", &json!([liar, "0x60015f5260205ff3"]));
    let landed = story.landed();
    let refused = |vote: &OpenVote, words: &[&str]| {
        fs::write(story.path("handed.json"), vote.to_json()).unwrap();
        let commands =
            [&["watch", "--wait", "0"][..], &["cast", "for"], &["execute"], &["observe"]];
        for command in commands {
            let line = [&["vote"], command, &["--vote", "@handed.json"], &DEPLOYED].concat();
            story.on(&line).expect_error(3, words).expect_error(3, &["handed.json"]);
        }
    };
    let named = format!("it is of governor {liar:#x}");
    let governor = format!("{:#x}", own.governor);
    refused(&OpenVote { governor: liar, ..own.clone() }, &[&named, &governor]);
    let mut elsewhere = own.clone();
    elsewhere.call.registry = liar;
    let named = format!("it is of registry {liar:#x}");
    refused(&elsewhere, &[&named, &format!("{:#x}", stack.at("parameter_registry"))]);

    // Without a deployment it takes the governor's name.
    let cast = ["vote", "cast", "for", "--dry-run", "--vote", "@vote.json"];
    let none = ["--deployment", "@none.json"];
    let refused = story.on(&[&cast[..], &none].concat());
    refused.expect_error(3, &["neither --governor nor", "none.json", "in which governor you vote"]);
    let other = format!("{liar:#x}");
    story.on(&[&cast[..], &["--governor", &other]].concat()).expect_error(3, &["--governor says"]);
    let alone = story.on(&[&cast[..], &["--governor", &governor]].concat());
    alone.expect_error(3, &["neither --registry nor", "which registry your votes set"]);
    let own_registry = format!("{:#x}", own.call.registry);
    let named = ["--governor", &governor, "--registry"];
    let mistaken = story.on(&[&cast[..], &named, &[&other]].concat());
    mistaken.expect_error(3, &["it is of registry", &own_registry, "--registry says"]);
    let planned = story.on(&[&cast[..], &named, &[&own_registry]].concat());
    let registry = format!("in registry {own_registry}");
    // A dry run waits for nothing, and says so.
    assert!(!planned.stderr.contains("waiting"), "{}", planned.stderr);
    ended(planned, 4, &["gas-limit", &governor, &registry, "the vote is pending", "after block"]);
    let both = [&cast[..], &["--governor", &governor, "--wait", "0"], &DEPLOYED].concat();
    ended(story.on(&both), 4, &[&governor, &registry, "the vote is pending"]);
    assert_eq!(story.landed(), landed);
    refuses_a_false_registry(&story, &own);
    ends_on_another_call(&story, &own);
}

/// A real vote of the reader's governor on a registry that says what its author likes, such as that it is the
/// governor's: naming the governor shows nothing of it.
fn refuses_a_false_registry(story: &Story, own: &OpenVote) {
    let (liar, mut vote) = (Address::repeat_byte(0x77), own.clone());
    let real = format!("{:#x}", own.call.registry);
    vote.call.registry = liar;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let chain = EvmChain::connect(story.anvil.endpoint(), None).await.unwrap();
        let timelock = chain.timelock_of(vote.governor).await.unwrap();
        // It answers the timelock to whatever it is asked, and `owner()` is asked.
        let code = format!("0x73{}5f5260205ff3", hex_of(timelock.as_slice()));
        story.ask("anvil_setCode", &json!([liar, code]));
        assert_eq!(chain.registry_owner(liar).await.unwrap(), timelock);
        let outbox = Outbox::local(std::path::Path::new(&story.path("liar")), || 0);
        let chain = chain.sending(outbox).await.unwrap();
        chain.propose(vote.governor, &story.anvil.signer(0), &vote.call).await.unwrap();
    });
    fs::write(story.path("handed.json"), vote.to_json()).unwrap();
    let (landed, governor) = (story.landed(), format!("{:#x}", vote.governor));
    let named = format!("it is of registry {liar:#x}");
    for command in [&["watch", "--wait", "0"][..], &["cast", "for"], &["execute"]] {
        let line = ["--vote", "@handed.json", "--governor", &governor];
        let line = [&["vote"], command, &line[..]].concat();
        let without = story.on(&line);
        without.expect_error(3, &["neither --registry nor", "which registry your votes set"]);
        let mine = story.on(&[&line[..], &["--registry", &real]].concat());
        mine.expect_error(3, &["handed.json", "it is of registry", &real, "--registry says"]);
        let beside = story.on(&[&line[..], &DEPLOYED].concat());
        beside.expect_error(3, &["handed.json", &named, "deployment.json"]);
    }
    assert_eq!(story.landed(), landed);
}

/// A vote with the submission's text that sets another value is no outcome of it.
fn ends_on_another_call(story: &Story, own: &OpenVote) {
    // Voting on it is over before anything is submitted.
    story.ask("anvil_mine", &json!(["0x14"]));
    let submit = ["proposal", "submit", "@proposal/proposal.json", "--agent", "linus", "--json"];
    let submitted = story.on(&[&submit[..], &INCLUDED, &DEPLOYED].concat()).expect_code(0).json();
    let mut vote = own.clone();
    vote.call.value += U256::from(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let chain = EvmChain::connect(story.anvil.endpoint(), None).await.unwrap();
        let outbox = Outbox::local(std::path::Path::new(&story.path("another")), || 0);
        let chain = chain.sending(outbox).await.unwrap();
        let signer = story.anvil.signer(0);
        chain.propose(vote.governor, &signer, &vote.call).await.unwrap();
    });
    fs::write(story.path("handed.json"), vote.to_json()).unwrap();
    story.ask("anvil_mine", &json!(["0x14"]));
    let receipt = submitted[0]["receipt"].as_str().unwrap();
    let observe = ["vote", "observe", "--submission", receipt, "--vote", "@handed.json"];
    let observe = [&observe[..], &INCLUDED, &DEPLOYED].concat();
    story.on(&observe).expect_error(3, &["asks for gas-limit", "nothing was logged"]);
    observes_what_ended_later_alone(story, receipt, [own, &vote]);
    let observe = ["vote", "observe", "--vote", "@vote.json"];
    let observed = story.on(&[&observe[..], &INCLUDED, &DEPLOYED].concat()).expect_code(0);
    let number = format!("number   {:#x}", own.call.proposal_id());
    for said in [format!("governor {:#x}", own.governor), number, "18 decimals".to_owned()] {
        assert!(observed.stdout.contains(&said), "{said}: {}", observed.stdout);
    }
    assert!(observed.stdout.lines().all(|line| line.len() < 80), "{}", observed.stdout);
    // A number beside the file would not be used.
    story.on(&[&observe[..], &["--id", "5"], &INCLUDED].concat()).expect_code(2);
    let open = ["vote", "open", "@proposal/proposal.json", "--out", "@vote.json"];
    let again = story.on(&[&open[..], &INCLUDED, &DEPLOYED].concat()).expect_code(0);
    assert!(again.stdout.contains(" is defeated\n"), "{}", again.stdout);
    assert!(again.stderr.contains("a governor takes a text once"), "{}", again.stderr);
}

/// Which vote was on a submission may be the operator's word; one that had ended before it was not.
fn observes_what_ended_later_alone(story: &Story, receipt: &str, [before, after]: [&OpenVote; 2]) {
    let observe = |vote: &OpenVote| {
        let governor = format!("{:#x}", vote.governor);
        let id = vote.call.proposal_id().to_string();
        let line = ["vote", "observe", "--governor", &governor, "--id", &id];
        story.on(&[&line[..], &["--submission", receipt, "--without-proof"], &INCLUDED].concat())
    };
    observe(before).expect_error(3, &["voting had ended at", receipt, "nothing was logged"]);
    let logged = observe(after).expect_code(0);
    assert!(logged.stdout.contains("receipt  sha256:"), "{}", logged.stdout);
    assert!(logged.stderr.contains("is the operator's word"), "{}", logged.stderr);
}

#[test]
fn votes_are_whose_the_token_says_whatever_was_sent_before() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor"]);
    let token = stack.at("token");
    let delegate = |number, more: &[&str]| {
        let to = format!("{:#x}", account(&story, number));
        let line = ["vote", "delegate", "--to", &to];
        story.on(&[&line[..], more, &INCLUDED, &DEPLOYED].concat()).expect_code(0)
    };
    let of = |number| {
        let account = ACCOUNT.parse().unwrap();
        let found = call(&story, token, &ChaosToken::delegatesCall { account });
        assert_eq!(Address::from_slice(&found[12..]), self::account(&story, number));
    };
    let landed = story.landed();
    for (number, sent) in [(1, 1), (2, 2), (1, 3)] {
        let run = delegate(number, &[]);
        assert!(run.stdout.contains("'s now\n"), "{}", run.stdout);
        of(number);
        assert_eq!(story.landed(), landed + sent);
    }
    // What holds is answered, by the transaction that made it so.
    let again = delegate(1, &["--json"]).json();
    assert!(again[0]["transaction"].is_string(), "{again:?}");
    // What another wallet made so needs nothing, and what it undid is done again.
    let moves = |number| {
        let delegatee = account(&story, number);
        let data = format!("0x{}", hex_of(&ChaosToken::delegateCall { delegatee }.abi_encode()));
        let sent = json!([{"from": ACCOUNT, "to": token, "data": data, "gas": "0x493e0"}]);
        let hash = story.ask("eth_sendTransaction", &sent);
        let receipt = (0..10).find_map(|_| {
            story.ask("anvil_mine", &json!(["0x1"]));
            Some(story.ask("eth_getTransactionReceipt", &json!([hash]))).filter(|it| !it.is_null())
        });
        assert_eq!(receipt.expect("it lands")["status"], "0x1");
        of(number);
    };
    moves(3);
    let landed = story.landed();
    let already = delegate(3, &[]);
    assert!(already.stdout.contains("'s already\n"), "{}", already.stdout);
    assert_eq!(story.landed(), landed);
    // That this account undid it elsewhere is the node's word, until somebody says so.
    let to = format!("{:#x}", account(&story, 1));
    let line = [&["vote", "delegate", "--to", &to], &INCLUDED[..], &DEPLOYED].concat();
    let set = again[0]["transaction"].as_str().unwrap();
    let words = ["is not so any more, as", "nothing was signed", &format!("--anew {set}")];
    story.on(&line).expect_error(4, &words);
    let planned = delegate(1, &["--dry-run", "--anew", set]);
    assert!(planned.stdout.contains("would send delegate(address)"), "{}", planned.stdout);
    delegate(1, &["--anew", set]);
    of(1);
    assert_eq!(story.landed(), landed + 1);
}

#[test]
fn what_became_of_a_distribution_the_distributor_says() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    let (token, distributor) = (stack.at("token"), stack.at("reward_distributor"));
    let held = balance(&story, token, ACCOUNT.parse().unwrap());
    let pool = "1000000000000000000000";
    stack.payment(&story, 2, pool, &[account(&story, 4)]);
    // The approval lands, the rest does not, and somebody takes the approval back.
    let selector = hex_of(&RewardDistributor::createDistributionCall::SELECTOR);
    let selector: &'static str = selector.leak();
    let refuses =
        json!({"error": {"code": 3, "message": "execution reverted", "data": "0x00000000"}});
    let node = answering(&story, ["eth_estimateGas", selector], refuses);
    ended(pay_at(&story, &node.url, &["fund"]), 4, &["createDistribution"]);
    let call = ChaosToken::approveCall { spender: distributor, value: U256::ZERO };
    let sent = json!([{"from": ACCOUNT, "to": token, "data": format!("0x{}", hex_of(&call.abi_encode()))}]);
    assert!(story.ask("eth_sendTransaction", &sent).is_string());
    story.ask("anvil_mine", &json!(["0x1"]));
    let told = ended(pay(&story, &["fund"]), 4, &["is not so any more, as", "--anew"]).stderr;
    let approved = told.split_once("--anew ").unwrap().1[..66].to_owned();
    let funded = pay(&story, &["fund", "--anew", &approved]).expect_code(0);
    assert!(funded.stdout.starts_with("1000 CHAOS are funded, included\n"), "{}", funded.stdout);
    let again = pay(&story, &["fund"]).expect_code(0);
    assert_eq!(again.stdout, funded.stdout);
    // Another data directory finds it in the chain, and other terms under its key are refused.
    let landed = story.landed();
    let other = pay(&story, &["fund", "--data", &story.path("other")]).expect_code(0);
    assert_eq!(other.stdout, funded.stdout);
    assert!(other.stderr.contains("not from this data directory"), "{}", other.stderr);
    let file = fs::read_to_string(story.path("payment.json")).unwrap();
    fs::write(story.path("payment.json"), file.replace("31536000", "1")).unwrap();
    pay(&story, &["fund"]).expect_error(3, &["refund_after_s", "90 days"]);
    let more = file.replace(pool, "1000000000000000000001");
    fs::write(story.path("payment.json"), more).unwrap();
    ended(pay(&story, &["fund"]), 3, &["on other terms"]);
    fs::write(story.path("payment.json"), file).unwrap();
    assert_eq!(story.landed(), landed);

    // The chain has a time of its own.
    let newest = story.ask("eth_getBlockByNumber", &json!(["latest", false]));
    let now_s = newest["timestamp"].as_str().unwrap().trim_start_matches("0x");
    let later_s = u64::from_str_radix(now_s, 16).unwrap() + 400 * 86_400;
    story.ask("evm_setNextBlockTimestamp", &json!([later_s]));
    story.ask("anvil_mine", &json!(["0x1"]));
    for _ in 0..2 {
        let refunded = pay(&story, &["refund"]).expect_code(0);
        assert!(refunded.stdout.starts_with("1000 CHAOS went back to 0x"), "{}", refunded.stdout);
    }
    assert_eq!(balance(&story, token, ACCOUNT.parse().unwrap()), held);
    ended(pay(&story, &["claim"]), 4, &["1 of 1 shares", "went back to its funder"]);
    let gone = pay(&story, &["fund"]).expect_code(4);
    let said = "1000 CHAOS were funded, 0 CHAOS of it are left\n";
    assert!(gone.stdout.starts_with(said), "{}", gone.stdout);
    let gone = pay(&story, &["fund", "--json"]).expect_code(4).json();
    assert_eq!(gone[0]["remaining"], "0");
}

#[test]
fn a_share_that_cannot_be_paid_keeps_the_others_from_nothing() {
    let Some(story) = Story::start() else { return };
    let stack = Stack::deploy(&story, &["governor", "distributor"]);
    let token = stack.at("token");
    let payees = [NOBODY.parse().unwrap(), account(&story, 4), account(&story, 5)];
    stack.payment(&story, 3, "3000", &payees);
    pay(&story, &["fund"]).expect_code(0);
    // A node's word for a claim of which the distributor knows nothing is no claim.
    let landed = story.landed();
    let register = ["agent", "register", "--name", "ada", "--role", "researcher"];
    story.run(&register).expect_code(0);
    let unknown = ["is no outcome of a vote in this log"];
    pay(&story, &["claim", "--record"]).expect_error(3, &unknown);
    let claimed =
        "0x".to_owned() + &hex_of(&chaos_chains::keccak256("AlreadyClaimed(uint256,address)")[..4]);
    let claimed = claimed + &"00".repeat(64);
    let refuses = json!({"error": {"code": 3, "message": "execution reverted", "data": claimed}});
    let node = answering(&story, ["eth_estimateGas", "eth_estimateGas"], refuses);
    let lied = ended(pay_at(&story, &node.url, &["claim"]), 4, &["3 of 3 shares are not paid"]);
    assert!(lied.stdout.contains("AlreadyClaimed"), "{}", lied.stdout);
    assert_eq!(story.landed(), landed);

    let run = ended(pay(&story, &["claim"]), 4, &["1 of 3 shares are not paid"]);
    assert!(run.stdout.contains("not paid: claim("), "{}", run.stdout);
    for payee in &payees[1..] {
        assert_eq!(balance(&story, token, *payee), U256::from(1_000));
    }
    assert_eq!(story.landed(), landed + 2);
    // The same again pays nobody twice.
    let json = ended(pay(&story, &["claim", "--json"]), 4, &["1 of 3"]).json();
    let paid: Vec<bool> = json.iter().map(|row| row["transaction"].is_string()).collect();
    assert_eq!(paid, [false, true, true]);
    assert_eq!(story.landed(), landed + 2);
    is_paid_with_more_gas(&story, &stack);
}

/// A node that says 27,000 gas, whatever it is asked, and may run everything with what would be signed for.
fn understating(story: &Story, lies_twice: bool) -> Proxy {
    Proxy::start(story.anvil.endpoint(), move |_, body| match method(body).as_str() {
        "eth_estimateGas" => result(body, &json!("0x6978")),
        "eth_call" if lies_twice && body.contains("\"gas\":") => result(body, &json!("0x")),
        _ => Reply::Forward,
    })
}

/// A node that understates gas has nothing signed for a token that takes more than ours. One that says twice that it is
/// enough has one try paid in vain after another, each with twice the gas.
fn is_paid_with_more_gas(story: &Story, stack: &Stack) {
    stack.payment(story, 4, "3000", &[account(story, 4)]);
    pay(story, &["fund"]).expect_code(0);
    story.ask("anvil_setCode", &json!([stack.at("token"), WASTEFUL]));
    let landed = story.landed();
    let first = pay_at(story, &understating(story, false).url, &["claim"]);
    let first = ended(first, 4, &["1 of 1 shares"]);
    let said = "takes 27000 gas, and has it fail with the";
    assert!(first.stdout.contains(said), "{}", first.stdout);
    assert_eq!(story.landed(), landed);

    let node = understating(story, true);
    let first = ended(pay_at(story, &node.url, &["claim"]), 4, &["1 of 1 shares"]);
    assert!(first.stdout.contains("most likely out of gas"), "{}", first.stdout);
    let (mut told, mut anew) = (first.stdout, Vec::new());
    for tries in 1..=3 {
        // Nothing is signed anew before the block of the one that failed stays, nor without somebody's word.
        story.ask("anvil_mine", &json!(["0x60"]));
        let failed = told.split_once("transaction ").unwrap().1[..66].to_owned();
        let claim = |anew: &[String]| {
            let words =
                ["claim", "--wait", "20"].into_iter().chain(anew.iter().map(String::as_str));
            pay_at(story, &node.url, &words.collect::<Vec<_>>())
        };
        let run = claim(&anew);
        assert!(run.stdout.contains(&format!("was reverted by {failed}")), "{}", run.stdout);
        anew.extend(["--anew".to_owned(), failed]);
        let run = claim(&anew);
        if run.code == 0 {
            return;
        }
        assert!(tries < 3, "{}", run.stdout);
        told = run.stdout;
    }
}

/// A share that its payee, or anybody, claimed is known by the distributor's event.
pub(crate) fn claims_one_share(story: &Story, number: usize) -> U256 {
    let plan = PayPlan::parse(&fs::read(story.path("payment.json")).unwrap()).unwrap();
    let due = plan.due().unwrap().remove(number);
    let claim = Claim {
        distribution_id: distribution_id(plan.funder.unwrap(), *plan.outcome.as_bytes()),
        account: due.account,
        amount: due.amount,
        proof: &due.proof,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let chain = EvmChain::connect(story.anvil.endpoint(), None).await.unwrap();
        let outbox = Outbox::local(std::path::Path::new(&story.path("payee")), || 0);
        let chain = chain.sending(outbox).await.unwrap();
        chain.claim(plan.distributor, &story.anvil.signer(6), &claim).await.unwrap();
    });
    due.amount
}

/// A payment with other weights than the work was done under, or without a part of who did it, is not paid where
/// the log has the outcome. The file is as it was afterwards.
pub(crate) fn refuses_other_shares(story: &Story, place: &[&str]) {
    let text = fs::read_to_string(story.path("payment.json")).unwrap();
    let planned: Value = serde_json::from_str(&text).unwrap();
    let refused = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let mut handed = planned.clone();
        change(&mut handed);
        handed["funder"] = json!(ACCOUNT);
        fs::write(story.path("payment.json"), handed.to_string()).unwrap();
        let step = |step: &[&str]| {
            let file = ["--payment", "@payment.json"];
            story.run(&[&["pay"], step, &file[..], place].concat())
        };
        step(&["fund"]).expect_error(3, words).expect_error(3, &["nothing was sent"]);
        step(&["claim"]).expect_error(3, words).expect_error(3, &["nothing was sent"]);
        step(&["claim", "--record"]).expect_error(3, words);
    };
    let landed = story.landed();
    let weight = planned["document"]["slots"][0][1].as_u64().unwrap();
    let said =
        format!("has weight {weight} in the studio that the work was done under, and 999999");
    refused(&|it| it["document"]["slots"][0][1] = json!(999_999), &["task `measure`", &said]);
    // Both the agent and its tasks.
    let account = planned["payees"][1]["account"].clone();
    let leave_out = |it: &mut Value| {
        it["payees"].as_array_mut().unwrap().remove(1);
        it["document"]["slots"].as_array_mut().unwrap().retain(|slot| slot[2] != account);
    };
    let at = format!("was done by the agent at {}", account.as_str().unwrap());
    refused(&leave_out, &[&at, "is not in the payment"]);
    // One task of an agent that is paid for another.
    let leave_out =
        |it: &mut Value| drop(it["document"]["slots"].as_array_mut().unwrap().remove(0));
    refused(&leave_out, &["task `measure` was done by", "is not in the payment"]);
    assert_eq!(story.landed(), landed);
    fs::write(story.path("payment.json"), text).unwrap();
}
