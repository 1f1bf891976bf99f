// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChaosChainEndpoint} from "./interfaces/IChaosChainEndpoint.sol";

/// @title ProposalEndpoint
/// @notice An append-only list of proposals. No owner, no upgrade, nothing can be edited or removed.
contract ProposalEndpoint is IChaosChainEndpoint {
    uint256 private _proposalCount;
    mapping(uint256 proposalId => Proposal) private _proposals;

    /// @inheritdoc IChaosChainEndpoint
    function submitProposal(string calldata metadataURI, bytes calldata attestation)
        external
        returns (uint256 proposalId)
    {
        proposalId = ++_proposalCount;
        _proposals[proposalId] =
            Proposal(proposalId, msg.sender, metadataURI, attestation, block.timestamp);
        emit ProposalSubmitted(proposalId, msg.sender, metadataURI, attestation);
    }

    /// @inheritdoc IChaosChainEndpoint
    function getProposal(uint256 proposalId) external view returns (Proposal memory proposal) {
        if (proposalId == 0 || proposalId > _proposalCount) {
            revert UnknownProposal(proposalId, _proposalCount);
        }
        return _proposals[proposalId];
    }
}
