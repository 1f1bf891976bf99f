//! When nothing is signed anew: what was meant before may still land, or was done from elsewhere.

use std::{fs, path::Path, time::Duration};

use chaos_chains::{
    Address, Anvil, B256, Change, Contract, Deployment, Ended, Error, EvmChain, Outbox,
    StackConfig, ToNothing,
    sending::{Finality, Inclusion, Purpose, Stage, Which},
};
use chaos_types::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    connect, start_anvil,
    stub::{self, Reply},
};

pub(crate) const INCLUDED: Finality = Finality::Included { depth: 1 };

/// A chain, a node of it that takes transactions and loses them, and a journal.
pub(crate) struct Lab {
    pub(crate) anvil: Anvil,
    pub(crate) losing: String,
    pub(crate) folder: TempDir,
}

impl Lab {
    pub(crate) fn start() -> Option<Self> {
        let anvil = start_anvil()?;
        let address = anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
        let zero = format!("0x{}", "0".repeat(64));
        let losing = stub::serve(move |body| {
            let answer = if body.contains("eth_sendRawTransaction") {
                format!(r#"{{"jsonrpc":"2.0","id":0,"result":"{zero}"}}"#)
            } else {
                stub::forward(&address, body)
            };
            Reply::Answer(200, String::new(), answer)
        });
        Some(Self { anvil, losing, folder: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn outbox(&self) -> Outbox {
        outbox(self.folder.path())
    }

    /// A node that tells what the chain's says otherwise: method and answer.
    pub(crate) fn telling(&self, mut lie: impl FnMut(&str, &mut Value) + Send + 'static) -> String {
        let address = self.anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
        stub::serve(move |body| {
            let mut answer: Value = serde_json::from_str(&stub::forward(&address, body)).unwrap();
            lie(body, &mut answer["result"]);
            Reply::Answer(200, String::new(), answer.to_string())
        })
    }

    pub(crate) async fn over(&self, url: &str, outbox: Outbox) -> EvmChain {
        EvmChain::connect(url, None).await.unwrap().sending(outbox).await.unwrap()
    }

    pub(crate) async fn chain(&self) -> EvmChain {
        self.over(self.anvil.endpoint(), self.outbox()).await
    }

    /// Signs a deployment that its node loses.
    pub(crate) async fn lose(&self) {
        let lost = deploy(&self.over(&self.losing, self.outbox()).await, &self.anvil).await;
        assert!(matches!(lost, Err(Error::NotMined { nonce: 0, cancels: false, .. })), "{lost:?}");
    }

    pub(crate) async fn sent(&self, chain: &EvmChain) -> u64 {
        chain.transactions_of(self.anvil.signer(0).address()).await.unwrap()
    }

    pub(crate) fn ask(&self, method: &str, params: &str) -> String {
        let address = self.anvil.endpoint().strip_prefix("http://").unwrap();
        let body = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"{method}","params":{params}}}"#);
        let answer = stub::forward(address, &body);
        assert!(!answer.contains("\"error\""), "{method}: {answer}");
        answer
    }
}

/// Says of what landed that it failed, and shows no event.
pub(crate) fn failed(body: &str, answer: &mut Value) {
    if body.contains("eth_getTransactionReceipt") && answer.is_object() {
        (answer["status"], answer["logs"]) = (json!("0x0"), json!([]));
    }
    if body.contains("eth_getLogs") {
        *answer = json!([]);
    }
}

/// Hides what landed, and shows another transaction in its place that the account never signed.
fn hidden(body: &str, answer: &mut Value) {
    if body.contains("eth_getTransactionReceipt") {
        *answer = Value::Null;
    }
    let transactions = answer.get_mut("transactions").and_then(Value::as_array_mut);
    for tx in transactions.into_iter().flatten() {
        if tx.is_object() {
            tx["hash"] = json!(B256::repeat_byte(0x11));
            (tx["input"], tx["r"], tx["s"]) = (json!("0x"), json!("0x1"), json!("0x1"));
        }
    }
}

pub(crate) fn outbox(folder: &Path) -> Outbox {
    Outbox { patience: Duration::from_secs(1), ..Outbox::local(folder, || 0) }
}

pub(crate) async fn deploy(chain: &EvmChain, anvil: &Anvil) -> Result<Address, Error> {
    let signer = anvil.signer(0);
    let deployed = chain.deploy_anchor(&signer, "example.org/log", signer.address()).await;
    deployed.map(|(address, _)| address)
}

pub(crate) fn first() -> Which {
    Which::Nonce(0)
}

/// It carried out what was cancelled.
#[tokio::test]
async fn raising_what_was_cancelled_raises_the_cancel() {
    let Some(lab) = Lab::start() else { return };
    lab.lose().await;
    let signer = lab.anvil.signer(0);
    let losing = lab.over(&lab.losing, lab.outbox()).await;
    let late = losing.cancel(&signer, &first(), INCLUDED).await.unwrap_err();
    assert!(matches!(late, Error::NotMined { cancels: true, nonce: 0, .. }), "{late:?}");
    assert!(late.to_string().contains("cancel of CheckpointAnchor"), "{late}");
    let chain = lab.chain().await;
    let plan = chain.plan_replacement(signer.address(), &first(), Change::Raise).await.unwrap();
    assert_eq!(plan.unwrap().what, "cancel of CheckpointAnchor");
    let (intent, ended) = chain.bump(&signer, &first(), INCLUDED).await.unwrap();
    assert!(matches!(ended, Ended::Cancelled(_)), "{ended:?}");
    let purposes: Vec<Purpose> = intent.attempts.iter().map(|it| it.purpose).collect();
    assert_eq!(purposes, [Purpose::Act, Purpose::Cancel, Purpose::Cancel]);
    let fees = |at: usize| intent.attempts[at].fees.max_fee_per_gas;
    assert!(fees(2) * 8 >= fees(1) * 9);
    assert_eq!(lab.sent(&chain).await, 1);
}

/// Both stood after a reorganisation that took the cancel.
#[tokio::test]
async fn what_was_cancelled_is_not_signed_anew_before_its_cancel_stays() {
    let Some(lab) = Lab::start() else { return };
    lab.lose().await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    chain.cancel(&signer, &first(), INCLUDED).await.unwrap();
    let early = deploy(&chain, &lab.anvil).await.unwrap_err();
    assert!(matches!(early, Error::NotOver { nonce: 0, ended: "was cancelled", .. }), "{early:?}");
    let plans = Outbox { plans_only: true, ..lab.outbox() };
    let planned = deploy(&lab.over(lab.anvil.endpoint(), plans).await, &lab.anvil).await;
    assert!(matches!(planned, Err(Error::NotOver { .. })), "{planned:?}");
    assert_eq!(lab.sent(&chain).await, 1);

    // What was cancelled comes back, and is what was meant.
    lab.ask("anvil_reorg", "[1, []]");
    let raw = lab.outbox().journal.open().unwrap()[0].attempts[0].raw.to_string();
    lab.ask("anvil_dropAllTransactions", "[]");
    lab.ask("eth_sendRawTransaction", &format!("[\"{raw}\"]"));
    deploy(&chain, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 1, "once");
}

#[tokio::test]
async fn what_was_cancelled_is_signed_anew_once_its_cancel_stays_and_somebody_vouches_for_it() {
    let Some(lab) = Lab::start() else { return };
    lab.lose().await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    chain.cancel(&signer, &first(), INCLUDED).await.unwrap();
    chain.mine_blocks(70).await.unwrap();
    let unvouched = deploy(&chain, &lab.anvil).await.unwrap_err();
    let Error::Unvouched(unvouched) = unvouched else { panic!("{unvouched:?}") };
    let ToNothing::Cancelled(Inclusion { hash, .. }) = unvouched.ending else {
        panic!("{unvouched:?}")
    };
    let other = Outbox { anew: vec![B256::repeat_byte(9)], ..lab.outbox() };
    let other = deploy(&lab.over(lab.anvil.endpoint(), other).await, &lab.anvil).await;
    assert!(matches!(other, Err(Error::Unvouched(_))), "{other:?}");
    assert_eq!(lab.sent(&chain).await, 1);
    let vouched = Outbox { anew: vec![hash], ..lab.outbox() };
    deploy(&lab.over(lab.anvil.endpoint(), vouched).await, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 2);
    // The word is of one transaction: what was signed by it is gone on with without.
    deploy(&chain, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 2);
}

/// Each run paid once more: the same was in the chain three times after three of them.
#[tokio::test]
async fn what_a_node_calls_reverted_is_not_signed_anew_on_its_word() {
    let Some(lab) = Lab::start() else { return };
    let chain = lab.chain().await;
    let lying = lab.over(&lab.telling(failed), lab.outbox()).await;
    let said = deploy(&lying, &lab.anvil).await.unwrap_err();
    assert!(matches!(said, Error::Failed { .. }), "{said:?}");
    chain.mine_blocks(70).await.unwrap();
    for plans_only in [false, true] {
        let outbox = Outbox { plans_only, ..lab.outbox() };
        let again = deploy(&lab.over(&lab.telling(failed), outbox).await, &lab.anvil).await;
        let Err(Error::Unvouched(again)) = again else { panic!("{again:?}") };
        assert!(matches!(again.ending, ToNothing::Reverted(_)), "{again:?}");
    }
    assert_eq!(lab.sent(&chain).await, 1);
    // A node that shows it is gone on with.
    deploy(&chain, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 1);
}

/// The log grew between the runs, and under another checkpoint it was another submission.
#[tokio::test]
async fn a_submission_that_a_node_calls_reverted_is_the_same_under_another_checkpoint() {
    let Some(lab) = Lab::start() else { return };
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let mut on = Deployment::new(chain.chain_id().clone(), chain.first_block().await.unwrap());
    let (contract, terms) = (Contract::ProposalEndpoint, StackConfig::default());
    chain.deploy_contract(&signer, contract, &terms, &mut on).await.unwrap();
    let endpoint = on.contracts[&contract].address;
    let lying = lab.over(&lab.telling(failed), lab.outbox()).await;
    for head in [&b"a head"[..], b"another head"] {
        let (draft, head) = (Digest::of(b"draft"), Digest::of(head));
        let refused = lying.submit_attested(endpoint, &signer, "ipfs://a", draft, head).await;
        refused.unwrap_err();
        chain.mine_blocks(70).await.unwrap();
    }
    assert_eq!(lab.sent(&chain).await, 2, "the endpoint and one submission");
}

/// It was taken for what took the nonce, whatever it was signed with.
#[tokio::test]
async fn what_took_a_nonce_is_a_transaction_that_the_account_signed() {
    let Some(lab) = Lab::start() else { return };
    let chain = lab.chain().await;
    let sent = deploy(&lab.over(&lab.telling(hidden), lab.outbox()).await, &lab.anvil).await;
    sent.unwrap_err();
    chain.mine_blocks(70).await.unwrap();
    let again = deploy(&lab.over(&lab.telling(hidden), lab.outbox()).await, &lab.anvil).await;
    assert!(matches!(again, Err(Error::Unshown { nonce: 0, .. })), "{again:?}");
    assert_eq!(lab.outbox().journal.open().unwrap()[0].stage, Stage::Sent);
    deploy(&chain, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 1);
}

/// The cancel was kept back, what was to be cancelled landed, and the node had a receipt of the cancel.
#[tokio::test]
async fn a_receipt_of_a_block_that_does_not_have_the_transaction_is_none() {
    let Some(lab) = Lab::start() else { return };
    lab.lose().await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let losing = lab.over(&lab.losing, lab.outbox()).await;
    losing.cancel(&signer, &first(), INCLUDED).await.unwrap_err();
    let raw = lab.outbox().journal.open().unwrap()[0].attempts[0].raw.to_string();
    lab.ask("eth_sendRawTransaction", &format!("[\"{raw}\"]"));
    let block_hash = chain.first_block().await.unwrap();
    let invented = lab.telling(move |body, answer| {
        if body.contains("eth_getTransactionReceipt") && answer.is_null() {
            *answer = json!({"status": "0x1", "gasUsed": "0x5208", "logs": [], "blockNumber": "0x0",
                "blockHash": block_hash, "contractAddress": null});
        }
    });
    let lying = lab.over(&invented, lab.outbox()).await;
    let ended = lying.cancel(&signer, &first(), INCLUDED).await;
    assert!(!matches!(ended, Ok((_, Ended::Cancelled(_)))), "{ended:?}");
    deploy(&chain, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 1);
}

/// A folder that was brought back from a copy did everything again that it had done since.
#[tokio::test]
async fn an_older_copy_of_a_journal_signs_nothing() {
    let Some(lab) = Lab::start() else { return };
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    deploy(&chain, &lab.anvil).await.unwrap();
    fs::remove_dir_all(lab.folder.path().join("transactions")).unwrap();
    let older = deploy(&chain, &lab.anvil).await.unwrap_err();
    assert!(matches!(older, Error::Older { nonce: 0, .. }), "{older:?}");
    let plans = Outbox { plans_only: true, ..lab.outbox() };
    let planned = deploy(&lab.over(lab.anvil.endpoint(), plans).await, &lab.anvil).await;
    assert!(matches!(planned, Err(Error::Older { .. })), "{planned:?}");
    assert_eq!(lab.sent(&chain).await, 1);
    // Somebody looks where it landed, and says so.
    let (lost, ended) = chain.cancel(&signer, &first(), INCLUDED).await.unwrap();
    assert_eq!(lost.nonce, 0);
    assert!(matches!(ended, Ended::Landed(_)), "{ended:?}");
    deploy(&chain, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 2);
}

/// Of what was raised since the copy its nonce alone is there, and the node shows that something else took it.
#[tokio::test]
async fn a_copy_without_what_was_signed_last_signs_nothing_anew() {
    let Some(lab) = Lab::start() else { return };
    lab.lose().await;
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let open = lab.folder.path().join("transactions/open");
    let file = fs::read_dir(&open).unwrap().next().unwrap().unwrap().path();
    let copy = fs::read(&file).unwrap();
    chain.bump(&signer, &first(), INCLUDED).await.unwrap();
    chain.mine_blocks(70).await.unwrap();
    fs::write(&file, copy).unwrap();
    let older = deploy(&chain, &lab.anvil).await.unwrap_err();
    assert!(matches!(older, Error::Older { nonce: 0, .. }), "{older:?}");
    assert_eq!(lab.sent(&chain).await, 1);
}

/// A path that did not begin at the root led nowhere from another folder, and the hint was to take its place.
#[tokio::test]
async fn a_journal_is_known_wherever_it_is_and_however_it_is_named() {
    let Some(lab) = Lab::start() else { return };
    let whole = fs::canonicalize(lab.folder.path()).unwrap();
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count());
    let relative = Path::new(&up).join(whole.strip_prefix("/").unwrap());
    let losing = lab.over(&lab.losing, outbox(&relative)).await;
    deploy(&losing, &lab.anvil).await.unwrap_err();
    let claims = fs::read_dir(whole.join("accounts")).unwrap();
    let claim = claims.map(|it| it.unwrap().path()).find(|it| it.extension().is_some());
    let text = fs::read_to_string(claim.unwrap()).unwrap();
    let at = format!("\"{}\"", whole.join("transactions").display());
    assert!(text.contains(&at), "{text}");
    // Another folder of the user is told where it is.
    let other = tempfile::tempdir().unwrap();
    let shared = Outbox { accounts: lab.outbox().accounts, ..outbox(other.path()) };
    let claimed = deploy(&lab.over(lab.anvil.endpoint(), shared.clone()).await, &lab.anvil).await;
    assert!(matches!(claimed, Err(Error::Claimed { nonce: 0, .. })), "{claimed:?}");
    // And whoever has the bytes goes on with them, from wherever they are.
    fs::rename(whole.join("transactions"), other.path().join("transactions")).unwrap();
    let moved = lab.over(lab.anvil.endpoint(), shared).await;
    deploy(&moved, &lab.anvil).await.unwrap();
    assert_eq!(lab.sent(&moved).await, 1);
}

#[tokio::test]
async fn what_is_on_record_is_not_put_there_again_from_another_journal() {
    let Some(lab) = Lab::start() else { return };
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let mut on = Deployment::new(chain.chain_id().clone(), chain.first_block().await.unwrap());
    let (contract, terms) = (Contract::ProposalEndpoint, StackConfig::default());
    chain.deploy_contract(&signer, contract, &terms, &mut on).await.unwrap();
    let endpoint = on.contracts[&contract].address;
    let (draft, head) = (Digest::of(b"draft"), Digest::of(b"a head"));
    let submit = async |chain: &EvmChain, uri: &str, draft, head| {
        chain.submit_attested(endpoint, &signer, uri, draft, head).await.unwrap()
    };
    let submitted = submit(&chain, "ipfs://a", draft, head).await;
    let before = lab.sent(&chain).await;
    // No journal, no memory of accounts, and a log that grew since.
    let lost = connect(lab.anvil.endpoint()).await;
    let again = submit(&lost, "ipfs://a", draft, Digest::of(b"another head")).await;
    assert_eq!(again, submitted);
    assert_eq!(lab.sent(&chain).await, before);
    // What rests on another draft is another.
    let other = submit(&lost, "ipfs://a", Digest::of(b"another draft"), head).await;
    assert_ne!(other.proposal_id, submitted.proposal_id);
    assert_eq!(lab.sent(&chain).await, before + 1);
}

#[tokio::test]
async fn a_contract_that_the_account_made_from_elsewhere_is_named_before_another_is_paid_for() {
    let Some(lab) = Lab::start() else { return };
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let genesis = chain.first_block().await.unwrap();
    let nothing = || Deployment::new(chain.chain_id().clone(), genesis);
    let (terms, account, mut on) = (StackConfig::default(), signer.address(), nothing());
    let all = [Contract::Token, Contract::Governor, Contract::ParameterRegistry];
    for contract in all {
        chain.ensure_not_made(account, contract, &terms, &on).await.unwrap();
        chain.deploy_contract(&signer, contract, &terms, &mut on).await.unwrap();
    }
    let lost = connect(lab.anvil.endpoint()).await;
    for contract in all {
        let made = lost.ensure_not_made(account, contract, &terms, &nothing()).await.unwrap_err();
        let Error::MadeElsewhere { address, .. } = made else { panic!("{made:?}") };
        assert_eq!(address, on.contracts[&contract].address);
        // The file that has it is enough, and so is the journal that made it.
        lost.ensure_not_made(account, contract, &terms, &on).await.unwrap();
    }
    chain.ensure_not_made(account, Contract::Token, &terms, &nothing()).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 3);
}

