//! What the crate promises, seen from outside.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod docs;
