//! Live blocks: fetched once with the state they read, then kept in the recorded format.

mod error;
mod fetch;
mod headers;

use std::path::{Path, PathBuf};

use chaos_chains::{
    RpcLimits,
    block_source::{BlockSource, HeaderFacts},
};
use chaos_evm::{Under, recorded::Pack};
use chaos_types::ChainId;
use serde_json::json;

use self::fetch::Fetcher;
pub(crate) use self::fetch::ensure_bound;
pub use self::{
    error::Error,
    headers::{FetchedHeaders, fetch_headers},
};
use crate::{
    Progress,
    blocks::ChainBlocks,
    recorded::{self, Recorded},
};

/// One range holds at most this many blocks.
const RANGE_BLOCKS_MAX: u64 = 10_000;

/// Where the state of live blocks comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateFrom {
    /// One question per account and slot, in batches.
    Rpc,
    /// Traces of the block; the rest is asked for.
    Trace,
    /// Trie nodes that prove the state against the parent's root.
    StateProof,
}

/// Which blocks, from which node, and where they are kept.
#[derive(Debug, Clone, Copy)]
pub struct LiveSource<'a> {
    /// The JSON-RPC endpoint.
    pub url: &'a str,
    /// The chain that it must serve.
    pub chain: Option<&'a ChainId>,
    /// `FIRST..=LAST`, or `N` for the latest N blocks.
    pub range: &'a str,
    /// The folder that keeps what was fetched.
    pub cache: &'a Path,
    /// Where the state of a block comes from.
    pub state_from: StateFrom,
    /// How the node is asked.
    pub limits: RpcLimits,
    /// The rules of its blocks, in the place of the chain's built-in schedule.
    pub under: Option<Under>,
}

/// What was fetched, and from where.
#[derive(Debug)]
pub struct FetchedBlocks {
    /// The blocks.
    pub blocks: ChainBlocks,
    /// The node they came from.
    pub node: AskedNode,
    /// The folder that holds the blocks in the recorded format.
    pub folder: PathBuf,
    /// Blocks whose hash was computed again from the header.
    pub hashes_recomputed: u64,
}

impl FetchedBlocks {
    /// The blocks as they are written.
    ///
    /// # Errors
    /// If what was kept of them cannot be read.
    pub fn into_pack(self, state_from: StateFrom) -> Result<Pack, recorded::Error> {
        let numbers = self.blocks.inputs.iter().map(|input| input.block().header.number);
        let recorded = Recorded::read(&self.folder, numbers)?;
        let source = json!({
            "kind": "rpc",
            "endpoint": self.node.endpoint,
            "state_from": state_from.name(),
        });
        let checks = json!({
            "header_hashes_recomputed": self.hashes_recomputed,
            "parent_hashes": recorded.blocks.len().saturating_sub(1),
            "state_proven": state_from == StateFrom::StateProof,
        });
        Ok(recorded.into_pack(self.blocks.chain, source, checks))
    }
}

/// A node, and how often it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedNode {
    /// Scheme, host and port of the endpoint.
    pub endpoint: String,
    /// Questions asked of it, retries included.
    pub requests: u64,
    /// How many of them were retries.
    pub retries: u64,
}

/// Fetches the blocks of a range, executing each so that exactly the state it reads is fetched and
/// recorded.
///
/// # Errors
/// If the range is none, the node fails or its answers do not agree, or a file cannot be kept.
pub fn fetch_blocks(
    source: &LiveSource<'_>,
    progress: &dyn Progress,
) -> Result<FetchedBlocks, Error> {
    let range = Range::parse(source.range, RANGE_BLOCKS_MAX)?;
    let (node, number) = connect(source)?;
    let chain = node.chain_id().clone();
    let (first, last) = range.ends(&node, RANGE_BLOCKS_MAX)?;
    progress.begin(&format!("fetching {chain}"), last - first + 1);
    let mut fetcher = Fetcher::new(&node, source, number)?;
    let mut inputs = Vec::new();
    let mut previous: Option<HeaderFacts> = None;
    let mut hashes_recomputed = 0;
    for height in first..=last {
        note_requests(progress, &node);
        let (header, input) = fetcher.fetch(height, previous.as_ref())?;
        hashes_recomputed += u64::from(header.hash_recomputed);
        previous = Some(header);
        inputs.push(input);
        progress.advance(1);
    }
    progress.end();
    Ok(FetchedBlocks {
        blocks: ChainBlocks { chain, inputs },
        node: AskedNode::of(&node),
        folder: fetcher.into_folder(),
        hashes_recomputed,
    })
}

fn connect(source: &LiveSource<'_>) -> Result<(BlockSource, u64), Error> {
    let LiveSource { url, chain, cache, limits, .. } = *source;
    let node = BlockSource::connect_with(url, chain, cache, limits)?;
    let chain = node.chain_id();
    let number = chain.evm_number().ok_or_else(|| Error::NotEvm { chain: chain.clone() })?;
    Ok((node, number))
}

/// A range as it was asked for, before anybody is asked what is newest.
#[derive(Debug, Clone, Copy)]
enum Range {
    Ends(u64, u64),
    Latest(u64),
}

impl Range {
    fn parse(text: &str, blocks_max: u64) -> Result<Self, Error> {
        if let Some((first, last)) = first_last(text) {
            return checked(first, last, blocks_max).map(|(first, last)| Self::Ends(first, last));
        }
        match text.parse() {
            Ok(0) => Err(Error::NoBlocksAsked { blocks_max }),
            Ok(count) if count > blocks_max => Err(Error::Count { count, blocks_max }),
            Ok(count) => Ok(Self::Latest(count)),
            Err(_) => Err(Error::NoRange { found: text.to_owned() }),
        }
    }

    fn ends(self, node: &BlockSource, blocks_max: u64) -> Result<(u64, u64), Error> {
        match self {
            Self::Ends(first, last) => Ok((first, last)),
            Self::Latest(count) => {
                let latest = node.latest_block_number()?;
                // The genesis block has no parent state to start from.
                checked(latest.saturating_sub(count - 1).max(1), latest, blocks_max)
            }
        }
    }
}

fn checked(first: u64, last: u64, blocks_max: u64) -> Result<(u64, u64), Error> {
    if first == 0 || first > last || last - first >= blocks_max {
        return Err(Error::Range { first, last, blocks_max });
    }
    Ok((first, last))
}

/// The ends of `FIRST..=LAST`.
#[must_use]
pub fn first_last(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once("..=")?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn note_requests(progress: &dyn Progress, node: &BlockSource) {
    progress.note(&format!("blocks, {} requests, {} retries", node.requests(), node.retries()));
}

impl AskedNode {
    fn of(node: &BlockSource) -> Self {
        Self {
            endpoint: node.shown_url().to_owned(),
            requests: node.requests(),
            retries: node.retries(),
        }
    }
}

impl StateFrom {
    /// Its name in a manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Trace => "trace",
            Self::StateProof => "proof",
        }
    }

    /// What a node must offer for it.
    #[must_use]
    pub const fn needs(self) -> &'static str {
        match self {
            Self::Rpc => "state of the past, as archive nodes keep it",
            Self::Trace => "debug_traceBlock with prestateTracer",
            Self::StateProof => "debug_executionWitness",
        }
    }
}
