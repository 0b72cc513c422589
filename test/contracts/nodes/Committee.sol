// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";
import {Registries} from "./Registries.sol";

/// @notice A real committee for the tests of those who ask for membership.
abstract contract Committee is VmTest {
    address internal constant TIMELOCK = address(0x71);
    /// @dev May admit without a bound: genesis stays open.
    address internal constant FOUNDER = address(0xf0);
    uint256 private constant FIRST_SECRET = 0x1000;

    NodeRegistry internal registry;

    /// @dev A registry with `size` nodes, one second old.
    function _assemble(uint256 size) internal {
        registry = Registries.deploy(TIMELOCK, FOUNDER);
        INodeRegistry.Admission[] memory genesis = new INodeRegistry.Admission[](size);
        for (uint256 i = 0; i < size; ++i) {
            genesis[i] = _admission(i);
        }
        vm.prank(TIMELOCK);
        registry.admit(genesis);
        vm.warp(block.timestamp + 1);
    }

    function _operator(uint256 i) internal pure returns (address) {
        return vm.addr(FIRST_SECRET + i);
    }

    function _admission(uint256 i) internal view returns (INodeRegistry.Admission memory) {
        return Admissions.make(registry, FIRST_SECRET + i, i + 1);
    }
}
