//! Which of our contracts an address has.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use chaos_types::Digest;
use serde_json::{Value, json};

use super::{
    EvmChain,
    anchoring::code,
    registry::{REGISTRY, REGISTRY_CODE_HASH},
};
use crate::{
    Error,
    contracts::checkpoint_anchor::CheckpointAnchor,
    json_rpc::{Outcome, parse},
};

/// A contract that holds heads of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnchorContract {
    /// The registry of all logs.
    Registry,
    /// The contract of one log and one publisher.
    Single {
        /// The only account that may anchor.
        publisher: Address,
    },
}

/// What is at an address instead.
pub(crate) type OtherCode = &'static str;

impl EvmChain {
    /// Which of our contracts has this address, by its code, for the log of this origin. What it has at a block is
    /// asked, and what it has now where the node does not keep so old a state: code does not change.
    pub(crate) async fn anchor_contract(
        &self,
        contract: Address,
        origin: &str,
        block: u64,
    ) -> Result<Result<AnchorContract, OtherCode>, Error> {
        let code = match self.code_at(contract, &format!("{block:#x}")).await? {
            Some(code) if !code.is_empty() => code,
            _ => self.code_at(contract, "latest").await?.unwrap_or_default(),
        };
        if code.is_empty() {
            return Ok(Err("no contract"));
        }
        if contract == REGISTRY {
            let is_it = keccak256(&code) == REGISTRY_CODE_HASH;
            return Ok(if is_it { Ok(AnchorContract::Registry) } else { Err("other code") });
        }
        let origin_hash = B256::from(*Digest::of(origin.as_bytes()).as_bytes());
        let Some((found, publisher)) = self.log_of(contract).await? else {
            return Ok(Err("other code"));
        };
        if found != origin_hash {
            return Ok(Err("another log's contract"));
        }
        let is_it = code::make(origin_hash, publisher).is_some_and(|made| made.code == code);
        Ok(if is_it { Ok(AnchorContract::Single { publisher }) } else { Err("other code") })
    }

    /// What a contract says of whose it is, if it is asked as a `CheckpointAnchor` is.
    async fn log_of(&self, contract: Address) -> Result<Option<(B256, Address)>, Error> {
        let said = async {
            let origin = self.call(contract, CheckpointAnchor::originHashCall {}).await?;
            let publisher = self.call(contract, CheckpointAnchor::publisherCall {}).await?;
            Ok((origin, publisher))
        };
        match said.await {
            Ok(said) => Ok(Some(said)),
            Err(Error::Malformed { .. } | Error::Reverted { .. } | Error::Rejected { .. }) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The code at an address; none where the node does not keep the state of that block.
    pub(crate) async fn code_at(
        &self,
        contract: Address,
        at: &str,
    ) -> Result<Option<Bytes>, Error> {
        match self.rpc.ask("eth_getCode", json!([contract, at])).await? {
            Outcome::Result(code) => parse("eth_getCode", code).map(Some),
            Outcome::Refused { .. } => Ok(None),
        }
    }

    /// The hash of the chain's first block; none where the node does not show it.
    pub(crate) async fn shown_first_block(&self) -> Result<Option<B256>, Error> {
        match self.rpc.ask("eth_getBlockByNumber", json!(["0x0", false])).await? {
            Outcome::Result(Value::Null) | Outcome::Refused { .. } => Ok(None),
            Outcome::Result(block) => {
                parse("block.hash", block.get("hash").cloned().unwrap_or_default()).map(Some)
            }
        }
    }
}
