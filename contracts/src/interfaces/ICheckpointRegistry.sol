// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title ICheckpointRegistry
/// @notice The newest checkpoint of every transparency log that anybody anchors, under one address.
/// @dev A checkpoint is the size of an RFC 6962 tree and its SHA-256 root. The registry cannot tell
/// whether one checkpoint extends another; that is what consistency proofs are for. It guarantees
/// that the sizes under a key rise and that no size under a key ever has two roots.
///
/// A key is a pair (origin, publisher): the SHA-256 of a log's origin line, and the account that
/// anchored it first. Whoever likes may open a key of its own, also for another's origin, so a reader
/// must know both: a log says in its own entries which publisher is its.
///
/// A key keeps its publisher for ever. Who may write under it is the writer, at first the publisher
/// itself; writing is handed on in two steps. Events and storage stay under the first publisher, so
/// whatever was found by a key is found by it after any number of writers.
///
/// Storage, so that `eth_getProof` of two slots proves size and root of a key:
///   head = keccak256(abi.encode(publisher, keccak256(abi.encode(origin, uint256(0)))))
///   slot head:     bits 0 to 63 size, bits 64 to 223 writer (0: the publisher itself), rest 0
///   slot head + 1: root
///   slot head + 2: proposed writer (0: none)
interface ICheckpointRegistry {
    /// @notice A checkpoint was anchored.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by; not necessarily who sent this.
    /// @param size Number of leaves in the log.
    /// @param root RFC 6962 root over those leaves.
    event Anchored(
        bytes32 indexed origin, address indexed publisher, uint64 indexed size, bytes32 root
    );

    /// @notice Somebody was named to write under a key, or nobody any more.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by.
    /// @param writer Account that may accept; zero takes the proposal back.
    event WriterProposed(
        bytes32 indexed origin, address indexed publisher, address indexed writer
    );

    /// @notice Another account writes under a key from now on.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by.
    /// @param writer The only account that may anchor under it.
    event WriterAccepted(
        bytes32 indexed origin, address indexed publisher, address indexed writer
    );

    /// @notice The caller may not write under this key.
    /// @param caller Account that called.
    /// @param writer The only account that may.
    error NotWriter(address caller, address writer);

    /// @notice The caller was not proposed to write under this key.
    /// @param caller Account that called.
    /// @param proposed The account that was; zero if nobody is.
    error NotProposed(address caller, address proposed);

    /// @notice The log is empty.
    error EmptyCheckpoint();

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
    /// size with another root with {RootConflict}. A size that the log never reaches ends the key: its
    /// log must then name another publisher.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by; the caller itself unless writing was handed on.
    /// @param size Number of leaves in the log, at least 1.
    /// @param root RFC 6962 root over those leaves.
    function anchor(bytes32 origin, address publisher, uint64 size, bytes32 root) external;

    /// @notice Names who is to write under a key; nothing changes until that account accepts.
    /// @dev Only the writer may. A later proposal replaces an earlier one; zero takes it back.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by.
    /// @param writer Account that may accept.
    function proposeWriter(bytes32 origin, address publisher, address writer) external;

    /// @notice Takes over writing under a key. Only the proposed account may.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by.
    function acceptWriter(bytes32 origin, address publisher) external;

    /// @notice The newest checkpoint anchored under a key; zero and zero before the first.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by.
    /// @return size Number of leaves in the log.
    /// @return root RFC 6962 root over those leaves.
    function latest(bytes32 origin, address publisher)
        external
        view
        returns (uint64 size, bytes32 root);

    /// @notice Who writes under a key, and who is proposed to.
    /// @param origin SHA-256 of the log's origin line.
    /// @param publisher Account that the key is named by.
    /// @return writer The only account that may anchor.
    /// @return proposed The account that may accept; zero if nobody is.
    function writerOf(bytes32 origin, address publisher)
        external
        view
        returns (address writer, address proposed);
}
