// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IParameterRegistry} from "../../../contracts/directives/IParameterRegistry.sol";
import {ParameterRegistry} from "../../../contracts/directives/ParameterRegistry.sol";
import {VmTest} from "../Vm.sol";

contract ParameterRegistryFuzz is VmTest {
    address private constant TIMELOCK = address(0x71);

    ParameterRegistry private parameters;

    function setUp() external {
        parameters = new ParameterRegistry(TIMELOCK);
    }

    function testFuzz_SetsForTheTimelockAlone(address caller, bytes32 name, uint256 value) external {
        vm.assume(caller != TIMELOCK);
        bytes memory unauthorized =
            abi.encodeWithSelector(IParameterRegistry.ParameterRegistryUnauthorized.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(unauthorized);
        parameters.setParameter(name, value);
        vm.expectRevert(unauthorized);
        parameters.setFlag(name, true);
        vm.stopPrank();

        (bool set,) = parameters.tryParameter(name);
        require(!set && !parameters.flag(name), "set");
    }

    function testFuzz_KeepsTheLastValueOfEachNameAlone(bytes32 name, bytes32 other, uint256 first, uint256 last, bool on)
        external
    {
        vm.assume(name != other && name != 0 && other != 0);
        vm.startPrank(TIMELOCK);
        parameters.setParameter(name, first);
        parameters.setParameter(other, ~last);
        parameters.setParameter(name, last);
        parameters.setFlag(other, !on);
        parameters.setFlag(name, on);
        vm.stopPrank();

        require(parameters.parameter(name) == last && parameters.parameter(other) == ~last, "value");
        require(parameters.flag(name) == on && parameters.flag(other) == !on, "flag");
    }

    function test_RefusesEmptyNamesAndTellsWhatWasNeverSet() external {
        vm.startPrank(TIMELOCK);
        vm.expectRevert(IParameterRegistry.ParameterRegistryEmptyName.selector);
        parameters.setParameter(0, 1);
        vm.expectRevert(IParameterRegistry.ParameterRegistryEmptyName.selector);
        parameters.setFlag(0, true);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IParameterRegistry.ParameterRegistryUnset.selector, bytes32("unset")));
        parameters.parameter("unset");
    }
}
