//! A block that somebody saved with a node's answers about its state, in the recorded format.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use chaos_evm::{
    Block, Bytecodes, DecodeError, ImportError, ReceiptsRoot, RecordedBlock, ReplayError,
    ReplayInput, Unbound, Under, UnknownReads,
    import::{Imported, StateProof, StateProofError, prestate, record_complete},
    recorded::{FeeRow, Pack, PackedBlock, PlainError, encode_with, plain},
    replay,
};
use chaos_types::{ChainId, Digest};
use serde_json::{Value, json};

use crate::{Progress, live::ensure_bound};

/// The files of one block.
#[derive(Debug, Clone, Copy)]
pub struct Saved<'a> {
    /// The block, as `eth_getBlockByNumber` answers it with transactions.
    pub block: &'a Path,
    /// The number of its chain, if its transactions do not say.
    pub chain_id: Option<u64>,
    /// The rules it ran under, in the place of the chain's schedule.
    pub under: Option<Under>,
    /// What says the state before it.
    pub state: State<'a>,
}

/// What says the state before a block.
#[derive(Debug, Clone, Copy)]
pub enum State<'a> {
    /// Traces by the `prestateTracer`.
    Trace {
        /// Of what transactions read.
        trace: &'a Path,
        /// Of what they changed.
        diff: Option<&'a Path>,
    },
    /// Trie nodes that prove it.
    Proof {
        /// The nodes, codes and headers.
        proof: &'a Path,
        /// The parent's header, if they lack it.
        parent: Option<&'a Path>,
    },
}

/// Why no recorded block follows from files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is compressed and damaged, or too large.
    #[error("{path}", path = path.display())]
    Plain {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PlainError,
    },
    /// A file is no JSON.
    #[error("{path}", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file holds no block.
    #[error("{path}", path = path.display())]
    Block {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
    /// The block's body is not held to its header.
    #[error(
        "{path}: the {} cannot be held to the block's header: {}",
        unbound.part.as_str(),
        unbound.why,
        path = path.display()
    )]
    Unbound {
        /// The file.
        path: PathBuf,
        /// Which part, and why.
        unbound: Unbound,
    },
    /// A file says no state before the block.
    #[error("{path}", path = path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<ImportError>,
    },
    /// What follows from the files has no JSON.
    #[error(transparent)]
    Encode(serde_json::Error),
    /// The codes are not those that the state names.
    #[error(transparent)]
    Codes(Box<DecodeError>),
    /// The block cannot be executed on what the traces say.
    #[error(transparent)]
    Execute(Box<ReplayError>),
    /// The block cannot be executed on what is proven.
    #[error(transparent)]
    ExecuteProven(Box<ReplayError<StateProofError>>),
    /// What was recorded does not read back.
    #[error(transparent)]
    ReadBack(Box<DecodeError>),
    /// The block's execution is not what its header says.
    #[error(
        "block {number} executed on the {from} does not agree with its header: gas {found} instead \
         of {expected}, {rejected} rejected transactions, receipts root {receipts_root:?}"
    )]
    Disagrees {
        /// The block.
        number: u64,
        /// What said the state.
        from: &'static str,
        /// Gas that the header states.
        expected: u64,
        /// Gas that was used.
        found: u64,
        /// How many transactions were rejected.
        rejected: usize,
        /// The receipts' root, compared.
        receipts_root: ReceiptsRoot,
    },
}

/// Executes a saved block on the saved state, and records what it read.
///
/// # Errors
/// If a file is not what it should be, or the execution does not give what the header says.
pub fn import(saved: &Saved<'_>, progress: &dyn Progress) -> Result<Pack, Error> {
    let mut files = Files::default();
    let raw_block = result_of(&files.read("block", saved.block)?, saved.block)?;
    let bytes = serde_json::to_vec(&raw_block).map_err(Error::Encode)?;
    let path = || saved.block.to_owned();
    let block = Block::decode_rpc_under(&bytes, saved.chain_id, saved.under)
        .map_err(|source| Error::Block { path: path(), source: source.into() })?;
    ensure_bound(&block).map_err(|unbound| Error::Unbound { path: path(), unbound })?;
    let (from, imported) = match saved.state {
        State::Proof { proof, parent } => ("proof", proven(&mut files, &block, proof, parent)?),
        State::Trace { trace, diff } => {
            ("trace", traced(&mut files, &block, trace, diff, progress)?)
        }
    };
    ensure_agrees(&imported, from)?;
    pack(&raw_block, imported, from, &files)
}

