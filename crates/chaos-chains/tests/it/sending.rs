//! One way to send, against a node that quotes, drops and forgets what it likes.

use std::{path::Path, time::Duration};

use chaos_chains::{
    Address, Anvil, Error, EvmChain, Outbox, U256,
    sending::{FeeCap, FeeError, Stage},
};

use crate::{
    start_anvil,
    stub::{self, Reply},
};

const GWEI: u64 = 1_000_000_000;

pub(crate) async fn sending(url: &str, outbox: Outbox) -> EvmChain {
    EvmChain::connect(url, None).await.unwrap().sending(outbox).await.unwrap()
}

pub(crate) fn outbox(folder: &Path) -> Outbox {
    Outbox { patience: Duration::from_secs(1), ..Outbox::local(folder, || 0) }
}

/// A node that answers one method itself, and passes everything else on.
pub(crate) fn lying(anvil: &Anvil, method: &'static str, result: &'static str) -> String {
    let address = anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
    stub::serve(move |body| {
        let answer = if body.contains(method) {
            format!(r#"{{"jsonrpc":"2.0","id":0,"result":{result}}}"#)
        } else {
            stub::forward(&address, body)
        };
        Reply::Answer(200, String::new(), answer)
    })
}

async fn deploy(chain: &EvmChain, anvil: &Anvil) -> Result<Address, Error> {
    let signer = anvil.signer(0);
    let deployed = chain.deploy_anchor(&signer, "example.org/log", signer.address()).await;
    deployed.map(|(address, _)| address)
}

async fn sent_by(chain: &EvmChain, anvil: &Anvil) -> u64 {
    chain.transactions_of(anvil.signer(0).address()).await.unwrap()
}

#[tokio::test]
async fn a_node_that_quotes_fifty_million_gwei_of_tip_does_not_get_them() {
    let Some(anvil) = start_anvil() else { return };
    let url = lying(&anvil, "eth_maxPriorityFeePerGas", "\"0xb1a2bc2ec50000\"");
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(&url, outbox(folder.path())).await;
    let before = chain.balance(anvil.signer(0).address()).await.unwrap();
    deploy(&chain, &anvil).await.unwrap();
    let paid = before - chain.balance(anvil.signer(0).address()).await.unwrap();
    assert!(paid < U256::from(1_000_000) * U256::from(6 * GWEI), "{paid} wei");
}

#[tokio::test]
async fn a_gas_estimate_above_the_cap_is_refused_before_anything_is_signed() {
    let Some(anvil) = start_anvil() else { return };
    let url = lying(&anvil, "eth_estimateGas", "\"0x800000\"");
    let folder = tempfile::tempdir().unwrap();
    let cap = FeeCap { max_cost: U256::from(10_000_000 * GWEI), ..FeeCap::default() };
    let chain = sending(&url, Outbox { cap, ..outbox(folder.path()) }).await;
    let error = deploy(&chain, &anvil).await.unwrap_err();
    let Error::Fee(error) = error else { panic!("{error:?}") };
    assert!(matches!(*error, FeeError::CostAboveCap { .. }), "{error}");
    assert_eq!(sent_by(&chain, &anvil).await, 0);
    assert!(!folder.path().join("transactions").exists());
}

#[tokio::test]
async fn an_account_without_funds_is_told_how_much_to_send_where() {
    let Some(anvil) = start_anvil() else { return };
    let url = lying(&anvil, "eth_getBalance", "\"0x5\"");
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(&url, outbox(folder.path())).await;
    let error = deploy(&chain, &anvil).await.unwrap_err();
    let Error::Funds(shortage) = error else { panic!("{error:?}") };
    assert_eq!((shortage.account, shortage.found), (anvil.signer(0).address(), U256::from(5)));
    assert_eq!(sent_by(&chain, &anvil).await, 0);
}

/// The node says that it took the transaction and never had it. Whoever goes on sends the same bytes.
#[tokio::test]
async fn what_was_sent_and_lost_is_sent_again_and_not_signed_again() {
    let Some(anvil) = start_anvil() else { return };
    let zero = "\"0x0000000000000000000000000000000000000000000000000000000000000000\"";
    let url = lying(&anvil, "eth_sendRawTransaction", zero);
    let folder = tempfile::tempdir().unwrap();
    let outbox = outbox(folder.path());
    let chain = sending(&url, outbox.clone()).await;
    let error = deploy(&chain, &anvil).await.unwrap_err();
    let Error::NotMined { hash, .. } = error else { panic!("{error:?}") };
    let open = outbox.journal.open().unwrap();
    assert_eq!((open.len(), open[0].stage, open[0].attempts[0].hash), (1, Stage::Sent, hash));

    let chain = sending(anvil.endpoint(), outbox.clone()).await;
    let address = deploy(&chain, &anvil).await.unwrap();
    assert_eq!(sent_by(&chain, &anvil).await, 1);
    let landed = outbox.journal.open().unwrap().remove(0);
    assert_eq!(landed.attempts.len(), 1);
    assert!(landed.included().is_some_and(|inclusion| inclusion.hash == hash));
    // And a third time, nothing is sent.
    assert_eq!(deploy(&chain, &anvil).await.unwrap(), address);
    assert_eq!(sent_by(&chain, &anvil).await, 1);
}

/// Two data directories of one user share the account, and so its nonces.
#[tokio::test]
async fn another_data_directory_does_not_use_a_nonce_that_may_still_land() {
    let Some(anvil) = start_anvil() else { return };
    let zero = "\"0x0000000000000000000000000000000000000000000000000000000000000000\"";
    let url = lying(&anvil, "eth_sendRawTransaction", zero);
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lost = outbox(first.path());
    deploy(&sending(&url, lost.clone()).await, &anvil).await.unwrap_err();
    let shared = Outbox { accounts: lost.accounts.clone(), ..outbox(second.path()) };
    let chain = sending(anvil.endpoint(), shared).await;
    let error = deploy(&chain, &anvil).await.unwrap_err();
    let Error::Claimed { journal, nonce: 0, .. } = error else { panic!("{error:?}") };
    assert_eq!(journal, lost.journal.folder());
    assert_eq!(sent_by(&chain, &anvil).await, 0);

    deploy(&sending(anvil.endpoint(), lost).await, &anvil).await.unwrap();
    deploy(&chain, &anvil).await.unwrap();
    assert_eq!(sent_by(&chain, &anvil).await, 2);
}

/// A node that was asked behind its time, and a base fee that rose since: the same nonce, for more.
#[tokio::test]
async fn what_was_signed_too_cheaply_is_replaced_under_its_nonce() {
    let Some(anvil) = start_anvil() else { return };
    let block = r#"{"number":"0x0","hash":"0x0000000000000000000000000000000000000000000000000000000000000001","baseFeePerGas":"0x1"}"#;
    let folder = tempfile::tempdir().unwrap();
    let outbox = outbox(folder.path());
    let address = anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
    let behind = stub::serve(move |body| {
        let is_latest = body.contains("eth_getBlockByNumber") && body.contains("latest");
        let answer = if is_latest {
            format!(r#"{{"jsonrpc":"2.0","id":0,"result":{block}}}"#)
        } else if body.contains("eth_maxPriorityFeePerGas") {
            r#"{"jsonrpc":"2.0","id":0,"result":"0x0"}"#.to_owned()
        } else {
            stub::forward(&address, body)
        };
        Reply::Answer(200, String::new(), answer)
    });
    let error = deploy(&sending(&behind, outbox.clone()).await, &anvil).await.unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    deploy(&sending(anvil.endpoint(), outbox.clone()).await, &anvil).await.unwrap();
    let landed = outbox.journal.open().unwrap().remove(0);
    assert_eq!((landed.nonce, landed.attempts.len()), (0, 2));
    assert!(landed.attempts[1].fees.max_fee_per_gas >= u128::from(GWEI));
}

/// A transaction behind a gap would wait for ever.
#[tokio::test]
async fn a_nonce_that_leaves_a_gap_is_not_used() {
    let Some(anvil) = start_anvil() else { return };
    let url = lying(&anvil, "pending", "\"0x3e8\"");
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(&url, outbox(folder.path())).await;
    let error = deploy(&chain, &anvil).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { waiting: 1_000, nonce: 0, .. }), "{error:?}");
    assert_eq!(sent_by(&chain, &anvil).await, 0);
}

#[tokio::test]
async fn an_account_is_sent_from_by_one_process_at_a_time() {
    let Some(anvil) = start_anvil() else { return };
    let folder = tempfile::tempdir().unwrap();
    let outbox = outbox(folder.path());
    let chain = sending(anvil.endpoint(), outbox.clone()).await;
    let (one, other) = tokio::join!(deploy(&chain, &anvil), deploy(&chain, &anvil));
    let refused = [one, other].into_iter().filter_map(Result::err).next().unwrap();
    assert!(refused.to_string().contains("another process is sending from"), "{refused}");
    assert_eq!(sent_by(&chain, &anvil).await, 1);
}

#[tokio::test]
async fn a_connection_without_a_journal_sends_nothing() {
    let Some(anvil) = start_anvil() else { return };
    let chain = EvmChain::connect(anvil.endpoint(), None).await.unwrap();
    let error = deploy(&chain, &anvil).await.unwrap_err();
    assert!(matches!(error, Error::NoOutbox), "{error:?}");
}
