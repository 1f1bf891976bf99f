// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title LoadToken
/// @notice An ERC-20 that anyone may mint, so that a load generator can fund its accounts. Worthless by design.
contract LoadToken {
    /// @notice Smallest units per token, as a power of ten.
    uint8 public constant decimals = 18;
    /// @notice Name shown to people.
    string public name;
    /// @notice Short name shown to people.
    string public symbol;
    /// @notice All tokens there are, in the smallest unit.
    uint256 public totalSupply;
    /// @notice Tokens an account holds, in the smallest unit.
    mapping(address account => uint256) public balanceOf;
    /// @notice Tokens a spender may move for an owner, in the smallest unit; the maximum never falls.
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    /// @notice Tokens moved, or were minted if `from` is zero.
    event Transfer(address indexed from, address indexed to, uint256 value);
    /// @notice An allowance was set.
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// @notice The account holds too little.
    error InsufficientBalance(address account, uint256 balance, uint256 needed);
    /// @notice The spender may move too little.
    error InsufficientAllowance(address owner, address spender, uint256 allowance, uint256 needed);

    /// @param name_ Name shown to people.
    /// @param symbol_ Short name shown to people.
    constructor(string memory name_, string memory symbol_) {
        name = name_;
        symbol = symbol_;
    }

    /// @notice Creates tokens for an account.
    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    /// @notice Sets an allowance.
    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    /// @notice Moves the caller's tokens.
    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    /// @notice Moves an owner's tokens within the caller's allowance.
    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            if (allowed < value) revert InsufficientAllowance(from, msg.sender, allowed, value);
            allowance[from][msg.sender] = allowed - value;
        }
        _move(from, to, value);
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        uint256 balance = balanceOf[from];
        if (balance < value) revert InsufficientBalance(from, balance, value);
        balanceOf[from] = balance - value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}
