//! The overlay of a run of blocks, with a note of which results rest on guesses.

use alloy_primitives::{Address, B256, U256, map::HashSet};
use revm::{
    Database, DatabaseCommit,
    bytecode::Bytecode,
    state::{AccountInfo, EvmState},
};
use std::convert::Infallible;

use crate::{overlay::Overlay, state::SnapshotView};

/// An overlay that knows whether a transaction read a place the recording does not know, or a slot
/// that such a transaction wrote.
///
/// Balances are not followed: the beneficiary is paid by every transaction, so all would be
/// tainted by the first.
#[derive(Debug)]
pub(crate) struct Tracked<'a> {
    overlay: Overlay<SnapshotView<'a>>,
    tainted: HashSet<(Address, U256)>,
    tainted_reads: u64,
    /// The guesses made before the current transaction.
    mark: u64,
}

impl<'a> Tracked<'a> {
    pub(crate) fn new(view: SnapshotView<'a>) -> Self {
        Self { overlay: Overlay::new(view), tainted: HashSet::default(), tainted_reads: 0, mark: 0 }
    }

    /// The state underneath.
    pub(crate) const fn base(&self) -> &SnapshotView<'a> {
        self.overlay.base()
    }

    /// Forgets the guesses so far, as before a new transaction.
    pub(crate) fn forgive(&mut self) {
        self.mark = self.guesses();
    }

    /// Whether a guess was made since [`Self::forgive`].
    pub(crate) fn guessed(&self) -> bool {
        self.guesses() > self.mark
    }

    fn guesses(&self) -> u64 {
        self.base().guesses() + self.tainted_reads
    }
}

impl Database for Tracked<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.overlay.basic(address)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Infallible> {
        self.overlay.code_by_hash(code_hash)
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, Infallible> {
        if !self.tainted.is_empty() && self.tainted.contains(&(address, index)) {
            self.tainted_reads += 1;
        }
        self.overlay.storage(address, index)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        self.overlay.block_hash(number)
    }
}

impl DatabaseCommit for Tracked<'_> {
    fn commit(&mut self, changes: EvmState) {
        if self.guessed() {
            for (address, account) in changes.iter().filter(|(_, account)| account.is_touched()) {
                let changed = account.storage.iter().filter(|(_, slot)| slot.is_changed());
                self.tainted.extend(changed.map(|(slot, _)| (*address, *slot)));
            }
        }
        self.overlay.commit(changes);
    }
}
