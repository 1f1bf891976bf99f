use std::collections::BTreeMap;

use alloy_primitives::{address, b256};

use super::*;
use crate::RecordedAccount;

const KNOWN: Address = address!("00000000000000000000000000000000000000aa");
const FRESH: Address = address!("00000000000000000000000000000000000000bb");
const ABSENT: Address = address!("00000000000000000000000000000000000000cc");
const CODE: B256 = b256!("00000000000000000000000000000000000000000000000000000000000000dd");

fn snapshot() -> Snapshot {
    let account = |nonce, code_hash, storage: &[(u64, u64)]| RecordedAccount {
        balance: U256::from(5),
        nonce,
        code_hash,
        storage: storage.iter().map(|(k, v)| (U256::from(*k), U256::from(*v))).collect(),
    };
    let accounts = BTreeMap::from([
        (KNOWN, account(1, CODE, &[(1, 7), (2, 0)])),
        (FRESH, account(0, KECCAK256_EMPTY, &[])),
    ]);
    Snapshot::from_parts(&accounts, [(9, B256::ZERO)], &Bytecodes::default())
}

#[track_caller]
fn check(read: impl FnOnce(&SnapshotView<'_>), storage: u64, code: u64, block_hash: u64) {
    let snapshot = snapshot();
    let view = snapshot.view();
    read(&view);
    assert_eq!(view.unknown_reads(), UnknownReads { storage, code, block_hash });
}

#[test]
fn counts_only_what_is_not_known() {
    let slot = |index: u64| U256::from(index);
    check(|view| assert_eq!(view.storage_ref(KNOWN, slot(1)).unwrap(), U256::from(7)), 0, 0, 0);
    check(|view| assert_eq!(view.storage_ref(KNOWN, slot(2)).unwrap(), U256::ZERO), 0, 0, 0);
    check(|view| assert_eq!(view.storage_ref(KNOWN, slot(3)).unwrap(), U256::ZERO), 1, 0, 0);
    check(|view| assert_eq!(view.storage_ref(FRESH, slot(3)).unwrap(), U256::ZERO), 0, 0, 0);
    check(|view| assert_eq!(view.storage_ref(ABSENT, slot(3)).unwrap(), U256::ZERO), 0, 0, 0);
    check(|view| assert_eq!(view.basic_ref(ABSENT).unwrap(), None), 0, 0, 0);
    check(|view| assert!(view.code_by_hash_ref(CODE).unwrap().is_empty()), 0, 1, 0);
    check(|view| assert_eq!(view.block_hash_ref(9).unwrap(), B256::ZERO), 0, 0, 0);
    check(|view| assert_eq!(view.block_hash_ref(8).unwrap(), B256::ZERO), 0, 0, 1);
}

#[test]
fn an_account_with_unknown_code_has_none_in_hand() {
    let snapshot = snapshot();
    let info = snapshot.view().basic_ref(KNOWN).unwrap().unwrap();
    assert_eq!((info.code_hash, info.code), (CODE, None));
}
