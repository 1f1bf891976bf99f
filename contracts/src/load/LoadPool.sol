// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LoadToken} from "./LoadToken.sol";

/// @title LoadPool
/// @notice A constant-product pool over two {LoadToken}s with a fee of 0.3 %, for a load generator.
/// @dev Both reserves share one slot, as in the pools that make up real traffic, so that gas is alike.
contract LoadPool {
    /// @notice First token of the pair.
    LoadToken public immutable token0;
    /// @notice Second token of the pair.
    LoadToken public immutable token1;

    uint128 private _reserve0;
    uint128 private _reserve1;
    /// @notice All shares there are.
    uint256 public totalShares;
    /// @notice Shares an account holds.
    mapping(address account => uint256) public sharesOf;

    /// @notice Liquidity was added.
    event LiquidityAdded(address indexed provider, uint256 amount0, uint256 amount1, uint256 shares);
    /// @notice One token was exchanged for the other.
    event Swapped(
        address indexed sender, address indexed to, bool zeroForOne, uint256 amountIn, uint256 amountOut
    );
    /// @notice The reserves after a change.
    event ReservesSynced(uint128 reserve0, uint128 reserve1);

    /// @notice The pair is one token twice.
    error SameToken(LoadToken token);
    /// @notice The liquidity added is too small to earn a share.
    error NoShares(uint256 amount0, uint256 amount1);
    /// @notice The exchange gives less than the caller accepts.
    error OutputBelowMinimum(uint256 amountOut, uint256 amountOutMin);
    /// @notice A reserve would pass 2^128 - 1.
    error ReserveOverflow(uint256 balance);

    /// @param token0_ First token of the pair.
    /// @param token1_ Second token of the pair.
    constructor(LoadToken token0_, LoadToken token1_) {
        if (address(token0_) == address(token1_)) revert SameToken(token0_);
        token0 = token0_;
        token1 = token1_;
    }

    /// @notice The pool's reserves, in the tokens' smallest units.
    function reserves() external view returns (uint128 reserve0, uint128 reserve1) {
        return (_reserve0, _reserve1);
    }

    /// @notice Adds liquidity within the caller's allowances; what exceeds the ratio is a gift to the pool.
    function addLiquidity(uint256 amount0, uint256 amount1) external returns (uint256 shares) {
        (uint256 reserve0, uint256 reserve1) = (_reserve0, _reserve1);
        uint256 total = totalShares;
        if (total == 0) {
            shares = _sqrt(amount0 * amount1);
        } else {
            uint256 shares0 = amount0 * total / reserve0;
            uint256 shares1 = amount1 * total / reserve1;
            shares = shares0 < shares1 ? shares0 : shares1;
        }
        if (shares == 0) revert NoShares(amount0, amount1);
        totalShares = total + shares;
        sharesOf[msg.sender] += shares;
        _sync(reserve0 + amount0, reserve1 + amount1);
        emit LiquidityAdded(msg.sender, amount0, amount1, shares);
        token0.transferFrom(msg.sender, address(this), amount0);
        token1.transferFrom(msg.sender, address(this), amount1);
    }

    /// @notice Exchanges an exact input; the fee stays in the pool.
    function swap(bool zeroForOne, uint256 amountIn, uint256 amountOutMin, address to)
        external
        returns (uint256 amountOut)
    {
        (uint256 reserve0, uint256 reserve1) = (_reserve0, _reserve1);
        (uint256 reserveIn, uint256 reserveOut) =
            zeroForOne ? (reserve0, reserve1) : (reserve1, reserve0);
        amountOut = quote(amountIn, reserveIn, reserveOut);
        if (amountOut == 0 || amountOut < amountOutMin) {
            revert OutputBelowMinimum(amountOut, amountOutMin);
        }
        if (zeroForOne) _sync(reserve0 + amountIn, reserve1 - amountOut);
        else _sync(reserve0 - amountOut, reserve1 + amountIn);
        emit Swapped(msg.sender, to, zeroForOne, amountIn, amountOut);
        (LoadToken tokenIn, LoadToken tokenOut) = zeroForOne ? (token0, token1) : (token1, token0);
        tokenIn.transferFrom(msg.sender, address(this), amountIn);
        tokenOut.transfer(to, amountOut);
    }

    /// @notice What an input buys after the fee, rounded down so that the product of the reserves never falls.
    function quote(uint256 amountIn, uint256 reserveIn, uint256 reserveOut)
        public
        pure
        returns (uint256 amountOut)
    {
        uint256 amountInAfterFee = amountIn * 997;
        uint256 denominator = reserveIn * 1000 + amountInAfterFee;
        return denominator == 0 ? 0 : amountInAfterFee * reserveOut / denominator;
    }

    function _sync(uint256 reserve0, uint256 reserve1) private {
        if (reserve0 > type(uint128).max) revert ReserveOverflow(reserve0);
        if (reserve1 > type(uint128).max) revert ReserveOverflow(reserve1);
        _reserve0 = uint128(reserve0);
        _reserve1 = uint128(reserve1);
        emit ReservesSynced(uint128(reserve0), uint128(reserve1));
    }

    /// @dev Newton's method from above; stops when the guess no longer falls.
    function _sqrt(uint256 value) private pure returns (uint256 root) {
        if (value == 0) return 0;
        root = value;
        uint256 next = value / 2 + value % 2;
        while (next < root) {
            root = next;
            next = (value / next + next) / 2;
        }
    }
}
