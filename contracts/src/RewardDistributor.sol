// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IRewardDistributor} from "./interfaces/IRewardDistributor.sol";

/// @title RewardDistributor
/// @notice Holds any number of funded distributions and pays their leaves. No owner, no upgrade.
contract RewardDistributor is IRewardDistributor, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private _distributionCount;
    mapping(uint256 distributionId => Distribution) private _distributions;
    mapping(uint256 distributionId => mapping(address account => bool)) private _claimed;

    /// @inheritdoc IRewardDistributor
    /// @dev Guarded because the funding is measured as a balance difference, which a token that calls
    /// back into a second creation could otherwise count twice.
    function createDistribution(IERC20 token, bytes32 root, uint256 total)
        external
        nonReentrant
        returns (uint256 distributionId)
    {
        if (total == 0) revert ZeroTotal();
        distributionId = ++_distributionCount;
        _distributions[distributionId] = Distribution(token, root, total, 0);
        emit DistributionCreated(distributionId, token, root, total);

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
        _ensureKnown(distributionId);
        if (_claimed[distributionId][account]) revert AlreadyClaimed(distributionId, account);
        Distribution storage distribution = _distributions[distributionId];
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(account, amount))));
        if (!MerkleProof.verifyCalldata(proof, distribution.root, leaf)) {
            revert InvalidProof(distributionId, account, amount);
        }
        uint256 remaining = distribution.total - distribution.claimed;
        if (amount > remaining) revert TotalExceeded(distributionId, remaining, amount);

        _claimed[distributionId][account] = true;
        distribution.claimed += amount;
        emit RewardClaimed(distributionId, account, amount);
        distribution.token.safeTransfer(account, amount);
    }

    /// @inheritdoc IRewardDistributor
    function getDistribution(uint256 distributionId)
        external
        view
        returns (Distribution memory distribution)
    {
        _ensureKnown(distributionId);
        return _distributions[distributionId];
    }

    /// @inheritdoc IRewardDistributor
    function isClaimed(uint256 distributionId, address account)
        external
        view
        returns (bool claimed)
    {
        return _claimed[distributionId][account];
    }

    function _ensureKnown(uint256 distributionId) private view {
        if (distributionId == 0 || distributionId > _distributionCount) {
            revert UnknownDistribution(distributionId, _distributionCount);
        }
    }
}
