//! Whether a chain executes what the endpoint and the vote are compiled to.

use alloy_primitives::{Bytes, U256, bytes};
use serde_json::{Value, json};

use super::{EvmChain, doctor::Found};
use crate::{Contract, Error, json_rpc::Outcome};

/// Creation code that copies memory (MCOPY), reads transient storage (TLOAD), and returns 1. Chains execute
/// both since the fork named Cancun.
const OF_CANCUN: Bytes = bytes!("6000600060005e60005c50600160005260206000f3");
/// Creation code that any machine executes, and that returns 1 too.
const OF_ANY: Bytes = bytes!("600160005260206000f3");

/// What a chain lacks on which our contracts would be paid for and fail.
pub(super) const CANCUN: &str = "the opcodes of Cancun (MCOPY, TLOAD) that these contracts use";

impl EvmChain {
    /// Whether the chain executes the opcodes of Cancun. Not asked, where the node executes no code that is in
    /// no contract.
    pub(super) async fn runs_cancun(&self) -> Result<Found, Error> {
        if self.returns_one(&OF_CANCUN).await? {
            return Ok(Found::Here);
        }
        Ok(if self.returns_one(&OF_ANY).await? { Found::Missing } else { Found::NotAsked })
    }

    /// Nothing that needs Cancun is paid for on a chain that is older.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if it is.
    pub(super) async fn ensure_cancun(&self) -> Result<(), Error> {
        match self.runs_cancun().await? {
            Found::Missing => {
                Err(Error::Unsupported { url: self.url().to_owned(), capability: CANCUN })
            }
            Found::Here | Found::Limited | Found::NotAsked => Ok(()),
        }
    }

    /// Nothing is paid for a contract that the chain does not execute. Registry and distributor are compiled for older
    /// chains too.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if it is older.
    pub(super) async fn ensure_executes(&self, contract: Contract) -> Result<(), Error> {
        match contract {
            Contract::CheckpointRegistry | Contract::RewardDistributor => Ok(()),
            Contract::Token
            | Contract::Governor
            | Contract::Timelock
            | Contract::ParameterRegistry
            | Contract::ProposalEndpoint => self.ensure_cancun().await,
        }
    }

    async fn returns_one(&self, code: &Bytes) -> Result<bool, Error> {
        let asked = self.rpc.ask("eth_call", json!([{"data": code}, "latest"])).await?;
        Ok(match asked {
            Outcome::Result(Value::String(word)) => word
                .parse::<Bytes>()
                .is_ok_and(|word| word.len() == 32 && U256::from_be_slice(&word) == U256::from(1)),
            Outcome::Result(_) | Outcome::Refused { .. } => false,
        })
    }
}
