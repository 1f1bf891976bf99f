// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {IRewardDistributor} from "../src/interfaces/IRewardDistributor.sol";
import {Base, Vm} from "./Base.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice Leaves, trees and distributions that every test of the distributor makes.
abstract contract Distributing is Base {
    struct Tree {
        address[] accounts;
        uint256[] amounts;
        bytes32[] nodes;
        uint256 total;
    }

    uint32 internal constant YEAR = 365 days;

    RewardDistributor internal distributor = new RewardDistributor();

    function terms(IERC20 token, bytes32 root, uint256 total, uint32 refundAfter)
        internal
        pure
        returns (IRewardDistributor.Terms memory)
    {
        return IRewardDistributor.Terms(token, root, uint128(total), refundAfter);
    }

    function fund(IERC20 token, bytes32 key, Tree memory tree, uint32 refundAfter)
        internal
        returns (uint256 distributionId)
    {
        return distributor.createDistribution(
            key, terms(token, tree.nodes[0], tree.total, refundAfter)
        );
    }

    function claim(uint256 id, Tree memory tree, uint256 index) internal {
        bytes32[] memory proof = proofOf(tree, index);
        distributor.claim(id, tree.accounts[index], tree.amounts[index], proof);
    }

    function isClaimed(uint256 id, Tree memory tree, uint256 index) internal view returns (bool) {
        bytes32[] memory proof = proofOf(tree, index);
        return distributor.isClaimed(id, tree.accounts[index], tree.amounts[index], proof);
    }

    function makeTree(uint256 count, uint256 seed) internal pure returns (Tree memory tree) {
        tree.accounts = new address[](count);
        tree.amounts = new uint256[](count);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            tree.accounts[i] = address(uint160(uint256(keccak256(abi.encode(seed, i)))));
            tree.amounts[i] = 1 + uint256(keccak256(abi.encode(i, seed))) % 1e24;
            leaves[i] = MerkleTree.leaf(tree.accounts[i], tree.amounts[i]);
            tree.total += tree.amounts[i];
        }
        tree.nodes = MerkleTree.build(leaves);
    }

    /// @dev Two leaves of 60 and 40 units, for tokens with a small supply.
    function smallTree() internal pure returns (Tree memory tree) {
        tree.accounts = new address[](2);
        tree.amounts = new uint256[](2);
        (tree.accounts[0], tree.accounts[1]) = (address(0xA11CE), address(0xB0B));
        (tree.amounts[0], tree.amounts[1], tree.total) = (60, 40, 100);
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = MerkleTree.leaf(tree.accounts[0], 60);
        leaves[1] = MerkleTree.leaf(tree.accounts[1], 40);
        tree.nodes = MerkleTree.build(leaves);
    }

    function proofOf(Tree memory tree, uint256 index) internal pure returns (bytes32[] memory) {
        bytes32 leaf = MerkleTree.leaf(tree.accounts[index], tree.amounts[index]);
        return MerkleTree.proof(tree.nodes, leaf);
    }
}

