// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IChaosChainEndpoint
/// @notice Where a finished governance proposal is put on record, with the evidence for it.
/// @dev The event, the struct and both functions are a fixed ABI that others index; do not change them.
interface IChaosChainEndpoint {
    /// @notice One submitted proposal.
    /// @param proposalId Number of the proposal in this contract; the first is 1.
    /// @param submitter Account that sent the submission.
    /// @param metadataURI Where the text is, as the submitter wrote it; not checked here.
    /// @param attestation Evidence bytes, as the submitter gave them; opaque to this contract.
    /// @param timestamp Time of the block that took the submission, in seconds since 1970.
    struct Proposal {
        uint256 proposalId;
        address submitter;
        string metadataURI;
        bytes attestation;
        uint256 timestamp;
    }

    /// @notice A proposal was put on record.
    /// @param proposalId Number of the proposal in this contract; the first is 1.
    /// @param submitter Account that sent the submission.
    /// @param metadataURI Where the text is.
    /// @param attestation Evidence bytes.
    event ProposalSubmitted(
        uint256 indexed proposalId, address submitter, string metadataURI, bytes attestation
    );

    /// @notice No proposal has this number.
    /// @param proposalId The number that was asked for.
    /// @param proposalCount How many proposals there are; valid numbers are 1 to this.
    error UnknownProposal(uint256 proposalId, uint256 proposalCount);

    /// @notice Puts a proposal on record. Anyone may; what it is worth is judged from the attestation.
    /// @param metadataURI Where the text is, normally a content address.
    /// @param attestation Evidence bytes, such as a receipt digest and a log checkpoint.
    /// @return proposalId Number given to it; numbers rise by one and start at 1.
    function submitProposal(string calldata metadataURI, bytes calldata attestation)
        external
        returns (uint256 proposalId);

    /// @notice Reads a proposal back.
    /// @dev Reverts with {UnknownProposal} for a number that was never given.
    /// @param proposalId Number of the proposal.
    /// @return proposal Everything on record about it.
    function getProposal(uint256 proposalId) external view returns (Proposal memory proposal);
}
