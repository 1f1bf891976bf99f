//! Live blocks: fetched once with the state they read, then kept in the recorded format.

mod fetch;
mod headers;

use std::path::PathBuf;

use chaos_chains::block_source;
use chaos_programs::blocks::{ChainBlocks, Loaded};
use chaos_types::ChainId;
use indicatif::{ProgressBar, ProgressStyle};

use self::fetch::Fetcher;
pub(crate) use self::headers::load as load_headers;
use crate::{
    args::{BlockSource, StateFrom},
    exit::{Failure, Kind},
    output,
};

/// One range holds at most this many blocks.
const RANGE_BLOCKS_MAX: u64 = 10_000;

/// What was fetched, and from where.
pub(crate) struct Fetched {
    pub(crate) blocks: ChainBlocks,
    /// Scheme, host and port of the endpoint.
    pub(crate) endpoint: String,
    /// The folder that holds the blocks in the recorded format.
    pub(crate) folder: PathBuf,
    /// Blocks whose hash was computed again from the header.
    pub(crate) hashes_recomputed: u64,
}

/// Fetches the blocks of `source.range`, executing each so that exactly the state it reads is
/// fetched and recorded.
pub(crate) fn load(
    url: &str,
    source: &BlockSource,
    wanted: Option<&ChainId>,
) -> Result<Loaded, Failure> {
    Ok(Loaded { chains: vec![fetch_range(url, source, wanted)?.blocks], left_out: 0 })
}

/// As [`load`], with what an export says about it.
pub(crate) fn fetch_range(
    url: &str,
    source: &BlockSource,
    wanted: Option<&ChainId>,
) -> Result<Fetched, Failure> {
    let (endpoint, number) = connect(url, source, wanted)?;
    let chain = endpoint.chain_id().clone();
    let (first, last) = range(&source.range, &endpoint, RANGE_BLOCKS_MAX)?;
    let bar = progress(&chain, last - first + 1);
    let mut fetcher = Fetcher::new(&endpoint, &source.cache, number, source.node.state_from)?;
    let mut inputs = Vec::new();
    let mut previous: Option<block_source::HeaderFacts> = None;
    let mut hashes_recomputed = 0;
    for height in first..=last {
        show_requests(&bar, &endpoint);
        let (header, input) = fetcher.fetch(height, previous.as_ref())?;
        hashes_recomputed += u64::from(header.hash_recomputed);
        previous = Some(header);
        inputs.push(input);
        bar.inc(1);
    }
    bar.finish_and_clear();
    output::say(format_args!(
        "{} blocks of {chain}, {} requests, {} of them retries, kept in {}",
        inputs.len(),
        endpoint.requests(),
        endpoint.retries(),
        source.cache.display()
    ));
    Ok(Fetched {
        blocks: ChainBlocks { chain, inputs },
        endpoint: endpoint.shown_url().to_owned(),
        folder: fetcher.into_folder(),
        hashes_recomputed,
    })
}

fn connect(
    url: &str,
    source: &BlockSource,
    wanted: Option<&ChainId>,
) -> Result<(block_source::BlockSource, u64), Failure> {
    let limits = source.node.limits();
    let endpoint = block_source::BlockSource::connect_with(url, wanted, &source.cache, limits)
        .map_err(outside)?;
    let chain = endpoint.chain_id();
    let number = chain
        .evm_number()
        .ok_or_else(|| Failure::message(Kind::Input, format!("{chain} is not an EVM chain")))?;
    Ok((endpoint, number))
}

/// A failure of the endpoint, with what can be done about it.
fn outside(error: chaos_chains::Error) -> Failure {
    let hint = match &error {
        chaos_chains::Error::RateLimited { .. } => Some(
            "run the same command again later: it goes on where it stopped; \
                  --requests-per-second N keeps below the node's limit",
        ),
        chaos_chains::Error::Unreachable { .. } => {
            Some("run the same command again: it goes on where it stopped")
        }
        chaos_chains::Error::Unsupported { .. } => {
            Some("--state-from rpc needs nothing but state of the past")
        }
        _ => None,
    };
    let failure = Failure::new(Kind::Outside, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A broken chain of headers.
fn moved(error: chaos_chains::Error, cache: &std::path::Path) -> Failure {
    Failure::new(Kind::Outside, error).hint(format!(
        "the chain may have been reorganised: run the command again; if it stays so, the node's \
         answers do not agree with each other or with what is kept in {}",
        cache.display()
    ))
}

/// `FIRST..=LAST`, or `N` for the latest N blocks.
fn range(
    text: &str,
    endpoint: &block_source::BlockSource,
    blocks_max: u64,
) -> Result<(u64, u64), Failure> {
    let (first, last) = match first_last(text) {
        Some(ends) => ends,
        None => {
            let count: u64 = text.parse().map_err(|_| {
                let text = format!("--range: expected FIRST..=LAST or N, found `{text}`");
                Failure::message(Kind::Input, text)
            })?;
            let latest = endpoint.latest_block_number().map_err(outside)?;
            // The genesis block has no parent state to start from.
            (latest.saturating_sub(count.saturating_sub(1)).max(1), latest)
        }
    };
    if first == 0 || first > last || last - first >= blocks_max {
        return Err(Failure::message(
            Kind::Input,
            format!(
                "--range: {first}..={last} must begin at 1 or above and hold 1 to {blocks_max} blocks"
            ),
        ));
    }
    Ok((first, last))
}

/// The ends of `FIRST..=LAST`.
pub(crate) fn first_last(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once("..=")?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn progress(chain: &ChainId, blocks: u64) -> ProgressBar {
    let bar = output::progress("", blocks);
    let template = "{prefix} {bar:24} {pos}/{len} blocks, {msg}, {elapsed}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(format!("fetching {chain}"));
    bar
}

fn show_requests(bar: &ProgressBar, endpoint: &block_source::BlockSource) {
    bar.set_message(format!("{} requests, {} retries", endpoint.requests(), endpoint.retries()));
}

impl StateFrom {
    /// What a node must offer for it.
    const fn needs(self) -> &'static str {
        match self {
            Self::Rpc => "state of the past, as archive nodes keep it",
            Self::Trace => "debug_traceBlock with prestateTracer",
            Self::StateProof => "debug_executionWitness",
        }
    }
}
