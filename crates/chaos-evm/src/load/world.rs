//! The whole state of the generated chain.

use std::{collections::BTreeMap, convert::Infallible};

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};

use crate::overlay::WrittenAccount;

/// Every account of the generated chain.
#[derive(Debug, Default)]
pub(super) struct World {
    accounts: BTreeMap<Address, WorldAccount>,
}

#[derive(Debug, Default)]
struct WorldAccount {
    info: AccountInfo,
    storage: BTreeMap<U256, U256>,
}

impl World {
    /// Gives an account wei.
    pub(super) fn fund(&mut self, address: Address, wei: U256) {
        self.accounts.entry(address).or_default().info.balance += wei;
    }

    /// The nonce of an account; zero for one that does not exist.
    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.accounts.get(&address).map_or(0, |account| account.info.nonce)
    }

    /// Takes over what a block wrote.
    pub(super) fn absorb(&mut self, written: impl Iterator<Item = (Address, WrittenAccount)>) {
        for (address, account) in written {
            let Some(info) = account.info else {
                self.accounts.remove(&address);
                continue;
            };
            let known = self.accounts.entry(address).or_default();
            known.info = info;
            if account.storage_complete {
                known.storage.clear();
            }
            known.storage.extend(account.storage);
        }
    }

    /// The code of every contract, by hash.
    pub(super) fn codes(&self) -> BTreeMap<B256, Bytes> {
        self.accounts
            .values()
            .filter_map(|account| {
                let code = account.info.code.as_ref().filter(|code| !code.is_empty())?;
                Some((account.info.code_hash, code.original_bytes()))
            })
            .collect()
    }
}

impl DatabaseRef for World {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.accounts.get(&address).map(|account| account.info.clone()))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Infallible> {
        let mut infos = self.accounts.values().map(|account| &account.info);
        let code =
            infos.find(|info| info.code_hash == code_hash).and_then(|info| info.code.clone());
        Ok(code.unwrap_or_default())
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, Infallible> {
        let account = self.accounts.get(&address);
        Ok(account.and_then(|account| account.storage.get(&index)).copied().unwrap_or_default())
    }

    /// The load's contracts never ask for it.
    fn block_hash_ref(&self, _number: u64) -> Result<B256, Infallible> {
        Ok(B256::ZERO)
    }
}
