// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodePresence} from "../../../contracts/nodes/INodePresence.sol";
import {Admissions} from "./Admissions.sol";
import {Committee} from "./Committee.sol";

/// @notice Who is suspended, by whom, for how long, and what is counted then.
contract NodePresenceTest is Committee {
    uint256 private constant SIZE = 9;
    uint256 private constant HALF = 5;

    INodePresence private presences;

    function setUp() external {
        vm.warp(100 days);
        _assemble(SIZE);
        presences = registry.presences();
    }

    function testFuzz_SuspendsForTheTimelockAlone(address caller) external {
        vm.assume(caller != TIMELOCK);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryUnauthorized.selector, caller));
        presences.suspend(_list(1, 0, 0));
    }

    function testFuzz_OpensAPresenceAndHandsOverASeatForItsOwnContractsAlone(address caller) external {
        vm.assume(caller != address(presences) && caller != address(registry));
        bytes memory refused = abi.encodeWithSelector(INodeChanges.NodeRegistryUnauthorized.selector, caller);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.openPresence(true);
        vm.prank(caller);
        vm.expectRevert(refused);
        presences.takeOver(0, 1);
    }

    function testFuzz_NeverLeavesFewerThanHalfOfTheSeats(uint32[12] calldata wanted) external {
        uint32[] memory indices = new uint32[](wanted.length);
        for (uint256 i = 0; i < indices.length; ++i) indices[i] = wanted[i] % uint32(SIZE + 2);
        _suspendIfAny(indices);
        require(_counted() >= HALF, "fewer than half are left");
        _suspendIfAny(_list(7, 0, 8));
        require(_counted() == HALF, "seven that are named leave more than half");
    }

    /// @dev Fails if the contract refuses for any other reason than that no seat may be suspended.
    function _suspendIfAny(uint32[] memory indices) private {
        vm.prank(TIMELOCK);
        try presences.suspend(indices) {}
        catch (bytes memory reason) {
            require(bytes4(reason) == INodePresence.NodePresenceNothingToSuspend.selector, "refused for another reason");
        }
    }

    function test_SkipsWhoIsSuspendedGoneOrJustBack() external {
        _suspend(_list(2, 0, 1));
        vm.prank(_operator(1));
        presences.returnNow();
        vm.prank(TIMELOCK);
        registry.remove(_only(_operator(2)));
        vm.prank(TIMELOCK);
        vm.expectRevert(INodePresence.NodePresenceNothingToSuspend.selector);
        presences.suspend(_list(3, 0, 2));
        _suspend(_list(4, 0, 3));
        require(presences.suspendedBits(registry.presence())[0] == 9, "others than the first and the fourth");
    }

    function test_TheHoldOffDoublesUpToSevenDays() external {
        uint256 expected = 1 hours;
        for (uint256 i = 0; i < 12; ++i) {
            _suspend(_list(1, 4, 0));
            vm.warp(block.timestamp + 10);
            vm.prank(_operator(4));
            presences.returnNow();
            uint256 end = presences.holdOffEnd(4);
            require(end == block.timestamp + (expected > 7 days ? 7 days : expected), "another hold-off");
            vm.warp(end - 1);
            vm.prank(TIMELOCK);
            vm.expectRevert(INodePresence.NodePresenceNothingToSuspend.selector);
            presences.suspend(_list(1, 4, 0));
            vm.warp(end);
            expected *= 2;
        }
    }

    function test_AnAnswerAboutAPresenceNeverChanges() external {
        uint48 begin = uint48(block.timestamp);
        _suspend(_list(2, 0, 1));
        vm.warp(begin + 10);
        vm.prank(_operator(0));
        presences.returnNow();
        vm.warp(begin + 20);
        _suspend(_list(1, 7, 0));

        uint256[4] memory expected = [uint256(0), 3, 2, 0x82];
        for (uint32 i = 1; i < 4; ++i) require(presences.suspendedBits(i)[0] == expected[i], "other bits");
        require(presences.suspendedBits(0).length == 0, "somebody was suspended before");
        require(presences.presenceAt(begin - 1) == 0 && presences.presenceAt(begin + 9) == 1, "presence by time");
        require(presences.presenceAt(begin + 10) == 2 && presences.presenceAt(begin + 19) == 2, "presence by time");
        require(presences.presenceAt(begin + 20) == 3 && registry.newestSuspension() == 3, "presence by time");
        vm.expectRevert(abi.encodeWithSelector(INodePresence.NodePresenceUnknownPresence.selector, 4));
        presences.suspendedBits(4);
    }

    function test_AReturnCountsFromTheNextSecondOn() external {
        _suspend(_list(1, 3, 0));
        vm.warp(block.timestamp + 10);
        vm.prank(_operator(3));
        presences.returnNow();
        (,, uint32 before, uint32 counted) = registry.countedAt(uint48(block.timestamp - 1), false);
        require(before == 1 && counted == SIZE - 1, "it counts in the past");
        require(_counted() == SIZE, "it does not count");
    }

    function test_LapsesAfterThirtyDaysWithoutABreak() external {
        uint256 begin = block.timestamp;
        _suspend(_list(2, 5, 6));
        vm.warp(begin + 20 days);
        vm.prank(_operator(6));
        presences.returnNow();
        vm.warp(begin + 21 days);
        _suspend(_list(1, 6, 0));
        vm.warp(begin + 30 days - 1);
        vm.expectRevert(INodePresence.NodePresenceNothingToLapse.selector);
        presences.markLapsed(_list(2, 5, 6));
        vm.warp(begin + 30 days);
        presences.markLapsed(_list(2, 5, 6));
        uint32 newest = registry.presence();
        require(presences.lapsedBits(newest)[0] == 32, "others than the one without a break");
        require(presences.countedOf(1, newest, true) == SIZE - 1, "the careful count");
        require(presences.countedOf(1, newest, false) == SIZE - 2, "the count");

        vm.prank(_operator(5));
        presences.returnNow();
        require(presences.lapsedBits(registry.presence()).length == 0, "it has returned and lapsed");
        require(presences.lapsedBits(newest)[0] == 32, "the past has changed");
    }

    function test_ANewAgentIsASignOfLife() external {
        _suspend(_list(1, 2, 0));
        vm.warp(block.timestamp + 1 days);
        bytes memory key = Admissions.keyOf(77);
        bytes memory possession = Admissions.possessionOf(registry, _operator(2), key, 77);
        vm.prank(_operator(2));
        registry.setAgent(_operator(2), key, possession, "another peer");
        require(!presences.isSuspended(uint32(SIZE)) && _counted() == SIZE, "the new agent is suspended");
        vm.prank(TIMELOCK);
        vm.expectRevert(INodePresence.NodePresenceNothingToSuspend.selector);
        presences.suspend(_list(1, uint32(SIZE), 0));
        require(presences.holdOffEnd(uint32(SIZE)) == block.timestamp + 1 hours, "another hold-off");
    }

    function test_OnlyWhoIsSuspendedReturns() external {
        vm.prank(_operator(0));
        vm.expectRevert(abi.encodeWithSelector(INodePresence.NodePresenceNotSuspended.selector, 0));
        presences.returnNow();
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryNotMember.selector, address(0xbad), 1));
        presences.returnNow();
    }

    function _suspend(uint32[] memory indices) private {
        vm.prank(TIMELOCK);
        presences.suspend(indices);
    }

    function _counted() private view returns (uint256 counted) {
        (,,, counted) = registry.countedAt(uint48(block.timestamp), false);
    }

    function _only(address operator) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = operator;
    }

    /// @dev One index, two, or all from `a` to `b`.
    function _list(uint256 count, uint32 a, uint32 b) private pure returns (uint32[] memory list) {
        list = new uint32[](count);
        for (uint256 i = 0; i < count; ++i) list[i] = a + uint32(i);
        if (count > 1 && a + count - 1 != b) list[count - 1] = b;
    }
}
