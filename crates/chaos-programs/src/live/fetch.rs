//! One live block with the state it reads.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chaos_chains::{
    B256, Bytes,
    block_source::{self, FetchedBlock, HeaderFacts, KnownAccount, RpcState},
};
use chaos_evm::{
    Block, Bytecodes, Complete, Part, RecordedBlock, ReplayInput, Unbound, Under, Why,
    import::{Imported, Prestate, StateProof, prestate, record_complete},
    recorded::encode_with,
    replay_on,
};

use super::{Error, LiveSource, StateFrom};
use crate::{files, recorded::BlockFileError};

/// Rounds of guessing before the rest is asked for one by one.
const ROUNDS_MAX: u32 = 24;

/// Fetches blocks one after the other into the folder of their chain.
pub(super) struct Fetcher<'a> {
    endpoint: &'a block_source::BlockSource,
    state_from: StateFrom,
    chain: u64,
    under: Option<Under>,
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
        source: &LiveSource<'_>,
        chain: u64,
    ) -> Result<Self, Error> {
        let LiveSource { cache, state_from, under, .. } = *source;
        let folder = cache.join(format!("eip155-{chain}"));
        for folder in [&folder, &folder.join("blocks")] {
            let path = folder.clone();
            chaos_files::clear_former_parts(folder)
                .map_err(|source| Error::Write { path, source })?;
        }
        let codes = Codes::open(folder.join("bytecodes.json"))?;
        Ok(Self { endpoint, state_from, chain, under, folder, codes })
    }

    pub(super) fn into_folder(self) -> PathBuf {
        self.folder
    }

    /// Fetches a block, which must follow the one before it.
    pub(super) fn fetch(
        &mut self,
        height: u64,
        previous: Option<&HeaderFacts>,
    ) -> Result<(HeaderFacts, ReplayInput), Error> {
        let path = self.folder.join("blocks").join(format!("{height}.json"));
        let fetched = self.endpoint.fetch(height)?;
        if let Some(parent) = previous {
            let followed = self.endpoint.ensure_follows(parent, &fetched.header);
            followed.map_err(|source| Error::Moved {
                cache: self.folder.clone(),
                source: source.into(),
            })?;
        }
        let json = serde_json::to_vec(&fetched.block).map_err(Error::BlockJson)?;
        let block = Block::decode_rpc_under(&json, Some(self.chain), self.under)
            .map_err(|source| Error::Block { height, source: source.into() })?;
        ensure_bound(&block).map_err(|unbound| Error::Unbound { height, unbound })?;
        // Not before: a block that its header denies is not kept.
        self.endpoint.keep(&fetched)?;
        // A chain that was restarted or reorganised has another block at the same height.
        if let Ok(kept) = self.kept(&path)
            && kept.block().header.hash == block.header.hash
            && kept.block().hardfork == block.hardfork
        {
            return Ok((fetched.header, kept));
        }
        let imported = match self.state_from {
            StateFrom::Rpc => self.on_state(&block, &fetched),
            StateFrom::Trace => self.on_trace(&block, &fetched).and_then(ensure_agrees),
            StateFrom::StateProof => self.on_state_proof(&block, &fetched).and_then(ensure_agrees),
        };
        let imported = imported.map_err(|source| Error::State {
            height,
            state_from: self.state_from,
            source: source.into(),
        })?;
        let recorded = encode_with(&imported.recorded, &fetched.block, fetched.recorded_receipts());
        // Codes first: a block file without its codes would be read with unknown code.
        self.codes.add(imported.codes)?;
        write(&path, &recorded)?;
        let kept =
            self.kept(&path).map_err(|source| Error::ReadBack { path, source: source.into() })?;
        Ok((fetched.header, kept))
    }

    fn on_state(&self, block: &Block, fetched: &FetchedBlock) -> Result<Imported, Error> {
        let state = self.endpoint.state(fetched)?;
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
            state.fetch_ahead(&accounts, &slots)?;
        }
        self.execute(block, &state)
    }

    fn on_trace(&self, block: &Block, fetched: &FetchedBlock) -> Result<Imported, Error> {
        let traces = self.endpoint.traces(fetched)?;
        let trace = serde_json::to_vec(&traces.prestate).map_err(Error::StateJson)?;
        let diff = serde_json::to_vec(&traces.diff).map_err(Error::StateJson)?;
        let Prestate { accounts, absent, codes } =
            prestate(&trace, Some(&diff), block).map_err(|error| Error::Import(error.into()))?;
        let state = self.endpoint.state(fetched)?;
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
        state.learn(known, absent)?;
        self.execute(block, &state)
    }

    fn on_state_proof(&self, block: &Block, fetched: &FetchedBlock) -> Result<Imported, Error> {
        let (state_proof, parent) = self.endpoint.state_proof(fetched)?;
        let state_proof = serde_json::to_vec(&state_proof).map_err(Error::StateJson)?;
        let parent = serde_json::to_vec(&parent).map_err(Error::StateJson)?;
        let state_proof = StateProof::decode(&state_proof, block, Some(&parent))
            .map_err(|error| Error::Import(error.into()))?;
        record_complete(block, &state_proof).map_err(|error| Error::ExecuteProven(error.into()))
    }

    fn execute(&self, block: &Block, state: &RpcState) -> Result<Imported, Error> {
        let imported =
            record_complete(block, state).map_err(|error| Error::Execute(error.into()))?;
        state.confirm()?;
        state.save()?;
        Ok(imported)
    }

    /// The block as it was kept.
    fn kept(&self, path: &Path) -> Result<ReplayInput, BlockFileError> {
        let recorded = RecordedBlock::decode(&fs::read(path)?, Some(self.chain))?;
        Ok(ReplayInput::new(recorded, &self.codes.checked))
    }
}

