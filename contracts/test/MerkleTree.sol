// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A small OpenZeppelin StandardMerkleTree over ["address", "uint256"], for tests.
/// @dev Built the way the JavaScript package does it: leaves sorted by hash, stored in reverse at the
/// end of an array in which node i has the children 2i+1 and 2i+2.
library MerkleTree {
    function leaf(address account, uint256 amount) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(account, amount))));
    }

    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory tree) {
        bytes32[] memory sorted = sort(leaves);
        uint256 length = 2 * sorted.length - 1;
        tree = new bytes32[](length);
        for (uint256 i = 0; i < sorted.length; ++i) {
            tree[length - 1 - i] = sorted[i];
        }
        for (uint256 i = length - sorted.length; i > 0; --i) {
            tree[i - 1] = node(tree[2 * i - 1], tree[2 * i]);
        }
    }

    function proof(bytes32[] memory tree, bytes32 leafHash) internal pure returns (bytes32[] memory path) {
        uint256 index = tree.length;
        for (uint256 i = tree.length / 2; i < tree.length; ++i) {
            if (tree[i] == leafHash) index = i;
        }
        uint256 depth = 0;
        for (uint256 i = index; i > 0; i = (i - 1) / 2) ++depth;
        path = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            path[i] = tree[index % 2 == 1 ? index + 1 : index - 1];
            index = (index - 1) / 2;
        }
    }

    function node(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }

    function sort(bytes32[] memory values) private pure returns (bytes32[] memory sorted) {
        sorted = new bytes32[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            uint256 j = i;
            for (; j > 0 && sorted[j - 1] > values[i]; --j) sorted[j] = sorted[j - 1];
            sorted[j] = values[i];
        }
    }
}
