// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ChaosToken} from "../src/ChaosToken.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {IRewardDistributor} from "../src/interfaces/IRewardDistributor.sol";
import {Base} from "./Base.sol";
import {MerkleTree} from "./MerkleTree.sol";

contract RewardDistributorTest is Base {
    RewardDistributor private _distributor;
    ChaosToken private _token;
    RewardDistributorHandler private _handler;

    function setUp() public {
        _distributor = new RewardDistributor();
        _token = new ChaosToken(1e30);
        _token.approve(address(_distributor), type(uint256).max);
        _handler = new RewardDistributorHandler();
        target(address(_handler));
    }

    /// @dev Root from the README of OpenZeppelin's merkle-tree package (its first example).
    function test_claim_acceptsThePublishedExampleTree() public {
        bytes32 root = 0xd4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77;
        uint256 id = _distributor.createDistribution(_token, root, 7.5e18);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = 0xb92c48e9d7abe27fd8dfd6b5dfdbfb1c9a463f80c712b66f3a5180a090cccafc;
        address account = 0x1111111111111111111111111111111111111111;
        _distributor.claim(id, account, 5e18, proof);
        vm.assertEq(_token.balanceOf(account), 5e18);
    }

    function test_fuzz_claim_paysEveryLeafOnceAndNothingStays(
        uint8 count,
        uint96 seed,
        address caller
    ) public {
        count = uint8(bound(count, 1, 17));
        (address[] memory accounts, uint256[] memory amounts, bytes32[] memory tree, uint256 total) =
            makeTree(count, seed);
        uint256 id = _distributor.createDistribution(_token, tree[0], total);
        for (uint256 i = 0; i < count; ++i) {
            bytes32[] memory proof = proofOf(tree, accounts[i], amounts[i]);
            vm.expectEmit(true, true, false, true, address(_distributor));
            emit IRewardDistributor.RewardClaimed(id, accounts[i], amounts[i]);
            vm.prank(caller);
            _distributor.claim(id, accounts[i], amounts[i], proof);
            vm.assertEq(_token.balanceOf(accounts[i]), amounts[i]);
            vm.assertTrue(_distributor.isClaimed(id, accounts[i]));
        }
        vm.assertEq(_token.balanceOf(address(_distributor)), 0);
        vm.assertEq(_distributor.getDistribution(id).claimed, total);
    }

    function test_fuzz_claim_revertsIfRepeated(uint96 seed) public {
        (address[] memory accounts, uint256[] memory amounts, bytes32[] memory tree, uint256 total) =
            makeTree(3, seed);
        uint256 id = _distributor.createDistribution(_token, tree[0], total);
        bytes32[] memory proof = proofOf(tree, accounts[1], amounts[1]);
        _distributor.claim(id, accounts[1], amounts[1], proof);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.AlreadyClaimed.selector, id, accounts[1])
        );
        _distributor.claim(id, accounts[1], amounts[1], proof);
    }

    function test_fuzz_claim_revertsIfAmountIsNotTheLeafs(uint96 seed, uint256 amount) public {
        (address[] memory accounts, uint256[] memory amounts, bytes32[] memory tree, uint256 total) =
            makeTree(4, seed);
        vm.assume(amount != amounts[2]);
        uint256 id = _distributor.createDistribution(_token, tree[0], total);
        bytes32[] memory proof = proofOf(tree, accounts[2], amounts[2]);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardDistributor.InvalidProof.selector, id, accounts[2], amount
            )
        );
        _distributor.claim(id, accounts[2], amount, proof);
    }

    function test_fuzz_claim_revertsIfAccountIsNotTheLeafs(uint96 seed, address thief) public {
        (address[] memory accounts, uint256[] memory amounts, bytes32[] memory tree, uint256 total) =
            makeTree(4, seed);
        vm.assume(thief != accounts[0]);
        uint256 id = _distributor.createDistribution(_token, tree[0], total);
        bytes32[] memory proof = proofOf(tree, accounts[0], amounts[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.InvalidProof.selector, id, thief, amounts[0])
        );
        _distributor.claim(id, thief, amounts[0], proof);
    }

    /// @dev A tree that promises more than was funded must not eat another distribution's money.
    function test_claim_revertsIfTreePromisesMoreThanTotal() public {
        (address[] memory accounts, uint256[] memory amounts, bytes32[] memory tree, uint256 total) =
            makeTree(2, 7);
        _distributor.createDistribution(_token, bytes32(uint256(1)), total);
        uint256 id = _distributor.createDistribution(_token, tree[0], amounts[0]);
        _distributor.claim(id, accounts[0], amounts[0], proofOf(tree, accounts[0], amounts[0]));
        bytes32[] memory proof = proofOf(tree, accounts[1], amounts[1]);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.TotalExceeded.selector, id, 0, amounts[1])
        );
        _distributor.claim(id, accounts[1], amounts[1], proof);
    }

    function test_fuzz_claim_revertsIfDistributionIsUnknown(uint256 id) public {
        bytes32[] memory proof = new bytes32[](0);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.UnknownDistribution.selector, id, 0)
        );
        _distributor.claim(id, address(this), 1, proof);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.UnknownDistribution.selector, id, 0)
        );
        _distributor.getDistribution(id);
    }

    function test_fuzz_createDistribution_fundsInTheSameTransaction(bytes32 root, uint96 total)
        public
    {
        total = uint96(bound(total, 1, type(uint96).max));
        vm.expectEmit(true, true, false, true, address(_distributor));
        emit IRewardDistributor.DistributionCreated(1, _token, root, total);
        uint256 id = _distributor.createDistribution(_token, root, total);
        vm.assertEq(_token.balanceOf(address(_distributor)), total);
        IRewardDistributor.Distribution memory distribution = _distributor.getDistribution(id);
        vm.assertEq(address(distribution.token), address(_token));
        vm.assertEq(distribution.root, root);
        vm.assertEq(distribution.total, total);
        vm.assertEq(distribution.claimed, 0);
    }

    function test_createDistribution_revertsIfTotalIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.ZeroTotal.selector));
        _distributor.createDistribution(_token, bytes32(0), 0);
    }

    function test_createDistribution_revertsIfTokenTakesAFee() public {
        FeeToken token = new FeeToken();
        token.approve(address(_distributor), 100);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.UnexpectedFunding.selector, 100, 99)
        );
        _distributor.createDistribution(token, bytes32(0), 100);
    }

    /// @dev Without the guard, one payment would be counted as the funding of two distributions.
    function test_createDistribution_revertsIfTokenReenters() public {
        ReentrantToken token = new ReentrantToken(_distributor);
        token.approve(address(_distributor), 100);
        vm.expectRevert(
            abi.encodeWithSelector(
                ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector
            )
        );
        _distributor.createDistribution(token, bytes32(0), 100);
    }

    /// @dev Each distribution pays at most its total, and the contract always holds the exact rest.
    function invariant_contractHoldsExactlyWhatIsUnclaimed() public view {
        RewardDistributor distributor = _handler.distributor();
        uint256 unclaimed = 0;
        for (uint256 id = 1; id <= _handler.count(); ++id) {
            IRewardDistributor.Distribution memory d = distributor.getDistribution(id);
            vm.assertLe(d.claimed, d.total);
            vm.assertEq(d.claimed, _handler.paidFrom(id));
            unclaimed += d.total - d.claimed;
        }
        vm.assertEq(_handler.token().balanceOf(address(distributor)), unclaimed);
    }

    function makeTree(uint256 count, uint96 seed)
        internal
        pure
        returns (
            address[] memory accounts,
            uint256[] memory amounts,
            bytes32[] memory tree,
            uint256 total
        )
    {
        accounts = new address[](count);
        amounts = new uint256[](count);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            accounts[i] = address(uint160(uint256(keccak256(abi.encode(seed, i)))));
            amounts[i] = 1 + uint256(keccak256(abi.encode(i, seed))) % 1e24;
            leaves[i] = MerkleTree.leaf(accounts[i], amounts[i]);
            total += amounts[i];
        }
        tree = MerkleTree.build(leaves);
    }

    function proofOf(bytes32[] memory tree, address account, uint256 amount)
        internal
        pure
        returns (bytes32[] memory)
    {
        return MerkleTree.proof(tree, MerkleTree.leaf(account, amount));
    }
}

