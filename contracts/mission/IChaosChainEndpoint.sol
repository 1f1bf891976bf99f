// SPDX-License-Identifier: MIT OR Apache-2.0
// The endpoint's interface as the mission states it, written down from its text and from nothing under
// src/. `npm run mission` compiles this and holds src/ProposalEndpoint.sol against it.
pragma solidity >=0.8.0;

interface IChaosChainEndpoint {
    struct Proposal {
        uint256 proposalId;
        address submitter;
        string metadataURI;
        bytes attestation;
        uint256 timestamp;
    }

    event ProposalSubmitted(
        uint256 indexed proposalId, address submitter, string metadataURI, bytes attestation
    );

    function submitProposal(string calldata metadataURI, bytes calldata attestation)
        external
        returns (uint256);

    function getProposal(uint256 proposalId) external view returns (Proposal memory);
}
