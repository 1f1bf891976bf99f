use std::io::Write;

use alloy_primitives::{Address, B256};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use revm::context::TxEnv;

use super::*;

#[test]
fn stops_reading_gzip_at_the_limit() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 1_000_000]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2_000);
    let error = decode::decompress(&bomb, 1_000).unwrap_err();
    assert_eq!(error.to_string(), "file exceeds 1000 bytes after decompression");
    assert_eq!(decode::decompress(&bomb, 1_000_000).unwrap().len(), 1_000_000);
}

fn transaction(fee_max: u128, tip_max: Option<u128>) -> Transaction {
    let env = TxEnv {
        caller: Address::ZERO,
        gas_price: fee_max,
        gas_priority_fee: tip_max,
        ..TxEnv::default()
    };
    Transaction { hash: B256::ZERO, kind: TransactionKind::Ordinary, env, signature: None }
}

#[test]
fn effective_price_is_capped_by_the_highest_price() {
    assert_eq!(transaction(100, Some(5)).effective_gas_price(90), 95);
    assert_eq!(transaction(100, Some(5)).effective_gas_price(98), 100);
    assert_eq!(transaction(100, Some(5)).effective_tip(98), 2);
    assert_eq!(transaction(100, None).effective_gas_price(90), 100);
    assert_eq!(transaction(100, None).effective_tip(90), 10);
    assert_eq!(transaction(100, Some(5)).effective_tip(101), 0);
}

proptest! {
    #[test]
    fn tip_never_exceeds_what_the_sender_allows(
        fee_max: u128, tip in proptest::option::of(any::<u128>()), base_fee: u64,
    ) {
        let transaction = transaction(fee_max, tip);
        let paid = transaction.effective_gas_price(base_fee);
        prop_assert!(paid <= fee_max);
        prop_assert!(transaction.effective_tip(base_fee) <= tip.unwrap_or(u128::MAX));
    }
}
