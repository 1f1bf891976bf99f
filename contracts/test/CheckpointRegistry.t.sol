// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CheckpointRegistry} from "../src/CheckpointRegistry.sol";
import {ICheckpointRegistry} from "../src/interfaces/ICheckpointRegistry.sol";
import {Base, Vm} from "./Base.sol";

contract CheckpointRegistryTest is Base {
    /// @dev Any digests; sha256 would be a call, which cheat codes take for the one under test.
    bytes32 private constant ORIGIN = keccak256("chaoschain.example/log");
    bytes32 private constant OTHER_ORIGIN = keccak256("other.example/log");
    address private constant PUBLISHER = address(0xB0B);
    address private constant WRITER = address(0xCAFE);
    uint256 private constant LATER_ANCHOR_GAS_MAX = 36_000;

    CheckpointRegistry private _registry;
    CheckpointRegistryHandler private _handler;

    function setUp() public {
        _registry = new CheckpointRegistry();
        _handler = new CheckpointRegistryHandler();
        target(address(_handler));
    }

    /// @dev Written out, not taken from the interface: what readers of the chain filter by.
    function test_anchor_emitsTheDocumentedTopics() public {
        vm.recordLogs();
        anchor(7, bytes32(uint256(0x77)));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].emitter, address(_registry));
        vm.assertEq(logs[0].topics.length, 4);
        vm.assertEq(logs[0].topics[0], keccak256("Anchored(bytes32,address,uint64,bytes32)"));
        vm.assertEq(logs[0].topics[1], ORIGIN);
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(PUBLISHER))));
        vm.assertEq(logs[0].topics[3], bytes32(uint256(7)));
        vm.assertEq(logs[0].data, abi.encode(bytes32(uint256(0x77))));
    }

    function test_fuzz_anchor_storesIfSizeRises(
        uint64 first,
        uint64 step,
        bytes32 rootA,
        bytes32 rootB
    ) public {
        first = uint64(bound(first, 1, type(uint64).max - 1));
        uint64 second = first + uint64(bound(step, 1, type(uint64).max - first));
        ensureLatest(0, 0);
        anchor(first, rootA);
        ensureLatest(first, rootA);
        vm.expectEmit(true, true, true, true, address(_registry));
        emit ICheckpointRegistry.Anchored(ORIGIN, PUBLISHER, second, rootB);
        anchor(second, rootB);
        ensureLatest(second, rootB);
    }

    function test_fuzz_anchor_changesNothingIfRepeated(uint64 size, bytes32 root) public {
        size = uint64(bound(size, 1, type(uint64).max));
        anchor(size, root);
        vm.recordLogs();
        anchor(size, root);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        ensureLatest(size, root);
    }

    function test_fuzz_anchor_revertsIfSameSizeHasAnotherRoot(
        uint64 size,
        bytes32 root,
        bytes32 other
    ) public {
        vm.assume(root != other);
        size = uint64(bound(size, 1, type(uint64).max));
        anchor(size, root);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.RootConflict.selector, size, root, other)
        );
        anchor(size, other);
    }

    function test_fuzz_anchor_revertsIfSizeFalls(uint64 size, uint64 smaller, bytes32 root) public {
        size = uint64(bound(size, 2, type(uint64).max));
        smaller = uint64(bound(smaller, 1, size - 1));
        anchor(size, root);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.SizeBelowLatest.selector, smaller, size)
        );
        anchor(smaller, root);
    }

    function test_fuzz_anchor_revertsIfLogIsEmpty(bytes32 root) public {
        vm.expectRevert(abi.encodeWithSelector(ICheckpointRegistry.EmptyCheckpoint.selector));
        anchor(0, root);
        anchor(1, root);
        vm.expectRevert(abi.encodeWithSelector(ICheckpointRegistry.EmptyCheckpoint.selector));
        anchor(0, root);
    }

    function test_fuzz_anchor_revertsIfCallerIsNotTheWriter(address caller, uint64 size) public {
        vm.assume(caller != PUBLISHER);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.NotWriter.selector, caller, PUBLISHER)
        );
        vm.prank(caller);
        _registry.anchor(ORIGIN, PUBLISHER, size, bytes32(0));
    }

    /// @dev Asked by a contract in the publisher's own transaction, it is the contract that asks.
    function test_anchor_revertsIfPublisherOnlySentTheTransaction() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                ICheckpointRegistry.NotWriter.selector, address(this), PUBLISHER
            )
        );
        vm.prank(address(this), PUBLISHER);
        _registry.anchor(ORIGIN, PUBLISHER, 1, bytes32(0));
    }

    /// @dev Whoever opens a key in another's name or for another's log disturbs nobody.
    function test_anchor_keepsOriginsAndPublishersApart() public {
        anchor(9, bytes32(uint256(1)));
        vm.startPrank(WRITER);
        _registry.anchor(ORIGIN, WRITER, 4, bytes32(uint256(2)));
        _registry.anchor(OTHER_ORIGIN, WRITER, 5, bytes32(uint256(3)));
        vm.stopPrank();
        ensureLatest(9, bytes32(uint256(1)));
        ensureLatest(ORIGIN, WRITER, 4, bytes32(uint256(2)));
        ensureLatest(OTHER_ORIGIN, WRITER, 5, bytes32(uint256(3)));
        ensureLatest(OTHER_ORIGIN, PUBLISHER, 0, 0);
    }

    /// @dev The layout that the interface promises, which storage proofs rely on.
    function test_fuzz_storage_isWhereTheInterfaceSays(uint64 size, bytes32 root) public {
        size = uint64(bound(size, 1, type(uint64).max));
        anchor(size, root);
        uint256 head = uint256(
            keccak256(
                abi.encode(PUBLISHER, keccak256(abi.encode(ORIGIN, uint256(0))))
            )
        );
        ensureSlots(head, size, root, address(0));
        propose(WRITER);
        ensureSlots(head, size, root, WRITER);
        accept(WRITER);
        ensureSlots(head, size | uint256(uint160(WRITER)) << 64, root, address(0));
    }

    function test_acceptWriter_handsWritingOnAndKeepsTheKey() public {
        anchor(3, bytes32(uint256(3)));
        propose(WRITER);
        ensureWriter(PUBLISHER, WRITER);
        anchor(4, bytes32(uint256(4)));
        accept(WRITER);
        ensureWriter(WRITER, address(0));
        ensureLatest(4, bytes32(uint256(4)));
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.NotWriter.selector, PUBLISHER, WRITER)
        );
        anchor(5, 0);
        vm.expectEmit(true, true, true, true, address(_registry));
        emit ICheckpointRegistry.Anchored(ORIGIN, PUBLISHER, 5, 0);
        vm.prank(WRITER);
        _registry.anchor(ORIGIN, PUBLISHER, 5, 0);
        ensureLatest(5, 0);
        ensureLatest(ORIGIN, WRITER, 0, 0);
    }

    function test_acceptWriter_canHandWritingBack() public {
        propose(WRITER);
        accept(WRITER);
        vm.prank(WRITER);
        _registry.proposeWriter(ORIGIN, PUBLISHER, PUBLISHER);
        accept(PUBLISHER);
        ensureWriter(PUBLISHER, address(0));
        anchor(1, 0);
    }

    function test_writerEvents_nameTheKey() public {
        vm.expectEmit(true, true, true, true, address(_registry));
        emit ICheckpointRegistry.WriterProposed(ORIGIN, PUBLISHER, WRITER);
        propose(WRITER);
        vm.recordLogs();
        accept(WRITER);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics[0], keccak256("WriterAccepted(bytes32,address,address)"));
        vm.assertEq(logs[0].topics[1], ORIGIN);
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(PUBLISHER))));
        vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(WRITER))));
    }

    function test_fuzz_acceptWriter_revertsIfCallerWasNotProposed(address caller) public {
        vm.assume(caller != address(0) && caller != WRITER);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.NotProposed.selector, caller, address(0))
        );
        accept(caller);
        propose(WRITER);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.NotProposed.selector, caller, WRITER)
        );
        accept(caller);
    }

    function test_acceptWriter_revertsIfProposalWasReplacedOrTakenBack() public {
        propose(WRITER);
        propose(address(0xD00D));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICheckpointRegistry.NotProposed.selector, WRITER, address(0xD00D)
            )
        );
        accept(WRITER);
        propose(address(0));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICheckpointRegistry.NotProposed.selector, address(0xD00D), address(0)
            )
        );
        accept(address(0xD00D));
        ensureWriter(PUBLISHER, address(0));
    }

    /// @dev Accepted once: who was replaced cannot come back by the old proposal.
    function test_acceptWriter_revertsIfRepeated() public {
        propose(WRITER);
        accept(WRITER);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.NotProposed.selector, WRITER, address(0))
        );
        accept(WRITER);
    }

    function test_fuzz_proposeWriter_revertsIfCallerIsNotTheWriter(address caller) public {
        vm.assume(caller != PUBLISHER);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointRegistry.NotWriter.selector, caller, PUBLISHER)
        );
        vm.prank(caller);
        _registry.proposeWriter(ORIGIN, PUBLISHER, caller);
    }

    /// @dev Transaction gas = 21,000 + calldata (4 per zero byte, 16 per other) + gas of the call frame
    /// with the contract's storage cold, as at the start of a transaction. `npm run gas` measures the
    /// same on a real receipt.
    function test_anchor_laterCallCostsAtMost36kGas() public {
        address publisher = address(bytes20(keccak256("publisher")));
        vm.startPrank(publisher);
        _registry.anchor(ORIGIN, publisher, 10_000, keccak256("first"));
        vm.cool(address(_registry));
        _registry.anchor(ORIGIN, publisher, 20_000, keccak256("root"));
        uint256 executionGas = vm.lastCallGas().gasTotalUsed;
        vm.stopPrank();
        bytes memory input = abi.encodeCall(
            ICheckpointRegistry.anchor, (ORIGIN, publisher, 20_000, keccak256("root"))
        );
        vm.assertGe(executionGas, 10_000);
        vm.assertLe(21_000 + calldataGas(input) + executionGas, LATER_ANCHOR_GAS_MAX);
    }

    /// @dev No size is ever seen with two roots, and sizes never fall, whatever is called by whomever.
    function invariant_latestIsTheLargestAcceptedSize() public view {
        for (uint256 i = 0; i < _handler.KEYS(); ++i) {
            (bytes32 origin, address publisher) = _handler.keyOf(i);
            (uint64 size, bytes32 root) = _handler.registry().latest(origin, publisher);
            vm.assertEq(size, _handler.largestSize(i));
            vm.assertEq(root, _handler.rootOf(i, size));
        }
    }

    /// @dev Only who writes hands writing on, and only who was proposed takes it.
    function invariant_writerIsWhoAcceptedLast() public view {
        for (uint256 i = 0; i < _handler.KEYS(); ++i) {
            (bytes32 origin, address publisher) = _handler.keyOf(i);
            (address writer, address proposed) = _handler.registry().writerOf(origin, publisher);
            vm.assertEq(writer, _handler.writer(i));
            vm.assertEq(proposed, _handler.proposed(i));
        }
    }

    function anchor(uint64 size, bytes32 root) private {
        vm.prank(PUBLISHER);
        _registry.anchor(ORIGIN, PUBLISHER, size, root);
    }

    function propose(address writer) private {
        vm.prank(PUBLISHER);
        _registry.proposeWriter(ORIGIN, PUBLISHER, writer);
    }

    function accept(address writer) private {
        vm.prank(writer);
        _registry.acceptWriter(ORIGIN, PUBLISHER);
    }

    function ensureLatest(uint64 size, bytes32 root) private view {
        ensureLatest(ORIGIN, PUBLISHER, size, root);
    }

    function ensureLatest(bytes32 origin, address publisher, uint64 size, bytes32 root)
        private
        view
    {
        (uint64 latestSize, bytes32 latestRoot) = _registry.latest(origin, publisher);
        vm.assertEq(latestSize, size);
        vm.assertEq(latestRoot, root);
    }

    function ensureWriter(address writer, address proposed) private view {
        (address actual, address next) = _registry.writerOf(ORIGIN, PUBLISHER);
        vm.assertEq(actual, writer);
        vm.assertEq(next, proposed);
    }

    function ensureSlots(uint256 head, uint256 first, bytes32 root, address proposed) private view {
        vm.assertEq(vm.load(address(_registry), bytes32(head)), bytes32(first));
        vm.assertEq(vm.load(address(_registry), bytes32(head + 1)), root);
        bytes32 third = bytes32(uint256(uint160(proposed)));
        vm.assertEq(vm.load(address(_registry), bytes32(head + 2)), third);
    }
}

