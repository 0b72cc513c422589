// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// @notice One whole token (10^18 units) a node, so that the fractions of stock governors come out exact.
contract PeerToken is ERC20, ERC20Votes {
    uint256 public constant ONE_NODE = 1e18;

    constructor() ERC20("Peer", "PEER") EIP712("Peer", "1") {}

    function admit(address node) external {
        _mint(node, ONE_NODE);
        _delegate(node, node);
    }

    function remove(address node) external {
        _burn(node, ONE_NODE);
    }

    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
