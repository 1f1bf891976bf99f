//! Folders in the recorded format: chosen from others, and written whole or not at all.

use std::{
    collections::BTreeMap,
    fs, io,
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use chaos_chains::{B256, Bytes};
use chaos_evm::{
    Agreement, BlockReplay, Bytecodes, DecodeError, Header, ReplayError, ReplayInput,
    ReplaySummary, Under,
    recorded::{FeeRow, Pack, PackError, PackedBlock, UnpackError},
    replay_all,
};
use chaos_types::ChainId;
use serde_json::{Value, json};

use crate::{
    Progress,
    blocks::{self, Folder, Found, once},
    files,
};

/// Why recorded blocks are not chosen or not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or its codes cannot be read.
    #[error(transparent)]
    Blocks(Box<crate::Error>),
    /// A file is no recorded block.
    #[error("{path}", path = path.display())]
    BlockFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<BlockFileError>,
    },
    /// No block is left.
    #[error("{dir} holds no such blocks", dir = dir.display())]
    NoSuchBlocks {
        /// The folder.
        dir: PathBuf,
    },
    /// Blocks of several chains are left.
    #[error("{dir} holds blocks of {chains}", dir = dir.display(), chains = chains.join(", "))]
    SeveralChains {
        /// The folder.
        dir: PathBuf,
        /// The chains.
        chains: Vec<String>,
    },
    /// What is packed cannot be replayed.
    #[error(transparent)]
    Replay(Box<ReplayError>),
    /// A block does not name the one below it as its parent.
    #[error(
        "blocks {below} and {number} are of different histories: {below} has hash {found}, {number} \
         names {expected} as its parent"
    )]
    Histories {
        /// The height of the lower block.
        below: u64,
        /// The height of the upper block.
        number: u64,
        /// The hash that the upper block names.
        expected: B256,
        /// The hash of the lower block.
        found: B256,
    },
    /// There is something at the folder's place.
    #[error("{out} is there already", out = out.display())]
    Taken {
        /// The folder.
        out: PathBuf,
    },
    /// No folder can have this name.
    #[error("{out} is no folder's name", out = out.display())]
    NoName {
        /// What was found.
        out: PathBuf,
    },
    /// What an earlier run left cannot be removed.
    #[error("cannot remove {path}", path = path.display())]
    Remove {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The blocks have no files.
    #[error(transparent)]
    Pack(#[from] PackError),
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Self::Blocks(error.into())
    }
}

/// Why a file is no recorded block.
#[derive(Debug, thiserror::Error)]
pub enum BlockFileError {
    /// The system refuses to read it.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It holds no block that can be packed.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// It holds no block.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Recorded blocks with their codes.
#[derive(Debug, Default)]
pub struct Recorded {
    /// In ascending order.
    pub blocks: Vec<PackedBlock>,
    /// Codes by hash, more than the blocks need.
    pub codes: BTreeMap<B256, Bytes>,
}

/// Recorded blocks of one chain.
#[derive(Debug)]
pub struct Selected {
    /// The chain.
    pub chain: ChainId,
    /// Its blocks.
    pub recorded: Recorded,
    /// How many blocks name the one before them as their parent.
    pub linked: usize,
}

impl Selected {
    /// The blocks as they are written.
    #[must_use]
    pub fn into_pack(self) -> Pack {
        let checks = json!({"parent_hashes": self.linked});
        self.recorded.into_pack(self.chain, json!({"kind": "recorded"}), checks)
    }
}

impl Recorded {
    /// The blocks as they are written, with where they came from and what was checked.
    pub(crate) fn into_pack(self, chain: ChainId, source: Value, checks: Value) -> Pack {
        let fees = self.fees();
        let Self { blocks, codes } = self;
        Pack { chain, blocks, codes, fees, source, checks, version: env!("CARGO_PKG_VERSION") }
    }

    /// The blocks of these heights from the folder of a chain.
    ///
    /// # Errors
    /// If a block or the codes cannot be read.
    pub fn read(folder: &Path, numbers: impl Iterator<Item = u64>) -> Result<Self, Error> {
        let path = |number| folder.join("blocks").join(format!("{number}.json"));
        let mut recorded = Self {
            blocks: numbers.map(|number| packed(&path(number))).collect::<Result<_, _>>()?,
            codes: BTreeMap::new(),
        };
        recorded.add_codes(&Folder::open(folder)?.codes()?);
        recorded.sort();
        Ok(recorded)
    }

    /// A row of a fee history for each block.
    fn fees(&self) -> Vec<FeeRow> {
        self.blocks.iter().map(|block| block.header().into()).collect()
    }

    fn add_codes(&mut self, codes: &Bytecodes) {
        self.codes.extend(codes.iter().map(|(hash, code)| (hash, code.clone())));
    }

    fn sort(&mut self) {
        self.blocks.sort_by_key(|block| block.header().number);
    }

