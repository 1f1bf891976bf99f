// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {ChaosGovernor} from "../src/ChaosGovernor.sol";
import {ChaosToken} from "../src/ChaosToken.sol";
import {ParameterRegistry} from "../src/ParameterRegistry.sol";
import {IParameterRegistry} from "../src/interfaces/IParameterRegistry.sol";
import {Base} from "./Base.sol";

uint256 constant SUPPLY = 1_000_000e18;
uint48 constant DELAY_BLOCKS = 1;
uint32 constant PERIOD_BLOCKS = 5;
uint256 constant QUORUM_PERCENT = 10;

contract GovernanceTest is Base {
    ChaosToken private _token;
    ChaosGovernor private _governor;
    ParameterRegistry private _registry;
    address private constant VOTER = address(0xB0B);

    function setUp() public {
        vm.roll(100);
        _token = new ChaosToken(SUPPLY);
        _governor = new ChaosGovernor(_token, DELAY_BLOCKS, PERIOD_BLOCKS, 1e18, QUORUM_PERCENT);
        _registry = new ParameterRegistry(address(_governor));
        _token.delegate(address(this));
        vm.roll(101);
    }

    function test_constructor_takesItsSettings() public view {
        vm.assertEq(_governor.votingDelay(), DELAY_BLOCKS);
        vm.assertEq(_governor.votingPeriod(), PERIOD_BLOCKS);
        vm.assertEq(_governor.proposalThreshold(), 1e18);
        vm.assertEq(_governor.quorumNumerator(), QUORUM_PERCENT);
        vm.assertEq(_governor.quorum(100), SUPPLY / 10);
        vm.assertEq(address(_governor.token()), address(_token));
    }

    function test_fuzz_execute_setsTheParameterIfVotePasses(uint256 value) public {
        uint256 id = propose(value);
        vm.assertEq(uint256(_governor.state(id)), uint256(IGovernor.ProposalState.Pending));
        vm.roll(block.number + DELAY_BLOCKS + 1);
        _governor.castVote(id, 1);
        vm.roll(block.number + PERIOD_BLOCKS);
        vm.assertEq(uint256(_governor.state(id)), uint256(IGovernor.ProposalState.Succeeded));
        vm.expectEmit(false, false, false, true, address(_registry));
        emit IParameterRegistry.ParameterSet("eip155:1", "gas-limit", value);
        execute(value);
        vm.assertEq(_registry.get("eip155:1", "gas-limit"), value);
        vm.assertEq(uint256(_governor.state(id)), uint256(IGovernor.ProposalState.Executed));
    }

    /// @dev The vote passes exactly if more are for than against and for plus abstain reach the quorum.
    function test_fuzz_state_followsVotesAndQuorum(uint256 share, uint8 support) public {
        share = bound(share, 1, SUPPLY - 1e18);
        support = uint8(bound(support, 0, 2));
        _token.transfer(VOTER, share);
        vm.prank(VOTER);
        _token.delegate(VOTER);
        vm.roll(block.number + 1);
        uint256 id = propose(1);
        vm.roll(block.number + DELAY_BLOCKS + 1);
        vm.prank(VOTER);
        _governor.castVote(id, support);
        vm.roll(block.number + PERIOD_BLOCKS);
        bool passes = support == 1 && share >= SUPPLY * QUORUM_PERCENT / 100;
        IGovernor.ProposalState expected =
            passes ? IGovernor.ProposalState.Succeeded : IGovernor.ProposalState.Defeated;
        vm.assertEq(uint256(_governor.state(id)), uint256(expected));
    }

    function test_execute_revertsIfVoteIsStillOpen() public {
        uint256 id = propose(1);
        vm.roll(block.number + DELAY_BLOCKS + 1);
        _governor.castVote(id, 1);
        (bool ok, bytes memory reason) = tryExecute(1);
        vm.assertTrue(!ok);
        vm.assertEq(
            bytes32(bytes4(reason)),
            bytes32(IGovernor.GovernorUnexpectedProposalState.selector)
        );
    }

    function test_fuzz_set_revertsIfCallerIsNotGovernor(address caller) public {
        vm.assume(caller != address(_governor));
        vm.expectRevert(
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller)
        );
        vm.prank(caller);
        _registry.set("eip155:1", "gas-limit", 1);
    }

    function test_fuzz_get_revertsIfNeverSet(string calldata chain, string calldata name) public {
        vm.expectRevert(
            abi.encodeWithSelector(IParameterRegistry.ParameterNotSet.selector, chain, name)
        );
        _registry.get(chain, name);
    }

    function test_get_keepsChainAndNameApart() public {
        vm.startPrank(address(_governor));
        _registry.set("ab", "c", 1);
        _registry.set("a", "bc", 2);
        _registry.set("zero", "zero", 0);
        vm.stopPrank();
        vm.assertEq(_registry.get("ab", "c"), 1);
        vm.assertEq(_registry.get("a", "bc"), 2);
        vm.assertEq(_registry.get("zero", "zero"), 0);
    }

    function propose(uint256 value) private returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(value);
        return _governor.propose(targets, values, calldatas, "# Change");
    }

    function execute(uint256 value) private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(value);
        _governor.execute(targets, values, calldatas, keccak256("# Change"));
    }

    function tryExecute(uint256 value) private returns (bool ok, bytes memory reason) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(value);
        return address(_governor).call(
            abi.encodeCall(
                IGovernor.execute, (targets, values, calldatas, keccak256("# Change"))
            )
        );
    }

    function call(uint256 value)
        private
        view
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        (targets, values, calldatas) = (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(_registry);
        calldatas[0] = abi.encodeCall(IParameterRegistry.set, ("eip155:1", "gas-limit", value));
    }
}

