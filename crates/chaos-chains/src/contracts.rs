//! Bindings to our contracts, made at compile time from the committed artifacts.
//!
//! Each module holds one contract: its calls, events and errors, and its bytecode. The Solidity
//! interfaces in `contracts/src/interfaces` hold the documentation.

use alloy_sol_types::SolInterface;

use crate::error::shorten;

macro_rules! contract {
    ($(#[$doc:meta])* $module:ident, $name:ident, $path:literal) => {
        $(#[$doc])*
        pub mod $module {
            alloy_sol_types::sol!(
                #[sol(extra_derives(Debug))]
                $name,
                $path
            );
        }
    };
}

contract!(
    /// The append-only list of finished proposals.
    proposal_endpoint,
    ProposalEndpoint,
    "../../contracts/artifacts/ProposalEndpoint.json"
);
contract!(
    /// The newest checkpoint of one log.
    checkpoint_anchor,
    CheckpointAnchor,
    "../../contracts/artifacts/CheckpointAnchor.json"
);
contract!(
    /// The newest checkpoint of every log, at one address on every chain.
    checkpoint_registry,
    CheckpointRegistry,
    "../../contracts/artifacts/CheckpointRegistry.json"
);
contract!(
    /// Rewards under Merkle roots.
    reward_distributor,
    RewardDistributor,
    "../../contracts/artifacts/RewardDistributor.json"
);
contract!(
    /// The voting and reward token of a local chain.
    chaos_token,
    ChaosToken,
    "../../contracts/artifacts/ChaosToken.json"
);
contract!(
    /// The vote on a local chain.
    #[expect(missing_docs, clippy::too_many_arguments, reason = "generated from the artifact")]
    chaos_governor,
    ChaosGovernor,
    "../../contracts/artifacts/ChaosGovernor.json"
);
contract!(
    /// The table an executed vote writes.
    parameter_registry,
    ParameterRegistry,
    "../../contracts/artifacts/ParameterRegistry.json"
);

/// The error a contract reverted with, by name and with its arguments; its bytes if no contract of
/// ours has it.
pub(crate) fn revert_reason(data: &[u8]) -> String {
    fn named<E: SolInterface + std::fmt::Debug>(data: &[u8]) -> Option<String> {
        let text = format!("{:?}", E::abi_decode(data).ok()?);
        // Debug of the enum is `Name(Name { .. })`; the inner part says it all.
        let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        Some(inner.unwrap_or(&text).to_owned())
    }
    let decoders = [
        named::<proposal_endpoint::ProposalEndpoint::ProposalEndpointErrors>,
        named::<checkpoint_anchor::CheckpointAnchor::CheckpointAnchorErrors>,
        named::<checkpoint_registry::CheckpointRegistry::CheckpointRegistryErrors>,
        named::<reward_distributor::RewardDistributor::RewardDistributorErrors>,
        named::<chaos_governor::ChaosGovernor::ChaosGovernorErrors>,
        named::<parameter_registry::ParameterRegistry::ParameterRegistryErrors>,
        named::<chaos_token::ChaosToken::ChaosTokenErrors>,
    ];
    if let Some(name) = decoders.iter().find_map(|decode| decode(data)) {
        return shorten(&name);
    }
    if let Some(text) = alloy_sol_types::decode_revert_reason(data) {
        return shorten(&text);
    }
    shorten(&format!("0x{}", hex::encode(data)))
}
