//! Whose word it takes before anything is signed anew: what decides is what took the nonce.

use chaos_chains::{
    B256, ChainFile, Contract, Deployment, Ended, Error, EvmChain, Funding, Outbox, StackConfig,
    ToNothing, Unvouched,
    contracts::chaos_token::ChaosToken,
    sending::{Stage, Which},
};
use serde_json::{Value, json};

use crate::{
    anew::{INCLUDED, Lab, deploy, failed, first, outbox},
    stub::{self, Reply},
};

/// What was signed for the first nonce, oldest first.
fn signed(lab: &Lab) -> Vec<B256> {
    let intents = lab.outbox().journal.open().unwrap();
    intents[0].attempts.iter().map(|attempt| attempt.hash).collect()
}

/// Shows one transaction of a nonce in the place of the other, which took it.
fn swapped(lab: &Lab, took: B256, said: B256, succeeded: bool) -> String {
    let receipt = lab.ask("eth_getTransactionReceipt", &json!([took]).to_string());
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    let mut receipt = receipt["result"].clone();
    receipt["transactionHash"] = json!(said);
    receipt["status"] = json!(if succeeded { "0x1" } else { "0x0" });
    (receipt["logs"], receipt["contractAddress"]) = (json!([]), Value::Null);
    lab.telling(move |body, answer| {
        let asks = |hash: B256| body.contains(&format!("{hash:#x}"));
        if body.contains("eth_getTransactionReceipt") && asks(took) {
            *answer = Value::Null;
        } else if body.contains("eth_getTransactionReceipt") && asks(said) {
            *answer = receipt.clone();
        }
        let listed = answer.get_mut("transactions").and_then(Value::as_array_mut);
        for tx in listed.into_iter().flatten().filter(|tx| **tx == json!(took)) {
            *tx = json!(said);
        }
    })
}

fn naming(lab: &Lab, hash: B256) -> Outbox {
    Outbox { anew: vec![hash], ..lab.outbox() }
}

fn unvouched(error: Error) -> Unvouched {
    match error {
        Error::Unvouched(unvouched) => *unvouched,
        error => panic!("{error:?}"),
    }
}

/// A chain's file, with these endpoints.
async fn file(lab: &Lab, endpoints: &[&str]) -> ChainFile {
    let chain = lab.chain().await;
    ChainFile {
        chain: chain.chain_id().clone(),
        genesis: chain.first_block().await.unwrap(),
        endpoints: endpoints.iter().map(|&it| it.to_owned()).collect(),
        block_time_ms: 1_000,
        final_depth: None,
        explorer: None,
    }
}

async fn by(file: &ChainFile, outbox: Outbox) -> EvmChain {
    EvmChain::connect_to(file).await.unwrap().sending(outbox).await.unwrap()
}

/// Who looked up the one that was named found that another node knows nothing of it, and paid twice.
#[tokio::test]
async fn what_took_a_nonce_is_asked_for_and_not_one_of_its_transactions() {
    for cancels in [false, true] {
        let Some(lab) = Lab::start() else { return };
        lab.lose().await;
        let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
        // What was meant lands: raised, or before its cancel.
        if cancels {
            let losing = lab.over(&lab.losing, lab.outbox()).await;
            losing.cancel(&signer, &first(), INCLUDED).await.unwrap_err();
            let raw = lab.outbox().journal.open().unwrap()[0].attempts[0].raw.to_string();
            lab.ask("eth_sendRawTransaction", &format!("[\"{raw}\"]"));
        } else {
            chain.bump(&signer, &first(), INCLUDED).await.unwrap();
        }
        chain.mine_blocks(70).await.unwrap();
        let hashes = signed(&lab);
        let (took, said) = if cancels { (hashes[0], hashes[1]) } else { (hashes[1], hashes[0]) };
        let lying = swapped(&lab, took, said, cancels);
        for plans_only in [true, false] {
            let outbox = Outbox { plans_only, ..lab.outbox() };
            let told = deploy(&lab.over(&lying, outbox).await, &lab.anvil).await;
            let told = unvouched(told.unwrap_err());
            let all: Vec<B256> = told.signed.iter().map(|(hash, _)| *hash).collect();
            assert_eq!((all, told.account, told.nonce), (hashes.clone(), signer.address(), 0));
        }
        // Who looks the nonce up elsewhere names what took it.
        let named = lab.over(&lying, naming(&lab, took)).await;
        let Error::Contradicted(told) = deploy(&named, &lab.anvil).await.unwrap_err() else {
            panic!("{cancels}")
        };
        assert_eq!((told.hash, told.found, told.other), (said, Some(took), None));
        // And a chain file's other endpoints say so unasked, also where a person was fooled.
        let file = file(&lab, &[&lying, lab.anvil.endpoint()]).await;
        let fooled = deploy(&by(&file, naming(&lab, said)).await, &lab.anvil).await;
        let Error::Contradicted(told) = fooled.unwrap_err() else { panic!("{cancels}") };
        assert_eq!((told.found, told.other.is_some()), (Some(took), true));
        assert_eq!(lab.sent(&chain).await, 1);
        deploy(&chain, &lab.anvil).await.unwrap();
        assert_eq!(lab.sent(&chain).await, 1, "a node that shows it is gone on with");
    }
}

