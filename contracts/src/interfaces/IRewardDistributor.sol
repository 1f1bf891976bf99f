// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title IRewardDistributor
/// @notice Pays ERC-20 rewards that were computed elsewhere and committed to by a Merkle root.
/// @dev Trees are OpenZeppelin StandardMerkleTree with the leaf encoding ["address", "uint256"]:
/// leaf = keccak256(bytes.concat(keccak256(abi.encode(account, amount)))), inner nodes hash their
/// two children in ascending order. An account may be paid once per distribution, so a tree must
/// name each account in one leaf only. Nobody, not even the funder, can change or withdraw a
/// funded distribution: what is not claimed stays.
interface IRewardDistributor {
    /// @notice One distribution.
    /// @param token ERC-20 that is paid out.
    /// @param root Merkle root over the (account, amount) leaves.
    /// @param total Amount funded at creation, in the token's smallest unit.
    /// @param claimed Amount paid out so far, in the token's smallest unit; never above `total`.
    struct Distribution {
        IERC20 token;
        bytes32 root;
        uint256 total;
        uint256 claimed;
    }

    /// @notice A distribution was created and funded.
    /// @param distributionId Number of the distribution; the first is 1.
    /// @param token ERC-20 that is paid out.
    /// @param root Merkle root over the (account, amount) leaves.
    /// @param total Amount funded, in the token's smallest unit.
    event DistributionCreated(
        uint256 indexed distributionId, IERC20 indexed token, bytes32 root, uint256 total
    );

    /// @notice A reward was paid.
    /// @param distributionId Number of the distribution.
    /// @param account Account that was paid.
    /// @param amount Amount paid, in the token's smallest unit.
    event RewardClaimed(uint256 indexed distributionId, address indexed account, uint256 amount);

    /// @notice A distribution of nothing was asked for.
    error ZeroTotal();

    /// @notice The token moved less or more than it was asked to, as fee-taking tokens do.
    /// @param expected Amount asked for, in the token's smallest unit.
    /// @param received Amount that arrived, in the token's smallest unit.
    error UnexpectedFunding(uint256 expected, uint256 received);

    /// @notice No distribution has this number.
    /// @param distributionId The number that was asked for.
    /// @param distributionCount How many distributions there are; valid numbers are 1 to this.
    error UnknownDistribution(uint256 distributionId, uint256 distributionCount);

    /// @notice The account has already been paid from this distribution.
    /// @param distributionId Number of the distribution.
    /// @param account Account that was paid.
    error AlreadyClaimed(uint256 distributionId, address account);

    /// @notice The proof does not lead from this account and amount to the root.
    /// @param distributionId Number of the distribution.
    /// @param account Account of the claim.
    /// @param amount Amount of the claim, in the token's smallest unit.
    error InvalidProof(uint256 distributionId, address account, uint256 amount);

    /// @notice The tree promises more than was funded.
    /// @param distributionId Number of the distribution.
    /// @param remaining Amount left, in the token's smallest unit.
    /// @param amount Amount of the claim, in the token's smallest unit.
    error TotalExceeded(uint256 distributionId, uint256 remaining, uint256 amount);

    /// @notice Creates a distribution and takes its whole total from the caller in the same transaction.
    /// @dev The caller must have approved `total`. Tokens that take a fee are refused.
    /// @param token ERC-20 that is paid out.
    /// @param root Merkle root over the (account, amount) leaves.
    /// @param total Amount to fund, in the token's smallest unit; should be the sum of the leaves.
    /// @return distributionId Number given to it; numbers rise by one and start at 1.
    function createDistribution(IERC20 token, bytes32 root, uint256 total)
        external
        returns (uint256 distributionId);

    /// @notice Pays one leaf to its account. Anyone may trigger it; the money only goes to `account`.
    /// @param distributionId Number of the distribution.
    /// @param account Account of the leaf.
    /// @param amount Amount of the leaf, in the token's smallest unit.
    /// @param proof Sibling hashes from the leaf to the root.
    function claim(
        uint256 distributionId,
        address account,
        uint256 amount,
        bytes32[] calldata proof
    ) external;

    /// @notice Reads a distribution.
    /// @dev Reverts with {UnknownDistribution} for a number that was never given.
    /// @param distributionId Number of the distribution.
    /// @return distribution Its token, root, total and amount paid so far.
    function getDistribution(uint256 distributionId)
        external
        view
        returns (Distribution memory distribution);

    /// @notice Whether an account has been paid from a distribution.
    /// @param distributionId Number of the distribution.
    /// @param account Account to look up.
    /// @return claimed True once the account was paid.
    function isClaimed(uint256 distributionId, address account)
        external
        view
        returns (bool claimed);
}