/// @dev Two origins by two publishers, and a handful of accounts that try everything on each key.
contract CheckpointRegistryHandler is Base {
    uint256 public constant KEYS = 4;
    uint256 private constant ACCOUNTS = 3;

    CheckpointRegistry public registry = new CheckpointRegistry();
    mapping(uint256 key => uint64) public largestSize;
    mapping(uint256 key => mapping(uint64 size => bytes32)) public rootOf;
    mapping(uint256 key => address) public proposed;
    mapping(uint256 key => address) private _writer;

    function keyOf(uint256 key) public pure returns (bytes32 origin, address publisher) {
        return (bytes32(1 + key / 2), account(key % 2));
    }

    function writer(uint256 key) public view returns (address) {
        (, address publisher) = keyOf(key);
        return _writer[key] == address(0) ? publisher : _writer[key];
    }

    /// @dev Small ranges make repeats, falls and conflicts common; the outcome must follow the rule.
    function anchor(uint256 key, uint256 who, uint64 size, uint8 root) external {
        key = key % KEYS;
        (bytes32 origin, address publisher) = keyOf(key);
        address caller = account(who % ACCOUNTS);
        uint64 largest = largestSize[key];
        size = uint64(bound(size, 0, largest + 3));
        bytes32 rootWord = bytes32(uint256(root % 3));
        bool rises = size > largest;
        bool repeats = size == largest && size > 0 && rootWord == rootOf[key][size];
        bool may = caller == writer(key);
        vm.prank(caller);
        try registry.anchor(origin, publisher, size, rootWord) {
            vm.assertTrue(may && (rises || repeats));
            largestSize[key] = size;
            rootOf[key][size] = rootWord;
        } catch {
            vm.assertTrue(!may || (!rises && !repeats));
        }
    }

    function propose(uint256 key, uint256 who, uint256 next) external {
        key = key % KEYS;
        (bytes32 origin, address publisher) = keyOf(key);
        address caller = account(who % ACCOUNTS);
        vm.prank(caller);
        try registry.proposeWriter(origin, publisher, account(next % ACCOUNTS)) {
            vm.assertEq(caller, writer(key));
            proposed[key] = account(next % ACCOUNTS);
        } catch {
            vm.assertTrue(caller != writer(key));
        }
    }

    function accept(uint256 key, uint256 who) external {
        key = key % KEYS;
        (bytes32 origin, address publisher) = keyOf(key);
        address caller = account(who % ACCOUNTS);
        vm.prank(caller);
        try registry.acceptWriter(origin, publisher) {
            vm.assertEq(caller, proposed[key]);
            _writer[key] = caller;
            proposed[key] = address(0);
        } catch {
            vm.assertTrue(caller != proposed[key]);
        }
    }

    function account(uint256 index) private pure returns (address) {
        return address(uint160(0xACC0 + index));
    }
}
