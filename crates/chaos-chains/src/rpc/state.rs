//! State at the start of a block, read from a node when the replay asks for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, keccak256};
use revm::{
    DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo,
};
use serde_json::{Value, json};

use super::{
    Node,
    cache::{AccountEntry, BlockFile, Cache},
};
use crate::{Error, json_rpc::parse};

/// New facts after which the cache file is written.
const SAVE_EVERY: u32 = 256;

/// State at the start of one block: every read is answered from the cache file of that block, or
/// fetched from the node and kept. Blocking; may be shared between threads.
///
/// A node does not tell an account that does not exist from one that is empty (no balance, nonce or
/// code), so both read as absent. That is exact from Spurious Dragon on (EIP-161); before it, gas of
/// calls to touched empty accounts could differ.
#[derive(Debug)]
pub struct RpcState {
    node: Arc<Node>,
    cache: Cache,
    parent: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: BlockFile,
    /// Every code named in `file.pre_state`.
    codes: BTreeMap<B256, Bytes>,
    unsaved: u32,
}

/// A block and the state it read, in the form of recorded blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBlock {
    /// Its number.
    pub number: u64,
    /// `{block, preState, blockHashes[, receipts]}`.
    pub block: Value,
    /// `0x<code hash>` to `0x<code>` for every code in `preState`.
    pub bytecodes: BTreeMap<String, String>,
}

/// A state read that failed.
#[derive(Debug, thiserror::Error)]
#[error("the state before block {block} could not be read")]
pub struct StateError {
    /// Block that is replayed.
    pub block: u64,
    /// The cause.
    #[source]
    pub source: Box<Error>,
}

impl DBErrorMarker for StateError {}

impl RpcState {
    pub(super) fn new(
        node: Arc<Node>,
        cache: Cache,
        mut file: BlockFile,
        parent: u64,
    ) -> Result<Self, Error> {
        let codes = cache.load_codes(&mut file)?;
        let inner = Inner { file, codes, unsaved: 0 };
        Ok(Self { node, cache, parent, inner: Mutex::new(inner) })
    }

    /// Writes what was fetched so far. Also done after every 256 fetched facts and when dropped.
    ///
    /// # Errors
    /// [`Error::Cache`] if the file cannot be written.
    pub fn save(&self) -> Result<(), Error> {
        let mut inner = self.lock();
        self.cache.store(&inner.file)?;
        inner.unsaved = 0;
        Ok(())
    }

