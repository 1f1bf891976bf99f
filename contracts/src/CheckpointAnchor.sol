// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "./interfaces/ICheckpointAnchor.sol";

/// @title CheckpointAnchor
/// @notice One instance per log. The log's name and its publisher are fixed at deployment.
contract CheckpointAnchor is ICheckpointAnchor {
    /// @inheritdoc ICheckpointAnchor
    bytes32 public immutable originHash;
    /// @inheritdoc ICheckpointAnchor
    address public immutable publisher;

    uint64 private _latestSize;
    bytes32 private _latestRoot;

    /// @param originHash_ SHA-256 of the log's origin line.
    /// @param publisher_ The only account that may anchor.
    constructor(bytes32 originHash_, address publisher_) {
        if (publisher_ == address(0)) revert ZeroPublisher();
        originHash = originHash_;
        publisher = publisher_;
    }

    /// @inheritdoc ICheckpointAnchor
    function anchor(uint64 size, bytes32 root) external {
        if (msg.sender != publisher) revert NotPublisher(msg.sender, publisher);
        uint64 latestSize = _latestSize;
        if (size <= latestSize) {
            if (size < latestSize) revert SizeBelowLatest(size, latestSize);
            if (root != _latestRoot) revert RootConflict(size, _latestRoot, root);
            return;
        }
        _latestSize = size;
        _latestRoot = root;
        emit CheckpointAnchored(size, root);
    }

    /// @inheritdoc ICheckpointAnchor
    function latest() external view returns (uint64 size, bytes32 root) {
        return (_latestSize, _latestRoot);
    }
}