/// What was read, by what it is.
#[derive(Default)]
struct Files(BTreeMap<&'static str, String>);

impl Files {
    fn read(&mut self, name: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
        let bytes =
            fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let bytes =
            plain(bytes).map_err(|source| Error::Plain { path: path.to_owned(), source })?;
        self.0.insert(name, Digest::of(&bytes).to_string());
        Ok(bytes)
    }
}

fn proven(
    files: &mut Files,
    block: &Block,
    proof: &Path,
    parent: Option<&Path>,
) -> Result<Imported, Error> {
    let bytes = files.read("state proof", proof)?;
    let parent = match parent {
        Some(path) => {
            let header = result_of(&files.read("parent", path)?, path)?;
            Some(serde_json::to_vec(&header).map_err(Error::Encode)?)
        }
        None => None,
    };
    let state = StateProof::decode(&bytes, block, parent.as_deref())
        .map_err(|source| Error::State { path: proof.to_owned(), source: source.into() })?;
    record_complete(block, &state).map_err(|error| Error::ExecuteProven(error.into()))
}

/// Keeps what the execution read of the trace, if it answered everything; else all of it, so that what
/// is unknown stays unknown.
fn traced(
    files: &mut Files,
    block: &Block,
    path: &Path,
    diff: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Imported, Error> {
    let trace = files.read("trace", path)?;
    let diff = diff.map(|path| files.read("diff", path)).transpose()?;
    let prestate = prestate(&trace, diff.as_deref(), block)
        .map_err(|source| Error::State { path: path.to_owned(), source: source.into() })?;
    let (recorded, codes) = prestate.into_recorded(block.clone());
    let checked =
        Bytecodes::from_codes(codes.clone()).map_err(|error| Error::Codes(error.into()))?;
    let input = ReplayInput::new(recorded.clone(), &checked);
    let failed = |error: ReplayError| Error::Execute(error.into());
    let replay = replay(&input).map_err(failed)?;
    let unknown = replay.unknown_reads;
    if unknown.total() == 0 {
        return record_complete(block, input.snapshot().view()).map_err(failed);
    }
    progress.say(&about(&unknown));
    Ok(Imported { recorded, codes, replay })
}

fn about(unknown: &UnknownReads) -> String {
    format!(
        "{} reads are not in the trace ({} slots, {} codes, {} block hashes) and count as unknown in \
         every replay",
        unknown.total(),
        unknown.storage,
        unknown.code,
        unknown.block_hash
    )
}

fn ensure_agrees(imported: &Imported, from: &'static str) -> Result<(), Error> {
    if imported.is_borne_out() {
        return Ok(());
    }
    let replay = &imported.replay;
    Err(Error::Disagrees {
        number: replay.number,
        from,
        expected: replay.gas_header,
        found: replay.gas_replayed,
        rejected: replay.rejected.len(),
        receipts_root: replay.receipts_root,
    })
}

fn pack(
    raw_block: &Value,
    imported: Imported,
    from: &'static str,
    files: &Files,
) -> Result<Pack, Error> {
    let Imported { recorded, codes, replay } = imported;
    let json = encode_with(&recorded, raw_block, None);
    let chain = recorded.block.chain_id;
    let recorded =
        RecordedBlock::decode(&json, Some(chain)).map_err(|error| Error::ReadBack(error.into()))?;
    let block = PackedBlock { recorded, json };
    Ok(Pack {
        chain: ChainId::evm(chain),
        fees: vec![FeeRow::from(block.header())],
        blocks: vec![block],
        codes,
        source: json!({"kind": from, "files": files.0}),
        checks: json!({
            "unknown_reads": replay.unknown_reads.total(),
            "state_proven": from == "proof",
        }),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The document, out of its JSON-RPC envelope if it is in one.
fn result_of(bytes: &[u8], path: &Path) -> Result<Value, Error> {
    let mut value: Value = serde_json::from_slice(bytes)
        .map_err(|source| Error::Json { path: path.to_owned(), source })?;
    match value.get_mut("result") {
        Some(result) if result.is_object() => Ok(result.take()),
        _ => Ok(value),
    }
}
