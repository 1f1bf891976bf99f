// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LoadNft} from "../../src/load/LoadNft.sol";
import {LoadPool} from "../../src/load/LoadPool.sol";
import {LoadToken} from "../../src/load/LoadToken.sol";
import {Base} from "../Base.sol";

contract LoadTest is Base {
    LoadToken private _token0;
    LoadToken private _token1;
    LoadPool private _pool;
    LoadNft private _nft;
    LoadHandler private _handler;

    function setUp() public {
        _token0 = new LoadToken("Zero", "ZERO");
        _token1 = new LoadToken("One", "ONE");
        _pool = new LoadPool(_token0, _token1);
        _nft = new LoadNft();
        _handler = new LoadHandler();
        target(address(_handler));
    }

    function test_fuzz_transferFrom_spendsTheAllowance(uint256 balance, uint256 value) public {
        value = bound(value, 0, balance);
        address owner = address(0xB0B);
        _token0.mint(owner, balance);
        vm.prank(owner);
        _token0.approve(address(this), balance);
        _token0.transferFrom(owner, address(this), value);
        vm.assertEq(_token0.balanceOf(address(this)), value);
        vm.assertEq(_token0.balanceOf(owner), balance - value);
        uint256 left = balance == type(uint256).max ? balance : balance - value;
        vm.assertEq(_token0.allowance(owner, address(this)), left);
    }

    function test_transfer_revertsIfBalanceIsTooSmall() public {
        vm.expectRevert(
            abi.encodeWithSelector(LoadToken.InsufficientBalance.selector, address(this), 0, 1)
        );
        _token0.transfer(address(1), 1);
    }

    function test_transferFrom_revertsIfAllowanceIsTooSmall() public {
        _token0.mint(address(1), 5);
        vm.expectRevert(
            abi.encodeWithSelector(
                LoadToken.InsufficientAllowance.selector, address(1), address(this), 0, 5
            )
        );
        _token0.transferFrom(address(1), address(this), 5);
    }

    /// @dev 1,000 in, pool of 1,000,000 each: floor(997,000 * 1,000,000 / 1,000,997,000) = 996.
    function test_swap_takesThePointThreePercentFee() public {
        fund(1_001_000, 1_000_000);
        vm.assertEq(_pool.addLiquidity(1_000_000, 1_000_000), 1_000_000);
        vm.assertEq(_pool.swap(true, 1_000, 996, address(0xB0B)), 996);
        vm.assertEq(_token1.balanceOf(address(0xB0B)), 996);
        (uint128 reserve0, uint128 reserve1) = _pool.reserves();
        vm.assertEq(reserve0, 1_001_000);
        vm.assertEq(reserve1, 999_004);
    }

    function test_swap_revertsIfOutputIsBelowMinimum() public {
        fund(1_001_000, 1_000_000);
        _pool.addLiquidity(1_000_000, 1_000_000);
        vm.expectRevert(
            abi.encodeWithSelector(LoadPool.OutputBelowMinimum.selector, 996, 997)
        );
        _pool.swap(true, 1_000, 997, address(this));
    }

    function test_fuzz_swap_neverLowersTheProduct(uint96 a, uint96 b, uint96 input, bool zeroForOne)
        public
    {
        uint256 amount0 = bound(a, 1e6, type(uint96).max);
        uint256 amount1 = bound(b, 1e6, type(uint96).max);
        uint256 amountIn = bound(input, 1, type(uint96).max);
        fund(amount0 + amountIn, amount1 + amountIn);
        _pool.addLiquidity(amount0, amount1);
        if (_pool.quote(
                amountIn, zeroForOne ? amount0 : amount1, zeroForOne ? amount1 : amount0
            ) == 0) return;
        _pool.swap(zeroForOne, amountIn, 0, address(this));
        (uint256 reserve0, uint256 reserve1) = _pool.reserves();
        vm.assertGe(reserve0 * reserve1, amount0 * amount1);
        vm.assertEq(reserve0, _token0.balanceOf(address(_pool)));
        vm.assertEq(reserve1, _token1.balanceOf(address(_pool)));
    }

    function test_fuzz_addLiquidity_firstSharesAreTheRootOfTheProduct(uint96 a, uint96 b) public {
        uint256 amount0 = bound(a, 1, type(uint96).max);
        uint256 amount1 = bound(b, 1, type(uint96).max);
        fund(amount0, amount1);
        uint256 shares = _pool.addLiquidity(amount0, amount1);
        vm.assertLe(shares * shares, amount0 * amount1);
        vm.assertGe((shares + 1) * (shares + 1), amount0 * amount1 + 1);
    }

    function test_constructor_revertsIfPairIsOneToken() public {
        try new LoadPool(_token0, _token0) returns (LoadPool) {
            vm.assertTrue(false);
        } catch (bytes memory reason) {
            vm.assertEq(
                reason, abi.encodeWithSelector(LoadPool.SameToken.selector, address(_token0))
            );
        }
    }

    function test_fuzz_mint_numbersTokensFromOne(address to) public {
        vm.assertEq(_nft.mint(to), 1);
        vm.assertEq(_nft.mint(to), 2);
        vm.assertEq(_nft.ownerOf(2), to);
        vm.assertEq(_nft.balanceOf(to), 2);
    }

    function test_fuzz_transfer_revertsIfCallerIsNotTheOwner(address owner) public {
        vm.assume(owner != address(this));
        _nft.mint(owner);
        vm.expectRevert(
            abi.encodeWithSelector(LoadNft.NotOwner.selector, address(this), 1, owner)
        );
        _nft.transfer(address(this), 1);
    }

    function test_ownerOf_revertsIfUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(LoadNft.UnknownToken.selector, 1));
        _nft.ownerOf(1);
    }

    function invariant_reservesAreThePoolsBalances() public view {
        LoadPool pool = _handler.pool();
        (uint256 reserve0, uint256 reserve1) = pool.reserves();
        vm.assertEq(reserve0, _handler.token0().balanceOf(address(pool)));
        vm.assertEq(reserve1, _handler.token1().balanceOf(address(pool)));
        vm.assertGe(reserve0 * reserve1, pool.totalShares() * pool.totalShares());
    }

    function invariant_everyNftIsCountedOnce() public view {
        LoadNft nft = _handler.nft();
        uint256 sum = 0;
        for (uint256 i = 0; i < 4; ++i) sum += nft.balanceOf(_handler.actor(i));
        vm.assertEq(sum, nft.totalSupply());
    }

    function fund(uint256 amount0, uint256 amount1) private {
        _token0.mint(address(this), amount0);
        _token1.mint(address(this), amount1);
        _token0.approve(address(_pool), amount0);
        _token1.approve(address(_pool), amount1);
    }
}

