//! The state before a block, and the count of what it does not know.
//!
//! A recorded state holds only what the recorded execution read. An account that is absent does
//! not exist. A storage slot that is absent from an account with code was never read, so its
//! value is *unknown*: the read is answered with zero and counted, because a result that rests on
//! a guess must say so. The same goes for code and for the hashes of ancestors.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use alloy_primitives::{
    Address, B256, KECCAK256_EMPTY, U256,
    map::{AddressMap, Entry, HashMap},
};
use revm::{DatabaseRef, bytecode::Bytecode, primitives::StorageKeyMap, state::AccountInfo};

use crate::{Bytecodes, RecordedAccount, RecordedBlock, overlay::WrittenAccount};

mod recording;

pub use recording::Recording;

/// How many reads fell outside the known state, each place counted once per execution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnknownReads {
    /// Storage slots.
    pub storage: u64,
    /// Contract codes.
    pub code: u64,
    /// Hashes of ancestor blocks.
    pub block_hash: u64,
}

impl UnknownReads {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.storage + self.code + self.block_hash
    }

    /// Those made after `earlier` was taken.
    pub(crate) const fn since(&self, earlier: &Self) -> Self {
        Self {
            storage: self.storage - earlier.storage,
            code: self.code - earlier.code,
            block_hash: self.block_hash - earlier.block_hash,
        }
    }
}

/// The state before a block, as replay needs it: revm's [`DatabaseRef`] and a count.
///
/// Contract: a place may be read many times, so a slow state keeps what it was told. `unknown_reads`
/// never falls, and counts each place that was answered with a made-up value, once. A state that answers every read truly, or fails with an error, always returns zero; wrap
/// such a database in [`Complete`].
pub trait PreState: DatabaseRef {
    /// The reads so far that fell outside the known state.
    fn unknown_reads(&self) -> UnknownReads;
}

impl<S: PreState> PreState for &S {
    fn unknown_reads(&self) -> UnknownReads {
        (**self).unknown_reads()
    }
}

/// A database that answers every read truly or fails, such as one backed by an RPC endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Complete<D>(pub D);

impl<D: DatabaseRef> DatabaseRef for Complete<D> {
    type Error = D::Error;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        self.0.basic_ref(address)
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        self.0.code_by_hash_ref(code_hash)
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, Self::Error> {
        self.0.storage_ref(address, index)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        self.0.block_hash_ref(number)
    }
}

impl<D: DatabaseRef> PreState for Complete<D> {
    fn unknown_reads(&self) -> UnknownReads {
        UnknownReads::default()
    }
}

/// The recorded state before one block. Read-only, so any number of threads may share it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    accounts: AddressMap<SnapshotAccount>,
    block_hashes: HashMap<u64, B256>,
}

#[derive(Debug, Clone)]
pub(crate) struct SnapshotAccount {
    pub(crate) info: AccountInfo,
    pub(crate) storage: StorageKeyMap<U256>,
}

impl Snapshot {
    /// Joins a recorded block with the code its accounts name. Code that is not in `codes` stays
    /// unknown; reading it is counted.
    #[must_use]
    pub fn new(recorded: &RecordedBlock, codes: &Bytecodes) -> Self {
        let header = &recorded.block.header;
        let parent = header.number.checked_sub(1).map(|number| (number, header.parent_hash));
        let recorded_hashes = recorded.block_hashes.iter().map(|(number, hash)| (*number, *hash));
        // The header's own word on its parent comes last and so wins.
        Self::from_parts(&recorded.pre_state, recorded_hashes.chain(parent), codes)
    }

    fn from_parts(
        accounts: &BTreeMap<Address, RecordedAccount>,
        block_hashes: impl IntoIterator<Item = (u64, B256)>,
        codes: &Bytecodes,
    ) -> Self {
        let joined = |account: &RecordedAccount| SnapshotAccount {
            info: AccountInfo {
                balance: account.balance,
                nonce: account.nonce,
                code_hash: account.code_hash,
                account_id: None,
                code: match account.code_hash {
                    KECCAK256_EMPTY => Some(Bytecode::default()),
                    hash => codes.get(hash),
                },
            },
            storage: account.storage.iter().map(|(slot, value)| (*slot, *value)).collect(),
        };
        let accounts =
            accounts.iter().map(|(address, account)| (*address, joined(account))).collect();
        Self { accounts, block_hashes: block_hashes.into_iter().collect() }
    }

