//! What a study read, in its own folder, so that whoever has the folder can repeat it.
//!
//! A study file names its sources by where they lay on its author's disk. `inputs.json` beside it says what became
//! of each of these names: where in the folder the same content lies, or that there was none and blocks were
//! generated. A file that names another source is not answered by it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chaos_evm::recorded::gzip;
use chaos_simulation::Input;
use chaos_study::Sources;
use chaos_types::{ChainId, Digest, canonical};
use serde::{Deserialize, Serialize};

use super::{StudyFile, blocks::StudyBlocks, write::Writer};
use crate::{Error, Progress, files, history, recorded, simulation::FEE_HISTORY};

/// Names the layout of [`KeptInputs`].
const FORMAT: &str = "chaoschain-study-inputs/1";

/// The file that says where the sources are.
const FILE: &str = "inputs.json";

/// The folder of the sources.
const FOLDER: &str = "inputs";

/// The recorded blocks within it.
const BLOCKS: &str = "inputs/recorded";

/// The fee history within it.
const HISTORY: &str = "inputs/fee-history.csv.gz";

/// `inputs.json` may have this many bytes: 16 MiB.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// More recorded blocks than this many bytes of plain JSON are not copied unless they are asked for: 64 MiB.
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// Longer fee histories than this many rows are not copied unless they are asked for.
const ROWS_MAX: usize = 500_000;

/// Whether a study's folder holds what the study read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Copied {
    /// If it is small: 64 MiB of blocks, 500,000 rows of fees.
    #[default]
    IfSmall,
    /// Whatever its size.
    Always,
    /// Named by digest alone.
    Never,
}

/// Why a study's inputs are not written or not read.
#[derive(Debug, thiserror::Error)]
pub enum InputsError {
    /// There is a folder of that name, and no study wrote it.
    #[error("{path} is there already, and no study wrote it", path = path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// What was read first is not what is there now.
    #[error("{path} was changed while the study ran", path = path.display())]
    Changed {
        /// The folder or file.
        path: PathBuf,
    },
    /// The file that says where sources are is larger than any that was written.
    #[error("{path}: more than {FILE_BYTES_MAX} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file that says where sources are is none.
    #[error("{path} does not say where a study's inputs are", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: canonical::Error,
    },
    /// It is of another layout.
    #[error("{path}: `format` is `{found}`, expected `{FORMAT}`", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// A source is in another folder.
    #[error("{path}: `{found}` does not lie in the study's folder", path = path.display())]
    Outside {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The study's folder names a source by digest and does not hold it.
    #[error("the study's folder names {what} by digest alone")]
    NotKept {
        /// The blocks, or the fee history.
        what: &'static str,
    },
}

/// What a study read, and where in its folder it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptInputs {
    format: String,
    /// The chain of the blocks.
    chain: ChainId,
    /// What the study file named.
    named: Named,
    /// Whether blocks were generated because a source was absent.
    generated: bool,
    /// The blocks within the folder, if they were copied.
    blocks: Option<String>,
    /// The fee history within the folder, if it was copied.
    fee_history: Option<String>,
    /// Everything read, by digest.
    inputs: Vec<Input>,
    /// How to come by what was not copied.
    get: Vec<String>,
}

/// The sources in the study file's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    chain: Option<ChainId>,
    blocks: Option<String>,
    fee_history: Option<String>,
    columns: Option<String>,
    #[serde(with = "chaos_types::decimal")]
    first_block: u64,
}

impl Named {
    fn of(sources: &Sources) -> Self {
        Self {
            chain: sources.chain.clone(),
            blocks: sources.blocks.clone(),
            fee_history: sources.fee_history.clone(),
            columns: sources.columns.clone(),
            first_block: sources.first_block,
        }
    }
}

/// Where a study's sources are.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The recorded blocks.
    pub(super) blocks: Option<PathBuf>,
    /// The fee history.
    pub(super) fee_history: Option<PathBuf>,
    /// Whether the columns of the fee history have the names that the study gives them; a copy has its own.
    pub(super) has_named_columns: bool,
    /// Whether a source was absent where the study ran first, so that it is absent here.
    pub(super) absent: bool,
}