/// It was said to be on its way, with the account's next nonce.
#[tokio::test]
async fn what_the_journal_deployed_is_not_planned_again_for_another_file() {
    let Some(lab) = Lab::start() else { return };
    let (chain, signer) = (lab.chain().await, lab.anvil.signer(0));
    let genesis = chain.first_block().await.unwrap();
    let nothing = || Deployment::new(chain.chain_id().clone(), genesis);
    let (terms, account) = (StackConfig::default(), signer.address());
    let all = [Contract::Token, Contract::Governor, Contract::ParameterRegistry];
    let mut on = nothing();
    for contract in &all[..2] {
        chain.deploy_contract(&signer, *contract, &terms, &mut on).await.unwrap();
    }
    let plans = chain.plan_deployment(account, &all, &terms, &nothing()).await.unwrap();
    let [registry] = &plans[..] else { panic!("{plans:?}") };
    assert_eq!((registry.what.as_str(), registry.nonce), ("ParameterRegistry", 2));
    chain.mine_blocks(70).await.unwrap();
    chain.resume(Finality::Final).await.unwrap();
    assert_eq!(lab.outbox().journal.open().unwrap(), []);
    let after = chain.plan_deployment(account, &all, &terms, &nothing()).await.unwrap();
    assert_eq!(after.len(), 1, "{after:?}");
}

/// The contract of the file was gone, and nothing sent it again.
#[tokio::test]
async fn what_a_reorganisation_took_is_gone_on_with_without_a_key() {
    let Some(lab) = Lab::start() else { return };
    let chain = lab.chain().await;
    let address = deploy(&chain, &lab.anvil).await.unwrap();
    lab.ask("anvil_reorg", "[1, []]");
    lab.ask("anvil_dropAllTransactions", "[]");
    assert_eq!(lab.sent(&chain).await, 0);
    let plans = Outbox { plans_only: true, ..lab.outbox() };
    lab.over(lab.anvil.endpoint(), plans).await.go_on(None).await.unwrap();
    assert_eq!(lab.sent(&chain).await, 0, "a dry run sends nothing");
    chain.go_on(None).await.unwrap();
    assert_ne!(chain.code_hash(address).await.unwrap(), chaos_chains::KECCAK256_EMPTY);
    let open = lab.outbox().journal.open().unwrap();
    assert!(matches!(open[0].stage, Stage::Included(_)) && open[0].attempts.len() == 1);
}
