//! A policy that is accepted gives an answer on any checkpoint, and a checkpoint without cosignatures
//! satisfies none but `quorum none`.

#![no_main]

use chaos_log::{Checkpoint, EMPTY_ROOT, LogKey, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else { return };
    let log = LogKey::from_seed("example.com/log".parse().expect("a name"), &[1; 32]);
    let checkpoint = Checkpoint::new("example.com/log", 0, EMPTY_ROOT).expect("an origin");
    let signed = checkpoint.sign(&log).expect("the log's key");
    assert_eq!(policy.witnessed(&signed).is_ok(), policy.quorum() == "none");
});
