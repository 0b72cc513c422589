// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HostRegistry} from "../../../contracts/hosts/HostRegistry.sol";
import {IHostRegistry} from "../../../contracts/hosts/IHostRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Committee} from "../nodes/Committee.sol";

contract HostRegistryFuzz is Committee {
    uint256 private constant SIZE = 3;

    HostRegistry private hosts;

    function setUp() external {
        _assemble(SIZE);
        hosts = new HostRegistry(registry);
    }

    function testFuzz_KeepsTheNewestDescriptorOfEachOperatorAlone(bytes calldata first, bytes calldata second, uint8 seat)
        external
    {
        vm.assume(keccak256(first) != keccak256(second) && first.length != 0);
        vm.assume(first.length <= hosts.MAX_DESCRIPTOR_BYTES() && second.length <= hosts.MAX_DESCRIPTOR_BYTES());
        address operator = _operator(seat % SIZE);
        vm.startPrank(operator);
        hosts.describe(first);
        require(_described(operator) == sha256(first), "first");
        hosts.describe(second);
        vm.stopPrank();

        require(_described(operator) == (second.length == 0 ? bytes32(0) : sha256(second)), "second");
        require(_described(_operator((seat % SIZE + 1) % SIZE)) == 0, "another's");
    }

    function testFuzz_RefusesWhatChangesNothing(bytes calldata descriptor) external {
        vm.assume(descriptor.length <= hosts.MAX_DESCRIPTOR_BYTES());
        address operator = _operator(0);
        vm.startPrank(operator);
        if (descriptor.length != 0) hosts.describe(descriptor);
        vm.expectRevert(
            abi.encodeWithSelector(
                IHostRegistry.HostRegistryUnchanged.selector, operator, hosts.descriptorOf(operator)
            )
        );
        hosts.describe(descriptor);
        vm.stopPrank();
    }

    function testFuzz_TakesNothingFromStrangers(address stranger, bytes calldata descriptor) external {
        for (uint256 i = 0; i < SIZE; ++i) vm.assume(stranger != _operator(i));
        vm.assume(descriptor.length <= hosts.MAX_DESCRIPTOR_BYTES());
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IHostRegistry.HostRegistryNotMember.selector, stranger));
        hosts.describe(descriptor);
        require(_described(stranger) == 0, "described");
    }

    function testFuzz_TakesNothingFromThoseWhoWereRemoved(bytes32 descriptor) external {
        address operator = _operator(1);
        address[] memory removed = new address[](1);
        removed[0] = operator;
        vm.prank(TIMELOCK);
        registry.remove(removed);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IHostRegistry.HostRegistryNotMember.selector, operator));
        hosts.describe(abi.encode(descriptor));
    }

    function testFuzz_BoundsADescriptor(uint256 length) external {
        uint256 most = hosts.MAX_DESCRIPTOR_BYTES();
        length = length % (2 * most);
        bytes memory descriptor = new bytes(length);
        vm.prank(_operator(2));
        if (length > most) {
            vm.expectRevert(abi.encodeWithSelector(IHostRegistry.HostRegistryTooLong.selector, length, most));
            hosts.describe(descriptor);
        } else if (length > 0) {
            hosts.describe(descriptor);
            require(_described(_operator(2)) == sha256(descriptor), "described");
        }
    }

    function testFuzz_CountsTheChangesOfADay(uint24 start, uint8 wait) external {
        uint48 day = uint48(block.timestamp / 1 days + 1);
        vm.warp(uint256(day) * 1 days + start % 1 hours);
        address operator = _operator(0);
        for (uint256 i = 0; i < hosts.MAX_CHANGES(); ++i) {
            vm.warp(block.timestamp + wait);
            vm.prank(operator);
            hosts.describe(abi.encode(i));
        }
        vm.prank(operator);
        vm.expectRevert(
            abi.encodeWithSelector(IHostRegistry.HostRegistryTooOften.selector, operator, (day + 1) * 1 days)
        );
        hosts.describe("one more");
        // Another host counts for itself, and a new day begins with none.
        vm.prank(_operator(1));
        hosts.describe("one more");
        vm.warp((uint256(day) + 1) * 1 days);
        vm.prank(operator);
        hosts.describe("one more");
        require(_described(operator) == sha256("one more"), "described");
    }

    function _described(address operator) private view returns (bytes32) {
        return ContentId.unwrap(hosts.descriptorOf(operator));
    }
}
