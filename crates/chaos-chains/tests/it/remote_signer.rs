//! Sending with a key that somebody else has, who answers over HTTP, or does not, or lies.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_network::TxSignerSync as _;
use alloy_primitives::{TxKind, U64, U128};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use chaos_chains::{
    Address, Anvil, Bytes, Error, EvmChain, Outbox, Signer, Told, U256,
    signer::{self, Unsigned},
};
use serde_json::{Value, json};

use crate::{
    start_anvil,
    stub::{self, Reply},
};

/// The first development account of anvil, published with it.
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

fn key() -> PrivateKeySigner {
    KEY.parse().unwrap()
}

/// Reads what JSON-RPC says of a transaction, as Web3Signer does.
fn read(described: &Value, chain_id: u64) -> TxEip1559 {
    let number = |name: &str| serde_json::from_value::<U128>(described[name].clone()).unwrap();
    let small = |name: &str| serde_json::from_value::<U64>(described[name].clone()).unwrap();
    let to: Option<Address> = serde_json::from_value(described["to"].clone()).unwrap();
    TxEip1559 {
        chain_id,
        nonce: small("nonce").to(),
        gas_limit: small("gas").to(),
        max_fee_per_gas: number("maxFeePerGas").to(),
        max_priority_fee_per_gas: number("maxPriorityFeePerGas").to(),
        to: to.map_or(TxKind::Create, TxKind::Call),
        value: serde_json::from_value(described["value"].clone()).unwrap(),
        access_list: alloy_eips::eip2930::AccessList::default(),
        input: serde_json::from_value(described["data"].clone()).unwrap(),
    }
}

/// What a signer makes of a transaction.
type Lie = fn(&mut TxEip1559);

/// A signer of one key that signs what `change` makes of what it is asked for.
fn signs(change: impl Fn(&mut TxEip1559) + Send + 'static) -> impl FnMut(&Value) -> Value + Send {
    move |asked| {
        let mut transaction = read(&asked["params"][0], 31_337);
        change(&mut transaction);
        let signature = key().sign_transaction_sync(&mut transaction).unwrap();
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        json!(Bytes::from(signed.encoded_2718()))
    }
}

/// Serves a signer; counts what it is asked to sign.
fn serve(mut sign: impl FnMut(&Value) -> Value + Send + 'static) -> (String, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let url = stub::serve(move |body| {
        let question: Value = serde_json::from_str(body).unwrap();
        let result = match question["method"].as_str().unwrap() {
            "eth_accounts" => json!([key().address()]),
            _ => {
                counter.fetch_add(1, Ordering::SeqCst);
                sign(&question)
            }
        };
        Reply::Answer(
            200,
            String::new(),
            json!({"jsonrpc": "2.0", "id": 0, "result": result}).to_string(),
        )
    });
    (url, asked)
}

fn remote(url: &str) -> Signer {
    Signer::remote(url, key().address()).unwrap()
}

async fn sending(anvil: &Anvil, folder: &Path) -> EvmChain {
    let chain = EvmChain::connect(anvil.endpoint(), None).await.unwrap();
    chain.sending(Outbox::local(folder, || 0)).await.unwrap()
}

/// What a signer's answers lead to when a contract is deployed, and whether anything was kept or sent.
async fn refused(anvil: &Anvil, url: &str) -> Unsigned {
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(anvil, folder.path()).await;
    let signer = remote(url);
    let deployed = chain.deploy_anchor(&signer, "example.org/log", signer.address()).await;
    let Error::Unsigned(unsigned) = deployed.unwrap_err() else { panic!("another error") };
    assert!(!folder.path().join("transactions").exists(), "{unsigned}");
    assert_eq!(chain.transactions_of(signer.address()).await.unwrap(), 0);
    *unsigned
}