/// Where the sources of a study file are: where its folder keeps them if it was written by a run of it, else where
/// the file says.
pub(super) fn places(file: &StudyFile) -> Result<Places, Error> {
    let base = file.path.parent().unwrap_or(Path::new(""));
    let sources = &file.study.sources;
    let place = |text: &Option<String>| text.as_ref().map(|text| base.join(text));
    let as_named = Places {
        blocks: place(&sources.blocks),
        fee_history: place(&sources.fee_history),
        has_named_columns: true,
        absent: false,
    };
    let Some(kept) = read(&base.join(FILE))?.filter(|kept| kept.named == Named::of(sources)) else {
        return Ok(as_named);
    };
    if kept.generated {
        let fee_history = kept.fee_history.as_ref().map(|path| base.join(path));
        let is_lost = fee_history.is_none() && kept.reads_history();
        if is_lost {
            return Err(InputsError::NotKept { what: "its fee history" }.into());
        }
        return Ok(Places { fee_history, absent: true, ..Places::default() });
    }
    // What was not copied may still be where the file says.
    let or_named =
        |kept: Option<&String>, named: Option<PathBuf>| kept.map(|path| base.join(path)).or(named);
    Ok(Places {
        has_named_columns: kept.fee_history.is_none(),
        blocks: or_named(kept.blocks.as_ref(), as_named.blocks),
        fee_history: or_named(kept.fee_history.as_ref(), as_named.fee_history),
        absent: false,
    })
}

impl KeptInputs {
    fn reads_history(&self) -> bool {
        self.inputs.iter().any(|input| input.name == FEE_HISTORY)
    }
}

fn read(path: &Path) -> Result<Option<KeptInputs>, Error> {
    if !path.is_file() {
        return Ok(None);
    }
    let path = path.to_owned();
    if fs::metadata(&path).is_ok_and(|file| file.len() > FILE_BYTES_MAX) {
        return Err(InputsError::TooLarge { path }.into());
    }
    let bytes = files::read(&path)?;
    let kept: KeptInputs = match canonical::from_slice(&bytes) {
        Ok(kept) => kept,
        Err(source) => return Err(InputsError::File { path, source }.into()),
    };
    if kept.format != FORMAT {
        return Err(InputsError::Format { path, found: kept.format }.into());
    }
    let outside = [&kept.blocks, &kept.fee_history].into_iter().flatten().find(|place| {
        let mut parts = Path::new(place).components();
        !parts.all(|part| matches!(part, std::path::Component::Normal(_)))
    });
    match outside {
        Some(found) => Err(InputsError::Outside { path, found: found.clone() }.into()),
        None => Ok(Some(kept)),
    }
}

/// Refuses a folder whose inputs are somebody else's, before anything is computed.
pub(super) fn ensure_place(folder: &Path, places: &Places) -> Result<(), Error> {
    let path = folder.join(FOLDER);
    let reads = places.blocks.is_some() && !places.absent || places.fee_history.is_some();
    if !reads || !path.exists() || read(&folder.join(FILE))?.is_some() {
        return Ok(());
    }
    Err(InputsError::Taken { path }.into())
}

/// Writes what the study read into its folder, and `inputs.json`.
pub(super) fn write(
    writer: &mut Writer<'_>,
    file: &StudyFile,
    blocks: &StudyBlocks,
    copied: Copied,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let places = &blocks.places;
    let inside = |place: &Option<PathBuf>| {
        place.as_ref().is_some_and(|place| is_within(place, &writer.folder.join(FOLDER)))
    };
    // A study that is repeated in its own folder has its inputs there, and they are not written over themselves.
    let stays = inside(&places.blocks) || inside(&places.fee_history);
    let mut kept = KeptInputs {
        format: FORMAT.to_owned(),
        chain: blocks.chain().clone(),
        named: Named::of(&file.study.sources),
        generated: blocks.generated,
        blocks: None,
        fee_history: None,
        inputs: blocks.sources().to_vec(),
        get: Vec::new(),
    };
    if stays {
        if let Some(before) = read(&writer.folder.join(FILE))? {
            (kept.blocks, kept.fee_history, kept.get) =
                (before.blocks, before.fee_history, before.get);
        }
        for name in files_under(writer.folder, FOLDER)? {
            writer.name(&name)?;
        }
    } else {
        let old = writer.folder.join(FOLDER);
        if old.exists() && writer.folder.join(FILE).exists() {
            fs::remove_dir_all(&old).map_err(|source| Error::Empty { path: old, source })?;
        }
        copy(writer, blocks, &mut kept, copied, progress)?;
    }
    kept.inputs.sort_unstable();
    writer.put(FILE, &canonical::to_vec(&kept)?)?;
    Ok(())
}

