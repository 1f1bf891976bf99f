//! Reading folders of recorded blocks.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chaos_evm::{Bytecodes, RecordedBlock, ReplayInput, load::GeneratedLoad};
use chaos_simulation::flow::ObservedBlock;
use chaos_types::ChainId;

use crate::{
    Error, Progress,
    files::{self, read},
};

/// Blocks of one chain, in ascending order.
#[derive(Debug)]
pub struct ChainBlocks {
    /// The chain.
    pub chain: ChainId,
    /// The blocks with their pre-state.
    pub inputs: Vec<ReplayInput>,
}

/// Everything read from a source, and what was left out by the wanted chain.
#[derive(Debug)]
pub struct Loaded {
    /// Each chain's blocks.
    pub chains: Vec<ChainBlocks>,
    /// How many blocks of other chains there were.
    pub left_out: usize,
}

impl Loaded {
    /// The chain that was asked for, or the one with the most blocks.
    ///
    /// # Errors
    /// If there are no blocks.
    pub fn main_chain(self) -> Result<ChainBlocks, Error> {
        self.chains
            .into_iter()
            .rev()
            .max_by_key(|blocks| blocks.inputs.len())
            .ok_or(Error::NoBlocks)
    }
}

/// Reads a folder of recorded blocks, or a folder of such folders.
///
/// # Errors
/// If a file is no block in the recorded format, or the wanted chain is not there.
pub fn load_folder(
    dir: &Path,
    wanted: Option<&ChainId>,
    progress: &dyn Progress,
) -> Result<Loaded, Error> {
    let folders = chain_folders(dir)?;
    let mut by_chain: BTreeMap<ChainId, Vec<ReplayInput>> = BTreeMap::new();
    let mut left_out = 0;
    for folder in folders {
        for input in read_chain_folder(&folder, progress)? {
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
        return Err(Error::NoneOfChain { dir: dir.to_owned(), left_out, wanted: wanted.clone() });
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
///
/// # Errors
/// If there is none.
pub(crate) fn chain_folders(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    if dir.join("blocks").is_dir() {
        return Ok(vec![dir.to_owned()]);
    }
    let folders: Vec<_> =
        entries(dir)?.into_iter().filter(|path| path.join("blocks").is_dir()).collect();
    if folders.is_empty() {
        return Err(Error::NoBlockFolder { dir: dir.to_owned() });
    }
    Ok(folders)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let cannot = |source| Error::ReadFolder { path: dir.to_owned(), source };
    let mut paths = fs::read_dir(dir)
        .map_err(cannot)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(cannot)?;
    paths.sort();
    Ok(paths)
}

/// The block files of a recorded chain.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn block_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = entries(&folder.join("blocks"))?;
    files.retain(|path| is_recorded(path));
    Ok(files)
}

fn read_chain_folder(folder: &Path, progress: &dyn Progress) -> Result<Vec<ReplayInput>, Error> {
    let codes = read_bytecodes(folder)?;
    let files = block_files(folder)?;
    if files.is_empty() {
        return Err(Error::NoBlockFiles { folder: folder.join("blocks") });
    }
    progress.begin("reading blocks", files.len() as u64);
    let mut inputs = Vec::with_capacity(files.len());
    for path in files {
        let recorded = RecordedBlock::decode(&read(&path)?, None)
            .map_err(|source| Error::Recorded { path: path.clone(), source: source.into() })?;
        inputs.push(ReplayInput::new(recorded, &codes));
        progress.advance(1);
    }
    progress.end();
    Ok(inputs)
}

/// The codes of a recorded chain.
///
/// # Errors
/// If there are none, or one has another hash.
pub(crate) fn read_bytecodes(folder: &Path) -> Result<Bytecodes, Error> {
    for name in ["bytecodes.json.gz", "bytecodes.json"] {
        let path = folder.join(name);
        if path.exists() {
            return decode_bytecodes(&read(&path)?, &path);
        }
    }
    Err(Error::NoBytecodes { folder: folder.to_owned() })
}

fn decode_bytecodes(bytes: &[u8], path: &Path) -> Result<Bytecodes, Error> {
    Bytecodes::decode(bytes)
        .map_err(|source| Error::Recorded { path: path.to_owned(), source: source.into() })
}

fn is_recorded(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with(".json") || name.ends_with(".json.gz")
}

/// What the fee market sees of a block.
#[must_use]
pub fn observe(input: &ReplayInput) -> ObservedBlock {
    let header = &input.block().header;
    ObservedBlock {
        number: header.number,
        timestamp: header.timestamp,
        gas_used: header.gas_used,
        gas_limit: header.gas_limit,
        base_fee_wei: header.base_fee_per_gas.map(u128::from),
    }
}

/// Writes generated blocks in the recorded format.
///
/// # Errors
/// If a file cannot be written.
pub fn write_load(dir: &Path, load: &GeneratedLoad) -> Result<(), Error> {
    files::write(&dir.join("bytecodes.json"), &load.bytecodes)?;
    for block in &load.blocks {
        files::write(&dir.join("blocks").join(format!("{}.json", block.number)), &block.json)?;
    }
    Ok(())
}
