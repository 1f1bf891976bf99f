//! Putting contracts where their code says: by the deterministic deployer, whoever sends it.

use alloy_primitives::{Address, Bytes, TxKind, keccak256};
use serde_json::json;

use super::{Act, EvmChain, TxSummary};
use crate::{
    Contract, Error, Signer,
    made::{DEPLOYER, Making},
    sending::Finality,
};

impl EvmChain {
    /// Whether the chain has the registry.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is other code at its address.
    pub async fn has_registry(&self) -> Result<bool, Error> {
        self.has_made(making(Contract::CheckpointRegistry)?).await
    }

    /// Puts the registry on the chain if it is not there yet. Anyone may, and gets no right by it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the chain lacks the deterministic deployer.
    pub async fn deploy_registry(&self, from: &Signer) -> Result<Option<TxSummary>, Error> {
        self.make(from, Contract::CheckpointRegistry).await
    }

    /// Whether the chain has a contract where its code puts it.
    pub(super) async fn has_made(&self, making: Making) -> Result<bool, Error> {
        let (address, expected) = (making.address(), making.code_hash());
        let code: Bytes = self.rpc.request("eth_getCode", json!([address, "latest"])).await?;
        let found = keccak256(&code);
        if code.is_empty() || found == expected {
            return Ok(!code.is_empty());
        }
        let reason = format_args!("expected code {expected} at {address}, found {found}");
        Err(Error::malformed("eth_getCode", reason))
    }

    /// Puts a contract where its code says, if it is not there yet. None where somebody else put it there, before or
    /// meanwhile: its address can hold nothing else, and nothing is signed anew for what is there.
    pub(super) async fn make(
        &self,
        from: &Signer,
        contract: Contract,
    ) -> Result<Option<TxSummary>, Error> {
        let making = making(contract)?;
        if self.has_made(making).await? {
            return Ok(None);
        }
        let act = self.deployment(contract).await?;
        let made = self.act(from, act, Finality::IN_A_BLOCK).await;
        match made {
            Ok(mined) if self.has_made(making).await? => Ok(Some(mined.summary)),
            Ok(_) => {
                let reason = format_args!("the deployer left no code at {}", making.address());
                Err(Error::malformed(contract.name(), reason))
            }
            // Somebody was faster.
            Err(error) if error.is_of_one_call() && self.has_made(making).await? => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What puts a contract where its code says, on a chain that has the deterministic deployer.
    pub(super) async fn deployment(&self, contract: Contract) -> Result<Act, Error> {
        let making = making(contract)?;
        if !self.has_deployer().await? {
            return Err(Error::Unsupported {
                url: self.url().to_owned(),
                capability: "the deterministic deployer at 0x4e59b44847b379578588920cA78FbF26c0B4956C",
            });
        }
        self.ensure_executes(contract).await?;
        Ok(Act::deploying(contract.name(), TxKind::Call(DEPLOYER), making.input()))
    }

    /// Where and how a contract is made if it is one whose code says so, and the chain has the deployer or the
    /// contract cannot be had otherwise.
    pub(super) async fn making(&self, contract: Contract) -> Result<Option<Making>, Error> {
        let Some(making) = contract.making() else { return Ok(None) };
        let is_here = contract == Contract::CheckpointRegistry || self.has_deployer().await?;
        Ok(is_here.then_some(making))
    }

    async fn has_deployer(&self) -> Result<bool, Error> {
        let code: Bytes = self.rpc.request("eth_getCode", json!([DEPLOYER, "latest"])).await?;
        Ok(!code.is_empty())
    }

    /// A contract of ours that takes no arguments: where it is now, and by which transaction if it was not there.
    pub(super) async fn placed_contract(
        &self,
        from: &Signer,
        contract: Contract,
    ) -> Result<Option<(Address, Option<TxSummary>)>, Error> {
        let Some(making) = self.making(contract).await? else { return Ok(None) };
        let transaction = self.make(from, contract).await?;
        Ok(Some((making.address(), transaction)))
    }
}

fn making(contract: Contract) -> Result<Making, Error> {
    contract
        .making()
        .ok_or_else(|| Error::malformed(contract.name(), "its constructor takes arguments"))
}
