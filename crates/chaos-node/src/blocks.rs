//! The blocks that the command line names: a folder of recorded ones, or live ones.

use std::path::Path;

use chaos_evm::Under;
use chaos_history::{Columns, Rules};
use chaos_programs::{
    blocks::{self, Loaded},
    history::{self, CheckedHistory},
    live::{self, AskedNode, FetchedBlocks, FetchedHeaders, LiveSource},
};
use chaos_types::ChainId;

use crate::{
    args::{BlockSource, SimulationArgs, StateFrom},
    chains,
    exit::{Failure, Kind, OrFail as _},
    narration::Terminal,
    output,
};

/// Reads what the command line names.
pub(crate) fn load(source: &BlockSource) -> Result<Loaded, Failure> {
    let wanted = chosen(source)?;
    match (&source.blocks, &source.rpc_url) {
        (Some(dir), _) => {
            let wanted = wanted.as_ref();
            Ok(blocks::load_folder_under(dir, wanted, under(source)?, &Terminal::default())?)
        }
        (None, Some(url)) => {
            let fetched = fetch_blocks(url, source, wanted.as_ref())?;
            Ok(Loaded { chains: vec![fetched.blocks], left_out: 0 })
        }
        (None, None) => Err(Failure::message(Kind::Input, "no blocks were named")
            .hint("give recorded blocks by --blocks DIR or live ones by --rpc-url URL")),
    }
}

/// So many blocks of a chain, and how they came here, in one sentence.
pub(crate) fn about(source: &BlockSource, chain: &ChainId, count: usize) -> String {
    let kind = if source.blocks.is_some() { "recorded" } else { "live" };
    format!("{count} {kind} blocks of {chain}.")
}

/// Fetches live blocks and says how many.
pub(crate) fn fetch_blocks(
    url: &str,
    source: &BlockSource,
    wanted: Option<&ChainId>,
) -> Result<FetchedBlocks, Failure> {
    let fetched = live::fetch_blocks(&asked(url, source, wanted)?, &Terminal::default())?;
    let chain = &fetched.blocks.chain;
    let what = format!("{} blocks of {chain}", fetched.blocks.inputs.len());
    say(&what, &fetched.node, &source.cache);
    Ok(fetched)
}

/// Fetches live headers and says how many.
pub(crate) fn fetch_headers(
    url: &str,
    source: &BlockSource,
    wanted: Option<&ChainId>,
) -> Result<FetchedHeaders, Failure> {
    let fetched = live::fetch_headers(&asked(url, source, wanted)?, &Terminal::default())?;
    let what = format!("{} headers of {}", fetched.headers.len(), fetched.chain);
    say(&what, &fetched.node, &source.cache);
    Ok(fetched)
}

/// The chain that is wanted, by name, number or the chain config that was brought.
pub(crate) fn chosen(source: &BlockSource) -> Result<Option<ChainId>, Failure> {
    match (&source.chain, source.config) {
        (Some(text), _) => chains::chain_id(text).map(Some),
        (None, Some(config)) => Ok(Some(ChainId::evm(config.number))),
        (None, None) => Ok(None),
    }
}

/// What is named in the place of the chain's built-in schedule.
pub(crate) fn under(source: &BlockSource) -> Result<Option<Under>, Failure> {
    match (source.hardfork, source.config) {
        (Some(_), Some(_)) => Err(Failure::message(
            Kind::Input,
            "--hardfork names one fork for all blocks, and --chain-config a schedule of them",
        )
        .hint("leave one of them out")),
        (hardfork, config) => Ok(hardfork.map(Under::Hardfork).or(config.map(Under::Config))),
    }
}

fn asked<'a>(
    url: &'a str,
    source: &'a BlockSource,
    chain: Option<&'a ChainId>,
) -> Result<LiveSource<'a>, Failure> {
    Ok(LiveSource {
        url,
        chain,
        range: &source.range,
        cache: &source.cache,
        state_from: source.node.state_from.into(),
        limits: source.node.limits(),
        under: under(source)?,
    })
}

fn say(what: &str, node: &AskedNode, cache: &Path) {
    output::say(format_args!(
        "{what}, {} requests, {} of them retries, kept in {}",
        node.requests,
        node.retries,
        cache.display()
    ));
}

impl From<StateFrom> for live::StateFrom {
    fn from(from: StateFrom) -> Self {
        match from {
            StateFrom::Rpc => Self::Rpc,
            StateFrom::Trace => Self::Trace,
            StateFrom::StateProof => Self::StateProof,
        }
    }
}

/// The fee history that the command line names, if it names one. `rules` are those that it is held to;
/// they are not asked for without one.
pub(crate) fn fee_history(
    args: &SimulationArgs,
    rules: impl FnOnce() -> Result<Rules, Failure>,
) -> Result<Option<CheckedHistory>, Failure> {
    let Some(path) = &args.fee_history else { return Ok(None) };
    let history = history::read(path, &columns(args.columns.as_deref())?)?.checked(rules()?)?;
    say_what_was_checked(&history);
    Ok(Some(history))
}

/// What `--columns` says.
pub(crate) fn columns(text: Option<&str>) -> Result<Columns, Failure> {
    match text {
        None => Ok(Columns::default()),
        Some(text) => text.parse().or_fail(Kind::Input).map_err(|error| error.context("--columns")),
    }
}

/// How far a fee history was checked, in a line before anything that follows from it.
pub(crate) fn say_what_was_checked(history: &CheckedHistory) {
    let counts = history.report.base_fee;
    if let Some(family) = history.report.unchecked {
        output::say(format_args!(
            "fee history: NOT CHECKED, base fees of {family} chains follow from a backlog that no header holds"
        ));
        return;
    }
    if counts.pairs == 0 {
        output::say("fee history: NOT CHECKED, no two consecutive blocks have a base fee");
    } else {
        output::say(format_args!(
            "fee history: the rule of {} holds for {} of {} pairs of consecutive blocks, {} to the wei",
            history.rules.name(),
            counts.holding,
            counts.pairs,
            counts.exact
        ));
    }
    let (gaps, unpriced) = (history.history.gaps(), history.history.unpriced());
    if let Some(after) = gaps.first_after {
        output::say(format_args!(
            "fee history: {} blocks are missing in {} gaps, the first after block {after}",
            gaps.blocks, gaps.count
        ));
    }
    if unpriced > 0 {
        output::say(format_args!(
            "fee history: {unpriced} blocks have no base fee and are left out"
        ));
    }
}
