//! Finding out what a block reads before asking for it.
//!
//! Executing a block over RPC costs one round trip per read, because each read waits for the one
//! before. Executing it instead on what is known, with nothing in the place of what is not, shows
//! many of its reads at once; they are fetched in one batch, and the next round gets further. The
//! values of a guess are never used: the execution that counts runs on the true state.

use std::{cell::RefCell, collections::BTreeSet};

use alloy_primitives::{Address, B256, U256};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};

use super::{RpcState, StateError};

/// A view of an [`RpcState`] that asks the node nothing about accounts and slots, and notes what it
/// would have had to ask.
#[derive(Debug)]
pub struct Guess<'a> {
    state: &'a RpcState,
    missing: RefCell<Missing>,
}

/// Places that were read and are not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Accounts.
    pub accounts: BTreeSet<Address>,
    /// Storage slots.
    pub slots: BTreeSet<(Address, U256)>,
}

impl Missing {
    /// Whether everything was known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.slots.is_empty()
    }
}

impl RpcState {
    /// A view that notes what is missing.
    #[must_use]
    pub fn guess(&self) -> Guess<'_> {
        Guess { state: self, missing: RefCell::default() }
    }
}

impl Guess<'_> {
    /// What was missing.
    #[must_use]
    pub fn missing(self) -> Missing {
        self.missing.into_inner()
    }
}

impl DatabaseRef for Guess<'_> {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let known = self.state.known_account(address);
        if known.is_none() {
            self.missing.borrow_mut().accounts.insert(address);
        }
        Ok(known.flatten())
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        self.state.code_by_hash_ref(code_hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let known = self.state.known_slot(address, slot);
        if known.is_none() {
            self.missing.borrow_mut().slots.insert((address, slot));
        }
        Ok(known.unwrap_or_default())
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash_ref(number)
    }
}
