// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RewardDistributor} from "../../src/RewardDistributor.sol";
import {IRewardDistributor} from "../../src/interfaces/IRewardDistributor.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

interface Cheats {
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function assume(bool condition) external pure;
}

/// @dev Balances and nothing else; everybody has approved the distributor.
contract LawToken {
    mapping(address account => uint256) public balanceOf;

    function give(address account, uint256 value) external {
        balanceOf[account] += value;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        return true;
    }
}

/// @notice Laws of the distributor for all keys, accounts, amounts, terms and times. `npm run laws` has
/// halmos prove them. Bounds: proofs of at most two hashes, that is trees of up to four leaves; two
/// distributions in one token; one claim or refund, or two of a kind.
contract RewardDistributorLaws {
    /// @dev Marks the contract as a test to halmos.
    bool public constant IS_TEST = true;

    Cheats private constant CHEATS = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant NOW = 1_700_000_000;
    /// @dev What belongs to another distribution in the same token.
    uint256 private constant OTHERS = 1e18;

    RewardDistributor private _distributor;
    LawToken private _token;

    function setUp() public {
        CHEATS.warp(NOW);
        _distributor = new RewardDistributor();
        _token = new LawToken();
        _token.give(address(this), type(uint136).max);
        create("other", bytes32(uint256(1)), uint128(OTHERS), 0);
    }

    /// @dev A claim pays exactly its amount, from its own distribution, before the deadline, once.
    function check_aClaimPaysItsAmountAndNoMore(
        bytes32 root,
        uint128 total,
        uint32 refundAfter,
        uint32 elapsed,
        address account,
        uint256 amount,
        bytes32 sibling,
        bool isDeep
    ) public {
        CHEATS.assume(account != address(_distributor));
        uint256 id = create("k", root, total, refundAfter);
        CHEATS.warp(NOW + elapsed);
        bytes32[] memory proof = new bytes32[](isDeep ? 1 : 0);
        if (isDeep) proof[0] = sibling;
        uint256 held = _token.balanceOf(account);
        bool first = claim(id, account, amount, proof);
        if (first) {
            assert(refundAfter == 0 || elapsed < refundAfter);
            assert(amount <= total);
            assert(_token.balanceOf(account) == held + amount);
            assert(_distributor.getDistribution(id).remaining == total - amount);
            assert(_distributor.isClaimed(id, account, amount, proof));
        }
        assert(!(claim(id, account, amount, proof) && first));
        assert(_token.balanceOf(address(_distributor)) >= OTHERS);
    }

    /// @dev Two different leaves under one root, shown by proofs of one length, one or two hashes, have two
    /// indexes: paying one never marks the other. With two lengths the leading 1 stands elsewhere.
    function check_leavesNeverShareAnIndex(
        bytes32 root,
        address accountA,
        uint256 amountA,
        bytes32[2] calldata pathA,
        address accountB,
        uint256 amountB,
        bytes32[2] calldata pathB,
        bool isDeep
    ) public {
        CHEATS.assume(accountA != accountB || amountA != amountB);
        uint256 id = create("k", root, type(uint128).max, 0);
        uint256 length = isDeep ? 2 : 1;
        (bytes32[] memory proofA, bytes32[] memory proofB) =
            (new bytes32[](length), new bytes32[](length));
        for (uint256 i = 0; i < length; ++i) (proofA[i], proofB[i]) = (pathA[i], pathB[i]);
        CHEATS.assume(claim(id, accountA, amountA, proofA));
        (bool isLeaf, bytes memory answer) = address(_distributor).call(
            abi.encodeCall(_distributor.isClaimed, (id, accountB, amountB, proofB))
        );
        assert(!isLeaf || !abi.decode(answer, (bool)));
    }

    /// @dev A refund pays what is left, to the funder, from the deadline on, once.
    function check_aRefundPaysTheRestToTheFunder(
        bytes32 root,
        uint128 total,
        uint32 refundAfter,
        uint32 elapsed,
        address caller
    ) public {
        uint256 id = create("k", root, total, refundAfter);
        CHEATS.warp(NOW + elapsed);
        uint256 held = _token.balanceOf(address(this));
        bool first = refund(caller);
        assert(first == (refundAfter != 0 && elapsed >= refundAfter));
        assert(_token.balanceOf(address(this)) == held + (first ? total : 0));
        assert(_distributor.getDistribution(id).remaining == (first ? 0 : total));
        assert(!(refund(caller) && first));
        assert(_token.balanceOf(address(_distributor)) == OTHERS + (first ? 0 : total));
    }

    /// @dev A funder's key is taken once, whatever the terms.
    function check_aKeyIsFundedOnce(
        bytes32 key,
        bytes32 root,
        uint128 total,
        bytes32 rootAgain,
        uint128 totalAgain,
        uint32 refundAfter
    ) public {
        create(key, root, total, 0);
        uint256 held = _token.balanceOf(address(this));
        (bool again,) = tryCreate(key, rootAgain, totalAgain, refundAfter);
        assert(!again);
        assert(_token.balanceOf(address(this)) == held);
    }

    /// @dev What is funded has a root, a total and a deadline of at least 90 days, or none.
    function check_termsAreWhatTheInterfaceSays(bytes32 root, uint128 total, uint32 refundAfter)
        public
    {
        (bool ok, uint256 id) = tryCreate("k", root, total, refundAfter);
        assert(ok == (root != 0 && total != 0 && (refundAfter == 0 || refundAfter >= 90 days)));
        if (!ok) return;
        IRewardDistributor.Distribution memory d = _distributor.getDistribution(id);
        assert(d.root == root && d.total == total && d.remaining == total);
        assert(d.deadline == (refundAfter == 0 ? 0 : NOW + refundAfter));
        assert(_token.balanceOf(address(_distributor)) == OTHERS + total);
    }

    function create(bytes32 key, bytes32 root, uint128 total, uint32 refundAfter)
        private
        returns (uint256 id)
    {
        bool ok;
        (ok, id) = tryCreate(key, root, total, refundAfter);
        CHEATS.assume(ok);
    }

    function tryCreate(bytes32 key, bytes32 root, uint128 total, uint32 refundAfter)
        private
        returns (bool ok, uint256 id)
    {
        bytes memory answer;
        (ok, answer) = address(_distributor).call(
            abi.encodeCall(
                _distributor.createDistribution,
                (key, IRewardDistributor.Terms(IERC20(address(_token)), root, total, refundAfter))
            )
        );
        if (ok) id = abi.decode(answer, (uint256));
    }

    function claim(uint256 id, address account, uint256 amount, bytes32[] memory proof)
        private
        returns (bool ok)
    {
        (ok,) = address(_distributor).call(
            abi.encodeCall(_distributor.claim, (id, account, amount, proof))
        );
    }

    function refund(address caller) private returns (bool ok) {
        CHEATS.prank(caller);
        (ok,) = address(_distributor).call(
            abi.encodeCall(_distributor.refund, (address(this), bytes32("k")))
        );
    }
}
