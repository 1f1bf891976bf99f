//! Live blocks: fetched once with the state they read, then kept in the recorded format.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;
use chaos_chains::rpc;
use chaos_simulation::evm::{Block, Bytecodes, Complete, RecordedBlock, ReplayInput, replay_on};
use chaos_types::ChainId;

use crate::{
    args::BlockSource,
    blocks::{ChainBlocks, Loaded},
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// One range holds at most this many blocks.
const RANGE_BLOCKS_MAX: u64 = 10_000;

/// Fetches the blocks of `source.range`, executing each so that exactly the state it reads is
/// fetched and recorded.
pub(crate) fn load(
    url: &str,
    source: &BlockSource,
    wanted: Option<&ChainId>,
) -> Result<Loaded, Failure> {
    let endpoint = rpc::BlockSource::connect(url, wanted, &source.cache).or_fail(Kind::Outside)?;
    let chain = endpoint.chain_id().clone();
    let number = chain
        .evm_number()
        .ok_or_else(|| Failure::message(Kind::Input, format!("{chain} is not an EVM chain")))?;
    let (first, last) = range(&source.range, &endpoint)?;
    let bar = output::progress(&format!("fetching {chain}"), last - first + 1);
    let mut inputs = Vec::new();
    for height in first..=last {
        inputs.push(fetch(&endpoint, &source.cache, number, height)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    output::say(format_args!(
        "{} blocks of {chain}, {} requests, kept in {}",
        inputs.len(),
        endpoint.requests(),
        source.cache.display()
    ));
    Ok(Loaded { chains: vec![ChainBlocks { chain, inputs }], left_out: 0 })
}

/// `FIRST..=LAST`, or `N` for the latest N blocks.
fn range(text: &str, endpoint: &rpc::BlockSource) -> Result<(u64, u64), Failure> {
    let wrong = || {
        Failure::message(
            Kind::Input,
            format!("--range: expected FIRST..=LAST or N, found `{text}`"),
        )
    };
    let (first, last) = match text.split_once("..=") {
        Some((first, last)) => {
            (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?)
        }
        None => {
            let count: u64 = text.parse().map_err(|_| wrong())?;
            let latest = endpoint.latest_block_number().or_fail(Kind::Outside)?;
            // The genesis block has no parent state to start from.
            (latest.saturating_sub(count.saturating_sub(1)).max(1), latest)
        }
    };
    if first == 0 || first > last || last - first >= RANGE_BLOCKS_MAX {
        return Err(Failure::message(
            Kind::Input,
            format!(
                "--range: {first}..={last} must begin at 1 or above and hold 1 to {RANGE_BLOCKS_MAX} blocks"
            ),
        ));
    }
    Ok((first, last))
}

fn fetch(
    endpoint: &rpc::BlockSource,
    cache: &Path,
    chain: u64,
    height: u64,
) -> Result<ReplayInput, Failure> {
    let folder = cache.join(format!("eip155-{chain}"));
    let path = folder.join("blocks").join(format!("{height}.json"));
    let codes_path = folder.join("bytecodes.json");
    let fetched = endpoint.fetch(height).or_fail(Kind::Outside)?;
    let json = serde_json::to_vec(&fetched.block).or_fail(Kind::Input)?;
    let block = Block::decode_rpc(&json, Some(chain))
        .with_context(|| format!("block {height}"))
        .or_fail(Kind::Input)?;
    // A chain that was restarted or reorganised has another block at the same height.
    if let Ok(kept) = kept(&path, &codes_path, chain)
        && kept.block().header.hash == block.header.hash
    {
        return Ok(kept);
    }
    let state = endpoint.state(&fetched).or_fail(Kind::Outside)?;
    replay_on(&block, Complete(&state))
        .with_context(|| format!("block {height}"))
        .or_fail(Kind::Outside)?;
    let recorded = state.export();
    // Codes first: a block file without its codes would be read with unknown code.
    add_codes(&codes_path, recorded.bytecodes)?;
    write(&path, &serde_json::to_vec(&recorded.block).or_fail(Kind::Input)?)?;
    kept(&path, &codes_path, chain)
        .with_context(|| format!("cannot read back {}", path.display()))
        .or_fail(Kind::Storage)
}

/// The block as it was kept.
fn kept(path: &Path, codes_path: &Path, chain: u64) -> anyhow::Result<ReplayInput> {
    let codes = Bytecodes::decode(&fs::read(codes_path)?)?;
    let recorded = RecordedBlock::decode(&fs::read(path)?, Some(chain))?;
    Ok(ReplayInput::new(recorded, &codes))
}

/// Adds codes to the ones that the folder's other blocks use.
fn add_codes(path: &Path, fresh: BTreeMap<String, String>) -> Result<(), Failure> {
    let mut codes: BTreeMap<String, String> = match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is damaged", path.display()))
            .or_fail(Kind::Storage)?,
        Err(_) => BTreeMap::new(),
    };
    codes.extend(fresh);
    write(path, &serde_json::to_vec(&codes).or_fail(Kind::Input)?)
}

/// Writes beside and renames, so that a kill leaves either nothing or the whole file.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let part = path.with_extension("part");
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&part, bytes))
        .and_then(|()| fs::rename(&part, path));
    written.with_context(|| format!("cannot write {}", path.display())).or_fail(Kind::Storage)
}
