//! The store on a real disk: real kills, real limits, real damage.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod blobs;
mod commit;
mod damage;
mod exchange;
mod handed;
mod kill;
mod live;
mod open;
mod records;
mod rows;

use chaos_log::{Checkpoint, LogKey, SignedCheckpoint};
use chaos_store::{Append, Head};
use chaos_types::Digest;

/// A record and a leaf that both name `text`.
fn append(text: &str) -> Append {
    Append::new(record(text), leaf(text)).unwrap()
}

fn leaf(text: &str) -> Vec<u8> {
    format!("leaf {text} of {}", Digest::of(&record(text))).into_bytes()
}

fn record(text: &str) -> Vec<u8> {
    format!("record {text}").into_bytes()
}

/// The signed checkpoint of a log named `example.com/log`.
fn signed(head: Head) -> SignedCheckpoint {
    let key = LogKey::from_seed("example.com/log".parse().unwrap(), &[1; 32]);
    Checkpoint::new("example.com/log", head.size, head.root).unwrap().sign(&key).unwrap()
}

/// The message of an error and of all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