contract GovernanceInvariantTest is Base {
    GovernanceHandler private _handler;

    function setUp() public {
        _handler = new GovernanceHandler();
        target(address(_handler));
    }

    /// @dev The registry only ever holds what the last executed vote put there.
    function invariant_parameterIsThatOfTheLastExecutedVote() public view {
        if (_handler.executedCount() == 0) return;
        vm.assertEq(
            _handler.registry().get("eip155:1", "gas-limit"), _handler.lastExecutedValue()
        );
    }

    function invariant_supplyIsFixedAndVotesNeverExceedIt() public view {
        ChaosToken token = _handler.token();
        vm.assertEq(token.totalSupply(), SUPPLY);
        uint256 votes = 0;
        uint256 balances = token.balanceOf(address(_handler));
        for (uint256 i = 0; i < _handler.VOTERS(); ++i) {
            votes += token.getVotes(_handler.voter(i));
            balances += token.balanceOf(_handler.voter(i));
        }
        vm.assertEq(balances, SUPPLY);
        vm.assertLe(votes, SUPPLY);
    }
}

contract GovernanceHandler is Base {
    uint256 public constant VOTERS = 3;

    ChaosToken public token = new ChaosToken(SUPPLY);
    ChaosGovernor public governor =
        new ChaosGovernor(token, DELAY_BLOCKS, PERIOD_BLOCKS, 0, QUORUM_PERCENT);
    ParameterRegistry public registry = new ParameterRegistry(address(governor));
    uint256 public executedCount;
    uint256 public lastExecutedValue;
    uint256[] private _values;
    uint256[] private _ids;
    uint256 private _blockNumber = block.number;

    constructor() {
        for (uint256 i = 0; i < VOTERS; ++i) {
            token.transfer(voter(i), SUPPLY / 4);
            vm.prank(voter(i));
            token.delegate(voter(i));
        }
        advance(1);
    }

    function voter(uint256 index) public pure returns (address) {
        return address(uint160(0xB0B0 + index));
    }

    function propose(uint256 value) external {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(value);
        try governor.propose(targets, values, calldatas, "") returns (uint256 id) {
            _ids.push(id);
            _values.push(value);
        } catch {}
    }

    function vote(uint256 who, uint256 index, uint8 support) external {
        if (_ids.length == 0) return;
        vm.prank(voter(who % VOTERS));
        try governor.castVote(_ids[index % _ids.length], support % 3) {} catch {}
    }

    function transfer(uint256 from, uint256 to, uint256 value) external {
        address sender = voter(from % VOTERS);
        value = bound(value, 0, token.balanceOf(sender));
        vm.prank(sender);
        token.transfer(voter(to % VOTERS), value);
    }

    function delegate(uint256 from, uint256 to) external {
        vm.prank(voter(from % VOTERS));
        token.delegate(voter(to % VOTERS));
    }

    function execute(uint256 index) external {
        if (_ids.length == 0) return;
        index = index % _ids.length;
        bool succeeded = governor.state(_ids[index]) == IGovernor.ProposalState.Succeeded;
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            call(_values[index]);
        try governor.execute(targets, values, calldatas, keccak256("")) {
            vm.assertTrue(succeeded);
            ++executedCount;
            lastExecutedValue = _values[index];
        } catch {
            vm.assertTrue(!succeeded);
        }
    }

    function setAsStranger(address stranger, uint256 value) external {
        if (stranger == address(governor)) return;
        vm.prank(stranger);
        try registry.set("eip155:1", "gas-limit", value) {
            vm.assertTrue(false);
        } catch {}
    }

    function advance(uint8 blocks) public {
        _blockNumber += bound(blocks, 1, PERIOD_BLOCKS);
        vm.roll(_blockNumber);
    }

    function call(uint256 value)
        private
        view
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        (targets, values, calldatas) = (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(registry);
        calldatas[0] = abi.encodeCall(IParameterRegistry.set, ("eip155:1", "gas-limit", value));
    }
}