contract RewardDistributorTest is Distributing {
    PlainToken private _token;
    RewardDistributorHandler private _handler;

    function setUp() public {
        vm.warp(1_700_000_000);
        _token = new PlainToken(1e30);
        _token.approve(address(distributor), type(uint256).max);
        _handler = new RewardDistributorHandler();
        target(address(_handler));
    }

    /// @dev Root from the README of OpenZeppelin's merkle-tree package (its first example).
    function test_claim_acceptsThePublishedExampleTree() public {
        bytes32 root = 0xd4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77;
        uint256 id = distributor.createDistribution("k", terms(_token, root, 7.5e18, 0));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = 0xb92c48e9d7abe27fd8dfd6b5dfdbfb1c9a463f80c712b66f3a5180a090cccafc;
        address account = 0x1111111111111111111111111111111111111111;
        distributor.claim(id, account, 5e18, proof);
        vm.assertEq(_token.balanceOf(account), 5e18);
    }

    function test_fuzz_claim_paysEveryLeafOnceAndNothingStays(
        uint8 count,
        uint96 seed,
        address caller
    ) public {
        count = uint8(bound(count, 1, 17));
        Tree memory tree = makeTree(count, seed);
        uint256 id = fund(_token, "k", tree, YEAR);
        for (uint256 i = 0; i < count; ++i) {
            vm.assertTrue(!isClaimed(id, tree, i));
            bytes32[] memory proof = proofOf(tree, i);
            vm.expectEmit(true, true, false, true, address(distributor));
            emit IRewardDistributor.RewardClaimed(id, tree.accounts[i], tree.amounts[i]);
            vm.prank(caller, caller);
            distributor.claim(id, tree.accounts[i], tree.amounts[i], proof);
            vm.assertEq(_token.balanceOf(tree.accounts[i]), tree.amounts[i]);
            vm.assertTrue(isClaimed(id, tree, i));
        }
        for (uint256 i = 0; i < count; ++i) ensureRepeatReverts(id, tree, i);
        vm.assertEq(_token.balanceOf(address(distributor)), 0);
        vm.assertEq(distributor.getDistribution(id).remaining, 0);
    }

    /// @dev More leaves of one depth than a word of the bitmap holds, so that two of their indexes end in the same
    /// eight bits; paid in both directions.
    function test_claim_paysLeavesOfSeveralWords() public {
        Tree memory tree = makeTree(600, 3);
        uint256 id = fund(_token, "k", tree, 0);
        for (uint256 i = 0; i < 300; ++i) {
            claim(id, tree, i);
            claim(id, tree, 599 - i);
        }
        vm.assertEq(_token.balanceOf(address(distributor)), 0);
    }

    /// @dev A sibling pair of equal leaves has one index.
    function test_claim_paysEqualSiblingsOnce() public {
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = MerkleTree.leaf(address(0xB0B), 5);
        bytes32 root = keccak256(abi.encode(proof[0], proof[0]));
        uint256 id = distributor.createDistribution("k", terms(_token, root, 10, 0));
        distributor.claim(id, address(0xB0B), 5, proof);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.AlreadyClaimed.selector, id, address(0xB0B))
        );
        distributor.claim(id, address(0xB0B), 5, proof);
    }

    function test_fuzz_claim_revertsIfAmountIsNotTheLeafs(uint96 seed, uint256 amount) public {
        Tree memory tree = makeTree(4, seed);
        vm.assume(amount != tree.amounts[2]);
        uint256 id = fund(_token, "k", tree, 0);
        ensureInvalid(id, tree.accounts[2], amount, proofOf(tree, 2));
    }

    function test_fuzz_claim_revertsIfAccountIsNotTheLeafs(uint96 seed, address thief) public {
        Tree memory tree = makeTree(4, seed);
        vm.assume(thief != tree.accounts[0]);
        uint256 id = fund(_token, "k", tree, 0);
        ensureInvalid(id, thief, tree.amounts[0], proofOf(tree, 0));
    }

    /// @dev A longer or shorter way to the same root would be another index for the same leaf.
    function test_fuzz_claim_revertsIfProofIsCutOrPadded(uint96 seed, bytes32 extra) public {
        Tree memory tree = makeTree(5, seed);
        uint256 id = fund(_token, "k", tree, 0);
        bytes32[] memory proof = proofOf(tree, 1);
        bytes32[] memory padded = new bytes32[](proof.length + 1);
        bytes32[] memory cut = new bytes32[](proof.length - 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            padded[i] = proof[i];
            if (i < cut.length) cut[i] = proof[i];
        }
        padded[proof.length] = extra;
        ensureInvalid(id, tree.accounts[1], tree.amounts[1], padded);
        ensureInvalid(id, tree.accounts[1], tree.amounts[1], cut);
    }

    /// @dev The children of the root, given as an account and an amount.
    function test_claim_revertsIfAnInnerNodeIsGivenAsALeaf() public {
        bytes32 low = bytes32(uint256(uint160(address(0xB0B))));
        bytes32 root = keccak256(abi.encode(low, bytes32(uint256(5))));
        uint256 id = distributor.createDistribution("k", terms(_token, root, 5, 0));
        ensureInvalid(id, address(0xB0B), 5, new bytes32[](0));
    }

    function test_claim_revertsIfProofIsTooLong() public {
        uint256 id = distributor.createDistribution("k", terms(_token, "root", 5, 0));
        ensureInvalid(id, address(this), 1, new bytes32[](64));
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.ProofTooLong.selector, 65, 64));
        distributor.claim(id, address(this), 1, new bytes32[](65));
    }

    /// @dev A tree that promises more than was funded must not eat another distribution's money.
    function test_claim_revertsIfTreePromisesMoreThanTotal() public {
        Tree memory tree = makeTree(2, 7);
        distributor.createDistribution("other", terms(_token, "root", tree.total, 0));
        uint256 id = distributor.createDistribution(
            "k", terms(_token, tree.nodes[0], tree.amounts[0], 0)
        );
        claim(id, tree, 0);
        bytes32[] memory proof = proofOf(tree, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardDistributor.TotalExceeded.selector, id, 0, tree.amounts[1]
            )
        );
        distributor.claim(id, tree.accounts[1], tree.amounts[1], proof);
        vm.assertTrue(!isClaimed(id, tree, 1));
    }

    /// @dev Also one that would fit into the total, and no longer fits into what is left.
    function test_claim_revertsIfLeafExceedsWhatIsLeft() public {
        Tree memory tree = smallTree();
        uint256 id = distributor.createDistribution("k", terms(_token, tree.nodes[0], 70, 0));
        claim(id, tree, 0);
        bytes32[] memory proof = proofOf(tree, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.TotalExceeded.selector, id, 10, 40)
        );
        distributor.claim(id, tree.accounts[1], 40, proof);
    }

    function test_fuzz_claim_revertsIfDistributionIsUnknown(uint256 id) public {
        bytes32[] memory proof = new bytes32[](0);
        bytes memory reason =
            abi.encodeWithSelector(IRewardDistributor.UnknownDistribution.selector, id);
        vm.expectRevert(reason);
        distributor.claim(id, address(this), 1, proof);
        vm.expectRevert(reason);
        distributor.isClaimed(id, address(this), 1, proof);
        vm.expectRevert(reason);
        distributor.getDistribution(id);
    }

    function test_isClaimed_revertsIfProofIsNotTheLeafs() public {
        Tree memory tree = makeTree(3, 1);
        uint256 id = fund(_token, "k", tree, 0);
        bytes32[] memory proof = proofOf(tree, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardDistributor.InvalidProof.selector, id, tree.accounts[1], tree.amounts[1]
            )
        );
        distributor.isClaimed(id, tree.accounts[1], tree.amounts[1], proof);
    }

    function test_fuzz_createDistribution_fundsInTheSameTransaction(
        bytes32 key,
        bytes32 root,
        uint96 total,
        uint32 refundAfter
    ) public {
        vm.assume(root != 0);
        total = uint96(bound(total, 1, type(uint96).max));
        refundAfter = uint32(bound(refundAfter, 90 days, type(uint32).max));
        uint256 expected = uint256(keccak256(abi.encode(address(this), key)));
        uint40 deadline = uint40(1_700_000_000 + uint256(refundAfter));
        vm.expectEmit(true, true, true, true, address(distributor));
        emit IRewardDistributor.DistributionCreated(
            expected, address(this), _token, key, root, total, deadline
        );
        uint256 id = distributor.createDistribution(key, terms(_token, root, total, refundAfter));
        vm.assertEq(id, expected);
        vm.assertEq(id, distributor.distributionIdOf(address(this), key));
        vm.assertEq(_token.balanceOf(address(distributor)), total);
        IRewardDistributor.Distribution memory distribution = distributor.getDistribution(id);
        vm.assertEq(address(distribution.token), address(_token));
        vm.assertEq(distribution.deadline, deadline);
        vm.assertEq(distribution.root, root);
        vm.assertEq(distribution.total, total);
        vm.assertEq(distribution.remaining, total);
    }

    /// @dev Random totals are large; these are all that are small.
    function test_createDistribution_keepsEverySmallTotal() public {
        for (uint256 total = 1; total < 256; ++total) {
            uint256 id =
                distributor.createDistribution(bytes32(total), terms(_token, "root", total, 0));
            vm.assertEq(distributor.getDistribution(id).total, total);
            vm.assertEq(distributor.getDistribution(id).remaining, total);
        }
    }

    /// @dev Written out, not taken from the interface: what readers of the chain filter by.
    function test_events_haveTheDocumentedTopics() public {
        Tree memory tree = smallTree();
        vm.recordLogs();
        uint256 id = fund(_token, "k", tree, YEAR);
        claim(id, tree, 1);
        vm.warp(block.timestamp + YEAR);
        distributor.refund(address(this), "k");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        ensureTopics(
            logs[0],
            keccak256(
                "DistributionCreated(uint256,address,address,bytes32,bytes32,uint128,uint40)"
            ),
            id,
            address(this)
        );
        vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(address(_token)))));
        ensureTopics(
            logs[2], keccak256("RewardClaimed(uint256,address,uint256)"), id, tree.accounts[1]
        );
        vm.assertEq(logs[2].data, abi.encode(40));
        ensureTopics(
            logs[4], keccak256("DistributionRefunded(uint256,address,uint128)"), id, address(this)
        );
        vm.assertEq(logs[4].data, abi.encode(60));
    }

    /// @dev The same key pays once, whatever else is said with it; another funder's key is another.
    function test_fuzz_createDistribution_revertsIfFunderUsedTheKey(bytes32 key, uint128 total)
        public
    {
        total = uint128(bound(total, 1, 1e27));
        uint256 id = distributor.createDistribution(key, terms(_token, "root", 10, 0));
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.KeyUsed.selector, id));
        distributor.createDistribution(key, terms(_token, "other root", total, YEAR));
        vm.assertEq(_token.balanceOf(address(distributor)), 10);
        address other = address(0xF00D);
        _token.transfer(other, total);
        vm.startPrank(other);
        _token.approve(address(distributor), total);
        distributor.createDistribution(key, terms(_token, "root", total, 0));
        vm.stopPrank();
        vm.assertEq(_token.balanceOf(address(distributor)), 10 + uint256(total));
    }

    /// @dev Also when everything was paid, and when the rest was refunded.
    function test_createDistribution_revertsIfTheKeyIsSpent() public {
        Tree memory tree = smallTree();
        uint256 id = fund(_token, "k", tree, 90 days);
        claim(id, tree, 0);
        vm.warp(block.timestamp + 90 days);
        distributor.refund(address(this), "k");
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.KeyUsed.selector, id));
        fund(_token, "k", tree, 90 days);
    }

    /// @dev The account that calls is the funder and pays, not the one that sent the transaction.
    function test_createDistribution_takesFromItsCaller() public {
        vm.expectRevert(
            abi.encodeWithSignature(
                "ERC20InsufficientAllowance(address,uint256,uint256)", address(distributor), 0, 100
            )
        );
        vm.prank(address(0xF00D), address(this));
        distributor.createDistribution("k", terms(_token, "root", 100, 0));
        vm.prank(address(this), address(0xF00D));
        uint256 id = distributor.createDistribution("k", terms(_token, "root", 100, 0));
        vm.assertEq(id, distributor.distributionIdOf(address(this), "k"));
    }

    function test_createDistribution_revertsIfTotalIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.ZeroTotal.selector));
        distributor.createDistribution("k", terms(_token, "root", 0, 0));
    }

    function test_createDistribution_revertsIfRootIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.ZeroRoot.selector));
        distributor.createDistribution("k", terms(_token, 0, 1, 0));
    }

    function test_fuzz_createDistribution_revertsIfRefundIsTooEarly(uint32 refundAfter) public {
        refundAfter = uint32(bound(refundAfter, 1, 90 days - 1));
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardDistributor.RefundTooEarly.selector, refundAfter, 90 days
            )
        );
        distributor.createDistribution("k", terms(_token, "root", 1, refundAfter));
    }

    /// @dev Up to the deadline leaves are paid and the funder gets nothing; from it on the reverse.
    function test_fuzz_refund_opensWhereClaimsClose(uint32 refundAfter, uint32 elapsed) public {
        refundAfter = uint32(bound(refundAfter, 90 days, type(uint32).max));
        Tree memory tree = makeTree(2, refundAfter);
        uint256 id = fund(_token, "k", tree, refundAfter);
        uint40 deadline = uint40(block.timestamp + refundAfter);
        claim(id, tree, 0);
        vm.warp(block.timestamp + elapsed);
        if (elapsed < refundAfter) {
            ensureRefundNotOpen(id, deadline);
            claim(id, tree, 1);
            vm.assertEq(_token.balanceOf(tree.accounts[1]), tree.amounts[1]);
        } else {
            ensureClosed(id, tree, 1, deadline);
            uint256 before = _token.balanceOf(address(this));
            vm.expectEmit(true, true, false, true, address(distributor));
            emit IRewardDistributor.DistributionRefunded(
                id, address(this), uint128(tree.amounts[1])
            );
            vm.prank(address(0xF00D), address(0xF00D));
            distributor.refund(address(this), "k");
            vm.assertEq(_token.balanceOf(address(this)), before + tree.amounts[1]);
            vm.assertEq(distributor.getDistribution(id).remaining, 0);
            vm.assertEq(distributor.getDistribution(id).total, tree.total);
        }
        vm.assertEq(_token.balanceOf(address(distributor)), 0);
    }

    function test_refund_opensAtTheDeadlineItself() public {
        Tree memory tree = smallTree();
        uint256 id = fund(_token, "k", tree, 90 days);
        uint40 deadline = uint40(block.timestamp + 90 days);
        vm.warp(deadline - 1);
        ensureRefundNotOpen(id, deadline);
        claim(id, tree, 0);
        vm.warp(deadline);
        ensureClosed(id, tree, 1, deadline);
        distributor.refund(address(this), "k");
    }

    /// @dev A distribution's rest is its own, not what the contract holds.
    function test_refund_paysOnlyItsOwnRest() public {
        Tree memory tree = smallTree();
        fund(_token, "other", tree, YEAR);
        uint256 id = fund(_token, "k", tree, 90 days);
        claim(id, tree, 0);
        vm.warp(block.timestamp + 90 days);
        distributor.refund(address(this), "k");
        vm.assertEq(_token.balanceOf(address(distributor)), 100);
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.NothingLeft.selector, id));
        distributor.refund(address(this), "k");
    }

    function test_fuzz_refund_neverOpensWithoutADeadline(uint40 time) public {
        vm.warp(bound(time, block.timestamp, type(uint40).max));
        Tree memory tree = smallTree();
        uint256 id = fund(_token, "k", tree, 0);
        ensureRefundNotOpen(id, 0);
        vm.warp(type(uint40).max);
        ensureRefundNotOpen(id, 0);
        claim(id, tree, 1);
        vm.assertEq(_token.balanceOf(tree.accounts[1]), 40);
    }

    function test_fuzz_refund_revertsIfDistributionIsUnknown(address funder, bytes32 key) public {
        fund(_token, "k", smallTree(), 90 days);
        vm.assume(funder != address(this) || key != "k");
        uint256 id = distributor.distributionIdOf(funder, key);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.UnknownDistribution.selector, id)
        );
        distributor.refund(funder, key);
    }

    /// @dev Transaction gas of the second claim of a word by an account that holds the token, in a tree
    /// of 1,024 leaves. `npm run gas` measures the same on a real receipt, beside Uniswap's.
    function test_claim_costsAtMost70kGasAt1024Leaves() public {
        Tree memory tree = makeTree(1024, 5);
        uint256 id = fund(_token, "k", tree, YEAR);
        for (uint256 i = 0; i < 12; ++i) claim(id, tree, i);
        _token.transfer(tree.accounts[12], 1);
        bytes32[] memory proof = proofOf(tree, 12);
        vm.assertEq(proof.length, 10);
        vm.cool(address(distributor));
        vm.cool(address(_token));
        distributor.claim(id, tree.accounts[12], tree.amounts[12], proof);
        Vm.Gas memory gas = vm.lastCallGas();
        bytes memory input = abi.encodeCall(
            IRewardDistributor.claim, (id, tree.accounts[12], tree.amounts[12], proof)
        );
        vm.assertGe(gas.gasTotalUsed, 20_000);
        vm.assertLe(21_000 + calldataGas(input) + gas.gasTotalUsed, 70_000);
    }

    /// @dev Each distribution pays at most its total, and the contract always holds the exact rest.
    function invariant_contractHoldsExactlyWhatRemains() public view {
        RewardDistributor contract_ = _handler.distributorOf();
        uint256 remaining = 0;
        for (uint256 i = 0; i < _handler.count(); ++i) {
            uint256 id = _handler.idOf(i);
            IRewardDistributor.Distribution memory d = contract_.getDistribution(id);
            vm.assertEq(d.total, d.remaining + _handler.paidFrom(id) + _handler.refundedFrom(id));
            remaining += d.remaining;
        }
        vm.assertEq(_handler.token().balanceOf(address(contract_)), remaining);
    }

    function ensureRepeatReverts(uint256 id, Tree memory tree, uint256 index) private {
        bytes32[] memory proof = proofOf(tree, index);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardDistributor.AlreadyClaimed.selector, id, tree.accounts[index]
            )
        );
        distributor.claim(id, tree.accounts[index], tree.amounts[index], proof);
    }

    function ensureInvalid(uint256 id, address account, uint256 amount, bytes32[] memory proof)
        private
    {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.InvalidProof.selector, id, account, amount)
        );
        distributor.claim(id, account, amount, proof);
    }

    function ensureClosed(uint256 id, Tree memory tree, uint256 index, uint40 deadline) private {
        bytes32[] memory proof = proofOf(tree, index);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.ClaimsClosed.selector, id, deadline)
        );
        distributor.claim(id, tree.accounts[index], tree.amounts[index], proof);
    }

    function ensureRefundNotOpen(uint256 id, uint40 deadline) private {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.RefundNotOpen.selector, id, deadline)
        );
        distributor.refund(address(this), "k");
    }

    function ensureTopics(Vm.Log memory log, bytes32 signature, uint256 id, address account)
        private
        view
    {
        vm.assertEq(log.emitter, address(distributor));
        vm.assertEq(log.topics[0], signature);
        vm.assertEq(log.topics[1], bytes32(id));
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(account))));
    }
}