contract LoadHandler is Base {
    LoadToken public token0 = new LoadToken("Zero", "ZERO");
    LoadToken public token1 = new LoadToken("One", "ONE");
    LoadPool public pool = new LoadPool(token0, token1);
    LoadNft public nft = new LoadNft();

    constructor() {
        token0.mint(address(this), type(uint128).max);
        token1.mint(address(this), type(uint128).max);
        token0.approve(address(pool), type(uint256).max);
        token1.approve(address(pool), type(uint256).max);
        pool.addLiquidity(1e24, 1e22);
    }

    function actor(uint256 index) public pure returns (address) {
        return address(uint160(0xB0B0 + index));
    }

    function swap(bool zeroForOne, uint80 amountIn) external {
        try pool.swap(zeroForOne, amountIn, 0, address(this)) {} catch {}
    }

    function addLiquidity(uint80 amount0, uint80 amount1) external {
        try pool.addLiquidity(amount0, amount1) {} catch {}
    }

    function mint(uint256 to) external {
        nft.mint(actor(to % 4));
    }

    function give(uint256 tokenId, uint256 to) external {
        if (nft.totalSupply() == 0) return;
        tokenId = bound(tokenId, 1, nft.totalSupply());
        vm.prank(nft.ownerOf(tokenId));
        nft.transfer(actor(to % 4), tokenId);
    }
}
