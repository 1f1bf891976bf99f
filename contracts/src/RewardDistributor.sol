// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IRewardDistributor} from "./interfaces/IRewardDistributor.sol";

/// @title RewardDistributor
/// @notice Holds any number of funded distributions and pays their leaves. No owner, no upgrade.
contract RewardDistributor is IRewardDistributor, ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// @dev Everybody who was promised something has at least so long to notice.
    uint32 private constant REFUND_AFTER_MIN = 90 days;
    /// @dev 2^64 leaves are more than can be hashed, and an index must fit a word with room to spare.
    uint256 private constant PROOF_LENGTH_MAX = 64;

    mapping(uint256 distributionId => Distribution) private _distributions;
    /// @dev 256 leaves share a word, which is what makes a claim cheap.
    mapping(uint256 distributionId => mapping(uint256 word => uint256 bits)) private _claimed;

    /// @inheritdoc IRewardDistributor
    /// @dev Guarded because the funding is measured as a balance difference, which a token that calls
    /// back into a second creation could otherwise count twice.
    function createDistribution(bytes32 key, Terms calldata terms)
        external
        nonReentrant
        returns (uint256 distributionId)
    {
        (IERC20 token, uint256 total, uint32 refundAfter) =
            (terms.token, terms.total, terms.refundAfter);
        if (terms.root == bytes32(0)) revert ZeroRoot();
        if (total == 0) revert ZeroTotal();
        if (refundAfter != 0 && refundAfter < REFUND_AFTER_MIN) {
            revert RefundTooEarly(refundAfter, REFUND_AFTER_MIN);
        }
        distributionId = distributionIdOf(msg.sender, key);
        if (_distributions[distributionId].total != 0) revert KeyUsed(distributionId);
        uint40 deadline = refundAfter == 0 ? 0 : uint40(block.timestamp) + refundAfter;
        _distributions[distributionId] =
            Distribution(token, deadline, terms.root, terms.total, terms.total);
        emit DistributionCreated(
            distributionId, msg.sender, token, key, terms.root, terms.total, deadline
        );

        uint256 balanceBefore = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), total);
        uint256 received = token.balanceOf(address(this)) - balanceBefore;
        if (received != total) revert UnexpectedFunding(total, received);
    }

    /// @inheritdoc IRewardDistributor
    function claim(
        uint256 distributionId,
        address account,
        uint256 amount,
        bytes32[] calldata proof
    ) external nonReentrant {
        Distribution storage distribution = _known(distributionId);
        (IERC20 token, uint40 deadline) = (distribution.token, distribution.deadline);
        if (deadline != 0 && block.timestamp >= deadline) {
            revert ClaimsClosed(distributionId, deadline);
        }
        uint256 index = _leafIndex(distributionId, account, amount, proof);
        (uint256 word, uint256 bit) = (index >> 8, 1 << (index & 0xff));
        uint256 bits = _claimed[distributionId][word];
        if (bits & bit != 0) revert AlreadyClaimed(distributionId, account);
        uint256 remaining = distribution.remaining;
        if (amount > remaining) revert TotalExceeded(distributionId, remaining, amount);

        _claimed[distributionId][word] = bits | bit;
        // Not above `remaining`, which is a uint128.
        distribution.remaining = uint128(remaining - amount);
        emit RewardClaimed(distributionId, account, amount);
        token.safeTransfer(account, amount);
    }

    /// @inheritdoc IRewardDistributor
    function refund(address funder, bytes32 key) external nonReentrant {
        uint256 distributionId = distributionIdOf(funder, key);
        Distribution storage distribution = _known(distributionId);
        (IERC20 token, uint40 deadline) = (distribution.token, distribution.deadline);
        if (deadline == 0 || block.timestamp < deadline) {
            revert RefundNotOpen(distributionId, deadline);
        }
        uint128 remaining = distribution.remaining;
        if (remaining == 0) revert NothingLeft(distributionId);

        distribution.remaining = 0;
        emit DistributionRefunded(distributionId, funder, remaining);
        token.safeTransfer(funder, remaining);
    }

    /// @inheritdoc IRewardDistributor
    function getDistribution(uint256 distributionId)
        external
        view
        returns (Distribution memory distribution)
    {
        return _known(distributionId);
    }

    /// @inheritdoc IRewardDistributor
    function isClaimed(
        uint256 distributionId,
        address account,
        uint256 amount,
        bytes32[] calldata proof
    ) external view returns (bool claimed) {
        _known(distributionId);
        uint256 index = _leafIndex(distributionId, account, amount, proof);
        return _claimed[distributionId][index >> 8] & (1 << (index & 0xff)) != 0;
    }

    /// @inheritdoc IRewardDistributor
    function distributionIdOf(address funder, bytes32 key)
        public
        pure
        returns (uint256 distributionId)
    {
        return uint256(keccak256(abi.encode(funder, key)));
    }

    /// @dev A total of zero is never stored.
    function _known(uint256 distributionId) private view returns (Distribution storage distribution) {
        distribution = _distributions[distributionId];
        if (distribution.total == 0) revert UnknownDistribution(distributionId);
    }

    /// @dev Hashes from the leaf to the root and gathers on which side each step was: the index.
    function _leafIndex(
        uint256 distributionId,
        address account,
        uint256 amount,
        bytes32[] calldata proof
    ) private view returns (uint256 index) {
        uint256 length = proof.length;
        if (length > PROOF_LENGTH_MAX) revert ProofTooLong(length, PROOF_LENGTH_MAX);
        bytes32 node = keccak256(bytes.concat(keccak256(abi.encode(account, amount))));
        index = 1 << length;
        for (uint256 i = 0; i < length; ++i) {
            bytes32 sibling = proof[i];
            if (node > sibling) {
                index |= 1 << i;
                node = _pairHash(sibling, node);
            } else {
                node = _pairHash(node, sibling);
            }
        }
        if (node != _distributions[distributionId].root) {
            revert InvalidProof(distributionId, account, amount);
        }
    }

    function _pairHash(bytes32 low, bytes32 high) private pure returns (bytes32) {
        return keccak256(abi.encode(low, high));
    }
}