#[tokio::test]
async fn a_remote_signer_deploys_and_anchors_without_a_key_here() {
    let Some(anvil) = start_anvil() else { return };
    let (url, asked) = serve(signs(|_| ()));
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(&anvil, folder.path()).await;
    let signer = remote(&url);
    signer.ensure_ready().await.unwrap();
    let (contract, _) =
        chain.deploy_anchor(&signer, "example.org/log", signer.address()).await.unwrap();
    chain.anchor_checkpoint(contract, &signer, 7, [1; 32]).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // What is there already asks for no signature.
    chain.anchor_checkpoint(contract, &signer, 7, [1; 32]).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A second program that signs so, which was not written here.
#[tokio::test]
async fn anvil_itself_signs_for_its_accounts() {
    let Some(anvil) = start_anvil() else { return };
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(&anvil, folder.path()).await;
    let signer = remote(anvil.endpoint());
    signer.ensure_ready().await.unwrap();
    chain.deploy_anchor(&signer, "example.org/log", signer.address()).await.unwrap();
    let text = signer.sign_text("a text").await.unwrap();
    assert_eq!(text, anvil.signer(0).sign_text("a text").await.unwrap());
}

#[tokio::test]
async fn what_go_ethereum_wraps_in_an_object_is_found() {
    let Some(anvil) = start_anvil() else { return };
    let mut sign = signs(|_| ());
    let (url, _) = serve(move |asked| json!({"raw": sign(asked), "tx": {"nonce": "0x63"}}));
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(&anvil, folder.path()).await;
    let signer = remote(&url);
    chain.deploy_anchor(&signer, "example.org/log", signer.address()).await.unwrap();
}

#[tokio::test]
async fn a_signer_that_signs_another_transaction_is_refused_and_nothing_is_sent() {
    let Some(anvil) = start_anvil() else { return };
    let lies: [(&str, Lie); 5] = [
        ("chain", |it| it.chain_id = 1),
        ("nonce", |it| it.nonce += 1),
        ("receiver", |it| it.to = TxKind::Call(Address::repeat_byte(0x66))),
        ("value", |it| it.value = U256::from(1_000_000_000_000_000_000_u64)),
        ("fee", |it| it.max_fee_per_gas *= 1_000),
    ];
    for (expected, lie) in lies {
        let (url, _) = serve(signs(lie));
        let unsigned = refused(&anvil, &url).await;
        assert!(
            matches!(unsigned, Unsigned::Other { field, .. } if field == expected),
            "{unsigned}"
        );
    }
}

/// A node that is behind its time: it quotes a base fee that was once.
fn behind(anvil: &Anvil) -> String {
    let address = anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
    stub::serve(move |body| {
        let result = if body.contains("eth_getBlockByNumber") && body.contains("latest") {
            json!({"number": "0x0", "hash": format!("0x{:064}", 1), "baseFeePerGas": "0x1"})
        } else if body.contains("eth_maxPriorityFeePerGas") {
            json!("0x0")
        } else {
            return Reply::Answer(200, String::new(), stub::forward(&address, body));
        };
        let answer = json!({"jsonrpc": "2.0", "id": 0, "result": result});
        Reply::Answer(200, String::new(), answer.to_string())
    })
}

#[tokio::test]
async fn what_nobody_signs_for_more_stays_as_it_is_and_is_told() {
    let Some(anvil) = start_anvil() else { return };
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&told);
    let tell = move |it: &Told<'_>| {
        counter.fetch_add(u64::from(matches!(it, Told::Unsigned(..))), Ordering::SeqCst);
    };
    let outbox = Outbox { tell: Arc::new(tell), ..Outbox::local(folder.path(), || 0) };
    let deploy = async |node: &str, signer: &Signer| {
        let chain = EvmChain::connect(node, None).await.unwrap();
        let chain = chain.sending(outbox.clone()).await.unwrap();
        chain.deploy_anchor(signer, "example.org/log", signer.address()).await
    };
    let attempts = || outbox.journal.open().unwrap()[0].attempts.len();
    let (honest, _) = serve(signs(|_| ()));
    deploy(&behind(&anvil), &remote(&honest)).await.unwrap_err();
    assert_eq!(attempts(), 1);
    // The cheap bytes are offered again, and the node does not take them.
    let gone = deploy(anvil.endpoint(), &remote("http://127.0.0.1:9")).await.unwrap_err();
    assert!(matches!(gone, Error::Rejected { .. }), "{gone:?}");
    assert_eq!((attempts(), told.load(Ordering::SeqCst)), (1, 1));
    let (liar, _) = serve(signs(|it| it.max_fee_per_gas *= 1_000));
    let lied = deploy(anvil.endpoint(), &remote(&liar)).await.unwrap_err();
    assert!(matches!(lied, Error::Unsigned(_)), "{lied:?}");
    assert_eq!((attempts(), told.load(Ordering::SeqCst)), (1, 1));
    deploy(anvil.endpoint(), &remote(&honest)).await.unwrap();
    assert_eq!(attempts(), 2);
}

#[tokio::test]
async fn a_signer_with_another_key_is_refused_by_both_accounts() {
    let Some(anvil) = start_anvil() else { return };
    let other = PrivateKeySigner::from_slice(&[9; 32]).unwrap();
    let account = other.address();
    let (url, _) = serve(move |asked| {
        let mut transaction = read(&asked["params"][0], 31_337);
        let signature = other.sign_transaction_sync(&mut transaction).unwrap();
        json!(Bytes::from(TxEnvelope::from(transaction.into_signed(signature)).encoded_2718()))
    });
    let unsigned = refused(&anvil, &url).await;
    let Unsigned::OtherKey { expected, found, .. } = unsigned else { panic!("{unsigned}") };
    assert_eq!((expected, found), (key().address(), account));
}

