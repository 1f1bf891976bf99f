//! What is sent to deploy each of our contracts.

use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::SolValue as _;

use super::StackConfig;
use crate::{
    Error, Signer,
    client::{Act, EvmChain, TxSummary},
    contracts::{
        chaos_governor::ChaosGovernor, chaos_token::ChaosToken,
        parameter_registry::ParameterRegistry, proposal_endpoint::ProposalEndpoint,
        reward_distributor::RewardDistributor,
    },
};

/// A contract with its constructor's arguments.
#[derive(Debug, Clone)]
pub(super) struct Creation {
    what: &'static str,
    input: Bytes,
}

impl Creation {
    fn new(what: &'static str, bytecode: &Bytes, arguments: &[u8]) -> Self {
        Self { what, input: [bytecode.as_ref(), arguments].concat().into() }
    }

    pub(super) fn act(&self) -> Act {
        Act::deploying(self.what, TxKind::Create, self.input.clone())
    }

    pub(super) const fn input(&self) -> &Bytes {
        &self.input
    }
}

pub(super) fn token(supply: U256) -> Creation {
    Creation::new("ChaosToken", &ChaosToken::BYTECODE, &supply.abi_encode())
}

pub(super) fn governor(token: Address, config: &StackConfig) -> Creation {
    let arguments = (
        token,
        U256::from(config.voting_delay_blocks),
        U256::from(config.voting_period_blocks),
        config.proposal_threshold,
        U256::from(config.quorum_percent),
        U256::from(config.timelock_s),
    );
    Creation::new("ChaosGovernor", &ChaosGovernor::BYTECODE, &arguments.abi_encode_params())
}

pub(super) fn parameter_registry(timelock: Address) -> Creation {
    Creation::new("ParameterRegistry", &ParameterRegistry::BYTECODE, &timelock.abi_encode())
}

pub(super) fn endpoint() -> Creation {
    Creation::new("ProposalEndpoint", &ProposalEndpoint::BYTECODE, &[])
}

pub(super) fn distributor() -> Creation {
    Creation::new("RewardDistributor", &RewardDistributor::BYTECODE, &[])
}

impl EvmChain {
    /// Deploys a contract once, however often it is asked for.
    pub(super) async fn create(
        &self,
        from: &Signer,
        creation: &Creation,
    ) -> Result<(Address, TxSummary), Error> {
        self.deploy(from, creation.act()).await
    }
}
