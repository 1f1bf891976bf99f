// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CheckpointRegistry} from "../../src/CheckpointRegistry.sol";

interface Cheats {
    function prank(address sender) external;
}

/// @dev Of halmos: storage that may hold anything.
interface Symbolic {
    function enableSymbolicStorage(address account) external;
}

/// @notice Laws of the registry for all origins, accounts, sizes and roots: what one call may do, from any
/// state of its storage, and so what any number of calls may do. `npm run laws` has halmos prove them.
contract CheckpointRegistryLaws {
    /// @dev Marks the contract as a test to halmos.
    bool public constant IS_TEST = true;

    CheckpointRegistry private _registry;

    function setUp() public {
        _registry = new CheckpointRegistry();
        Symbolic(0xF3993A62377BCd56AE39D773740A5390411E8BC9).enableSymbolicStorage(
            address(_registry)
        );
    }

    /// @dev Whatever is called by whomever: no size falls, and no size has a second root.
    function check_noSizeFallsAndNoneHasTwoRoots(
        bytes32 origin,
        address publisher,
        Step calldata next
    ) public {
        (uint64 sizeBefore, bytes32 rootBefore) = _registry.latest(origin, publisher);
        step(next);
        (uint64 sizeAfter, bytes32 rootAfter) = _registry.latest(origin, publisher);
        assert(sizeAfter >= sizeBefore);
        assert(sizeAfter > sizeBefore || rootAfter == rootBefore);
    }

    /// @dev Only who writes under a key changes its checkpoint.
    function check_onlyTheWriterChangesACheckpoint(
        bytes32 origin,
        address publisher,
        Step calldata next
    ) public {
        (uint64 sizeBefore, bytes32 rootBefore) = _registry.latest(origin, publisher);
        (address writer,) = _registry.writerOf(origin, publisher);
        step(next);
        (uint64 sizeAfter, bytes32 rootAfter) = _registry.latest(origin, publisher);
        assert(next.caller == writer || (sizeAfter == sizeBefore && rootAfter == rootBefore));
    }

    /// @dev Who writes under a key changes only to who was proposed, by that account.
    function check_writingPassesOnlyToWhoWasProposedAndAccepts(
        bytes32 origin,
        address publisher,
        Step calldata next
    ) public {
        (address writerBefore, address proposed) = _registry.writerOf(origin, publisher);
        step(next);
        (address writerAfter,) = _registry.writerOf(origin, publisher);
        assert(
            writerAfter == writerBefore || (writerAfter == proposed && next.caller == proposed)
        );
    }

    struct Step {
        uint8 call;
        address caller;
        bytes32 origin;
        address publisher;
        uint64 size;
        bytes32 root;
        address writer;
    }

    /// @dev One call of any kind by anybody; what reverts changes nothing. No key leads to the zero address.
    function step(Step calldata s) private {
        if (s.caller == address(0)) return;
        bytes memory call;
        if (s.call == 0) {
            call = abi.encodeCall(_registry.anchor, (s.origin, s.publisher, s.size, s.root));
        } else if (s.call == 1) {
            call = abi.encodeCall(_registry.proposeWriter, (s.origin, s.publisher, s.writer));
        } else {
            call = abi.encodeCall(_registry.acceptWriter, (s.origin, s.publisher));
        }
        Cheats(address(uint160(uint256(keccak256("hevm cheat code"))))).prank(s.caller);
        (bool ok,) = address(_registry).call(call);
        ok;
    }
}
