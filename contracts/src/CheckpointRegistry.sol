// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointRegistry} from "./interfaces/ICheckpointRegistry.sol";

/// @title CheckpointRegistry
/// @notice One instance on each chain, at one address. No owner, no upgrade, no constructor argument.
contract CheckpointRegistry is ICheckpointRegistry {
    /// @dev Two slots hold all that anchoring reads and writes; a third would cost 2,100 gas each time.
    struct Head {
        uint64 size;
        address writer;
        bytes32 root;
        address proposed;
    }

    mapping(bytes32 origin => mapping(address publisher => Head)) private _heads;

    /// @inheritdoc ICheckpointRegistry
    function anchor(bytes32 origin, address publisher, uint64 size, bytes32 root) external {
        Head storage head = _heads[origin][publisher];
        _ensureWriter(head, publisher);
        uint64 latestSize = head.size;
        if (size <= latestSize) {
            if (size == 0) revert EmptyCheckpoint();
            if (size < latestSize) revert SizeBelowLatest(size, latestSize);
            if (root != head.root) revert RootConflict(size, head.root, root);
            return;
        }
        head.size = size;
        head.root = root;
        emit Anchored(origin, publisher, size, root);
    }

    /// @inheritdoc ICheckpointRegistry
    function proposeWriter(bytes32 origin, address publisher, address writer) external {
        Head storage head = _heads[origin][publisher];
        _ensureWriter(head, publisher);
        head.proposed = writer;
        emit WriterProposed(origin, publisher, writer);
    }

    /// @inheritdoc ICheckpointRegistry
    function acceptWriter(bytes32 origin, address publisher) external {
        Head storage head = _heads[origin][publisher];
        address proposed = head.proposed;
        if (msg.sender != proposed) revert NotProposed(msg.sender, proposed);
        head.writer = proposed;
        head.proposed = address(0);
        emit WriterAccepted(origin, publisher, proposed);
    }

    /// @inheritdoc ICheckpointRegistry
    function latest(bytes32 origin, address publisher)
        external
        view
        returns (uint64 size, bytes32 root)
    {
        Head storage head = _heads[origin][publisher];
        return (head.size, head.root);
    }

    /// @inheritdoc ICheckpointRegistry
    function writerOf(bytes32 origin, address publisher)
        external
        view
        returns (address writer, address proposed)
    {
        Head storage head = _heads[origin][publisher];
        return (_writer(head, publisher), head.proposed);
    }

    function _ensureWriter(Head storage head, address publisher) private view {
        address writer = _writer(head, publisher);
        if (msg.sender != writer) revert NotWriter(msg.sender, writer);
    }

    /// @dev Until somebody else accepted, the publisher itself.
    function _writer(Head storage head, address publisher) private view returns (address) {
        address writer = head.writer;
        return writer == address(0) ? publisher : writer;
    }
}