/// Refuses a block whose transactions or withdrawals its header may not commit to, although everything to
/// tell is known: a node that leaves out a root or a signature is not believed for it.
pub(crate) fn ensure_bound(block: &Block) -> Result<(), Unbound> {
    let is_refused = |unbound: &&Unbound| {
        matches!(unbound.why, Why::NoField(_))
            && matches!(unbound.part, Part::Transactions | Part::Senders | Part::Withdrawals)
    };
    match block.unbound.iter().find(is_refused) {
        Some(unbound) => Err(unbound.clone()),
        None => Ok(()),
    }
}

/// State that came in one answer is believed if it gives the block.
fn ensure_agrees(imported: Imported) -> Result<Imported, Error> {
    if imported.is_borne_out() {
        return Ok(imported);
    }
    let replay = &imported.replay;
    Err(Error::Disagrees {
        expected: replay.gas_header,
        found: replay.gas_replayed,
        rejected: replay.rejected.len(),
    })
}

impl Codes {
    fn open(path: PathBuf) -> Result<Self, Error> {
        let raw: BTreeMap<B256, Bytes> = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| Error::DamagedJson { path: path.clone(), source })?,
            Err(_) => BTreeMap::new(),
        };
        let checked = Bytecodes::from_codes(raw.clone())
            .map_err(|source| Error::DamagedCodes { path: path.clone(), source: source.into() })?;
        Ok(Self { path, raw, checked })
    }

    fn add(&mut self, fresh: BTreeMap<B256, Bytes>) -> Result<(), Error> {
        if self.path.exists() && fresh.keys().all(|hash| self.raw.contains_key(hash)) {
            return Ok(());
        }
        self.raw.extend(fresh);
        self.checked =
            Bytecodes::from_codes(self.raw.clone()).map_err(|error| Error::Codes(error.into()))?;
        write(&self.path, &serde_json::to_vec(&self.raw).map_err(Error::CodesJson)?)
    }
}

/// Writes what can be fetched again.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    files::write_whole(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}
