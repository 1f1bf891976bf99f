//! Integration tests on recorded and generated blocks.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests may stop the test, and say what was skipped"
)]

mod evm;
mod evm_body;
mod evm_import;
mod evm_input;
mod evm_laws;
mod evm_load;
mod evm_rebuild;
mod evm_resources;