fn copy(
    writer: &mut Writer<'_>,
    blocks: &StudyBlocks,
    kept: &mut KeptInputs,
    copied: Copied,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let numbers = || blocks.blocks().iter().map(|input| input.block().header.number);
    if let (Some(source), Some(first), Some(last)) = (
        blocks.places.blocks.as_ref().filter(|_| !blocks.generated),
        numbers().min(),
        numbers().max(),
    ) {
        if copied != Copied::Never
            && copy_blocks(writer, source, blocks, (first, last), copied, progress)?
        {
            kept.blocks = Some(BLOCKS.to_owned());
        } else {
            kept.get.push(format!(
                "chaoschain export --rpc-url URL --range {first}..={last} --out recorded"
            ));
        }
    }
    let named = blocks.sources().iter().find(|input| input.name == FEE_HISTORY);
    if let (Some(source), Some(input)) = (&blocks.places.fee_history, named) {
        let small = copied == Copied::Always || blocks.observed().len() <= ROWS_MAX;
        if copied != Copied::Never && small {
            copy_history(writer, source, blocks, &input.digest)?;
            kept.fee_history = Some(HISTORY.to_owned());
        } else if let (Some(first), Some(last)) =
            (blocks.observed().first(), blocks.observed().last())
        {
            kept.get.push(format!(
                "chaoschain export --headers-only --rpc-url URL --range {}..={} --out fees",
                first.number, last.number
            ));
        }
    }
    if !kept.get.is_empty() {
        progress.say(
            "what the study read is named by digest in inputs.json and not copied; --with-inputs copies it whatever \
             its size",
        );
    }
    Ok(())
}

/// Copies the recorded blocks; whether they were small enough.
fn copy_blocks(
    writer: &mut Writer<'_>,
    source: &Path,
    blocks: &StudyBlocks,
    (first, last): (u64, u64),
    copied: Copied,
    progress: &dyn Progress,
) -> Result<bool, Error> {
    let selected = recorded::select(source, Some(blocks.chain()), &(first..=last), None, progress);
    let selected = selected.map_err(|error| Error::Select(error.into()))?;
    let bytes: usize = selected.recorded.blocks.iter().map(|block| block.json.len()).sum();
    if copied != Copied::Always && bytes > BLOCK_BYTES_MAX {
        return Ok(false);
    }
    let packed = selected.into_pack().encode().map_err(recorded::Error::from);
    for (name, bytes) in &packed.map_err(|error| Error::Select(error.into()))?.files {
        writer.put(&format!("{BLOCKS}/{name}"), bytes)?;
    }
    Ok(true)
}

/// Copies a fee history in its canonical form, whatever the form of the file.
fn copy_history(
    writer: &mut Writer<'_>,
    source: &Path,
    blocks: &StudyBlocks,
    digest: &Digest,
) -> Result<(), Error> {
    let read = history::read(source, &blocks.columns)?;
    if read.digest() != *digest {
        return Err(InputsError::Changed { path: source.to_owned() }.into());
    }
    let path = writer.folder.join(HISTORY);
    let bytes = gzip(&read.to_csv()).map_err(|source| Error::Write { path, source })?;
    writer.put(HISTORY, &bytes).map(drop)
}

/// Whether a path lies in a folder, links followed.
fn is_within(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

/// Every file under `name` in `folder`, by its path in the folder.
fn files_under(folder: &Path, name: &str) -> Result<Vec<String>, Error> {
    let mut files = Vec::new();
    let mut left = vec![name.to_owned()];
    while let Some(name) = left.pop() {
        let path = folder.join(&name);
        let cannot = |source| Error::ReadFolder { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let within = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                left.push(within);
            } else {
                files.push(within);
            }
        }
    }
    files.sort();
    Ok(files)
}
