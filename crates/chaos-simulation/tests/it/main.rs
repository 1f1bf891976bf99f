//! Integration tests on recorded and generated blocks.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests may stop the test, and say what was skipped"
)]

mod calibration;
mod docs;
mod flow;
mod forecast;
mod transactions;
