// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IRewardDistributor} from "../src/interfaces/IRewardDistributor.sol";
import {
    BlocklistToken,
    FalseReturnToken,
    FeeToken,
    NoReturnToken,
    RebasingToken,
    ReentrantToken,
    SharingToken,
    SurplusToken
} from "./Tokens.sol";
import {Distributing} from "./RewardDistributor.t.sol";

/// @notice Tokens that are not as the standard has them.
contract RewardDistributorTokensTest is Distributing {
    function setUp() public {
        vm.warp(1_700_000_000);
    }

    function test_createDistribution_revertsIfTokenTakesAFee() public {
        FeeToken token = new FeeToken();
        token.approve(address(distributor), 100);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.UnexpectedFunding.selector, 100, 99)
        );
        distributor.createDistribution("k", terms(token, "root", 100, 0));
    }

    function test_createDistribution_revertsIfTokenDeliversMore() public {
        SurplusToken token = new SurplusToken();
        token.approve(address(distributor), 100);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardDistributor.UnexpectedFunding.selector, 100, 101)
        );
        distributor.createDistribution("k", terms(token, "root", 100, 0));
    }

    /// @dev An address without code answers nothing; that must not pass for a balance.
    function test_createDistribution_revertsIfTokenHasNoCode() public {
        try distributor.createDistribution(
            "k", terms(IERC20(address(0xdead)), "root", 100, 0)
        ) returns (uint256) {
            vm.assertTrue(false);
        } catch {}
    }

    function test_everyPayment_worksIfTokenReturnsNothing() public {
        NoReturnToken token = new NoReturnToken();
        Tree memory tree = smallTree();
        uint256 id = fund(IERC20(address(token)), "k", tree, 90 days);
        claim(id, tree, 0);
        vm.assertEq(token.balanceOf(tree.accounts[0]), 60);
        vm.warp(block.timestamp + 90 days);
        distributor.refund(address(this), "k");
        vm.assertEq(token.balanceOf(address(this)), 940);
        vm.assertEq(token.balanceOf(address(distributor)), 0);
    }

    /// @dev Whether the balance moved or not: what says false is not taken for success.
    function test_everyPayment_revertsIfTokenReturnsFalse() public {
        for (uint256 i = 0; i < 2; ++i) {
            FalseReturnToken token = new FalseReturnToken();
            token.approve(address(distributor), 1000);
            Tree memory tree = smallTree();
            bytes32 key = bytes32(i);
            uint256 id = fund(token, key, tree, 90 days);
            token.fail(i == 1);
            bytes memory reason =
                abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
            bytes32[] memory proof = proofOf(tree, 1);
            vm.expectRevert(reason);
            distributor.claim(id, tree.accounts[1], 40, proof);
            vm.assertTrue(!isClaimed(id, tree, 1));
            vm.expectRevert(reason);
            distributor.createDistribution("false", terms(token, "root", 100, 0));
            vm.warp(block.timestamp + 90 days);
            vm.expectRevert(reason);
            distributor.refund(address(this), key);
            vm.assertEq(token.balanceOf(address(distributor)), 100);
        }
    }

    /// @dev Told in the interface: what the token takes is missing to whoever claims last. Nobody is
    /// marked as paid who was not, and what comes back can be claimed again.
    function test_claim_revertsIfTokenTookTheBalance() public {
        RebasingToken token = new RebasingToken();
        token.approve(address(distributor), 1000);
        Tree memory tree = smallTree();
        uint256 id = fund(token, "k", tree, 0);
        token.take(address(distributor), 50);
        claim(id, tree, 1);
        bytes32[] memory proof = proofOf(tree, 0);
        vm.expectRevert(
            abi.encodeWithSignature(
                "ERC20InsufficientBalance(address,uint256,uint256)", address(distributor), 10, 60
            )
        );
        distributor.claim(id, tree.accounts[0], 60, proof);
        vm.assertTrue(!isClaimed(id, tree, 0));
        token.transfer(address(distributor), 50);
        claim(id, tree, 0);
        vm.assertEq(token.balanceOf(tree.accounts[0]), 60);
    }

    function test_claim_staysOpenIfTokenBlocksTheAccount() public {
        BlocklistToken token = new BlocklistToken();
        token.approve(address(distributor), 1000);
        Tree memory tree = smallTree();
        uint256 id = fund(token, "k", tree, 90 days);
        token.set(tree.accounts[0], true);
        bytes32[] memory proof = proofOf(tree, 0);
        vm.expectRevert(abi.encodeWithSelector(BlocklistToken.Blocked.selector, tree.accounts[0]));
        distributor.claim(id, tree.accounts[0], 60, proof);
        // Others are not held up.
        claim(id, tree, 1);
        token.set(tree.accounts[0], false);
        claim(id, tree, 0);
        vm.assertEq(token.balanceOf(tree.accounts[0]), 60);
    }

    /// @dev What a blocked account cannot claim is not lost: it goes back with the rest.
    function test_refund_returnsWhatABlockedAccountCouldNotClaim() public {
        BlocklistToken token = new BlocklistToken();
        token.approve(address(distributor), 1000);
        Tree memory tree = smallTree();
        uint256 id = fund(token, "k", tree, 90 days);
        token.set(tree.accounts[0], true);
        claim(id, tree, 1);
        vm.warp(block.timestamp + 90 days);
        distributor.refund(address(this), "k");
        vm.assertEq(token.balanceOf(address(this)), 960);
    }

    /// @dev Without the guard, one payment would be counted as the funding of two distributions.
    function test_createDistribution_revertsIfTokenSharesOnePaymentAmongTwo() public {
        SharingToken token = new SharingToken(distributor);
        vm.expectRevert(
            abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector)
        );
        distributor.createDistribution("k", terms(token, "root", 100, 0));
    }

    /// @dev Every way in, from within every way out.
    function test_everyCall_revertsIfTokenReenters() public {
        ReentrantToken token = new ReentrantToken(distributor);
        token.approve(address(distributor), 1000);
        Tree memory tree = smallTree();
        uint256 id = fund(token, "k", tree, 90 days);
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory call = callOf(i, id, tree, token);
            token.arm(call, false);
            ensureReentrant();
            distributor.createDistribution("other", terms(token, "root", 100, 0));
            bytes32[] memory proof = proofOf(tree, 0);
            ensureReentrant();
            distributor.claim(id, tree.accounts[0], 60, proof);
        }
        vm.warp(block.timestamp + 90 days);
        for (uint256 i = 0; i < 3; ++i) {
            token.arm(callOf(i, id, tree, token), false);
            ensureReentrant();
            distributor.refund(address(this), "k");
        }
        vm.assertEq(token.balanceOf(address(distributor)), 100);
    }

    /// @dev A token that goes on after the refused call takes nothing: one leaf, one payment, and the
    /// money of others stays.
    function test_claim_paysOnceIfTokenReentersAndGoesOn() public {
        ReentrantToken token = new ReentrantToken(distributor);
        token.approve(address(distributor), 1000);
        Tree memory tree = smallTree();
        distributor.createDistribution("other", terms(token, "root", 500, 0));
        uint256 id = fund(token, "k", tree, 90 days);
        token.arm(callOf(0, id, tree, token), true);
        claim(id, tree, 0);
        vm.assertEq(token.balanceOf(tree.accounts[0]), 60);
        vm.assertEq(token.balanceOf(address(distributor)), 540);
        vm.assertEq(distributor.getDistribution(id).remaining, 40);
    }

    function ensureReentrant() private {
        vm.expectRevert(
            abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector)
        );
    }

    function callOf(uint256 which, uint256 id, Tree memory tree, IERC20 token)
        private
        view
        returns (bytes memory)
    {
        if (which == 0) {
            bytes32[] memory proof = proofOf(tree, 0);
            return abi.encodeCall(
                IRewardDistributor.claim, (id, tree.accounts[0], tree.amounts[0], proof)
            );
        }
        if (which == 1) return abi.encodeCall(IRewardDistributor.refund, (address(this), "k"));
        return abi.encodeCall(
            IRewardDistributor.createDistribution, ("inner", terms(token, "root", 1, 0))
        );
    }
}
