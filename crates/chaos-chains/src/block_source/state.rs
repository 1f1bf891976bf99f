//! State at the start of a block, read from a node when the replay asks for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use revm::{
    DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo,
};
use serde_json::{Value, json};

use super::{
    Node,
    cache::{AccountEntry, BlockFile, Cache},
};
use crate::{
    Error,
    json_rpc::{Quantity, Quantity64, Word, parse},
};

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
    parent_hash: B256,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: BlockFile,
    /// Every code named in `file.pre_state`.
    codes: BTreeMap<B256, Bytes>,
    unsaved: u32,
}

/// An account's state as a caller knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAccount {
    /// Balance in wei.
    pub balance: U256,
    /// Nonce.
    pub nonce: u64,
    /// Code, if there is any.
    pub code: Option<Bytes>,
    /// The slots that are known.
    pub storage: BTreeMap<U256, U256>,
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
        (parent, parent_hash): (u64, B256),
    ) -> Result<Self, Error> {
        let codes = cache.load_codes(&mut file)?;
        let inner = Inner { file, codes, unsaved: 0 };
        Ok(Self { node, cache, parent, parent_hash, inner: Mutex::new(inner) })
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
        self.node.rpc().requests()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere cannot leave the maps half-written: each holds one fact per insert.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.fetch_accounts(&[address])?;
        Ok(self.lock().file.pre_state.get(&address).cloned())
    }

    /// Fetches accounts in one batch and keeps them.
    fn fetch_accounts(&self, addresses: &[Address]) -> Result<(), Error> {
        let mut calls = Vec::with_capacity(3 * addresses.len());
        for address in addresses {
            for method in ["eth_getBalance", "eth_getTransactionCount", "eth_getCode"] {
                calls.push((method, vec![json!(address)]));
            }
        }
        let answers = self.node.read_state(self.parent, self.parent_hash, &calls)?;
        for (address, answers) in addresses.iter().zip(answers.chunks_exact(3)) {
            let [balance, nonce, code] = answers else { continue };
            let Quantity64(nonce) = parse("eth_getTransactionCount", nonce.clone())?;
            let Quantity(balance) = parse("eth_getBalance", balance.clone())?;
            // Some nodes answer null for an account without code.
            let code: Option<Bytes> = parse("eth_getCode", code.clone())?;
            let account = KnownAccount {
                balance,
                nonce,
                code: code.filter(|code| !code.is_empty()),
                storage: BTreeMap::new(),
            };
            self.keep_account(*address, account)?;
        }
        Ok(())
    }

    fn keep_account(&self, address: Address, account: KnownAccount) -> Result<(), Error> {
        let KnownAccount { balance, nonce, code, storage } = account;
        if balance.is_zero() && nonce == 0 && code.is_none() {
            return self.keep(|inner| {
                inner.file.absent.insert(address);
            });
        }
        let mut code_hash = None;
        if let Some(code) = code {
            let hash = keccak256(&code);
            // Before the account is kept, so that a kept account always has its code.
            self.cache.store_code(hash, &code)?;
            self.lock().codes.insert(hash, code);
            code_hash = Some(hash);
        }
        self.keep(|inner| {
            let account = AccountEntry { balance, nonce, code_hash, storage: BTreeMap::new() };
            let kept = inner.file.pre_state.entry(address).or_insert(account);
            for (slot, value) in storage {
                kept.storage.entry(slot).or_insert(value);
            }
        })
    }

    /// Takes what is known from elsewhere, such as a trace, so that it is not asked for. What was
    /// fetched before stays.
    ///
    /// # Errors
    /// [`Error::Cache`] if a code cannot be written.
    pub fn learn(
        &self,
        accounts: impl IntoIterator<Item = (Address, KnownAccount)>,
        absent: impl IntoIterator<Item = Address>,
    ) -> Result<(), Error> {
        for (address, account) in accounts {
            if !self.lock().file.absent.contains(&address) {
                self.keep_account(address, account)?;
            }
        }
        let mut inner = self.lock();
        for address in absent {
            if !inner.file.pre_state.contains_key(&address) {
                inner.file.absent.insert(address);
            }
        }
        inner.unsaved += 1;
        Ok(())
    }

    /// Fetches those of these places that are not known yet, in batches: for a caller who knows before
    /// the execution what it is going to read.
    ///
    /// # Errors
    /// As every request.
    pub fn fetch_ahead(
        &self,
        accounts: &[Address],
        slots: &[(Address, U256)],
    ) -> Result<(), Error> {
        let unknown = |address: &Address| self.known_account(*address).is_none();
        let mut wanted: Vec<Address> =
            accounts.iter().chain(slots.iter().map(|(address, _)| address)).copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(unknown);
        if !wanted.is_empty() {
            self.fetch_accounts(&wanted)?;
        }
        let slots: Vec<(Address, U256)> = slots
            .iter()
            .filter(|(address, slot)| self.known_slot(*address, *slot).is_none())
            .copied()
            .collect();
        if slots.is_empty() { Ok(()) } else { self.fetch_slots(&slots) }
    }

    fn fetch_slots(&self, slots: &[(Address, U256)]) -> Result<(), Error> {
        let calls: Vec<_> = slots
            .iter()
            .map(|(address, slot)| ("eth_getStorageAt", vec![json!(address), json!(slot)]))
            .collect();
        let answers = self.node.read_state(self.parent, self.parent_hash, &calls)?;
        for ((address, slot), answer) in slots.iter().zip(answers) {
            let Word(value) = parse("eth_getStorageAt", answer)?;
            self.keep(|inner| {
                if let Some(account) = inner.file.pre_state.get_mut(address) {
                    account.storage.insert(*slot, value);
                }
            })?;
        }
        Ok(())
    }

    /// An account, without asking the node: `None` if it is not known, `Some(None)` if it is known
    /// not to exist.
    #[must_use]
    pub(crate) fn known_account(&self, address: Address) -> Option<Option<AccountInfo>> {
        let (known, absent) = {
            let inner = self.lock();
            let known = inner.file.pre_state.get(&address).cloned();
            (known, inner.file.absent.contains(&address))
        };
        match known {
            Some(account) => self.info(account).ok().map(Some),
            None => absent.then_some(None),
        }
    }

    /// A slot, without asking the node: `None` if it is not known.
    #[must_use]
    pub(crate) fn known_slot(&self, address: Address, slot: U256) -> Option<U256> {
        let inner = self.lock();
        if inner.file.absent.contains(&address) {
            return Some(U256::ZERO);
        }
        inner.file.pre_state.get(&address)?.storage.get(&slot).copied()
    }

    /// Checks that the state which was read is still that of the block's parent. A node that reads
    /// state by block hash is not asked: there it cannot have been another.
    ///
    /// # Errors
    /// [`Error::DifferentBlock`] if the chain was reorganised in between.
    pub fn confirm(&self) -> Result<(), Error> {
        if !self.node.reads_by_number() {
            return Ok(());
        }
        let tag = format!("{:#x}", self.parent);
        let header: Value = self.node.request("eth_getBlockByNumber", json!([tag, false]))?;
        let found = parse("block.hash", header.get("hash").cloned().unwrap_or_default())?;
        if found == self.parent_hash {
            return Ok(());
        }
        Err(Error::DifferentBlock {
            number: self.parent,
            expected: self.parent_hash,
            found,
            place: "after its state was read",
            url: self.node.rpc().shown_url().to_owned(),
        })
    }

    /// Code of an account that was read before.
    fn code(&self, hash: B256) -> Result<Bytecode, Error> {
        let code = self.lock().codes.get(&hash).cloned().ok_or_else(|| {
            Error::malformed("code", format_args!("no account with code hash {hash} was read"))
        })?;
        Bytecode::new_raw_checked(code).map_err(|error| Error::malformed("eth_getCode", error))
    }

    fn account_info(&self, address: Address) -> Result<Option<AccountInfo>, Error> {
        self.account(address)?.map(|account| self.info(account)).transpose()
    }

    fn info(&self, account: AccountEntry) -> Result<AccountInfo, Error> {
        let (code_hash, code) = match account.code_hash {
            None => (KECCAK256_EMPTY, Bytecode::default()),
            Some(hash) => (hash, self.code(hash)?),
        };
        Ok(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash,
            code: Some(code),
            ..AccountInfo::default()
        })
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
        self.fetch_slots(&[(address, slot)])?;
        Ok(self.known_slot(address, slot).unwrap_or_default())
    }

    fn ancestor_hash(&self, number: u64) -> Result<B256, Error> {
        if let Some(hash) = self.lock().file.block_hashes.get(&number) {
            return Ok(*hash);
        }
        if number == self.parent {
            let hash = self.parent_hash;
            self.keep(|inner| {
                inner.file.block_hashes.insert(number, hash);
            })?;
            return Ok(hash);
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
pub(super) fn recorded_receipts(receipts: &Value) -> Value {
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
