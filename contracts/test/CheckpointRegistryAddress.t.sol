// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CheckpointRegistry} from "../src/CheckpointRegistry.sol";
import {Base} from "./Base.sol";

/// @notice Where the registry is on every chain. These constants are published: a change of the code, the
/// compiler or its settings is another registry, and must not happen unnoticed.
contract CheckpointRegistryAddressTest is Base {
    /// @dev The deterministic deployer: call data is a salt and init code, which it hands to CREATE2.
    address private constant DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
    bytes private constant DEPLOYER_CODE =
        hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";
    bytes32 private constant SALT = keccak256("ChaosChain CheckpointRegistry 1");
    bytes32 private constant INIT_CODE_HASH =
        0xd870ddbec25ca7cca3bdb245f4f10211ec4a9cc5df201a9533fc9f68e692ba59;
    bytes32 private constant CODE_HASH =
        0xed59a5f99956e5157204c98145761ec283d2501ca16f6e59fcad6f7970434409;
    address private constant REGISTRY = 0x81cEe7A3281247cEf7E07d84eb543555a04a8A97;

    function test_deployer_putsTheRegistryAtThePublishedAddress() public {
        // As it is committed: compiled for Paris, which the tests are not.
        string memory artifact = vm.readFile("artifacts/CheckpointRegistry.json");
        bytes memory initCode = vm.parseJsonBytes(artifact, ".bytecode");
        vm.assertEq(keccak256(initCode), INIT_CODE_HASH);
        vm.etch(DEPLOYER, DEPLOYER_CODE);
        (bool ok, bytes memory answer) = DEPLOYER.call(bytes.concat(SALT, initCode));
        vm.assertTrue(ok);
        vm.assertEq(answer, abi.encodePacked(REGISTRY));
        vm.assertEq(REGISTRY.codehash, CODE_HASH);
        // Whoever comes second changes nothing.
        (ok,) = DEPLOYER.call(bytes.concat(SALT, initCode));
        vm.assertTrue(!ok);
        CheckpointRegistry(REGISTRY).anchor("origin", address(this), 1, "root");
    }
}
