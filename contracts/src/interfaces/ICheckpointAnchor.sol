// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title ICheckpointAnchor
/// @notice The newest checkpoint of one transparency log, written where its operator cannot take it back.
/// @dev A checkpoint is the size of an RFC 6962 tree and its SHA-256 root. The contract cannot tell
/// whether one checkpoint extends another; that is what consistency proofs are for. It guarantees
/// that the sizes rise and that no size ever has two roots.
interface ICheckpointAnchor {
    /// @notice A checkpoint was anchored.
    /// @param size Number of leaves in the log.
    /// @param root RFC 6962 root over those leaves.
    event CheckpointAnchored(uint64 indexed size, bytes32 root);

    /// @notice The publisher given to the constructor is the zero address.
    error ZeroPublisher();

    /// @notice The caller may not anchor.
    /// @param caller Account that called.
    /// @param publisher The only account that may.
    error NotPublisher(address caller, address publisher);

    /// @notice The log would shrink.
    /// @param size Number of leaves offered.
    /// @param latestSize Number of leaves already anchored.
    error SizeBelowLatest(uint64 size, uint64 latestSize);

    /// @notice The log would have two roots at one size, which proves that its operator is lying.
    /// @param size Number of leaves, equal to the anchored one.
    /// @param latestRoot Root already anchored for that size.
    /// @param root Root offered.
    error RootConflict(uint64 size, bytes32 latestRoot, bytes32 root);

    /// @notice Anchors a checkpoint.
    /// @dev The same size and root as the latest changes nothing and emits nothing, so a sender whose
    /// answer was lost may simply send again. A smaller size reverts with {SizeBelowLatest}, the same
    /// size with another root with {RootConflict}.
    /// @param size Number of leaves in the log; the empty log (size 0) cannot be anchored.
    /// @param root RFC 6962 root over those leaves.
    function anchor(uint64 size, bytes32 root) external;

    /// @notice The newest anchored checkpoint; zero and zero before the first.
    /// @return size Number of leaves in the log.
    /// @return root RFC 6962 root over those leaves.
    function latest() external view returns (uint64 size, bytes32 root);

    /// @notice SHA-256 of the log's origin line, which names the log this contract belongs to.
    function originHash() external view returns (bytes32);

    /// @notice The only account that may anchor.
    function publisher() external view returns (address);
}
