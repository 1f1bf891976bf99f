//! A trace that is read names only what it was given; what cannot be read names why.

#![no_main]

use alloy_primitives::KECCAK256_EMPTY;
use chaos_evm::{Block, RecordedAccount, import::prestate};
use libfuzzer_sys::fuzz_target;

/// A block of one transaction, so that a trace of one entry gets through.
const BLOCK: &str = include_str!("one_transfer.json");

const DIFF: &str = r#"[{"result": {"pre": {}, "post": {}}}]"#;

fn has_code(account: &RecordedAccount) -> bool {
    account.code_hash != KECCAK256_EMPTY
}

fuzz_target!(|bytes: &[u8]| {
    let block = Block::decode_rpc(BLOCK.as_bytes(), Some(1)).expect("the block is well formed");
    if let Ok(state) = prestate(bytes, None, &block) {
        for (address, account) in &state.accounts {
            assert!(!state.absent.contains(address));
            assert!(account.nonce > 0 || !account.balance.is_zero() || has_code(account));
        }
        // What one transaction's diff calls new cannot take away what is known before it.
        let with_diff = prestate(bytes, Some(DIFF.as_bytes()), &block).expect("the diff is empty");
        assert_eq!(with_diff, state);
    }
});