contract RewardDistributorHandler is Base {
    uint256 private constant ACCOUNTS = 4;

    RewardDistributor public distributor = new RewardDistributor();
    ChaosToken public token = new ChaosToken(type(uint128).max);
    uint256 public count;
    mapping(uint256 id => uint256) public paidFrom;
    mapping(uint256 id => uint256) private _amountSeed;

    constructor() {
        token.approve(address(distributor), type(uint256).max);
    }

    /// @dev Funds the exact sum or less, so that over-promising trees occur too.
    function create(uint64 amountSeed, uint16 shortBy) external {
        uint256 sum = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) sum += amountOf(amountSeed, i);
        uint256 total = sum - shortBy % sum;
        uint256 id = distributor.createDistribution(token, treeOf(amountSeed)[0], total);
        vm.assertEq(id, ++count);
        _amountSeed[id] = amountSeed;
    }

    function claim(uint256 id, uint256 index) external {
        if (count == 0) return;
        id = bound(id, 1, count);
        index = bound(index, 0, ACCOUNTS - 1);
        uint256 amount = amountOf(_amountSeed[id], index);
        address account = accountOf(index);
        bytes32[] memory tree = treeOf(_amountSeed[id]);
        bytes32[] memory proof = MerkleTree.proof(tree, MerkleTree.leaf(account, amount));
        bool wasClaimed = distributor.isClaimed(id, account);
        uint256 before = token.balanceOf(account);
        try distributor.claim(id, account, amount, proof) {
            vm.assertTrue(!wasClaimed);
            vm.assertEq(token.balanceOf(account), before + amount);
            paidFrom[id] += amount;
        } catch {
            vm.assertEq(token.balanceOf(account), before);
        }
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

/// @dev Burns one unit of every transfer.
contract FeeToken is ERC20("fee", "FEE") {
    constructor() {
        _mint(msg.sender, 1000);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            super._update(from, address(0), 1);
            value -= 1;
        }
        super._update(from, to, value);
    }
}

/// @dev Creates a second distribution while the first one is being funded.
contract ReentrantToken is ERC20("reenter", "RE") {
    RewardDistributor private immutable _distributor;

    constructor(RewardDistributor distributor) {
        _distributor = distributor;
        _mint(msg.sender, 1000);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        _distributor.createDistribution(IERC20(address(this)), bytes32(0), value);
        return super.transferFrom(from, to, value);
    }
}