/// It was kept back, another node knew nothing of it, and with the one that was signed anew it landed too.
#[tokio::test]
async fn what_no_other_endpoint_has_in_a_block_is_not_signed_anew() {
    let Some(lab) = Lab::start() else { return };
    lab.lose().await;
    let (chain, hash) = (lab.chain().await, signed(&lab)[0]);
    chain.mine_blocks(70).await.unwrap();
    let block_hash = {
        let block = lab.ask("eth_getBlockByNumber", "[\"0x2\",false]");
        serde_json::from_str::<Value>(&block).unwrap()["result"]["hash"].clone()
    };
    let lying = lab.telling(move |body, answer| {
        if body.contains("eth_getTransactionReceipt") {
            *answer = json!({"status": "0x0", "gasUsed": "0x5208", "logs": [], "blockNumber": "0x2",
                "blockHash": block_hash, "contractAddress": null});
        }
        if body.contains("eth_getTransactionCount") {
            *answer = json!("0x1");
        }
        if answer.get("number") == Some(&json!("0x2")) && !body.contains(",true]") {
            answer["transactions"] = json!([hash]);
        }
    });
    let alone = deploy(&lab.over(&lying, lab.outbox()).await, &lab.anvil).await.unwrap_err();
    let alone = unvouched(alone);
    assert!(matches!(alone.ending, ToNothing::Reverted(it) if it.hash == hash), "{alone:?}");
    let file = file(&lab, &[&lying, lab.anvil.endpoint()]).await;
    let told = deploy(&by(&file, naming(&lab, hash)).await, &lab.anvil).await.unwrap_err();
    let Error::Contradicted(told) = told else { panic!("{told:?}") };
    assert_eq!((told.found, told.other.is_some()), (None, true));
    assert_eq!(lab.outbox().journal.open().unwrap().len(), 0, "nothing was signed");
    // The same bytes land at a node that is honest.
    deploy(&chain, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 1);
}

#[tokio::test]
async fn what_every_endpoint_shows_and_somebody_names_is_signed_anew() {
    let Some(lab) = Lab::start() else { return };
    lab.lose().await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let (_, ended) = chain.cancel(&signer, &first(), INCLUDED).await.unwrap();
    let Ended::Cancelled(hash) = ended else { panic!("{ended:?}") };
    chain.mine_blocks(70).await.unwrap();
    let other = lab.telling(|_, _| ());
    // One that does not answer shows nothing.
    let nobody = "http://127.0.0.1:9";
    let silent = file(&lab, &[lab.anvil.endpoint(), nobody]).await;
    let told = deploy(&by(&silent, naming(&lab, hash)).await, &lab.anvil).await;
    assert!(matches!(told, Err(Error::Unreachable { .. })), "{told:?}");
    assert_eq!(lab.sent(&chain).await, 1);
    let file = file(&lab, &[lab.anvil.endpoint(), &other]).await;
    unvouched(deploy(&by(&file, lab.outbox()).await, &lab.anvil).await.unwrap_err());
    deploy(&by(&file, naming(&lab, hash)).await, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 2);
}

