// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IParameterRegistry} from "./interfaces/IParameterRegistry.sol";

/// @title ParameterRegistry
/// @notice A table of parameters that only its owner, the governor's timelock, writes.
contract ParameterRegistry is IParameterRegistry, Ownable {
    struct Parameter {
        uint256 value;
        bool isSet;
    }

    mapping(bytes32 key => Parameter) private _parameters;

    /// @param timelock Owner of the registry; the only account that may set parameters.
    constructor(address timelock) Ownable(timelock) {}

    /// @inheritdoc IParameterRegistry
    function set(string calldata chain, string calldata name, uint256 value) external onlyOwner {
        _parameters[_key(chain, name)] = Parameter(value, true);
        emit ParameterSet(keccak256(bytes(chain)), keccak256(bytes(name)), chain, name, value);
    }

    /// @inheritdoc IParameterRegistry
    function get(string calldata chain, string calldata name)
        external
        view
        returns (uint256 value)
    {
        Parameter storage parameter = _parameters[_key(chain, name)];
        if (!parameter.isSet) revert ParameterNotSet(chain, name);
        return parameter.value;
    }

    /// @dev `abi.encode`, not `encodePacked`: ("ab", "c") and ("a", "bc") must differ.
    function _key(string calldata chain, string calldata name) private pure returns (bytes32) {
        return keccak256(abi.encode(chain, name));
    }
}