#[tokio::test]
async fn what_is_no_transaction_is_named_and_not_sent() {
    let Some(anvil) = start_anvil() else { return };
    for answer in
        [json!(null), json!(17), json!("0x"), json!("0x02c0"), json!({"tx": {}}), json!([])]
    {
        let (url, _) = serve(move |_| answer.clone());
        let unsigned = refused(&anvil, &url).await;
        assert!(matches!(unsigned, Unsigned::Malformed { .. }), "{unsigned}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_signers_words_without_its_password() {
    let Some(anvil) = start_anvil() else { return };
    let url = stub::serve(|_| {
        let error =
            json!({"code": -32000, "message": "policy of sesame: to address not authorized"});
        let body = json!({"jsonrpc": "2.0", "id": 0, "error": error});
        Reply::Answer(400, String::new(), body.to_string())
    });
    let url = url.replace("http://", "http://ci:sesame@");
    let unsigned = refused(&anvil, &url).await;
    assert!(matches!(unsigned, Unsigned::Refused { code: -32000, .. }), "{unsigned}");
    let told = format!("{unsigned} {unsigned:?} {:?}", remote(&url));
    assert!(told.contains("to address not authorized") && !told.contains("sesame"), "{told}");
}

#[tokio::test]
async fn a_signer_that_is_gone_hangs_up_or_wants_a_password_is_named() {
    let Some(anvil) = start_anvil() else { return };
    let gone = refused(&anvil, "http://127.0.0.1:9").await;
    assert!(matches!(gone, Unsigned::Unanswered { .. }), "{gone}");
    let ready = remote("http://127.0.0.1:9").ensure_ready().await.unwrap_err();
    assert!(matches!(ready, Unsigned::Unanswered { .. }), "{ready}");
    let hangs_up = refused(&anvil, &stub::serve(|_| Reply::HangUp)).await;
    assert!(matches!(hangs_up, Unsigned::Unanswered { .. }), "{hangs_up}");
    let locked = stub::serve(|_| Reply::Answer(401, String::new(), "Unauthorized".to_owned()));
    let locked = refused(&anvil, &locked).await;
    assert!(matches!(locked, Unsigned::Refused { code: 401, .. }), "{locked}");
}

#[tokio::test]
async fn a_signer_that_lists_other_accounts_is_named_before_anything_is_begun() {
    let (url, _) = serve(|_| json!(null));
    let other = Address::repeat_byte(7);
    let error = Signer::remote(&url, other).unwrap().ensure_ready().await.unwrap_err();
    assert!(matches!(error, Unsigned::NoAccount { account, count: 1, .. } if account == other));
    // One that lists none may have it.
    let url = stub::serve(|_| {
        let error = json!({"code": -32601, "message": "the method eth_accounts does not exist"});
        Reply::Answer(
            200,
            String::new(),
            json!({"jsonrpc": "2.0", "id": 0, "error": error}).to_string(),
        )
    });
    remote(&url).ensure_ready().await.unwrap();
}

#[tokio::test]
async fn a_text_is_signed_as_the_account_would() {
    let (url, _) = serve(|asked| {
        assert_eq!(asked["method"], "eth_sign");
        let text: Bytes = serde_json::from_value(asked["params"][1].clone()).unwrap();
        json!(Bytes::from(key().sign_message_sync(&text).unwrap().as_bytes().to_vec()))
    });
    let expected = key().sign_message_sync(b"a text").unwrap();
    let signed = remote(&url).sign_text("a text").await.unwrap();
    assert_eq!(signed, alloy_primitives::hex::encode_prefixed(expected.as_bytes()));

    let (url, _) = serve(|_| {
        let other = key().sign_message_sync(b"another text").unwrap();
        json!(Bytes::from(other.as_bytes().to_vec()))
    });
    let error = remote(&url).sign_text("a text").await.unwrap_err();
    assert!(matches!(error, Unsigned::OtherKey { .. }), "{error}");
}

#[test]
fn a_url_that_cannot_be_used_or_shows_its_password_is_refused_without_repeating_it() {
    for url in [
        "",
        "signer",
        "ftp://signer",
        "http://ci:sesame@signer.example:9000",
        "http://sesame@10.0.0.1",
    ] {
        let error = Signer::remote(url, key().address()).unwrap_err();
        assert!(matches!(error, signer::Error::SignerUrl { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("sesame"));
    }
    for url in [
        "https://ci:sesame@signer.example",
        "http://ci:sesame@127.0.0.1:9000",
        "http://signer:9000",
    ] {
        Signer::remote(url, key().address()).unwrap();
    }
}
