//! The crate as its users see it: tables as others write them, and histories as chains make them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "helpers of tests may stop the test, read recorded files, and say what was skipped"
)]

mod generated;
mod parquet;
mod reading;
mod rules;
mod shared;
mod shocks;
