// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title IRewardDistributor
/// @notice Pays ERC-20 rewards that were computed elsewhere and committed to by a Merkle root.
/// @dev Trees are OpenZeppelin StandardMerkleTree with the leaf encoding ["address", "uint256"]:
/// leaf = keccak256(bytes.concat(keccak256(abi.encode(account, amount)))), inner nodes hash their
/// two children in ascending order.
///
/// What was paid is one bit for each place in the tree. The place of a leaf is not written in the leaf:
/// it follows from the proof. On the way to the root each step says whether the node so far is the
/// larger of its pair; those bits, the leaf's in the lowest place, under a leading 1, are the leaf's
/// index. Two different leaves under one root part at some pair and so never share an index. A leaf
/// that a tree holds in two places is paid for each, so a tree must name each account once.
///
/// A distribution belongs to its funder and a key of the funder's choosing, and its number is their
/// hash: funding the same key twice reverts, and anybody can tell the number beforehand. Its terms are
/// fixed when it is funded. Before its deadline its leaves are paid and nothing else; from then on its
/// funder gets the rest and no leaf is paid. Without a deadline nobody ever gets the rest, and leaves
/// are paid for ever.
///
/// One balance holds all distributions of a token. Tokens that deliver less or more than was asked are
/// refused; a token that changes balances by itself cannot be told, and what it takes is missing to
/// whoever claims last in that token.
interface IRewardDistributor {
    /// @notice What a funder fixes for good.
    /// @param token ERC-20 that is paid out.
    /// @param root Merkle root over the (account, amount) leaves; not zero.
    /// @param total Amount to fund, in the token's smallest unit; should be the sum of the leaves.
    /// @param refundAfter Seconds from now until the funder gets the rest, at least 90 days; 0: never.
    struct Terms {
        IERC20 token;
        bytes32 root;
        uint128 total;
        uint32 refundAfter;
    }

    /// @notice One distribution.
    /// @param token ERC-20 that is paid out.
    /// @param deadline Block time, in seconds since 1970, from which the rest is the funder's; 0: never.
    /// @param root Merkle root over the (account, amount) leaves.
    /// @param total Amount funded, in the token's smallest unit.
    /// @param remaining Amount neither claimed nor refunded, in the token's smallest unit.
    struct Distribution {
        IERC20 token;
        uint40 deadline;
        bytes32 root;
        uint128 total;
        uint128 remaining;
    }

    /// @notice A distribution was created and funded.
    /// @param distributionId Number of the distribution.
    /// @param funder Account that funded it.
    /// @param token ERC-20 that is paid out.
    /// @param key The funder's key.
    /// @param root Merkle root over the (account, amount) leaves.
    /// @param total Amount funded, in the token's smallest unit.
    /// @param deadline Block time from which the rest is the funder's, in seconds since 1970; 0: never.
    event DistributionCreated(
        uint256 indexed distributionId,
        address indexed funder,
        IERC20 indexed token,
        bytes32 key,
        bytes32 root,
        uint128 total,
        uint40 deadline
    );

    /// @notice A reward was paid.
    /// @param distributionId Number of the distribution.
    /// @param account Account that was paid.
    /// @param amount Amount paid, in the token's smallest unit.
    event RewardClaimed(uint256 indexed distributionId, address indexed account, uint256 amount);

    /// @notice The rest of a distribution went back to its funder.
    /// @param distributionId Number of the distribution.
    /// @param funder Account that got it.
    /// @param amount Amount, in the token's smallest unit.
    event DistributionRefunded(
        uint256 indexed distributionId, address indexed funder, uint128 amount
    );

    /// @notice A distribution of nothing was asked for.
    error ZeroTotal();

    /// @notice A distribution under which nothing could ever be claimed was asked for.
    error ZeroRoot();

    /// @notice The rest would go back too early.
    /// @param refundAfter Seconds asked for.
    /// @param refundAfterMin Fewest seconds allowed.
    error RefundTooEarly(uint32 refundAfter, uint32 refundAfterMin);

    /// @notice The funder has used this key.
    /// @param distributionId Number of the distribution that has it.
    error KeyUsed(uint256 distributionId);

    /// @notice The token moved less or more than it was asked to, as fee-taking tokens do.
    /// @param expected Amount asked for, in the token's smallest unit.
    /// @param received Amount that arrived, in the token's smallest unit.
    error UnexpectedFunding(uint256 expected, uint256 received);

