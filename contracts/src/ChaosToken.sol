// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title ChaosToken
/// @notice The voting and reward token of a local chain. 18 decimals, fixed supply, no owner.
/// @dev Votes count only once delegated, and are read at a past block number (ERC-6372 mode blocknumber).
contract ChaosToken is ERC20, ERC20Permit, ERC20Votes {
    /// @param supply Whole supply, in the smallest unit (10^-18); goes to the deployer.
    constructor(uint256 supply) ERC20("ChaosChain Local Vote", "CHAOS") ERC20Permit("ChaosChain Local Vote") {
        _mint(msg.sender, supply);
    }

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value)
        internal
        override(ERC20, ERC20Votes)
    {
        super._update(from, to, value);
    }
}
