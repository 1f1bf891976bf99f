//! Contracts whose address follows from their code: made by CREATE2 from init code that is ours, so that nothing but that
//! code wrote what they hold.

use alloy_primitives::{Address, B256, Bytes, address, keccak256};

use crate::{
    Contract,
    contracts::{
        checkpoint_registry::CheckpointRegistry, proposal_endpoint::ProposalEndpoint,
        reward_distributor::RewardDistributor,
    },
};

/// The deterministic deployer, which most chains have: it hands a salt and init code to CREATE2.
pub(crate) const DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// How our contract of a kind is made where its address follows from its code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making {
    /// What the salt is the Keccak-256 of.
    salt: &'static str,
    init_code: &'static Bytes,
    code: &'static Bytes,
}

/// Where the deterministic deployer puts a contract of ours, on every chain; none for those whose constructors take
/// arguments. What stands at any other address may be our code over storage that somebody else wrote.
#[must_use]
pub fn made_at(contract: Contract) -> Option<Address> {
    Some(contract.making()?.address())
}

impl Contract {
    /// How it is made, if its constructor takes nothing.
    pub(crate) fn making(self) -> Option<Making> {
        let (salt, init_code, code) = match self {
            Self::CheckpointRegistry => (
                "ChaosChain CheckpointRegistry 1",
                &CheckpointRegistry::BYTECODE,
                &CheckpointRegistry::DEPLOYED_BYTECODE,
            ),
            Self::ProposalEndpoint => (
                "ChaosChain ProposalEndpoint 1",
                &ProposalEndpoint::BYTECODE,
                &ProposalEndpoint::DEPLOYED_BYTECODE,
            ),
            Self::RewardDistributor => (
                "ChaosChain RewardDistributor 1",
                &RewardDistributor::BYTECODE,
                &RewardDistributor::DEPLOYED_BYTECODE,
            ),
            Self::Token | Self::Governor | Self::Timelock | Self::ParameterRegistry => return None,
        };
        Some(Making { salt, init_code, code })
    }

    /// Keccak-256 of its code, if nothing is fixed in that when it is made.
    pub(crate) fn fixed_code_hash(self) -> Option<B256> {
        self.making().map(|making| making.code_hash())
    }
}

impl Making {
    /// Where the deployer puts it.
    pub(crate) fn address(&self) -> Address {
        DEPLOYER.create2(keccak256(self.salt), keccak256(self.init_code))
    }

    /// Keccak-256 of its code.
    pub(crate) fn code_hash(&self) -> B256 {
        keccak256(self.code)
    }

    /// What is sent to the deployer.
    pub(crate) fn input(&self) -> Bytes {
        [keccak256(self.salt).as_slice(), self.init_code].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{REGISTRY, registry::REGISTRY_CODE_HASH};

    /// What is published follows from the artifacts alone.
    #[test]
    fn the_addresses_are_those_of_the_committed_code() {
        assert_eq!(made_at(Contract::CheckpointRegistry), Some(REGISTRY));
        assert_eq!(Contract::CheckpointRegistry.fixed_code_hash(), Some(REGISTRY_CODE_HASH));
        let others = [
            (Contract::ProposalEndpoint, address!("10025dac0d8ffedec99b8bfcfafc6b788fcdf7b9")),
            (Contract::RewardDistributor, address!("2a241807dfde60aaaf7e5a52b8e1430199a59742")),
        ];
        for (contract, address) in others {
            assert_eq!(made_at(contract), Some(address), "{}", contract.name());
        }
        assert_eq!(made_at(Contract::Governor), None);
    }
}
