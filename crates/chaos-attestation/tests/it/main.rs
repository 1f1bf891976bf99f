//! Integration tests on recorded quotes and collateral.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests may stop the test, and say what was skipped"
)]

mod development;
mod docs;
mod mutations;
mod recorded;
mod vectors;
