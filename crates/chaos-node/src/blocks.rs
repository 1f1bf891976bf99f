//! Reading blocks: folders of recorded ones, or live ones turned into recorded ones.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_simulation::{
    evm::{Bytecodes, RecordedBlock, ReplayInput},
    fee_market::{FeeHistory, ObservedBlock},
};
use chaos_types::{ChainId, Digest};

use crate::{
    args::BlockSource,
    exit::{Failure, Kind, OrFail as _},
    live, output,
};

/// Blocks of one chain, in ascending order.
pub(crate) struct ChainBlocks {
    pub(crate) chain: ChainId,
    pub(crate) inputs: Vec<ReplayInput>,
}

/// Everything read from a source, and what was left out by `--chain`.
pub(crate) struct Loaded {
    pub(crate) chains: Vec<ChainBlocks>,
    pub(crate) left_out: usize,
}

impl Loaded {
    /// The chain that was asked for, or the one with the most blocks.
    pub(crate) fn main_chain(self) -> Result<ChainBlocks, Failure> {
        self.chains.into_iter().rev().max_by_key(|blocks| blocks.inputs.len()).ok_or_else(|| {
            Failure::message(Kind::Input, "no blocks")
                .hint("give recorded blocks by --blocks DIR or live ones by --rpc-url URL")
        })
    }
}

/// Reads what the command line names.
pub(crate) fn load(source: &BlockSource) -> Result<Loaded, Failure> {
    let wanted: Option<ChainId> = match &source.chain {
        Some(text) => Some(text.parse().or_fail(Kind::Input)?),
        None => None,
    };
    match (&source.blocks, &source.rpc_url) {
        (Some(dir), _) => load_folder(dir, wanted.as_ref()),
        (None, Some(url)) => live::load(url, source, wanted.as_ref()),
        (None, None) => Err(Failure::message(Kind::Input, "no blocks were named")
            .hint("give recorded blocks by --blocks DIR or live ones by --rpc-url URL")),
    }
}

/// Reads a folder of recorded blocks, or a folder of such folders.
pub(crate) fn load_folder(dir: &Path, wanted: Option<&ChainId>) -> Result<Loaded, Failure> {
    let folders = chain_folders(dir)?;
    let mut by_chain: BTreeMap<ChainId, Vec<ReplayInput>> = BTreeMap::new();
    let mut left_out = 0;
    for folder in folders {
        for input in read_chain_folder(&folder)? {
            let chain = ChainId::evm(input.block().chain_id);
            if wanted.is_some_and(|wanted| *wanted != chain) {
                left_out += 1;
            } else {
                by_chain.entry(chain).or_default().push(input);
            }
        }
    }
    if by_chain.is_empty()
        && let Some(wanted) = wanted
    {
        return Err(Failure::message(
            Kind::Input,
            format!("{} holds {left_out} blocks, none of {wanted}", dir.display()),
        ));
    }
    let chains = by_chain
        .into_iter()
        .map(|(chain, mut inputs)| {
            inputs.sort_by_key(|input| input.block().header.number);
            ChainBlocks { chain, inputs }
        })
        .collect();
    Ok(Loaded { chains, left_out })
}

/// `dir` itself if it has a `blocks` folder, else its subfolders that have one.
pub(crate) fn chain_folders(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    if dir.join("blocks").is_dir() {
        return Ok(vec![dir.to_owned()]);
    }
    let folders: Vec<_> =
        entries(dir)?.into_iter().filter(|path| path.join("blocks").is_dir()).collect();
    if folders.is_empty() {
        return Err(Failure::message(
            Kind::Input,
            format!("{} has no folder `blocks`, nor has any folder in it", dir.display()),
        )
        .hint(
            "a recorded chain is a folder with blocks/<number>.json[.gz] and bytecodes.json[.gz]",
        ));
    }
    Ok(folders)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = || format!("cannot read the folder {}", dir.display());
    let mut paths = fs::read_dir(dir)
        .with_context(cannot)
        .or_fail(Kind::Input)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(cannot)
        .or_fail(Kind::Input)?;
    paths.sort();
    Ok(paths)
}

/// The block files of a recorded chain.
pub(crate) fn block_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = entries(&folder.join("blocks"))?;
    files.retain(|path| is_recorded(path));
    Ok(files)
}

fn read_chain_folder(folder: &Path) -> Result<Vec<ReplayInput>, Failure> {
    let codes = read_bytecodes(folder)?;
    let files = block_files(folder)?;
    if files.is_empty() {
        return Err(Failure::message(
            Kind::Input,
            format!("{} holds no block files", folder.join("blocks").display()),
        ));
    }
    let bar = output::progress("reading blocks", files.len() as u64);
    let mut inputs = Vec::with_capacity(files.len());
    for path in files {
        let recorded = RecordedBlock::decode(&read(&path)?, None)
            .with_context(|| path.display().to_string())
            .or_fail(Kind::Input)?;
        inputs.push(ReplayInput::new(recorded, &codes));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(inputs)
}

fn read_bytecodes(folder: &Path) -> Result<Bytecodes, Failure> {
    for name in ["bytecodes.json.gz", "bytecodes.json"] {
        let path = folder.join(name);
        if path.exists() {
            return decode_bytecodes(&read(&path)?, &path);
        }
    }
    Err(Failure::message(
        Kind::Input,
        format!("{} has no bytecodes.json.gz or bytecodes.json", folder.display()),
    ))
}

/// Reads codes and checks their hashes.
pub(crate) fn decode_bytecodes(bytes: &[u8], path: &Path) -> Result<Bytecodes, Failure> {
    Bytecodes::decode(bytes).with_context(|| path.display().to_string()).or_fail(Kind::Input)
}

fn is_recorded(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with(".json") || name.ends_with(".json.gz")
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display())).or_fail(Kind::Input)
}

/// A fee history and the digest of its file.
pub(crate) fn read_fee_history(path: &Path) -> Result<(FeeHistory, Digest), Failure> {
    let bytes = read(path)?;
    let history = FeeHistory::decode(&bytes)
        .with_context(|| path.display().to_string())
        .or_fail(Kind::Input)?;
    Ok((history, Digest::of(&bytes)))
}

/// What the fee market sees of a block.
pub(crate) fn observe(input: &ReplayInput) -> ObservedBlock {
    let header = &input.block().header;
    ObservedBlock {
        number: header.number,
        timestamp: header.timestamp,
        gas_used: header.gas_used,
        gas_limit: header.gas_limit,
        base_fee_wei: header.base_fee_per_gas.map(u128::from),
    }
}
