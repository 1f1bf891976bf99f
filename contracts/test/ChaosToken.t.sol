// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ChaosToken} from "../src/ChaosToken.sol";
import {Base} from "./Base.sol";

contract ChaosTokenTest is Base {
    bytes32 private constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );
    uint256 private constant OWNER_KEY = 0xA11CE;

    ChaosToken private _token;

    function setUp() public {
        _token = new ChaosToken(1_000e18);
    }

    function test_constructor_givesWholeSupplyToDeployer() public view {
        vm.assertEq(_token.totalSupply(), 1_000e18);
        vm.assertEq(_token.balanceOf(address(this)), 1_000e18);
        vm.assertEq(_token.getVotes(address(this)), 0);
    }

    function test_fuzz_getPastVotes_readsTheDelegatedBalance(uint96 value) public {
        value = uint96(bound(value, 0, 1_000e18));
        address holder = address(0xB0B);
        vm.roll(10);
        _token.transfer(holder, value);
        vm.prank(holder);
        _token.delegate(holder);
        vm.roll(11);
        vm.prank(holder);
        _token.transfer(address(this), value);
        vm.roll(12);
        vm.assertEq(_token.getPastVotes(holder, 10), value);
        vm.assertEq(_token.getVotes(holder), 0);
    }

    function test_fuzz_permit_setsTheAllowanceOnce(address spender, uint256 value) public {
        vm.assume(spender != address(0));
        address owner = vm.addr(OWNER_KEY);
        bytes32 structHash =
            keccak256(abi.encode(PERMIT_TYPEHASH, owner, spender, value, 0, block.timestamp));
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("ChaosChain Local Vote"),
                keccak256("1"),
                block.chainid,
                address(_token)
            )
        );
        vm.assertEq(_token.DOMAIN_SEPARATOR(), domain);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        _token.permit(owner, spender, value, block.timestamp, v, r, s);
        vm.assertEq(_token.allowance(owner, spender), value);
        vm.assertEq(_token.nonces(owner), 1);
        try _token.permit(owner, spender, value, block.timestamp, v, r, s) {
            vm.assertTrue(false);
        } catch (bytes memory reason) {
            vm.assertEq(
                bytes32(bytes4(reason)), bytes32(ERC20Permit.ERC2612InvalidSigner.selector)
            );
        }
    }
}
