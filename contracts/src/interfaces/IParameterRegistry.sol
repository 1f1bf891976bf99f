// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IParameterRegistry
/// @notice Values of named chain parameters as the last passed votes left them.
/// @dev On a local chain this is what an executed vote changes. It steers nothing by itself.
interface IParameterRegistry {
    /// @notice A parameter got a value.
    /// @dev The hashes are what a watcher of one parameter filters by.
    /// @param chainHash Keccak-256 of `chain`.
    /// @param nameHash Keccak-256 of `name`.
    /// @param chain Chain the parameter belongs to, in CAIP-2 form such as `eip155:1`.
    /// @param name Name of the parameter, such as `gas-limit`.
    /// @param value New value, in the unit the name implies.
    event ParameterSet(
        bytes32 indexed chainHash,
        bytes32 indexed nameHash,
        string chain,
        string name,
        uint256 value
    );

    /// @notice The parameter has never been set.
    /// @param chain Chain that was asked for.
    /// @param name Parameter that was asked for.
    error ParameterNotSet(string chain, string name);

    /// @notice Sets a parameter. Only the owner, which is the governor's timelock, may.
    /// @param chain Chain the parameter belongs to, in CAIP-2 form.
    /// @param name Name of the parameter.
    /// @param value New value, in the unit the name implies.
    function set(string calldata chain, string calldata name, uint256 value) external;

    /// @notice Reads a parameter.
    /// @dev Reverts with {ParameterNotSet} rather than answer zero for a value nobody set.
    /// @param chain Chain the parameter belongs to, in CAIP-2 form.
    /// @param name Name of the parameter.
    /// @return value Its value, in the unit the name implies.
    function get(string calldata chain, string calldata name)
        external
        view
        returns (uint256 value);
}
