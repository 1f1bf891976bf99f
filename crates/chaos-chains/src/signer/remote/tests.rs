use alloy_consensus::{SignableTransaction as _, TxEip2930};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_network::TxSignerSync as _;
use alloy_primitives::{U256, uint};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;

use super::*;

const SIGNER: &str = "http://signer";
/// The order of secp256k1's group.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

fn key(byte: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[byte; 32]).unwrap()
}

fn asked() -> TxEip1559 {
    TxEip1559 {
        chain_id: 31_337,
        nonce: 7,
        gas_limit: 50_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0x11)),
        value: U256::ZERO,
        access_list: alloy_eips::eip2930::AccessList::default(),
        input: Bytes::from_static(b"call"),
    }
}

/// What a signer with this key answers to a transaction.
fn answer(key: &PrivateKeySigner, mut transaction: TxEip1559) -> Vec<u8> {
    let signature = key.sign_transaction_sync(&mut transaction).unwrap();
    TxEnvelope::from(transaction.into_signed(signature)).encoded_2718()
}

fn held(raw: &[u8]) -> Result<Signed<TxEip1559>, Unsigned> {
    transaction(SIGNER, key(1).address(), &asked(), raw)
}

#[test]
fn exactly_what_was_asked_for_is_taken() {
    let signed = held(&answer(&key(1), asked())).unwrap();
    assert_eq!(*signed.tx(), asked());
    assert_eq!(signed.recover_signer().unwrap(), key(1).address());
}

#[test]
fn a_transaction_that_differs_in_any_field_is_refused_by_its_name() {
    let refused = |expected: &str, change: fn(&mut TxEip1559)| {
        let mut other = asked();
        change(&mut other);
        match held(&answer(&key(1), other)).unwrap_err() {
            Unsigned::Other { field, expected: asked, found, .. } => {
                assert_eq!(field, expected);
                assert_ne!(asked, found);
            }
            error => panic!("{error:?}"),
        }
    };
    refused("chain", |it| it.chain_id = 1);
    refused("nonce", |it| it.nonce = 8);
    refused("receiver", |it| it.to = TxKind::Call(Address::repeat_byte(0x12)));
    refused("receiver", |it| it.to = TxKind::Create);
    refused("value", |it| it.value = U256::from(1));
    refused("data", |it| it.input = Bytes::from_static(b"calm"));
    refused("data", |it| it.input = Bytes::new());
    refused("gas limit", |it| it.gas_limit = 50_001);
    refused("fee", |it| it.max_fee_per_gas += 1);
    refused("tip", |it| it.max_priority_fee_per_gas -= 1);
    refused("access list", |it| {
        it.access_list.0.push(alloy_eips::eip2930::AccessListItem::default())
    });
}

/// Two data that agree in all that an error shows of them.
#[test]
fn data_that_differs_at_its_end_is_refused() {
    let long = |end: u8| Bytes::from([&[1_u8; 5_000][..], &[end]].concat());
    let asked = TxEip1559 { input: long(1), ..asked() };
    let raw = answer(&key(1), TxEip1559 { input: long(2), ..asked.clone() });
    let error = transaction(SIGNER, key(1).address(), &asked, &raw).unwrap_err();
    assert!(matches!(error, Unsigned::Other { field: "data", .. }), "{error:?}");
    assert!(error.to_string().len() < 1_000, "{error}");
}

#[test]
fn another_keys_signature_is_refused_with_both_accounts() {
    let error = held(&answer(&key(2), asked())).unwrap_err();
    let Unsigned::OtherKey { expected, found, .. } = error else { panic!("{error:?}") };
    assert_eq!((expected, found), (key(1).address(), key(2).address()));
}

#[test]
fn another_type_of_transaction_is_refused() {
    let mut other = TxEip2930 { chain_id: 31_337, nonce: 7, ..TxEip2930::default() };
    let signature = key(1).sign_transaction_sync(&mut other).unwrap();
    let raw = TxEnvelope::from(other.into_signed(signature)).encoded_2718();
    let error = held(&raw).unwrap_err();
    assert!(matches!(error, Unsigned::Other { field: "type", .. }), "{error:?}");
}

#[test]
fn bytes_that_are_no_transaction_or_more_than_one_are_refused() {
    let whole = answer(&key(1), asked());
    for raw in [&[][..], b"\x02", &whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        let error = held(raw).unwrap_err();
        assert!(matches!(error, Unsigned::Malformed { .. }), "{error:?}");
    }
}

/// A signature has a second spelling, with the other s, which chains refuse.
#[test]
fn a_transaction_with_a_signature_in_its_second_spelling_is_refused() {
    let mut transaction = asked();
    let signature = key(1).sign_transaction_sync(&mut transaction).unwrap();
    let second = Signature::new(signature.r(), ORDER - signature.s(), !signature.v());
    let raw = TxEnvelope::from(transaction.into_signed(second)).encoded_2718();
    let error = held(&raw).unwrap_err();
    assert!(matches!(error, Unsigned::Malformed { .. }), "{error:?}");
}

#[test]
fn a_signature_is_taken_in_every_spelling_and_kept_in_one() {
    let hash = B256::repeat_byte(3);
    let account = key(1).address();
    let first = key(1).sign_hash_sync(&hash).unwrap();
    let second = Signature::new(first.r(), ORDER - first.s(), !first.v());
    let mut of_parity = first.as_bytes();
    of_parity[64] -= 27;
    for spelt in [first.as_bytes(), second.as_bytes(), of_parity] {
        assert_eq!(signature(SIGNER, account, &hash, &spelt).unwrap(), first);
    }
}

#[test]
fn a_signature_of_something_else_or_by_somebody_else_is_refused() {
    let (hash, account) = (B256::repeat_byte(3), key(1).address());
    let others = [
        key(1).sign_hash_sync(&B256::repeat_byte(4)).unwrap(),
        key(2).sign_hash_sync(&hash).unwrap(),
    ];
    for other in others {
        let error = signature(SIGNER, account, &hash, &other.as_bytes()).unwrap_err();
        assert!(matches!(error, Unsigned::OtherKey { .. }), "{error:?}");
    }
    for broken in [&[][..], &[0; 64], &[0; 65], &[0xff; 65], &[0; 66]] {
        let error = signature(SIGNER, account, &hash, broken).unwrap_err();
        assert!(matches!(error, Unsigned::Malformed { .. }), "{error:?}");
    }
}

/// It takes the question and says nothing.
#[tokio::test]
async fn a_signer_that_is_too_slow_is_named_after_the_patience_for_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = crate::RpcLimits {
        request_timeout: std::time::Duration::from_millis(100),
        attempts: 2,
        ..crate::RpcLimits::default()
    };
    let slow = Web3Signer::with_limits(&url, key(1).address(), limits).unwrap();
    for asked in [Asked::Text("a text"), Asked::Transaction(&asked())] {
        let error = slow.sign(asked).await.unwrap_err();
        assert!(matches!(error, Unsigned::Unanswered { .. }), "{error}");
    }
    drop(listener);
}