/// A node said that the account was one further, kept what was signed, and handed it in once the same was signed anew
/// below it.
#[tokio::test]
async fn what_was_given_up_can_land_and_is_not_signed_anew_without_a_word() {
    let Some(lab) = Lab::start() else { return };
    ahead(&lab, 1).await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let gap = deploy(&chain, &lab.anvil).await.unwrap_err();
    assert!(matches!(gap, Error::Gap { next: 0, nonce: 1, .. }), "{gap:?}");
    let (_, ended) = chain.cancel(&signer, &Which::Nonce(1), INCLUDED).await.unwrap();
    assert!(matches!(ended, Ended::GivenUp { next: 0 }), "{ended:?}");
    for plans_only in [true, false] {
        let outbox = Outbox { plans_only, ..lab.outbox() };
        let told = deploy(&lab.over(lab.anvil.endpoint(), outbox).await, &lab.anvil).await;
        let told = unvouched(told.unwrap_err());
        assert_eq!((told.ending, told.nonce), (ToNothing::GivenUp { next: 0 }, 1));
    }
    assert_eq!(lab.outbox().journal.open().unwrap().len(), 1, "nothing was signed");
    let given_up = signed(&lab);
    let named = naming(&lab, *given_up.last().unwrap());
    deploy(&lab.over(lab.anvil.endpoint(), named).await, &lab.anvil).await.unwrap();
    // The transfer of nothing that waits behind it lands with it or after it, and what was meant before does not.
    assert!((1..=2).contains(&lab.sent(&chain).await));
    let first = lab.ask("eth_getTransactionReceipt", &json!([given_up[0]]).to_string());
    assert!(first.contains("\"result\":null"), "{first}");
}

/// It was handed in by whoever kept it, and the node that its user names hides it.
#[tokio::test]
async fn what_another_endpoint_shows_to_be_done_is_not_given_up() {
    let Some(lab) = Lab::start() else { return };
    ahead(&lab, 1).await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let losing = lab.over(&lab.losing, lab.outbox()).await;
    let (given_up, ended) = losing.cancel(&signer, &Which::Nonce(1), INCLUDED).await.unwrap();
    assert!(matches!(ended, Ended::GivenUp { next: 0 }), "{ended:?}");
    // Another wallet brings the account to that nonce.
    let other = json!([{"from": signer.address(), "to": signer.address(), "gas": "0x5208"}]);
    lab.ask("eth_sendTransaction", &other.to_string());
    lab.ask("eth_sendRawTransaction", &format!("[\"{}\"]", given_up.attempts[0].raw));
    chain.mine_blocks(3).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 2);
    let hiding = lab.telling(|body, answer| {
        if body.contains("eth_getTransactionCount") {
            *answer = json!("0x0");
        } else if body.contains("eth_getTransactionReceipt") {
            *answer = Value::Null;
        }
    });
    let file = file(&lab, &[&hiding, lab.anvil.endpoint()]).await;
    let outbox = naming(&lab, given_up.attempts[1].hash);
    let told = deploy(&by(&file, outbox).await, &lab.anvil).await.unwrap_err();
    let Error::Contradicted(told) = told else { panic!("{told:?}") };
    assert_eq!((told.nonce, told.found), (1, Some(given_up.attempts[0].hash)));
    assert_eq!(lab.sent(&chain).await, 2);
}

/// What was given up has the highest nonce, and was taken for the newest for ever: nobody was asked for a word any more.
#[tokio::test]
async fn what_is_called_reverted_below_what_was_given_up_takes_a_word_of_its_own() {
    let Some(lab) = Lab::start() else { return };
    ahead(&lab, 9).await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    chain.cancel(&signer, &Which::Nonce(9), INCLUDED).await.unwrap();
    let given_up = naming(&lab, *signed(&lab).last().unwrap());
    let reverting = lab.over(&lab.telling(failed), given_up).await;
    let said = deploy(&reverting, &lab.anvil).await.unwrap_err();
    assert!(matches!(said, Error::Failed { .. }), "{said:?}");
    chain.mine_blocks(70).await.unwrap();
    for _ in 0..2 {
        let again = unvouched(deploy(&reverting, &lab.anvil).await.unwrap_err());
        assert!(matches!(again.ending, ToNothing::Reverted(_)), "{again:?}");
    }
    assert_eq!(lab.sent(&chain).await, 1);
}