    /// Questions asked of the node so far by this state's [`super::BlockSource`]; retries count.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.node.rpc.requests()
    }

    /// The block with everything read so far, in the form of recorded blocks. Replay the block first.
    #[must_use]
    pub fn export(&self) -> RecordedBlock {
        let inner = self.lock();
        let file = &inner.file;
        let hashes = file.pre_state.values().filter_map(|account| account.code_hash);
        let bytecodes = hashes
            .filter_map(|hash| Some((hash.to_string(), inner.codes.get(&hash)?.to_string())))
            .collect();
        let mut block = json!({
            "block": file.block,
            "preState": file.pre_state,
            "blockHashes": file.block_hashes,
        });
        if let Some(receipts) = &file.receipts {
            block["receipts"] = recorded_receipts(receipts);
        }
        RecordedBlock { number: file.number, block, bytecodes }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere cannot leave the maps half-written: each holds one fact per insert.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tag(&self) -> String {
        format!("{:#x}", self.parent)
    }

    fn keep(&self, record: impl FnOnce(&mut Inner)) -> Result<(), Error> {
        let mut inner = self.lock();
        record(&mut inner);
        inner.unsaved += 1;
        if inner.unsaved >= SAVE_EVERY {
            self.cache.store(&inner.file)?;
            inner.unsaved = 0;
        }
        Ok(())
    }

    fn account(&self, address: Address) -> Result<Option<AccountEntry>, Error> {
        {
            let inner = self.lock();
            if let Some(account) = inner.file.pre_state.get(&address) {
                return Ok(Some(account.clone()));
            }
            if inner.file.absent.contains(&address) {
                return Ok(None);
            }
        }
        let params = json!([address, self.tag()]);
        let answers = self.node.batch(vec![
            ("eth_getBalance", params.clone()),
            ("eth_getTransactionCount", params.clone()),
            ("eth_getCode", params),
        ])?;
        let [balance, nonce, code]: [Value; 3] = answers
            .try_into()
            .map_err(|_| Error::malformed("eth_getBalance", "expected three answers"))?;
        let balance: U256 = parse("eth_getBalance", balance)?;
        let nonce: U64 = parse("eth_getTransactionCount", nonce)?;
        let code: Bytes = parse("eth_getCode", code)?;
        if balance.is_zero() && nonce.is_zero() && code.is_empty() {
            self.keep(|inner| {
                inner.file.absent.insert(address);
            })?;
            return Ok(None);
        }
        let code_hash = if code.is_empty() {
            None
        } else {
            let hash = keccak256(&code);
            // Before the account is kept, so that a kept account always has its code.
            self.cache.store_code(hash, &code)?;
            self.lock().codes.insert(hash, code);
            Some(hash)
        };
        let account =
            AccountEntry { balance, nonce: nonce.to(), code_hash, storage: BTreeMap::new() };
        let kept = account.clone();
        self.keep(|inner| {
            inner.file.pre_state.entry(address).or_insert(kept);
        })?;
        Ok(Some(account))
    }

    /// Code of an account that was read before.
    fn code(&self, hash: B256) -> Result<Bytecode, Error> {
        let code = self.lock().codes.get(&hash).cloned().ok_or_else(|| {
            Error::malformed("code", format_args!("no account with code hash {hash} was read"))
        })?;
        Bytecode::new_raw_checked(code).map_err(|error| Error::malformed("eth_getCode", error))
    }

    fn account_info(&self, address: Address) -> Result<Option<AccountInfo>, Error> {
        let Some(account) = self.account(address)? else { return Ok(None) };
        let (code_hash, code) = match account.code_hash {
            None => (KECCAK256_EMPTY, Bytecode::default()),
            Some(hash) => (hash, self.code(hash)?),
        };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash,
            code: Some(code),
            ..AccountInfo::default()
        }))
    }

    fn storage_word(&self, address: Address, slot: U256) -> Result<U256, Error> {
        // Loads the account first, as the recorded form keeps storage inside it.
        if self.account(address)?.is_none() {
            return Ok(U256::ZERO);
        }
        {
            let inner = self.lock();
            let account = inner.file.pre_state.get(&address);
            if let Some(value) = account.and_then(|account| account.storage.get(&slot)) {
                return Ok(*value);
            }
        }
        let value: U256 =
            self.node.request("eth_getStorageAt", json!([address, slot, self.tag()]))?;
        self.keep(|inner| {
            if let Some(account) = inner.file.pre_state.get_mut(&address) {
                account.storage.insert(slot, value);
            }
        })?;
        Ok(value)
    }

    fn ancestor_hash(&self, number: u64) -> Result<B256, Error> {
        if let Some(hash) = self.lock().file.block_hashes.get(&number) {
            return Ok(*hash);
        }
        let tag = format!("{number:#x}");
        let block: Value = self.node.request("eth_getBlockByNumber", json!([tag, false]))?;
        let hash = block.get("hash").cloned().unwrap_or_default();
        let hash: B256 = parse("block.hash", hash)?;
        self.keep(|inner| {
            inner.file.block_hashes.insert(number, hash);
        })?;
        Ok(hash)
    }

    fn failed(&self) -> impl FnOnce(Error) -> StateError {
        let block = self.parent + 1;
        move |source| StateError { block, source: Box::new(source) }
    }
}

impl DatabaseRef for RpcState {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.account_info(address).map_err(self.failed())
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        self.code(code_hash).map_err(self.failed())
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, StateError> {
        self.storage_word(address, index).map_err(self.failed())
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.ancestor_hash(number).map_err(self.failed())
    }
}

impl Drop for RpcState {
    fn drop(&mut self) {
        if self.lock().unsaved > 0 {
            // Nobody can be told any more; what is not saved is fetched again.
            drop(self.save());
        }
    }
}

/// Receipts as the recorded format holds them: the outcome of each, and how many logs it has.
fn recorded_receipts(receipts: &Value) -> Value {
    let recorded = receipts.as_array().into_iter().flatten().map(|receipt| {
        json!({
            "gasUsed": receipt["gasUsed"],
            "status": receipt["status"],
            "effectiveGasPrice": receipt["effectiveGasPrice"],
            "logs": receipt["logs"].as_array().map_or(0, Vec::len),
        })
    });
    recorded.collect()
}