    /// How many blocks name the one before them as their parent; a neighbour that does not is an
    /// error.
    fn linked(&self) -> Result<usize, Error> {
        let mut linked = 0;
        let headers: Vec<&Header> = self.blocks.iter().map(PackedBlock::header).collect();
        for pair in headers.windows(2) {
            let [parent, child] = pair else { continue };
            let (number, below) = (child.number, parent.number);
            let Some(found) = parent.hash.filter(|_| number - below == 1) else { continue };
            if found != child.parent_hash {
                let expected = child.parent_hash;
                return Err(Error::Histories { below, number, expected, found });
            }
            linked += 1;
        }
        Ok(linked)
    }
}

/// The blocks of one chain from a folder of recorded blocks, or a folder of such folders.
///
/// # Errors
/// If a file is no block in the recorded format, a folder is not as its manifest says, blocks of no chain
/// or of several are left, or blocks that follow each other do not belong together.
pub fn select(
    dir: &Path,
    wanted: Option<&ChainId>,
    numbers: &RangeInclusive<u64>,
    under: Option<Under>,
    progress: &dyn Progress,
) -> Result<Selected, Error> {
    let mut by_chain: BTreeMap<u64, (Vec<Found<PackedBlock>>, Recorded)> = BTreeMap::new();
    for dir in blocks::chain_folders(dir)? {
        let mut folder = Folder::open(&dir)?;
        let codes = folder.codes()?;
        folder.each(under, progress, |path, block| {
            let chain = block.recorded.block.chain_id;
            let asked = wanted.is_none_or(|wanted| *wanted == ChainId::evm(chain));
            let (number, digest) = (block.header().number, block.recorded.digest);
            if asked && numbers.contains(&number) {
                let (found, recorded) = by_chain.entry(chain).or_default();
                if found.is_empty() || found.last().is_some_and(|last| !last.path.starts_with(&dir))
                {
                    recorded.add_codes(&codes);
                }
                found.push(Found { path: path.to_owned(), number, digest, value: block });
            }
            Ok(())
        })?;
    }
    let chains = by_chain.keys().map(|chain| ChainId::evm(*chain).to_string()).collect();
    let mut by_chain = by_chain.into_iter();
    match (by_chain.next(), by_chain.next()) {
        (Some((chain, (found, mut recorded))), None) => {
            recorded.blocks = once(found).map_err(crate::Error::from)?;
            let linked = recorded.linked()?;
            Ok(Selected { chain: ChainId::evm(chain), recorded, linked })
        }
        (None, _) => Err(Error::NoSuchBlocks { dir: dir.to_owned() }),
        (Some(_), Some(_)) => Err(Error::SeveralChains { dir: dir.to_owned(), chains }),
    }
}

/// Replays what is packed, and puts into the pack's checks which blocks agree with their headers, differ,
/// or could not be compared.
///
/// # Errors
/// If a block cannot be replayed.
pub fn compare(pack: &mut Pack, threads: NonZeroUsize) -> Result<Vec<BlockReplay>, Error> {
    let codes = Bytecodes::from_codes(pack.codes.clone())
        .map_err(|source| Error::Blocks(crate::Error::Codes(source.into()).into()))?;
    let mut replays = Vec::with_capacity(pack.blocks.len());
    for chunk in pack.blocks.chunks(8 * threads.get()) {
        let inputs: Vec<ReplayInput> =
            chunk.iter().map(|block| ReplayInput::new(block.recorded.clone(), &codes)).collect();
        replays.extend(replay_all(&inputs, threads).map_err(|error| Error::Replay(error.into()))?);
    }
    let numbers = |wanted: fn(&Agreement) -> bool| {
        let of = replays.iter().filter(|replay| wanted(&replay.agreement()));
        of.map(|replay| replay.number).collect::<Vec<u64>>()
    };
    let summary = ReplaySummary::of(&replays);
    pack.checks["agreeing"] = json!(summary.agreeing);
    pack.checks["differing"] = json!(numbers(|is| *is == Agreement::Differs));
    pack.checks["not_comparable"] = json!(numbers(|is| matches!(is, Agreement::NotComparable(_))));
    pack.checks["bodies_bound_to_headers"] = json!(summary.bound);
    pack.checks["unknown_reads"] = json!(summary.unknown_reads);
    Ok(replays)
}

fn packed(path: &Path) -> Result<PackedBlock, Error> {
    fs::read(path)
        .map_err(BlockFileError::from)
        .and_then(|bytes| Ok(PackedBlock::decode(bytes, None)?))
        .map_err(|source| Error::BlockFile { path: path.to_owned(), source: source.into() })
}

/// Refuses a place where there is something, apart from an empty folder.
///
/// # Errors
/// If there is.
pub fn ensure_free(out: &Path) -> Result<(), Error> {
    let free = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !out.exists(),
    };
    if free { Ok(()) } else { Err(Error::Taken { out: out.to_owned() }) }
}

/// Writes a pack as a folder and returns its manifest. The folder is written beside its place and
/// renamed, so that it is there whole or not at all.
///
/// # Errors
/// If there is something at its place, or a file cannot be written.
pub fn write(pack: Pack, out: &Path) -> Result<Value, Error> {
    ensure_free(out)?;
    let part = part_of(out)?;
    let packed = pack.encode()?;
    for (name, bytes) in &packed.files {
        let path = part.join(name);
        files::write_whole(&path, bytes).map_err(|source| Error::Write { path, source })?;
    }
    fs::remove_dir(out)
        .or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })
        .and_then(|()| fs::rename(&part, out))
        .map_err(|source| Error::Write { path: out.to_owned(), source })?;
    Ok(packed.manifest)
}

/// A folder beside `out`, empty: what an earlier run left there is removed.
fn part_of(out: &Path) -> Result<PathBuf, Error> {
    let name = out
        .file_name()
        .map(|name| name.to_string_lossy())
        .ok_or_else(|| Error::NoName { out: out.to_owned() })?;
    let part = out.with_file_name(format!(".{name}.chaoschain-part"));
    if part.exists() {
        fs::remove_dir_all(&part).map_err(|source| Error::Remove { path: part.clone(), source })?;
    }
    Ok(part)
}
