// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";

/// @notice A real committee for the tests of those who ask for membership.
abstract contract Committee is VmTest {
    address internal constant TIMELOCK = address(0x71);
    uint256 internal constant FIRST_OPERATOR = 0x1000;

    NodeRegistry internal registry;

    /// @dev A registry with `size` nodes, one second old.
    function _assemble(uint256 size) internal {
        registry = new NodeRegistry(TIMELOCK, address(0));
        INodeRegistry.Admission[] memory genesis = new INodeRegistry.Admission[](size);
        for (uint256 i = 0; i < size; ++i) {
            genesis[i] = Admissions.make(_operator(i), i + 1);
        }
        vm.prank(TIMELOCK);
        registry.admit(genesis);
        vm.warp(block.timestamp + 1);
    }

    function _operator(uint256 i) internal pure returns (address) {
        return address(uint160(FIRST_OPERATOR + i));
    }
}