    /// @notice No distribution has this number.
    /// @param distributionId The number that was asked for.
    error UnknownDistribution(uint256 distributionId);

    /// @notice This leaf has already been paid from this distribution.
    /// @param distributionId Number of the distribution.
    /// @param account Account of the leaf.
    error AlreadyClaimed(uint256 distributionId, address account);

    /// @notice The proof does not lead from this account and amount to the root.
    /// @param distributionId Number of the distribution.
    /// @param account Account of the claim.
    /// @param amount Amount of the claim, in the token's smallest unit.
    error InvalidProof(uint256 distributionId, address account, uint256 amount);

    /// @notice The tree is deeper than any that could be built.
    /// @param length Hashes in the proof.
    /// @param lengthMax Most hashes a proof may have.
    error ProofTooLong(uint256 length, uint256 lengthMax);

    /// @notice The tree promises more than was funded.
    /// @param distributionId Number of the distribution.
    /// @param remaining Amount left, in the token's smallest unit.
    /// @param amount Amount of the claim, in the token's smallest unit.
    error TotalExceeded(uint256 distributionId, uint256 remaining, uint256 amount);

    /// @notice The time for claims is over.
    /// @param distributionId Number of the distribution.
    /// @param deadline Block time from which no leaf is paid, in seconds since 1970.
    error ClaimsClosed(uint256 distributionId, uint40 deadline);

    /// @notice The time for the refund has not come, or never comes.
    /// @param distributionId Number of the distribution.
    /// @param deadline Block time from which it may, in seconds since 1970; 0: never.
    error RefundNotOpen(uint256 distributionId, uint40 deadline);

    /// @notice Nothing is left.
    /// @param distributionId Number of the distribution.
    error NothingLeft(uint256 distributionId);

    /// @notice Creates a distribution and takes its whole total from the caller in the same transaction.
    /// @dev The caller must have approved `total`. Tokens that take a fee are refused. The same key
    /// again reverts with {KeyUsed}, so a sender whose answer was lost pays once however often it sends.
    /// @param key Names what is paid for, once for each funder; normally a digest.
    /// @param terms What is fixed for good.
    /// @return distributionId `distributionIdOf(caller, key)`.
    function createDistribution(bytes32 key, Terms calldata terms)
        external
        returns (uint256 distributionId);

    /// @notice Pays one leaf to its account. Anyone may trigger it; the money only goes to `account`.
    /// @param distributionId Number of the distribution.
    /// @param account Account of the leaf.
    /// @param amount Amount of the leaf, in the token's smallest unit.
    /// @param proof Sibling hashes from the leaf to the root, at most 64.
    function claim(
        uint256 distributionId,
        address account,
        uint256 amount,
        bytes32[] calldata proof
    ) external;

    /// @notice Pays what is left to the funder, from the deadline on. Anyone may trigger it.
    /// @param funder Account that funded the distribution.
    /// @param key The funder's key.
    function refund(address funder, bytes32 key) external;

    /// @notice The number of the distribution of a funder under a key, whether it exists or not.
    /// @param funder Account that funds.
    /// @param key The funder's key.
    /// @return distributionId keccak256(abi.encode(funder, key)).
    function distributionIdOf(address funder, bytes32 key)
        external
        pure
        returns (uint256 distributionId);

    /// @notice Reads a distribution.
    /// @dev Reverts with {UnknownDistribution} for a number that has none.
    /// @param distributionId Number of the distribution.
    /// @return distribution Its terms and what is left.
    function getDistribution(uint256 distributionId)
        external
        view
        returns (Distribution memory distribution);

    /// @notice Whether a leaf has been paid from a distribution.
    /// @dev Reverts with {UnknownDistribution} and {InvalidProof} as a claim would.
    /// @param distributionId Number of the distribution.
    /// @param account Account of the leaf.
    /// @param amount Amount of the leaf, in the token's smallest unit.
    /// @param proof Sibling hashes from the leaf to the root.
    /// @return claimed True once the leaf was paid.
    function isClaimed(
        uint256 distributionId,
        address account,
        uint256 amount,
        bytes32[] calldata proof
    ) external view returns (bool claimed);
}
