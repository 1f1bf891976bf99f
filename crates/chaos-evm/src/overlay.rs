//! The state during a block: what transactions wrote, over what was there before.
//!
//! It stands in the place of revm's `CacheDB`. That one copies everything it reads, which pays off
//! over a slow database; here the base is a shared snapshot in memory, so only writes are kept, and
//! of an account's slots only those that changed.

use alloy_primitives::{
    Address, B256, U256,
    map::{AddressMap, Entry},
};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    primitives::StorageKeyMap,
    state::{Account, AccountInfo, EvmState},
};

/// Writes over a read-only state.
#[derive(Debug)]
pub struct Overlay<S> {
    base: S,
    written: AddressMap<WrittenAccount>,
}

/// An account that the block wrote.
#[derive(Debug, Default)]
pub struct WrittenAccount {
    /// `None` for an account that was destroyed.
    pub info: Option<AccountInfo>,
    /// The slots written.
    pub storage: StorageKeyMap<U256>,
    /// Slots not in `storage` are zero: the account was created or destroyed in this block, or
    /// did not exist before it.
    pub storage_complete: bool,
}

impl<S> Overlay<S> {
    /// Nothing written yet.
    #[must_use]
    pub fn new(base: S) -> Self {
        Self { base, written: AddressMap::default() }
    }

    /// The state underneath.
    pub(crate) const fn base(&self) -> &S {
        &self.base
    }

    /// Every account written, as it stands now, in no particular order.
    #[must_use]
    pub fn into_written(self) -> AddressMap<WrittenAccount> {
        self.written
    }

    fn commit_account(&mut self, address: Address, account: Account) {
        if !account.is_touched() {
            return;
        }
        let written = match self.written.entry(address) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(WrittenAccount {
                storage_complete: account.is_loaded_as_not_existing(),
                ..WrittenAccount::default()
            }),
        };
        if account.is_selfdestructed() {
            *written = WrittenAccount { storage_complete: true, ..WrittenAccount::default() };
            return;
        }
        if account.is_created() {
            written.storage.clear();
            written.storage_complete = true;
        }
        written.info = Some(account.info);
        written.storage.extend(
            account
                .storage
                .into_iter()
                .filter(|(_, slot)| slot.is_changed())
                .map(|(key, slot)| (key, slot.present_value)),
        );
    }
}

impl<S: DatabaseRef> Database for Overlay<S> {
    type Error = S::Error;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        match self.written.get(&address) {
            Some(written) => Ok(written.info.clone()),
            None => self.base.basic_ref(address),
        }
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        self.base.code_by_hash_ref(code_hash)
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, Self::Error> {
        if let Some(written) = self.written.get(&address) {
            if let Some(value) = written.storage.get(&index) {
                return Ok(*value);
            }
            if written.storage_complete {
                return Ok(U256::ZERO);
            }
        }
        self.base.storage_ref(address, index)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Self::Error> {
        self.base.block_hash_ref(number)
    }
}

impl<S> DatabaseCommit for Overlay<S> {
    #[expect(clippy::iter_over_hash_type, reason = "each account is written to its own place")]
    fn commit(&mut self, changes: EvmState) {
        for (address, account) in changes {
            self.commit_account(address, account);
        }
    }

    fn commit_iter(&mut self, changes: &mut dyn Iterator<Item = (Address, Account)>) {
        for (address, account) in changes {
            self.commit_account(address, account);
        }
    }
}
