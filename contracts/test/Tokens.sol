// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRewardDistributor} from "../src/interfaces/IRewardDistributor.sol";

/// @notice An ERC-20 as the standard has it.
contract PlainToken is ERC20("plain", "PLAIN") {
    constructor(uint256 supply) {
        _mint(msg.sender, supply);
    }
}

/// @notice Burns one unit of every transfer.
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

/// @notice Delivers one unit more than was asked.
contract SurplusToken is ERC20("surplus", "MORE") {
    constructor() {
        _mint(msg.sender, 1000);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        _mint(to, 1);
        return super.transferFrom(from, to, value);
    }
}

/// @notice Moves balances and returns nothing, as the oldest tokens do.
contract NoReturnToken {
    mapping(address account => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 1000;
    }

    function transfer(address to, uint256 value) external {
        move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        move(from, to, value);
    }

    function move(address from, address to, uint256 value) private {
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// @notice Says false where others revert, once it is told to fail; moves the balance all the same if
/// it is told to lie.
contract FalseReturnToken is ERC20("false", "NO") {
    bool private _fails;
    bool private _moves;

    constructor() {
        _mint(msg.sender, 1000);
    }

    function fail(bool moves) external {
        (_fails, _moves) = (true, moves);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (_fails && !_moves) return false;
        return super.transfer(to, value) && !_fails;
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        if (_fails && !_moves) return false;
        return super.transferFrom(from, to, value) && !_fails;
    }
}

/// @notice Takes a share of everybody's balance when it is told to.
contract RebasingToken is ERC20("rebase", "LESS") {
    constructor() {
        _mint(msg.sender, 1000);
    }

    function take(address account, uint256 value) external {
        _burn(account, value);
    }
}

/// @notice Refuses to pay whoever is on its list.
contract BlocklistToken is ERC20("block", "LIST") {
    mapping(address account => bool) private _isBlocked;

    error Blocked(address account);

    constructor() {
        _mint(msg.sender, 1000);
    }

    function set(address account, bool isBlocked) external {
        _isBlocked[account] = isBlocked;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_isBlocked[to]) revert Blocked(to);
        super._update(from, to, value);
    }
}

/// @notice Calls back into the distributor once, before it moves what it was asked to move.
contract ReentrantToken is ERC20("reenter", "RE") {
    IRewardDistributor private immutable _distributor;
    bytes private _call;
    bool private _swallows;

    constructor(IRewardDistributor distributor) {
        _distributor = distributor;
        _mint(msg.sender, 1000);
        _approve(address(this), address(distributor), 1000);
    }

    /// @param call_ What it calls the next time that it is asked to move anything.
    /// @param swallows Whether it goes on if that call fails.
    function arm(bytes calldata call_, bool swallows) external {
        (_call, _swallows) = (call_, swallows);
    }

    function _update(address from, address to, uint256 value) internal override {
        bytes memory callback = _call;
        if (callback.length != 0) {
            delete _call;
            (bool ok, bytes memory reason) = address(_distributor).call(callback);
            if (!ok && !_swallows) {
                assembly ("memory-safe") {
                    revert(add(reason, 32), mload(reason))
                }
            }
        }
        super._update(from, to, value);
    }
}

/// @notice Moves nothing for the funding that it is called for, and calls back to fund another instead:
/// one payment for two.
contract SharingToken is ERC20("share", "ONE") {
    IRewardDistributor private immutable _distributor;
    bool private _isInner;

    constructor(IRewardDistributor distributor) {
        _distributor = distributor;
        _mint(address(this), 1000);
    }

    function transferFrom(address, address to, uint256 value) public override returns (bool) {
        if (_isInner) {
            _transfer(address(this), to, value);
            return true;
        }
        _isInner = true;
        _distributor.createDistribution(
            "inner",
            IRewardDistributor.Terms(IERC20(address(this)), bytes32(uint256(1)), uint128(value), 0)
        );
        return true;
    }
}
