// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from
    "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from
    "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title ChaosGovernor
/// @notice The vote on a local chain: an OpenZeppelin Governor whose decisions wait in a timelock.
/// @dev The timelock is its own: made by the constructor, with the governor as the only proposer and
/// canceller, with nobody as administrator, and open for anybody to execute what has waited. What the
/// governor decides about belongs to the timelock, `timelock()`.
///
/// A description that ends in `#proposer=0x…` can be proposed by that account only. Without it, whoever
/// copies a proposal from the pool and is faster owns it, and can cancel it for ever.
contract ChaosGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @notice Anybody could propose, and cancel what others are about to propose.
    error ZeroProposalThreshold();

    /// @param token Token whose delegated votes count.
    /// @param votingDelayBlocks Blocks between a proposal and the start of its vote.
    /// @param votingPeriodBlocks Blocks a vote lasts; at least 1.
    /// @param proposalThresholdVotes Votes a proposer must hold, in the token's smallest unit; at least 1.
    /// @param quorumPercent Share of the supply that must take part, in percent, 0 to 100.
    /// @param timelockSeconds Seconds a passed vote waits before it can be executed.
    constructor(
        IVotes token,
        uint48 votingDelayBlocks,
        uint32 votingPeriodBlocks,
        uint256 proposalThresholdVotes,
        uint256 quorumPercent,
        uint256 timelockSeconds
    )
        Governor("ChaosGovernor")
        GovernorSettings(votingDelayBlocks, votingPeriodBlocks, proposalThresholdVotes)
        GovernorVotes(token)
        GovernorVotesQuorumFraction(quorumPercent)
        GovernorTimelockControl(_newTimelock(timelockSeconds))
    {}

    /// @inheritdoc GovernorSettings
    function proposalThreshold()
        public
        view
        override(Governor, GovernorSettings)
        returns (uint256)
    {
        return super.proposalThreshold();
    }

    /// @inheritdoc GovernorTimelockControl
    function state(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (ProposalState)
    {
        return super.state(proposalId);
    }

    /// @inheritdoc GovernorTimelockControl
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @dev Of the constructor, and of a vote that changes it.
    function _setProposalThreshold(uint256 newProposalThreshold) internal override {
        if (newProposalThreshold == 0) revert ZeroProposalThreshold();
        super._setProposalThreshold(newProposalThreshold);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor()
        internal
        view
        override(Governor, GovernorTimelockControl)
        returns (address)
    {
        return super._executor();
    }

    /// @dev Runs in the constructor, where `this` is the governor that is being made.
    function _newTimelock(uint256 timelockSeconds) private returns (TimelockController) {
        address[] memory proposers = new address[](1);
        proposers[0] = address(this);
        // The zero address stands for everybody.
        address[] memory executors = new address[](1);
        return new TimelockController(timelockSeconds, proposers, executors, address(0));
    }
}
