// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CheckpointAnchor} from "../src/CheckpointAnchor.sol";
import {ICheckpointAnchor} from "../src/interfaces/ICheckpointAnchor.sol";
import {Base, Vm} from "./Base.sol";

contract CheckpointAnchorTest is Base {
    bytes32 private constant ORIGIN = sha256("chaoschain.example/log");
    uint256 private constant LATER_ANCHOR_GAS_MAX = 35_000;

    CheckpointAnchor private _anchor;
    CheckpointAnchorHandler private _handler;

    function setUp() public {
        _anchor = new CheckpointAnchor(ORIGIN, address(this));
        _handler = new CheckpointAnchorHandler();
        target(address(_handler));
    }

    function test_constructor_fixesOriginAndPublisher() public view {
        vm.assertEq(_anchor.originHash(), ORIGIN);
        vm.assertEq(_anchor.publisher(), address(this));
        ensureLatest(0, 0);
    }

    function test_constructor_revertsIfPublisherIsZero() public {
        try new CheckpointAnchor(ORIGIN, address(0)) returns (CheckpointAnchor) {
            vm.assertTrue(false);
        } catch (bytes memory reason) {
            vm.assertEq(reason, abi.encodeWithSelector(ICheckpointAnchor.ZeroPublisher.selector));
        }
    }

    function test_fuzz_anchor_storesAndEmitsIfSizeRises(
        uint64 first,
        uint64 step,
        bytes32 rootA,
        bytes32 rootB
    ) public {
        first = uint64(bound(first, 1, type(uint64).max - 1));
        uint64 second = first + uint64(bound(step, 1, type(uint64).max - first));
        _anchor.anchor(first, rootA);
        ensureLatest(first, rootA);
        vm.expectEmit(true, false, false, true, address(_anchor));
        emit ICheckpointAnchor.CheckpointAnchored(second, rootB);
        _anchor.anchor(second, rootB);
        ensureLatest(second, rootB);
    }

    /// @dev Written out, not taken from the interface: what readers of the chain filter by.
    function test_anchor_emitsTheDocumentedTopics() public {
        vm.recordLogs();
        _anchor.anchor(7, bytes32(uint256(0x77)));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics.length, 2);
        vm.assertEq(logs[0].topics[0], keccak256("CheckpointAnchored(uint64,bytes32)"));
        vm.assertEq(logs[0].topics[1], bytes32(uint256(7)));
        vm.assertEq(logs[0].data, abi.encode(bytes32(uint256(0x77))));
    }

    function test_fuzz_anchor_changesNothingIfRepeated(uint64 size, bytes32 root) public {
        size = uint64(bound(size, 1, type(uint64).max));
        _anchor.anchor(size, root);
        vm.recordLogs();
        _anchor.anchor(size, root);
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
        _anchor.anchor(size, root);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointAnchor.RootConflict.selector, size, root, other)
        );
        _anchor.anchor(size, other);
    }

    function test_fuzz_anchor_revertsIfSizeFalls(uint64 size, uint64 smaller, bytes32 root) public {
        size = uint64(bound(size, 1, type(uint64).max));
        smaller = uint64(bound(smaller, 0, size - 1));
        _anchor.anchor(size, root);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointAnchor.SizeBelowLatest.selector, smaller, size)
        );
        _anchor.anchor(smaller, root);
    }

    function test_fuzz_anchor_revertsIfCallerIsNotPublisher(
        address caller,
        uint64 size,
        bytes32 root
    ) public {
        vm.assume(caller != address(this));
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpointAnchor.NotPublisher.selector, caller, address(this))
        );
        vm.prank(caller);
        _anchor.anchor(size, root);
    }

    /// @dev Transaction gas = 21,000 + calldata (4 per zero byte, 16 per other) + gas of the call frame
    /// with the contract's storage cold, as at the start of a transaction. The Rust tests check the
    /// same bound on a real receipt.
    function test_anchor_laterCallCostsAtMost35kGas() public {
        bytes32 root = sha256("root");
        _anchor.anchor(10_000, sha256("first"));
        vm.cool(address(_anchor));
        _anchor.anchor(20_000, root);
        uint256 executionGas = vm.lastCallGas().gasTotalUsed;
        bytes memory input = abi.encodeCall(ICheckpointAnchor.anchor, (20_000, root));
        uint256 transactionGas = 21_000 + calldataGas(input) + executionGas;
        vm.assertGe(executionGas, 10_000);
        vm.assertLe(transactionGas, LATER_ANCHOR_GAS_MAX);
    }

    /// @dev No size is ever seen with two roots, and sizes never fall, whatever is called by whomever.
    function invariant_latestIsTheLargestAcceptedSize() public view {
        (uint64 size, bytes32 root) = _handler.anchorContract().latest();
        vm.assertEq(size, _handler.largestSize());
        vm.assertEq(root, _handler.rootOf(size));
    }

    function ensureLatest(uint64 size, bytes32 root) private view {
        (uint64 latestSize, bytes32 latestRoot) = _anchor.latest();
        vm.assertEq(latestSize, size);
        vm.assertEq(latestRoot, root);
    }
}

contract CheckpointAnchorHandler is Base {
    CheckpointAnchor public anchorContract;
    uint64 public largestSize;
    mapping(uint64 size => bytes32) public rootOf;

    constructor() {
        anchorContract = new CheckpointAnchor(bytes32(0), address(this));
    }

    /// @dev Small ranges make repeats, falls and conflicts common; the outcome must follow the rule.
    function anchor(uint64 size, uint8 root) external {
        size = uint64(bound(size, 0, largestSize + 3));
        bytes32 rootWord = bytes32(uint256(root % 3));
        bool rises = size > largestSize;
        bool repeats = size == largestSize && rootWord == rootOf[size];
        try anchorContract.anchor(size, rootWord) {
            vm.assertTrue(rises || repeats);
            largestSize = size;
            rootOf[size] = rootWord;
        } catch {
            vm.assertTrue(!rises && !repeats);
        }
    }

    function anchorAsStranger(address stranger, uint64 size) external {
        if (stranger == address(this)) return;
        vm.prank(stranger);
        try anchorContract.anchor(size, bytes32(0)) {
            vm.assertTrue(false);
        } catch {}
    }
}
