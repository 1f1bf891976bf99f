//! Everything that needs a node, against a real anvil, and against stub servers that misbehave.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests fail and report like the tests themselves"
)]

mod anchor_events;
mod anchoring;
mod anew;
mod deploying;
mod failures;
mod gas;
mod governance;
mod place;
mod registry;
mod remote_signer;
mod replay;
mod sending;
mod stub;
mod vouching;

use std::{env, path::PathBuf};

use chaos_chains::{Anvil, AnvilConfig, EvmChain, Outbox, anvil};

/// Starts a local chain. Without anvil the test is skipped, with a message; under CI it fails.
fn start_anvil() -> Option<Anvil> {
    start_anvil_with_blocks_every(AnvilConfig::default().block_interval_s)
}

/// The same, on which so many seconds pass with each block.
fn start_anvil_with_blocks_every(block_interval_s: u64) -> Option<Anvil> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let config = AnvilConfig { root: Some(root), block_interval_s, ..AnvilConfig::default() };
    match Anvil::start(&config) {
        Ok(anvil) => Some(anvil),
        Err(anvil::Error::NotFound) if env::var_os("CI").is_none() => {
            eprintln!("skipped: anvil is absent; run `npm ci` in contracts/");
            None
        }
        Err(error) => panic!("anvil could not be started: {error}"),
    }
}

/// A connection that may send, with a journal of its own.
async fn connect(url: &str) -> EvmChain {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    let chain = EvmChain::connect(url, None).await.unwrap();
    chain.sending(Outbox::local(&folder, || 0)).await.unwrap()
}
