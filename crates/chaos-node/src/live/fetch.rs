//! One live block with the state it reads.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_chains::{
    B256, Bytes,
    block_source::{self, FetchedBlock, HeaderFacts, KnownAccount, RpcState},
};
use chaos_evm::{
    Block, Bytecodes, Complete, RecordedBlock, ReplayInput,
    import::{Imported, Prestate, StateProof, prestate, record_complete},
    recorded::encode_with,
    replay_on,
};

use super::{moved, outside};
use crate::{
    args::StateFrom,
    exit::{Failure, Kind, OrFail as _},
};

/// Rounds of guessing before the rest is asked for one by one.
const ROUNDS_MAX: u32 = 24;

/// Fetches blocks one after the other into the folder of their chain.
pub(super) struct Fetcher<'a> {
    endpoint: &'a block_source::BlockSource,
    state_from: StateFrom,
    chain: u64,
    folder: PathBuf,
    codes: Codes,
}

/// The codes of all blocks in the folder.
struct Codes {
    path: PathBuf,
    raw: BTreeMap<B256, Bytes>,
    checked: Bytecodes,
}

impl<'a> Fetcher<'a> {
    pub(super) fn new(
        endpoint: &'a block_source::BlockSource,
        cache: &Path,
        chain: u64,
        state_from: StateFrom,
    ) -> Result<Self, Failure> {
        let folder = cache.join(format!("eip155-{chain}"));
        let codes = Codes::open(folder.join("bytecodes.json"))?;
        Ok(Self { endpoint, state_from, chain, folder, codes })
    }

    pub(super) fn into_folder(self) -> PathBuf {
        self.folder
    }

    /// Fetches a block, which must follow the one before it.
    pub(super) fn fetch(
        &mut self,
        height: u64,
        previous: Option<&HeaderFacts>,
    ) -> Result<(HeaderFacts, ReplayInput), Failure> {
        let path = self.folder.join("blocks").join(format!("{height}.json"));
        let fetched = self.endpoint.fetch(height).map_err(outside)?;
        if let Some(parent) = previous {
            let followed = self.endpoint.ensure_follows(parent, &fetched.header);
            followed.map_err(|error| moved(error, &self.folder))?;
        }
        let json = serde_json::to_vec(&fetched.block).or_fail(Kind::Input)?;
        let block = Block::decode_rpc(&json, Some(self.chain))
            .with_context(|| format!("block {height}"))
            .or_fail(Kind::Input)?;
        // A chain that was restarted or reorganised has another block at the same height.
        if let Ok(kept) = self.kept(&path)
            && kept.block().header.hash == block.header.hash
        {
            return Ok((fetched.header, kept));
        }
        let imported = match self.state_from {
            StateFrom::Rpc => self.on_state(&block, &fetched),
            StateFrom::Trace => self.on_trace(&block, &fetched).and_then(ensure_agrees),
            StateFrom::StateProof => self.on_state_proof(&block, &fetched).and_then(ensure_agrees),
        };
        let imported = imported.map_err(|failure| {
            let needs = self.state_from.needs();
            failure.context(format_args!(
                "block {height}, --state-from {} (needs {needs})",
                self.state_from.name()
            ))
        })?;
        let recorded = encode_with(&imported.recorded, &fetched.block, fetched.recorded_receipts());
        // Codes first: a block file without its codes would be read with unknown code.
        self.codes.add(imported.codes)?;
        write(&path, &recorded)?;
        let kept = self
            .kept(&path)
            .with_context(|| format!("cannot read back {}", path.display()))
            .or_fail(Kind::Storage)?;
        Ok((fetched.header, kept))
    }

    fn on_state(&self, block: &Block, fetched: &FetchedBlock) -> Result<Imported, Failure> {
        let state = self.endpoint.state(fetched).map_err(outside)?;
        for _ in 0..ROUNDS_MAX {
            let guess = state.guess();
            // A guess may fail in any way; only what it read matters.
            drop(replay_on(block, Complete(&guess)));
            let missing = guess.missing();
            if missing.is_empty() {
                break;
            }
            let accounts: Vec<_> = missing.accounts.into_iter().collect();
            let slots: Vec<_> = missing.slots.into_iter().collect();
            state.fetch_ahead(&accounts, &slots).map_err(outside)?;
        }
        self.execute(block, &state)
    }

