//! Reading folders of recorded blocks.

mod folder;
mod manifest;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chaos_evm::{ReplayInput, Under, load::GeneratedLoad};
use chaos_simulation::flow::ObservedBlock;
use chaos_types::ChainId;

pub use self::folder::FolderError;
pub(crate) use self::folder::{Folder, Found, once};
use crate::{Error, Progress, files};

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

/// Reads a folder of recorded blocks, or a folder of such folders. A block that is there twice counts
/// once.
///
/// # Errors
/// If a file is no block in the recorded format, a folder is not as its manifest says, two files hold two
/// blocks of one height, or the wanted chain is not there.
pub fn load_folder(
    dir: &Path,
    wanted: Option<&ChainId>,
    progress: &dyn Progress,
) -> Result<Loaded, Error> {
    load_folder_under(dir, wanted, None, progress)
}

/// As [`load_folder`], under a hard fork or a chain config in the place of each chain's built-in schedule.
///
/// # Errors
/// As [`load_folder`]; also if a file was recorded under another hard fork.
pub fn load_folder_under(
    dir: &Path,
    wanted: Option<&ChainId>,
    under: Option<Under>,
    progress: &dyn Progress,
) -> Result<Loaded, Error> {
    let folders = chain_folders(dir)?;
    let mut by_chain: BTreeMap<ChainId, Vec<Found<ReplayInput>>> = BTreeMap::new();
    let mut left_out = 0;
    for dir in folders {
        let mut folder = Folder::open(&dir)?;
        let codes = folder.codes()?;
        folder.each(under, progress, |path, block| {
            let value = ReplayInput::new(block.recorded, &codes);
            let chain = ChainId::evm(value.block().chain_id);
            if wanted.is_some_and(|wanted| *wanted != chain) {
                left_out += 1;
                return Ok(());
            }
            let (number, digest) = (value.block().header.number, value.digest());
            let found = Found { path: path.to_owned(), number, digest, value };
            by_chain.entry(chain).or_default().push(found);
            Ok(())
        })?;
    }
    if by_chain.is_empty()
        && let Some(wanted) = wanted
    {
        return Err(Error::NoneOfChain { dir: dir.to_owned(), left_out, wanted: wanted.clone() });
    }
    let chains = by_chain
        .into_iter()
        .map(|(chain, found)| Ok(ChainBlocks { chain, inputs: once(found)? }))
        .collect::<Result<_, Error>>()?;
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
