// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Makes the calls of the governor that created it, with the hash of a signature before the data where
/// there is one, as Compound's timelock does; nobody waits.
contract CompoundTimelock {
    address public immutable admin = msg.sender;

    error NotAdmin(address account);
    error CallFailed();

    receive() external payable {}

    /// @param signature Such as `transfer(address,uint256)`; empty if `data` begins with a selector.
    function executeTransaction(
        address target,
        uint256 value,
        string calldata signature,
        bytes calldata data
    ) external payable {
        if (msg.sender != admin) revert NotAdmin(msg.sender);
        bytes memory input = data;
        if (bytes(signature).length > 0) {
            input = abi.encodePacked(bytes4(keccak256(bytes(signature))), data);
        }
        (bool succeeded,) = target.call{value: value}(input);
        if (!succeeded) revert CallFailed();
    }
}

/// @notice Answers what GovernorBravo answers: `proposals`, `getActions`, `state`, `timelock`, and the event by which a
/// proposal is made. Nobody votes: what was not canceled passes when its time is over.
contract CompoundGovernor {
    enum ProposalState {
        Pending,
        Active,
        Canceled,
        Defeated,
        Succeeded,
        Queued,
        Expired,
        Executed
    }

    struct Proposal {
        uint256 id;
        address proposer;
        uint256 eta;
        uint256 startBlock;
        uint256 endBlock;
        uint256 forVotes;
        uint256 againstVotes;
        uint256 abstainVotes;
        bool canceled;
        bool executed;
    }

    struct Actions {
        address[] targets;
        uint256[] values;
        string[] signatures;
        bytes[] calldatas;
    }

    uint256 public constant votingDelay = 1;
    uint256 public constant votingPeriod = 4;

    CompoundTimelock public immutable timelock = new CompoundTimelock();
    uint256 public proposalCount;
    mapping(uint256 id => Proposal) public proposals;
    mapping(uint256 id => Actions) private _actions;

    event ProposalCreated(
        uint256 id,
        address proposer,
        address[] targets,
        uint256[] values,
        string[] signatures,
        bytes[] calldatas,
        uint256 startBlock,
        uint256 endBlock,
        string description
    );

    error UnknownProposal(uint256 id);
    error NotSucceeded(uint256 id);

    /// @return id The number of the proposal; the first is 1.
    function propose(
        address[] memory targets,
        uint256[] memory values,
        string[] memory signatures,
        bytes[] memory calldatas,
        string memory description
    ) external returns (uint256 id) {
        id = ++proposalCount;
        uint256 start = block.number + votingDelay;
        uint256 end = start + votingPeriod;
        proposals[id] = Proposal(id, msg.sender, 0, start, end, 0, 0, 0, false, false);
        _actions[id] = Actions(targets, values, signatures, calldatas);
        emit ProposalCreated(
            id, msg.sender, targets, values, signatures, calldatas, start, end, description
        );
    }

    function execute(uint256 id) external payable {
        if (state(id) != ProposalState.Succeeded) revert NotSucceeded(id);
        proposals[id].executed = true;
        Actions storage actions = _actions[id];
        for (uint256 i = 0; i < actions.targets.length; i++) {
            timelock.executeTransaction{value: actions.values[i]}(
                actions.targets[i], actions.values[i], actions.signatures[i], actions.calldatas[i]
            );
        }
    }

    /// @dev As GovernorBravo, of an unknown number it gives empty lists and does not revert.
    function getActions(uint256 id)
        external
        view
        returns (
            address[] memory targets,
            uint256[] memory values,
            string[] memory signatures,
            bytes[] memory calldatas
        )
    {
        Actions storage actions = _actions[id];
        return (actions.targets, actions.values, actions.signatures, actions.calldatas);
    }

    function state(uint256 id) public view returns (ProposalState) {
        Proposal storage proposal = proposals[id];
        if (proposal.id == 0) revert UnknownProposal(id);
        if (proposal.canceled) return ProposalState.Canceled;
        if (proposal.executed) return ProposalState.Executed;
        if (block.number <= proposal.startBlock) return ProposalState.Pending;
        if (block.number <= proposal.endBlock) return ProposalState.Active;
        return ProposalState.Succeeded;
    }
}
