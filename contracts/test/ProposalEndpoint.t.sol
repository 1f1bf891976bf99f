// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProposalEndpoint} from "../src/ProposalEndpoint.sol";
import {IChaosChainEndpoint} from "../src/interfaces/IChaosChainEndpoint.sol";
import {Base, Vm} from "./Base.sol";

contract ProposalEndpointTest is Base {
    ProposalEndpoint private _endpoint;
    ProposalEndpointHandler private _handler;

    function setUp() public {
        _endpoint = new ProposalEndpoint();
        _handler = new ProposalEndpointHandler(new ProposalEndpoint());
        target(address(_handler));
    }

    /// @dev Expected values are those of the published interface, not of this source.
    function test_abi_isTheFixedOne() public {
        vm.assertEq(
            bytes32(IChaosChainEndpoint.submitProposal.selector), bytes32(bytes4(0xbebaf0a3))
        );
        vm.assertEq(bytes32(IChaosChainEndpoint.getProposal.selector), bytes32(bytes4(0xc7f758a8)));
        vm.recordLogs();
        _endpoint.submitProposal("ipfs://x", hex"01");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics.length, 2);
        bytes32 topic = logs[0].topics[0];
        vm.assertEq(bytes32(bytes4(topic)), bytes32(bytes4(0x9b4df44a)));
        vm.assertEq(uint256(topic) & 0xffffff, 0x447a3a);
        vm.assertEq(logs[0].topics[1], bytes32(uint256(1)));
        vm.assertEq(logs[0].data, abi.encode(address(this), "ipfs://x", hex"01"));
    }

    function test_fuzz_submitProposal_readsBackWhole(
        address submitter,
        string calldata uri,
        bytes calldata attestation,
        uint40 time
    ) public {
        vm.warp(time);
        vm.prank(submitter);
        uint256 id = _endpoint.submitProposal(uri, attestation);
        vm.assertEq(id, 1);
        IChaosChainEndpoint.Proposal memory proposal = _endpoint.getProposal(id);
        vm.assertEq(proposal.proposalId, 1);
        vm.assertEq(proposal.submitter, submitter);
        vm.assertEq(proposal.metadataURI, uri);
        vm.assertEq(proposal.attestation, attestation);
        vm.assertEq(proposal.timestamp, time);
    }

    function test_submitProposal_numbersRiseByOneFromOne() public {
        for (uint256 expected = 1; expected <= 5; ++expected) {
            vm.assertEq(_endpoint.submitProposal("same", ""), expected);
        }
    }

    function test_fuzz_getProposal_revertsIfUnknown(uint256 id) public {
        _endpoint.submitProposal("a", "");
        vm.assume(id != 1);
        vm.expectRevert(
            abi.encodeWithSelector(IChaosChainEndpoint.UnknownProposal.selector, id, 1)
        );
        _endpoint.getProposal(id);
    }

    /// @dev Later submissions never change an earlier record.
    function invariant_everyRecordStaysAsSubmitted() public view {
        ProposalEndpoint endpoint = _handler.endpoint();
        uint256 count = _handler.count();
        for (uint256 id = 1; id <= count; ++id) {
            IChaosChainEndpoint.Proposal memory proposal = endpoint.getProposal(id);
            vm.assertEq(keccak256(abi.encode(proposal)), _handler.recordHash(id));
        }
    }
}

contract ProposalEndpointHandler is Base {
    ProposalEndpoint public endpoint;
    uint256 public count;
    mapping(uint256 id => bytes32) public recordHash;

    constructor(ProposalEndpoint endpoint_) {
        endpoint = endpoint_;
    }

    function submit(string calldata uri, bytes calldata attestation, uint32 time) external {
        vm.warp(time);
        uint256 id = endpoint.submitProposal(uri, attestation);
        vm.assertEq(id, ++count);
        recordHash[id] = keccak256(
            abi.encode(IChaosChainEndpoint.Proposal(id, address(this), uri, attestation, time))
        );
    }
}