    fn on_trace(&self, block: &Block, fetched: &FetchedBlock) -> Result<Imported, Failure> {
        let traces = self.endpoint.traces(fetched).map_err(outside)?;
        let trace = serde_json::to_vec(&traces.prestate).or_fail(Kind::Outside)?;
        let diff = serde_json::to_vec(&traces.diff).or_fail(Kind::Outside)?;
        let Prestate { accounts, absent, codes } =
            prestate(&trace, Some(&diff), block).or_fail(Kind::Outside)?;
        let state = self.endpoint.state(fetched).map_err(outside)?;
        let known = accounts.into_iter().filter_map(|(address, account)| {
            let empty = chaos_chains::KECCAK256_EMPTY;
            let code = codes.get(&account.code_hash).cloned();
            // Code that the trace leaves out is asked for with its account.
            if code.is_none() && account.code_hash != empty {
                return None;
            }
            let (balance, nonce, storage) = (account.balance, account.nonce, account.storage);
            Some((address, KnownAccount { balance, nonce, code, storage }))
        });
        state.learn(known, absent).map_err(outside)?;
        self.execute(block, &state)
    }

    fn on_state_proof(&self, block: &Block, fetched: &FetchedBlock) -> Result<Imported, Failure> {
        let (state_proof, parent) = self.endpoint.state_proof(fetched).map_err(outside)?;
        let state_proof = serde_json::to_vec(&state_proof).or_fail(Kind::Outside)?;
        let parent = serde_json::to_vec(&parent).or_fail(Kind::Outside)?;
        let state_proof =
            StateProof::decode(&state_proof, block, Some(&parent)).or_fail(Kind::Outside)?;
        record_complete(block, &state_proof).or_fail(Kind::Outside)
    }

    fn execute(&self, block: &Block, state: &RpcState) -> Result<Imported, Failure> {
        let imported = record_complete(block, state).or_fail(Kind::Outside)?;
        state.confirm().map_err(outside)?;
        state.save().map_err(outside)?;
        Ok(imported)
    }

    /// The block as it was kept.
    fn kept(&self, path: &Path) -> anyhow::Result<ReplayInput> {
        let recorded = RecordedBlock::decode(&fs::read(path)?, Some(self.chain))?;
        Ok(ReplayInput::new(recorded, &self.codes.checked))
    }
}

/// State that came in one answer is believed if it gives the block.
fn ensure_agrees(imported: Imported) -> Result<Imported, Failure> {
    let replay = &imported.replay;
    if replay.agrees() || !replay.skipped_transactions.is_empty() {
        return Ok(imported);
    }
    let text = format!(
        "the state does not give the block: gas {} instead of {}, {} transactions rejected",
        replay.gas_replayed,
        replay.gas_header,
        replay.rejected.len()
    );
    Err(Failure::message(Kind::Check, text).hint("use --state-from rpc with an empty --cache"))
}

impl Codes {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        let damaged = || format!("{} is damaged", path.display());
        let raw: BTreeMap<B256, Bytes> = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(damaged).or_fail(Kind::Storage)?
            }
            Err(_) => BTreeMap::new(),
        };
        let checked =
            Bytecodes::from_codes(raw.clone()).with_context(damaged).or_fail(Kind::Storage)?;
        Ok(Self { path, raw, checked })
    }

    fn add(&mut self, fresh: BTreeMap<B256, Bytes>) -> Result<(), Failure> {
        if self.path.exists() && fresh.keys().all(|hash| self.raw.contains_key(hash)) {
            return Ok(());
        }
        self.raw.extend(fresh);
        self.checked = Bytecodes::from_codes(self.raw.clone()).or_fail(Kind::Outside)?;
        write(&self.path, &serde_json::to_vec(&self.raw).or_fail(Kind::Input)?)
    }
}

/// Writes what can be fetched again.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| chaos_files::write_unsynced(path, bytes));
    written.with_context(|| format!("cannot write {}", path.display())).or_fail(Kind::Storage)
}
