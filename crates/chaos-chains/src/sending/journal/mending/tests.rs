use std::fs;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_network::TxSignerSync as _;
use alloy_primitives::{B256, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use chaos_types::ChainId;

use super::*;
use crate::sending::{Attempt, Fees, Inclusion, Journal, Purpose, Stage};

/// A signed intent with so many bytes of call data.
fn intent(len: u8) -> Intent {
    let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
    let to = key.address();
    let input = Bytes::from((0..=len).cycle().take(usize::from(len) * 4).collect::<Vec<u8>>());
    let fees = Fees { max_fee_per_gas: 9, max_priority_fee_per_gas: 1 };
    let mut transaction = TxEip1559 {
        chain_id: 31_337,
        nonce: 3,
        gas_limit: 50_000,
        max_fee_per_gas: fees.max_fee_per_gas,
        max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
        to: TxKind::Call(to),
        value: U256::ZERO,
        access_list: alloy_eips::eip2930::AccessList::default(),
        input: input.clone(),
    };
    let signature = key.sign_transaction_sync(&mut transaction).unwrap();
    let signed = TxEnvelope::from(transaction.into_signed(signature));
    let (hash, raw) = (*signed.tx_hash(), Bytes::from(signed.encoded_2718()));
    Intent {
        key: "vote/0x01/0x02".to_owned(),
        what: "vote".to_owned(),
        chain: ChainId::evm(31_337),
        genesis: B256::repeat_byte(3),
        account: key.address(),
        nonce: 3,
        to: Some(to),
        value: U256::ZERO,
        input,
        gas_limit: 50_000,
        attempts: vec![Attempt { raw, hash, purpose: Purpose::Act, fees, signed_at_ms: 12 }],
        stage: Stage::Final(Inclusion {
            hash,
            block_number: 5,
            block_hash: B256::repeat_byte(4),
            gas_used: 21_000,
            succeeded: true,
        }),
    }
}

/// Long enough that its signed bytes and call data are put right by their hash.
#[test]
fn whatever_bit_stops_a_file_from_being_read_is_put_right() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, intent) = (Journal::new(folder.path()), intent(80));
    journal.keep(&intent).unwrap();
    let path = journal.done_path(&intent);
    let whole = fs::read(&path).unwrap();
    let (mut damaged, mut unnoticed) = (0, 0);
    // Every 311th bit: most lines are hit, and the test is short.
    for bit in (0..whole.len() * 8).step_by(311) {
        let mut text = whole.clone();
        text[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &text).unwrap();
        if journal.unreadable().unwrap().is_empty() {
            // What nobody signed: when it was, how its block is called.
            unnoticed += 1;
            continue;
        }
        damaged += 1;
        let repaired = journal.repair(&path).unwrap().unwrap_or_else(|| panic!("bit {bit}"));
        assert!(journal.unreadable().unwrap().is_empty(), "bit {bit}");
        // Which block it was is asked anew where two digits are equally near.
        let attempts = intent.attempts.clone();
        assert_eq!(repaired.attempts[0].raw, attempts[0].raw, "bit {bit}");
        assert_eq!(Intent { stage: intent.stage, attempts, ..repaired }, intent, "bit {bit}");
        journal.keep(&intent).unwrap();
    }
    assert!(damaged > 3 * unnoticed && damaged > 30, "{damaged}, {unnoticed} unnoticed");
}

#[test]
fn two_bits_are_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, intent) = (Journal::new(folder.path()), intent(4));
    journal.keep(&intent).unwrap();
    let path = journal.done_path(&intent);
    let mut text = fs::read(&path).unwrap();
    let at = text.windows(4).position(|it| it == b"\"raw").unwrap() + 20;
    (text[at], text[at + 1]) = (text[at] ^ 1, text[at + 1] ^ 1);
    fs::write(&path, &text).unwrap();
    assert_eq!(journal.repair(&path).unwrap(), None);
    assert_eq!(fs::read(&path).unwrap(), text, "nothing was written");
}

#[test]
fn a_key_that_nobody_signed_is_held_against_the_files_name_and_put_right() {
    let folder = tempfile::TempDir::new().unwrap();
    let journal = Journal::new(folder.path());
    let kept = intent(8);
    journal.keep(&kept).unwrap();
    let path = journal.done_path(&kept);
    let text = fs::read_to_string(&path).unwrap();
    for (was, is) in [("vote/0x01", "vote/0x00"), ("0x0303", "0x0302")] {
        fs::write(&path, text.replacen(was, is, 1)).unwrap();
        let [(at, error)] = &journal.unreadable().unwrap()[..] else { panic!("{was} is noticed") };
        assert_eq!(*at, path);
        assert!(error.to_string().contains("was changed"), "{error}");
        assert_eq!(journal.repair(&path).unwrap().unwrap(), kept, "{was}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
