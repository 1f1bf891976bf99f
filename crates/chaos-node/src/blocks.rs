//! The blocks that the command line names: a folder of recorded ones, or live ones.

use std::path::Path;

use chaos_programs::blocks::{self, Loaded};
use chaos_simulation::fee_market::FeeHistory;
use chaos_types::{ChainId, Digest};

use crate::{
    args::BlockSource,
    exit::{Failure, Kind, OrFail as _},
    live,
    narration::Terminal,
};

/// Reads what the command line names.
pub(crate) fn load(source: &BlockSource) -> Result<Loaded, Failure> {
    let wanted: Option<ChainId> = match &source.chain {
        Some(text) => Some(text.parse().or_fail(Kind::Input)?),
        None => None,
    };
    match (&source.blocks, &source.rpc_url) {
        (Some(dir), _) => Ok(blocks::load_folder(dir, wanted.as_ref(), &Terminal::default())?),
        (None, Some(url)) => live::load(url, source, wanted.as_ref()),
        (None, None) => Err(Failure::message(Kind::Input, "no blocks were named")
            .hint("give recorded blocks by --blocks DIR or live ones by --rpc-url URL")),
    }
}

/// The fee history that the command line names, if it names one.
pub(crate) fn fee_history(path: Option<&Path>) -> Result<Option<(FeeHistory, Digest)>, Failure> {
    Ok(path.map(blocks::read_fee_history).transpose()?)
}
