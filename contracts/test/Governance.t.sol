// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {ChaosGovernor} from "../src/ChaosGovernor.sol";
import {ChaosToken} from "../src/ChaosToken.sol";
import {ParameterRegistry} from "../src/ParameterRegistry.sol";
import {IParameterRegistry} from "../src/interfaces/IParameterRegistry.sol";
import {Base, Vm} from "./Base.sol";

uint256 constant SUPPLY = 1_000_000e18;
uint48 constant DELAY_BLOCKS = 1;
uint32 constant PERIOD_BLOCKS = 5;
uint256 constant QUORUM_PERCENT = 10;
uint256 constant THRESHOLD = 1e18;
uint256 constant TIMELOCK_S = 2 days;

contract GovernanceTest is Base {
    ChaosToken private _token;
    ChaosGovernor private _governor;
    ParameterRegistry private _registry;
    address private constant VOTER = address(0xB0B);

    function setUp() public {
        vm.roll(100);
        _token = new ChaosToken(SUPPLY);
        _governor = newGovernor(_token, THRESHOLD);
        _registry = new ParameterRegistry(_governor.timelock());
        _token.delegate(address(this));
        vm.roll(101);
    }

    function test_constructor_takesItsSettings() public view {
        vm.assertEq(_governor.votingDelay(), DELAY_BLOCKS);
        vm.assertEq(_governor.votingPeriod(), PERIOD_BLOCKS);
        vm.assertEq(_governor.proposalThreshold(), THRESHOLD);
        vm.assertEq(_governor.quorumNumerator(), QUORUM_PERCENT);
        vm.assertEq(_governor.quorum(100), SUPPLY / 10);
        vm.assertEq(address(_governor.token()), address(_token));
        vm.assertEq(_governor.name(), "ChaosGovernor");
    }

    /// @dev Nobody but the governor schedules, nobody administers, anybody executes.
    function test_constructor_makesATimelockOfItsOwn() public view {
        TimelockController timelock = TimelockController(payable(_governor.timelock()));
        vm.assertEq(timelock.getMinDelay(), TIMELOCK_S);
        address governor = address(_governor);
        vm.assertTrue(timelock.hasRole(timelock.PROPOSER_ROLE(), governor));
        vm.assertTrue(timelock.hasRole(timelock.CANCELLER_ROLE(), governor));
        vm.assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)));
        for (uint256 i = 0; i < 2; ++i) {
            address other = i == 0 ? address(this) : address(0);
            vm.assertTrue(!timelock.hasRole(timelock.PROPOSER_ROLE(), other));
            vm.assertTrue(!timelock.hasRole(timelock.CANCELLER_ROLE(), other));
            vm.assertTrue(!timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), other));
        }
        vm.assertTrue(!timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), governor));
    }

    function test_constructor_revertsIfThresholdIsZero() public {
        try this.newGovernor(_token, 0) returns (ChaosGovernor) {
            vm.assertTrue(false);
        } catch (bytes memory reason) {
            vm.assertEq(
                reason, abi.encodeWithSelector(ChaosGovernor.ZeroProposalThreshold.selector)
            );
        }
    }

    /// @dev Not by a vote either: what passed and waited is refused when it is executed.
    function test_execute_revertsIfAVoteSetsTheThresholdToZero() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(_governor);
        for (uint256 threshold = 0; threshold < 2; ++threshold) {
            calldatas[0] = abi.encodeCall(GovernorSettings.setProposalThreshold, (threshold));
            uint256 id = _governor.propose(targets, values, calldatas, "# Threshold");
            vm.roll(vm.getBlockNumber() + DELAY_BLOCKS + 1);
            _governor.castVote(id, 1);
            vm.roll(vm.getBlockNumber() + PERIOD_BLOCKS);
            _governor.queue(targets, values, calldatas, keccak256("# Threshold"));
            vm.warp(vm.getBlockTimestamp() + TIMELOCK_S);
            if (threshold == 0) {
                vm.expectRevert(
                    abi.encodeWithSelector(ChaosGovernor.ZeroProposalThreshold.selector)
                );
            }
            _governor.execute(targets, values, calldatas, keccak256("# Threshold"));
        }
        vm.assertEq(_governor.proposalThreshold(), 1);
    }

    function test_propose_revertsIfVotesAreBelowTheThreshold() public {
        _token.transfer(VOTER, THRESHOLD - 1);
        vm.prank(VOTER);
        _token.delegate(VOTER);
        vm.roll(block.number + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector,
                VOTER,
                THRESHOLD - 1,
                THRESHOLD
            )
        );
        vm.prank(VOTER);
        _governor.propose(targets, values, calldatas, "# Change");
    }

    /// @dev A copy from the pool, sent first: without the suffix it takes the proposal, with it it fails.
    function test_propose_holdsAProposerWhoIsNamed() public {
        _token.transfer(VOTER, THRESHOLD);
        vm.prank(VOTER);
        _token.delegate(VOTER);
        vm.roll(block.number + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(1);
        string memory named = string.concat(
            "# Change#proposer=", Strings.toHexString(address(this))
        );
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorRestrictedProposer.selector, VOTER)
        );
        vm.prank(VOTER);
        _governor.propose(targets, values, calldatas, named);
        uint256 id = _governor.propose(targets, values, calldatas, named);
        vm.assertEq(_governor.proposalProposer(id), address(this));
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, VOTER)
        );
        vm.prank(VOTER);
        _governor.cancel(targets, values, calldatas, keccak256(bytes(named)));
        vm.prank(VOTER);
        uint256 plain = _governor.propose(targets, values, calldatas, "# Change");
        vm.assertEq(_governor.proposalProposer(plain), VOTER);
    }

    /// @dev The domain that wallets sign, written out: name, version, chain and contract.
    function test_castVoteBySig_acceptsTheDocumentedDomain() public {
        uint256 key = 0xA11CE;
        address voter = vm.addr(key);
        _token.transfer(voter, 5e18);
        vm.prank(voter);
        _token.delegate(voter);
        vm.roll(block.number + 1);
        uint256 id = propose(1);
        vm.roll(block.number + DELAY_BLOCKS + 1);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("ChaosGovernor"),
                keccak256("1"),
                block.chainid,
                address(_governor)
            )
        );
        bytes32 ballot = keccak256(
            abi.encode(
                keccak256("Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)"),
                id,
                uint8(0),
                voter,
                0
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, ballot)));
        _governor.castVoteBySig(id, 0, voter, abi.encodePacked(r, s, v));
        (uint256 against,,) = _governor.proposalVotes(id);
        vm.assertEq(against, 5e18);
    }

    function test_fuzz_execute_setsTheParameterIfVotePasses(uint256 value) public {
        uint256 id = propose(value);
        vm.assertEq(uint256(_governor.state(id)), uint256(IGovernor.ProposalState.Pending));
        vm.roll(block.number + DELAY_BLOCKS + 1);
        _governor.castVote(id, 1);
        vm.roll(block.number + PERIOD_BLOCKS);
        vm.assertEq(uint256(_governor.state(id)), uint256(IGovernor.ProposalState.Succeeded));
        queue(value);
        vm.assertEq(uint256(_governor.state(id)), uint256(IGovernor.ProposalState.Queued));
        vm.warp(block.timestamp + TIMELOCK_S);
        vm.expectEmit(true, true, false, true, address(_registry));
        emit IParameterRegistry.ParameterSet(
            keccak256("eip155:1"), keccak256("gas-limit"), "eip155:1", "gas-limit", value
        );
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

    function test_execute_revertsIfTimelockIsNotOver() public {
        uint256 id = propose(1);
        vm.roll(block.number + DELAY_BLOCKS + 1);
        _governor.castVote(id, 1);
        vm.roll(block.number + PERIOD_BLOCKS);
        (bool ok,) = tryExecute(1);
        vm.assertTrue(!ok);
        queue(1);
        vm.warp(block.timestamp + TIMELOCK_S - 1);
        (ok,) = tryExecute(1);
        vm.assertTrue(!ok);
        vm.warp(block.timestamp + 1);
        (ok,) = tryExecute(1);
        vm.assertTrue(ok);
        vm.assertEq(_registry.get("eip155:1", "gas-limit"), 1);
    }

    /// @dev Written out, not taken from the interface: what watchers of the chain filter by.
    function test_set_emitsTheDocumentedTopics() public {
        vm.recordLogs();
        vm.prank(_governor.timelock());
        _registry.set("eip155:1", "gas-limit", 7);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics.length, 3);
        vm.assertEq(
            logs[0].topics[0], keccak256("ParameterSet(bytes32,bytes32,string,string,uint256)")
        );
        vm.assertEq(logs[0].topics[1], keccak256("eip155:1"));
        vm.assertEq(logs[0].topics[2], keccak256("gas-limit"));
        vm.assertEq(logs[0].data, abi.encode("eip155:1", "gas-limit", 7));
    }

    function test_fuzz_set_revertsIfCallerIsNotTheTimelock(address caller) public {
        vm.assume(caller != _governor.timelock());
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
        vm.startPrank(_governor.timelock());
        _registry.set("ab", "c", 1);
        _registry.set("a", "bc", 2);
        _registry.set("zero", "zero", 0);
        vm.stopPrank();
        vm.assertEq(_registry.get("ab", "c"), 1);
        vm.assertEq(_registry.get("a", "bc"), 2);
        vm.assertEq(_registry.get("zero", "zero"), 0);
    }

    /// @dev External, so that a test can catch what the constructor says.
    function newGovernor(ChaosToken token, uint256 threshold) public returns (ChaosGovernor) {
        return new ChaosGovernor(
            token, DELAY_BLOCKS, PERIOD_BLOCKS, threshold, QUORUM_PERCENT, TIMELOCK_S
        );
    }

    function propose(uint256 value) private returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(value);
        return _governor.propose(targets, values, calldatas, "# Change");
    }

    function queue(uint256 value) private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = call(value);
        _governor.queue(targets, values, calldatas, keccak256("# Change"));
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
        votes += token.getVotes(address(_handler));
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
        new ChaosGovernor(token, DELAY_BLOCKS, PERIOD_BLOCKS, 1, QUORUM_PERCENT, TIMELOCK_S);
    ParameterRegistry public registry = new ParameterRegistry(governor.timelock());
    uint256 public executedCount;
    uint256 public lastExecutedValue;
    uint256[] private _values;
    uint256[] private _ids;
    uint256 private _blockNumber = block.number;
    uint256 private _time = block.timestamp;
    mapping(uint256 id => uint256) private _queuedAt;

    constructor() {
        token.delegate(address(this));
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
        uint256 id = _ids[index];
        bool hasWaited = governor.state(id) == IGovernor.ProposalState.Queued
            && _time >= _queuedAt[id] + TIMELOCK_S;
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            call(_values[index]);
        try governor.execute(targets, values, calldatas, keccak256("")) {
            vm.assertTrue(hasWaited);
            ++executedCount;
            lastExecutedValue = _values[index];
        } catch {
            vm.assertTrue(!hasWaited);
        }
    }

    function queue(uint256 index) external {
        if (_ids.length == 0) return;
        index = index % _ids.length;
        uint256 id = _ids[index];
        bool succeeded = governor.state(id) == IGovernor.ProposalState.Succeeded;
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            call(_values[index]);
        try governor.queue(targets, values, calldatas, keccak256("")) {
            vm.assertTrue(succeeded);
            _queuedAt[id] = _time;
        } catch {
            vm.assertTrue(!succeeded);
        }
    }

    function setAsStranger(address stranger, uint256 value) external {
        if (stranger == governor.timelock()) return;
        vm.prank(stranger);
        try registry.set("eip155:1", "gas-limit", value) {
            vm.assertTrue(false);
        } catch {}
    }

    function advance(uint8 blocks) public {
        _blockNumber += bound(blocks, 1, PERIOD_BLOCKS);
        vm.roll(_blockNumber);
        _time += 1 days;
        vm.warp(_time);
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
