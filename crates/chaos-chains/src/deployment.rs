//! What stands where on a chain: the file that deploying leaves and later commands read.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

/// Longest deployment file that is read, in bytes.
pub const DEPLOYMENT_BYTES_MAX: usize = 64 << 10;

const FORMAT: &str = "chaoschain-deployment/1";

/// A contract that can be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    /// `CheckpointRegistry`, at one address on every chain.
    CheckpointRegistry,
    /// `ChaosToken`, or another token with votes.
    Token,
    /// `ChaosGovernor`.
    Governor,
    /// The governor's timelock.
    Timelock,
    /// `ParameterRegistry`, which the timelock owns.
    ParameterRegistry,
    /// `ProposalEndpoint`.
    ProposalEndpoint,
    /// `RewardDistributor`.
    RewardDistributor,
}

impl Contract {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckpointRegistry => "CheckpointRegistry",
            Self::Token => "ChaosToken",
            Self::Governor => "ChaosGovernor",
            Self::Timelock => "TimelockController",
            Self::ParameterRegistry => "ParameterRegistry",
            Self::ProposalEndpoint => "ProposalEndpoint",
            Self::RewardDistributor => "RewardDistributor",
        }
    }
}

/// One contract on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployed {
    /// Where it is.
    pub address: Address,
    /// Keccak-256 of its code.
    pub code_hash: B256,
    /// The transaction that put it there; none if it was there before.
    pub transaction: Option<B256>,
}

/// The contracts that somebody deployed on one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The chain.
    pub chain: ChainId,
    /// The hash of its first block.
    pub genesis: B256,
    /// What is there.
    pub contracts: BTreeMap<Contract, Deployed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    chain: ChainId,
    genesis: B256,
    contracts: BTreeMap<Contract, Deployed>,
}

/// Why a file is no deployment, or not one that is wanted.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The text is longer than [`DEPLOYMENT_BYTES_MAX`].
    #[error("{bytes} bytes, at most {DEPLOYMENT_BYTES_MAX} are read")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// The text is not JSON of this shape.
    #[error("not a deployment")]
    Json(#[source] serde_json::Error),
    /// The format is another.
    #[error("expected format {FORMAT}, found `{found}`")]
    Format {
        /// The format found.
        found: String,
    },
    /// It is of another chain.
    #[error(
        "it is of {expected_chain} with first block {expected}, this is {found_chain} with first block {found}"
    )]
    OtherChain {
        /// The file's chain.
        expected_chain: ChainId,
        /// The first block of the file's chain.
        expected: B256,
        /// The chain that is asked.
        found_chain: ChainId,
        /// Its first block.
        found: B256,
    },
    /// It names no such contract.
    #[error("it names no {}", .contract.name())]
    Absent {
        /// The contract.
        contract: Contract,
    },
}

impl Deployment {
    /// A deployment of nothing so far.
    #[must_use]
    pub const fn new(chain: ChainId, genesis: B256) -> Self {
        Self { chain, genesis, contracts: BTreeMap::new() }
    }

    /// Reads a deployment file.
    ///
    /// # Errors
    /// If the text is longer than the limit or not of this form.
    pub fn parse(text: &[u8]) -> Result<Self, DeploymentError> {
        if text.len() > DEPLOYMENT_BYTES_MAX {
            return Err(DeploymentError::TooLarge { bytes: text.len() });
        }
        let wire: Wire = serde_json::from_slice(text).map_err(DeploymentError::Json)?;
        if wire.format != FORMAT {
            return Err(DeploymentError::Format { found: crate::error::shorten(&wire.format) });
        }
        let Wire { chain, genesis, contracts, .. } = wire;
        Ok(Self { chain, genesis, contracts })
    }

    /// The file's text.
    ///
    /// # Panics
    /// Never: what it holds is JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { chain, genesis, contracts } = self.clone();
        let wire = Wire { format: FORMAT.to_owned(), chain, genesis, contracts };
        serde_json::to_string_pretty(&wire).expect("a deployment is JSON") + "\n"
    }

    /// It is of this chain.
    ///
    /// # Errors
    /// [`DeploymentError::OtherChain`].
    pub fn ensure_chain(&self, chain: &ChainId, genesis: B256) -> Result<(), DeploymentError> {
        if self.chain == *chain && self.genesis == genesis {
            return Ok(());
        }
        Err(DeploymentError::OtherChain {
            expected_chain: self.chain.clone(),
            expected: self.genesis,
            found_chain: chain.clone(),
            found: genesis,
        })
    }

    /// Where a contract is.
    ///
    /// # Errors
    /// [`DeploymentError::Absent`].
    pub fn contract(&self, contract: Contract) -> Result<Deployed, DeploymentError> {
        self.contracts.get(&contract).copied().ok_or(DeploymentError::Absent { contract })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Deployment {
        let mut deployment = Deployment::new(ChainId::evm(1337), B256::repeat_byte(1));
        let deployed = Deployed {
            address: Address::repeat_byte(2),
            code_hash: B256::repeat_byte(3),
            transaction: Some(B256::repeat_byte(4)),
        };
        deployment.contracts.insert(Contract::Governor, deployed);
        deployment
    }

    #[test]
    fn what_is_written_is_read_again() {
        let written = deployment();
        assert_eq!(Deployment::parse(written.to_json().as_bytes()).unwrap(), written);
        assert_eq!(written.contract(Contract::Governor).unwrap().address, Address::repeat_byte(2));
        let absent = written.contract(Contract::Token);
        assert!(matches!(absent, Err(DeploymentError::Absent { contract: Contract::Token })));
    }

    #[test]
    fn a_file_of_another_chain_or_form_is_refused() {
        let own = deployment();
        let genesis = own.genesis;
        own.ensure_chain(&ChainId::evm(1337), genesis).unwrap();
        for (chain, genesis) in [(1, genesis), (1337, B256::ZERO)] {
            let refused = own.ensure_chain(&ChainId::evm(chain), genesis);
            assert!(matches!(refused, Err(DeploymentError::OtherChain { .. })));
        }
        let text = own.to_json();
        for (from, to) in [
            ("deployment/1", "deployment/2"),
            ("\"governor\"", "\"governess\""),
            ("\"chain\"", "\"link\""),
            ("\"address\": \"0x02", "\"address\": \"0x"),
        ] {
            assert!(text.contains(from), "{from}");
            Deployment::parse(text.replace(from, to).as_bytes()).unwrap_err();
        }
    }
}
