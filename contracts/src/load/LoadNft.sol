// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title LoadNft
/// @notice Numbered tokens that anyone may mint, with ERC-721's events and transfer, for a load generator.
contract LoadNft {
    /// @notice How many tokens there are; they are numbered from 1.
    uint256 public totalSupply;
    /// @notice How many tokens an account holds.
    mapping(address account => uint256) public balanceOf;

    mapping(uint256 tokenId => address) private _ownerOf;

    /// @notice A token changed hands, or was minted if `from` is zero.
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    /// @notice No token has this number.
    error UnknownToken(uint256 tokenId);
    /// @notice The caller does not own the token.
    error NotOwner(address caller, uint256 tokenId, address owner);

    /// @notice Creates the next token for an account.
    function mint(address to) external returns (uint256 tokenId) {
        tokenId = ++totalSupply;
        balanceOf[to] += 1;
        _ownerOf[tokenId] = to;
        emit Transfer(address(0), to, tokenId);
    }

    /// @notice Gives the caller's token away.
    function transfer(address to, uint256 tokenId) external {
        address owner = ownerOf(tokenId);
        if (owner != msg.sender) revert NotOwner(msg.sender, tokenId, owner);
        balanceOf[owner] -= 1;
        balanceOf[to] += 1;
        _ownerOf[tokenId] = to;
        emit Transfer(owner, to, tokenId);
    }

    /// @notice Who owns a token. Reverts with {UnknownToken} for a number that was never minted.
    function ownerOf(uint256 tokenId) public view returns (address owner) {
        if (tokenId == 0 || tokenId > totalSupply) revert UnknownToken(tokenId);
        return _ownerOf[tokenId];
    }
}