#[tokio::test]
async fn a_gap_is_filled_so_that_what_was_signed_lands_once() {
    let Some(lab) = Lab::start() else { return };
    ahead(&lab, 1).await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let hash = signed(&lab)[0];
    for other in [2, 7] {
        let none = chain.cancel(&signer, &Which::Nonce(other), INCLUDED).await;
        assert!(matches!(none, Err(Error::NoTransaction { .. })), "{none:?}");
    }
    let (filled, ended) = chain.cancel(&signer, &first(), INCLUDED).await.unwrap();
    assert!(matches!(ended, Ended::Cancelled(_)) && filled.nonce == 0, "{ended:?}");
    // What waits behind it keeps the account from others as before.
    let elsewhere = tempfile::tempdir().unwrap();
    let shared = Outbox { accounts: lab.outbox().accounts, ..outbox(elsewhere.path()) };
    let claimed = deploy(&lab.over(lab.anvil.endpoint(), shared).await, &lab.anvil).await;
    assert!(matches!(claimed, Err(Error::Claimed { nonce: 1, .. })), "{claimed:?}");
    deploy(&chain, &lab.anvil).await.unwrap();
    let intents = lab.outbox().journal.open().unwrap();
    let landed = intents.iter().find(|it| it.nonce == 1).unwrap();
    assert!(matches!(landed.stage, Stage::Included(it) if it.hash == hash), "{landed:?}");
    assert_eq!(lab.sent(&chain).await, 2);
}

/// Signs a deployment for a nonce that the account has not come to.
async fn ahead(lab: &Lab, nonce: u64) {
    let address = lab.anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
    let ahead = stub::serve(move |body| {
        let told = |result: Value| json!({"jsonrpc": "2.0", "id": 0, "result": result}).to_string();
        let answer = if body.contains("eth_getTransactionCount") {
            told(json!(format!("{nonce:#x}")))
        } else if body.contains("eth_sendRawTransaction") {
            told(json!(B256::ZERO))
        } else {
            stub::forward(&address, body)
        };
        Reply::Answer(200, String::new(), answer)
    });
    deploy(&lab.over(&ahead, lab.outbox()).await, &lab.anvil).await.unwrap_err();
}

/// Each run delegated again, and none said a word of it.
#[tokio::test]
async fn what_was_set_is_not_set_again_on_a_nodes_word() {
    let Some(lab) = Lab::start() else { return };
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let mut on = Deployment::new(chain.chain_id().clone(), chain.first_block().await.unwrap());
    let terms = StackConfig::default();
    for contract in [Contract::Token, Contract::Governor, Contract::RewardDistributor] {
        chain.deploy_contract(&signer, contract, &terms, &mut on).await.unwrap();
    }
    let at = |contract| on.contracts[&contract].address;
    let (token, to) = (at(Contract::Token), signer.address());
    let set = chain.delegate(token, &signer, to).await.unwrap().unwrap();
    let sent = lab.sent(&chain).await;
    let selector = <ChaosToken::delegatesCall as alloy_sol_types::SolCall>::SELECTOR;
    let selector = alloy_primitives::hex::encode(selector);
    let lying = lab.telling(move |body, answer| {
        if body.contains("eth_call") && body.contains(&format!("0x{selector}")) {
            *answer = json!(B256::ZERO);
        }
    });
    for plans_only in [true, false] {
        let outbox = Outbox { plans_only, ..lab.outbox() };
        let again = lab.over(&lying, outbox).await.delegate(token, &signer, to).await;
        let again = unvouched(again.unwrap_err());
        assert!(matches!(again.ending, ToNothing::Undone(it) if it.hash == set.hash), "{again:?}");
    }
    assert_eq!(lab.sent(&chain).await, sent);
    // A chain file's other endpoints are asked what is so, as well as a person.
    let file = file(&lab, &[&lying, lab.anvil.endpoint()]).await;
    for plans_only in [true, false] {
        let outbox = Outbox { plans_only, ..naming(&lab, set.hash) };
        let told = by(&file, outbox).await.delegate(token, &signer, to).await.unwrap_err();
        let Error::Contradicted(told) = told else { panic!("{told:?}") };
        assert_eq!((told.hash, told.is_still_so, told.other.is_some()), (set.hash, true, true));
        let said = told.to_string();
        assert!(said.contains("is not so any more") && said.contains("it is so still"), "{said}");
    }
    assert_eq!(lab.sent(&chain).await, sent);
    lab.over(&lying, naming(&lab, set.hash)).await.delegate(token, &signer, to).await.unwrap();
    assert_eq!(lab.sent(&chain).await, sent + 1);
    // What was set to something else since, and what was used up from here, needs nobody's word.
    let other = lab.anvil.signer(3).address();
    for to in [other, to] {
        chain.delegate(token, &signer, to).await.unwrap().unwrap();
    }
    for key in 1..=2 {
        let funding =
            Funding { key: [key; 32], token, root: [9; 32], total: 5, refund_after_s: None };
        let distributor = at(Contract::RewardDistributor);
        chain.create_distribution(distributor, &signer, &funding).await.unwrap();
    }
    assert_eq!(lab.sent(&chain).await, sent + 7);
}
