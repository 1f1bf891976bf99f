use std::{cell::RefCell, collections::BTreeMap};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use chaos_types::Digest;
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};

use super::{PreState, UnknownReads};
use crate::{Block, RecordedAccount, RecordedBlock};

/// A state that notes what is read of it, so that a block replayed on a live state can be replayed
/// again without it.
///
/// Pass a reference to [`crate::replay_on`], then call [`Recording::finish`].
#[derive(Debug)]
pub struct Recording<D> {
    state: D,
    read: RefCell<Read>,
}

#[derive(Debug, Default)]
struct Read {
    accounts: BTreeMap<Address, Option<RecordedAccount>>,
    block_hashes: BTreeMap<u64, B256>,
    codes: BTreeMap<B256, Bytes>,
}

impl<D> Recording<D> {
    /// Starts with nothing read.
    #[must_use]
    pub fn new(state: D) -> Self {
        Self { state, read: RefCell::default() }
    }

    /// Joins `block` with what was read of the state, and gives the codes that were seen, by hash.
    /// Encode the block and hand the codes to [`crate::Bytecodes::from_codes`].
    #[must_use]
    pub fn finish(self, block: Block) -> (RecordedBlock, BTreeMap<B256, Bytes>) {
        let (mut recorded, codes) = self.unsealed(block);
        recorded.digest = Digest::of(&recorded.encode());
        (recorded, codes)
    }

    /// As [`Self::finish`], with the digest of nothing.
    pub(crate) fn unsealed(self, block: Block) -> (RecordedBlock, BTreeMap<B256, Bytes>) {
        let Read { accounts, block_hashes, codes } = self.read.into_inner();
        let pre_state =
            accounts.into_iter().filter_map(|(address, account)| Some((address, account?)));
        let recorded = RecordedBlock {
            block,
            pre_state: pre_state.collect(),
            block_hashes,
            receipts: None,
            digest: Digest::of(&[]),
        };
        (recorded, codes)
    }
}

impl<D: DatabaseRef> DatabaseRef for Recording<D> {
    type Error = D::Error;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let info = self.state.basic_ref(address)?;
        let mut read = self.read.borrow_mut();
        if let Some(code) = info.as_ref().and_then(|info| info.code.as_ref())
            && !code.is_empty()
        {
            let hash = info.as_ref().map_or(KECCAK256_EMPTY, |info| info.code_hash);
            read.codes.entry(hash).or_insert_with(|| code.original_bytes());
        }
        read.accounts.entry(address).or_insert_with(|| info.as_ref().map(recorded_account));
        Ok(info)
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        let code = self.state.code_by_hash_ref(code_hash)?;
        self.read.borrow_mut().codes.insert(code_hash, code.original_bytes());
        Ok(code)
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, Self::Error> {
        let value = self.state.storage_ref(address, index)?;
        if let Some(Some(account)) = self.read.borrow_mut().accounts.get_mut(&address) {
            account.storage.insert(index, value);
        }
        Ok(value)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        let hash = self.state.block_hash_ref(number)?;
        self.read.borrow_mut().block_hashes.insert(number, hash);
        Ok(hash)
    }
}

impl<D: PreState> PreState for Recording<D> {
    fn unknown_reads(&self) -> UnknownReads {
        self.state.unknown_reads()
    }
}

fn recorded_account(info: &AccountInfo) -> RecordedAccount {
    let code_hash = if info.code_hash.is_zero() { KECCAK256_EMPTY } else { info.code_hash };
    RecordedAccount {
        balance: info.balance,
        nonce: info.nonce,
        code_hash,
        storage: BTreeMap::new(),
    }
}