contract RewardDistributorHandler is Distributing {
    uint256 private constant ACCOUNTS = 4;

    PlainToken public token = new PlainToken(type(uint128).max);
    uint256[] private _ids;
    mapping(uint256 id => uint256) public paidFrom;
    mapping(uint256 id => uint256) public refundedFrom;
    mapping(uint256 id => uint256) private _amountSeed;
    mapping(uint256 id => bytes32) private _key;
    uint256 private _time = 1_700_000_000;

    constructor() {
        token.approve(address(distributor), type(uint256).max);
        vm.warp(_time);
    }

    function distributorOf() external view returns (RewardDistributor) {
        return distributor;
    }

    function count() external view returns (uint256) {
        return _ids.length;
    }

    function idOf(uint256 index) external view returns (uint256) {
        return _ids[index];
    }

    /// @dev Funds the exact sum or less, so that over-promising trees occur too; keys repeat.
    function create(uint8 key, uint64 amountSeed, uint16 shortBy, bool isRefunded) external {
        bytes32 keyWord = bytes32(uint256(key % 16));
        uint256 sum = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) sum += amountOf(amountSeed, i);
        bytes32 root = treeOf(amountSeed)[0];
        uint256 id = distributor.distributionIdOf(address(this), keyWord);
        bool isUsed = _amountSeed[id] != 0 || paidFrom[id] != 0 || _key[id] != 0;
        try distributor.createDistribution(
            keyWord, terms(token, root, sum - shortBy % sum, isRefunded ? 90 days : 0)
        ) returns (uint256 created) {
            vm.assertTrue(!isUsed);
            vm.assertEq(created, id);
            _ids.push(id);
            _amountSeed[id] = amountSeed;
            _key[id] = keyWord | bytes32(uint256(1 << 255));
        } catch {
            vm.assertTrue(isUsed);
        }
    }

    function claim(uint256 which, uint256 index) external {
        if (_ids.length == 0) return;
        uint256 id = _ids[which % _ids.length];
        index = index % ACCOUNTS;
        uint256 amount = amountOf(_amountSeed[id], index);
        address account = accountOf(index);
        bytes32[] memory tree = treeOf(_amountSeed[id]);
        bytes32[] memory proof = MerkleTree.proof(tree, MerkleTree.leaf(account, amount));
        bool wasClaimed = distributor.isClaimed(id, account, amount, proof);
        uint40 deadline = distributor.getDistribution(id).deadline;
        uint256 before = token.balanceOf(account);
        try distributor.claim(id, account, amount, proof) {
            vm.assertTrue(!wasClaimed && (deadline == 0 || _time < deadline));
            vm.assertEq(token.balanceOf(account), before + amount);
            paidFrom[id] += amount;
        } catch {
            vm.assertEq(token.balanceOf(account), before);
        }
    }

    function refund(uint256 which) external {
        if (_ids.length == 0) return;
        uint256 id = _ids[which % _ids.length];
        IRewardDistributor.Distribution memory d = distributor.getDistribution(id);
        try distributor.refund(address(this), _key[id] & bytes32(uint256((1 << 255) - 1))) {
            vm.assertTrue(d.deadline != 0 && _time >= d.deadline && d.remaining != 0);
            refundedFrom[id] += d.remaining;
        } catch {
            vm.assertTrue(d.deadline == 0 || _time < d.deadline || d.remaining == 0);
        }
    }

    function wait(uint32 elapsed) external {
        _time += elapsed % 30 days;
        vm.warp(_time);
    }

    function accountOf(uint256 index) private pure returns (address) {
        return address(uint160(0xA11CE + index));
    }

    function amountOf(uint256 amountSeed, uint256 index) private pure returns (uint256) {
        return 1 + uint256(keccak256(abi.encode(amountSeed, index))) % 1e6;
    }

    function treeOf(uint256 amountSeed) private pure returns (bytes32[] memory) {
        bytes32[] memory leaves = new bytes32[](ACCOUNTS);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            leaves[i] = MerkleTree.leaf(accountOf(i), amountOf(amountSeed, i));
        }
        return MerkleTree.build(leaves);
    }
}
