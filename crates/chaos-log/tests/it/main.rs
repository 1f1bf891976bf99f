//! The log against published vectors, independent implementations and damaged input.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod cosignatures;
mod decoders;
mod forks;
mod groups;
mod map;
mod notes;
mod oracle;
mod tiles;
mod vectors;

use chaos_log::{Hash, MemoryLog};

/// A log of `size` leaves, each different.
fn log_of(size: u64) -> MemoryLog {
    let mut log = MemoryLog::new();
    log.append_batch((0..size).map(leaf).collect()).unwrap();
    log
}

/// The leaf that [`log_of`] puts at `index`.
fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

fn fixture(name: &str) -> serde_json::Value {
    let path = format!("{}/../../fixtures/log/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn hash_from_hex(hex: &str) -> Hash {
    Hash::from_bytes(bytes_from_hex(hex).try_into().unwrap())
}

fn bytes_from_hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}
