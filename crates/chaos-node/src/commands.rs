//! One module per subcommand.

pub(crate) mod agent;
pub(crate) mod anchor;
pub(crate) mod attest;
pub(crate) mod backtest;
pub(crate) mod broker;
pub(crate) mod chain;
pub(crate) mod chains;
pub(crate) mod demo;
mod deployment;
pub(crate) mod diff;
pub(crate) mod executor;
pub(crate) mod export;
pub(crate) mod fee_history;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod pay;
mod policy;
pub(crate) mod proposal;
pub(crate) mod propose;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod secret;
mod sending;
mod signing;
pub(crate) mod simulate;
pub(crate) mod tx;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod vote;
pub(crate) mod witness;

use std::{fs, path::Path};

use anyhow::Context as _;
use chaos_attestation::{
    Provider,
    provide::{
        Configfs, Development, TSM_ROOT,
        development::{Seed, Window},
    },
};

use chaos_ledger::Ledger;

use crate::{
    args::ProviderKind,
    clock,
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// The provider of a kind, now.
fn provider(kind: ProviderKind) -> Box<dyn Provider> {
    match kind {
        ProviderKind::Development => {
            Box::new(Development::new(&Seed::well_known(), Window::of_day(clock::now_s())))
        }
        ProviderKind::Configfs => Box::new(Configfs::new(TSM_ROOT.into())),
    }
}

/// Says that what was proved is under no anchored head, in a log that is anchored.
fn tell_unanchored(ledger: &Ledger) -> Result<(), Failure> {
    if ledger.declaration(ledger.size())?.is_some() {
        output::say(
            "no anchored head holds it yet: `chaoschain anchor`, then `chaoschain log prove`",
        );
    }
    Ok(())
}

/// Writes a file of a command's output, and the folders above it. It can be made again, so it is not
/// synced.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| chaos_files::write_unsynced(path, bytes))
        .with_context(|| format!("cannot write {}", path.display()))
        .or_fail(Kind::Storage)
}
