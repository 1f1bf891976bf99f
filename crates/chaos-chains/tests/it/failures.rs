use std::{
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chaos_chains::{Address, Error, EvmChain, U256};
use chaos_types::ChainId;

use crate::{
    connect, start_anvil,
    stub::{self, Reply},
};

fn result(body: &str) -> Reply {
    Reply::Answer(200, String::new(), format!(r#"{{"jsonrpc":"2.0","id":0,"result":{body}}}"#))
}

#[tokio::test]
async fn refuses_a_chain_that_is_not_the_expected_one() {
    let Some(anvil) = start_anvil() else { return };
    let error = EvmChain::connect(anvil.endpoint(), Some(&ChainId::evm(1))).await.unwrap_err();
    assert_eq!(error.to_string(), "wrong chain: expected eip155:1, got eip155:31337");
    assert!(matches!(error, Error::WrongChain { .. }));
}

#[tokio::test]
async fn an_unreachable_node_is_named_without_the_key_in_its_url() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("http://user:hunter2@127.0.0.1:{port}/v3/0123456789abcdef?key=s3cret");
    let error = EvmChain::connect(&url, None).await.unwrap_err();
    let Error::Unreachable { url, attempts, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*url, format!("http://127.0.0.1:{port}"));
    assert_eq!(*attempts, 5);
    assert!(error.is_transient());
    let text = format!("{error} {error:?}");
    for secret in ["hunter2", "0123456789abcdef", "s3cret"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// Also shows that a TLS client can be made at all.
#[tokio::test]
async fn a_node_that_does_not_speak_tls_is_unreachable_over_https() {
    let url = stub::serve(|_| Reply::HangUp).replace("http://", "https://");
    let error = EvmChain::connect(&url, None).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_refused_unprinted() {
    for url in ["", "localhost:8545", "ftp://host", "ws://host", "http://"] {
        let error = EvmChain::connect(url, None).await.unwrap_err();
        assert!(matches!(error, Error::InvalidUrl { .. }), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn passing_failures_are_retried() {
    let mut count = 0;
    let url = stub::serve(move |_| {
        count += 1;
        match count {
            1 => Reply::HangUp,
            2 => Reply::Answer(503, String::new(), "busy".to_owned()),
            3 => Reply::Answer(429, "retry-after: 0\r\n".to_owned(), String::new()),
            _ => result("\"0x1\""),
        }
    });
    let chain = EvmChain::connect(&url, None).await.unwrap();
    assert_eq!(*chain.chain_id(), ChainId::evm(1));
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let url = stub::serve(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        let header = "location: https://elsewhere.example/v3/0123456789abcdef\r\n".to_owned();
        Reply::Answer(307, header, String::new())
    });
    let error = EvmChain::connect(&url, None).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("HTTP status 307 sends on to another address"), "{text}");
    assert!(!text.contains("0123456789abcdef"), "{text}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_long_rate_limit_is_reported_at_once() {
    let url =
        stub::serve(|_| Reply::Answer(429, "retry-after: 3600\r\n".to_owned(), String::new()));
    let error = EvmChain::connect(&url, None).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { after_s: 3600, .. }), "{error:?}");
}

#[tokio::test]
async fn answers_that_do_not_fit_are_malformed_not_zero() {
    for answer in ["null", "\"zz\"", "17.5", "{}", "[]"] {
        let url = stub::serve(move |_| result(answer));
        let error = EvmChain::connect(&url, None).await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{answer}: {error:?}");
    }
    let url = stub::serve(|_| Reply::Answer(200, String::new(), "<html>".to_owned()));
    let error = EvmChain::connect(&url, None).await.unwrap_err();
    assert!(error.to_string().starts_with("malformed answer in eth_chainId"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_not_retried_and_keeps_its_code() {
    let mut count = 0;
    let url = stub::serve(move |_| {
        count += 1;
        assert_eq!(count, 1);
        let body = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"no\u001b[31m"}}"#;
        Reply::Answer(200, String::new(), body.to_owned())
    });
    let error = EvmChain::connect(&url, None).await.unwrap_err();
    let Error::Rejected { code: -32601, reason, .. } = error else { panic!("{error:?}") };
    assert_eq!(reason, "no[31m", "control characters must not reach the terminal");
}

#[tokio::test]
async fn a_refusal_that_repeats_the_key_is_shown_without_it() {
    let url = stub::serve(|_| {
        let body = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,
            "message":"project 0123456789abcdef (hunter2) has no access"}}"#;
        Reply::Answer(200, String::new(), body.to_owned())
    });
    let url = url.replace("http://", "http://user:hunter2@") + "/v3/0123456789abcdef";
    let error = EvmChain::connect(&url, None).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("project … (…) has no access"), "{text}");
    assert!(!text.contains("0123456789abcdef") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn an_address_without_code_is_not_read_as_zero() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let nobody = Address::repeat_byte(0x77);
    let error = chain.token_balance(nobody, nobody).await.unwrap_err();
    assert!(error.to_string().contains("no contract answers at 0x7777"), "{error}");
    let error = chain.get_proposal(nobody, U256::from(1)).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
}

/// The node takes the transaction and dies before answering: it must not be sent as a second one.
#[tokio::test]
async fn a_lost_answer_does_not_send_twice() {
    let Some(anvil) = start_anvil() else { return };
    let address = anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
    let mut lost = 0;
    let proxy = stub::serve(move |body| {
        let answer = stub::forward(&address, body);
        if body.contains("eth_sendRawTransaction") && lost < 2 {
            lost += 1;
            return Reply::HangUp;
        }
        Reply::Answer(200, String::new(), answer)
    });
    let chain = connect(&proxy).await;
    let signer = anvil.signer(0);
    let (anchor, deployed) =
        chain.deploy_anchor(&signer, "example.org/log", signer.address()).await.unwrap();
    assert_eq!(deployed.block_number, 1);
    assert_eq!(chain.block_number().await.unwrap(), 1);
    assert_eq!(chain.latest_anchor(anchor).await.unwrap(), None);
}

#[tokio::test]
async fn only_local_chains_mine_on_demand() {
    let url = stub::serve(|body| {
        if body.contains("eth_chainId") {
            return result("\"0x1\"");
        }
        let body = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"unknown"}}"#;
        Reply::Answer(200, String::new(), body.to_owned())
    });
    let chain = EvmChain::connect(&url, None).await.unwrap();
    let error = chain.mine_blocks(1).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
}

#[test]
fn dropping_the_local_chain_ends_its_process() {
    let Some(anvil) = start_anvil() else { return };
    let process = format!("/proc/{}", anvil.process_group_id());
    if !Path::new("/proc/self").exists() {
        eprintln!("skipped: this system has no /proc");
        return;
    }
    assert!(Path::new(&process).exists());
    drop(anvil);
    assert!(!Path::new(&process).exists());
}