    /// A view with its own count of unknown reads. One view serves one execution.
    #[must_use]
    pub fn view(&self) -> SnapshotView<'_> {
        SnapshotView { snapshot: self, unknown: RefCell::default(), guesses: Cell::new(0) }
    }

    /// Adds what `later`, the state before a later block, knows and this one does not. `written`
    /// is what the blocks between them wrote: of those places the later value says nothing about
    /// the earlier one, and an account among them that is not known here did not exist.
    pub(crate) fn extend(&mut self, later: &Self, written: &AddressMap<WrittenAccount>) {
        #[expect(clippy::iter_over_hash_type, reason = "each account goes to its own place")]
        for (address, account) in &later.accounts {
            let written = written.get(address);
            match self.accounts.entry(*address) {
                Entry::Occupied(mut entry) if !written.is_some_and(|w| w.storage_complete) => {
                    let known = &mut entry.get_mut().storage;
                    for (slot, value) in &account.storage {
                        if !written.is_some_and(|w| w.storage.contains_key(slot)) {
                            known.entry(*slot).or_insert(*value);
                        }
                    }
                }
                Entry::Vacant(entry) if written.is_none() => {
                    entry.insert(account.clone());
                }
                Entry::Occupied(_) | Entry::Vacant(_) => {}
            }
        }
        #[expect(clippy::iter_over_hash_type, reason = "each hash goes to its own place")]
        for (number, hash) in &later.block_hashes {
            self.block_hashes.entry(*number).or_insert(*hash);
        }
    }

    /// An account, if it is known.
    pub(crate) fn account(&self, address: Address) -> Option<&SnapshotAccount> {
        self.accounts.get(&address)
    }
}

/// A [`Snapshot`] with a count of the reads it could not answer.
#[derive(Debug, Clone)]
pub struct SnapshotView<'a> {
    snapshot: &'a Snapshot,
    unknown: RefCell<UnknownPlaces>,
    guesses: Cell<u64>,
}

/// The places asked for and not known. They are few, if any.
#[derive(Debug, Clone, Default)]
struct UnknownPlaces {
    storage: BTreeSet<(Address, U256)>,
    codes: BTreeSet<B256>,
    block_hashes: BTreeSet<u64>,
}

impl SnapshotView<'_> {
    /// Reads so far that were answered with a guess, repeated ones included.
    pub(crate) const fn guesses(&self) -> u64 {
        self.guesses.get()
    }

    fn guess(&self, note: impl FnOnce(&mut UnknownPlaces) -> bool) {
        note(&mut self.unknown.borrow_mut());
        self.guesses.set(self.guesses.get() + 1);
    }
}

impl DatabaseRef for SnapshotView<'_> {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.snapshot.accounts.get(&address).map(|account| account.info.clone()))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Infallible> {
        // Known code travels inside the account; only unknown code is ever asked for by hash.
        if code_hash != KECCAK256_EMPTY {
            self.guess(|unknown| unknown.codes.insert(code_hash));
        }
        Ok(Bytecode::default())
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, Infallible> {
        let Some(account) = self.snapshot.accounts.get(&address) else {
            return Ok(U256::ZERO);
        };
        if let Some(value) = account.storage.get(&index) {
            return Ok(*value);
        }
        // An account that has neither code nor nonce never ran code, so it has no storage
        // (EIP-7610); this is the state of an address a contract is about to be created at.
        if account.info.nonce > 0 || account.info.code_hash != KECCAK256_EMPTY {
            self.guess(|unknown| unknown.storage.insert((address, index)));
        }
        Ok(U256::ZERO)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(self.snapshot.block_hashes.get(&number).copied().unwrap_or_else(|| {
            self.guess(|unknown| unknown.block_hashes.insert(number));
            B256::ZERO
        }))
    }
}

impl PreState for SnapshotView<'_> {
    fn unknown_reads(&self) -> UnknownReads {
        let unknown = self.unknown.borrow();
        UnknownReads {
            storage: unknown.storage.len() as u64,
            code: unknown.codes.len() as u64,
            block_hash: unknown.block_hashes.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests;
