// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodePresence} from "../../../contracts/nodes/INodePresence.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind, Directives} from "../../../contracts/types/Directive.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {GovernanceTest} from "../governance/GovernanceTest.sol";

/// @notice Motions to suspend the same silent seats that pass beside the first one: nobody keeps them for when the seats are back.
contract StaleSuspensions is GovernanceTest {
    string private constant WHY = "because";
    INodePresence private presences;
    uint32 private attempt;

    function setUp() external {
        vm.warp(300 * 100_000);
        _build(9, _everywhere(_rules()));
        vm.warp(300 * 100_001);
        presences = registry.presences();
    }

    function test_NoneOfThemSuspendsWhoHasReturned() external {
        (uint256 a, Motion memory first) = _open(6);
        (uint256 b, Motion memory second) = _open(6);
        (uint256 c, Motion memory third) = _open(7);
        vm.warp(block.timestamp + 1);
        // 6, 7 and 8 are silent; 0 to 5 say so, on each motion. Somebody submits all ballots, and executes one motion.
        _all(b);
        _all(c);
        _all(a);
        _carryOut(first);
        require(presences.isSuspended(6) && presences.isSuspended(8), "not suspended");
        vm.warp(block.timestamp + 60);
        for (uint256 i = 6; i < 9; ++i) _return(i);
        vm.warp(block.timestamp + 2 hours);
        _refuse(second);
        _refuse(third);
        require(!presences.isSuspended(6) && !presences.isSuspended(7) && !presences.isSuspended(8), "suspended again");
    }

    struct Motion {
        address[] targets;
        uint256[] values;
        bytes[] calldatas;
    }

    function _all(uint256 id) private {
        (Signers memory signers, bytes memory signature) = _aggregate(id, 0x3f, 0, 0);
        governor.castVotesByAggregate(id, signers, signature);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "not passed");
    }

    function _carryOut(Motion memory motion) private {
        governor.queue(motion.targets, motion.values, motion.calldatas, keccak256(bytes(WHY)));
        governor.execute(motion.targets, motion.values, motion.calldatas, keccak256(bytes(WHY)));
    }

    function _refuse(Motion memory motion) private {
        governor.queue(motion.targets, motion.values, motion.calldatas, keccak256(bytes(WHY)));
        bytes32 last = directives.lastIssued("presence");
        bytes4 stale = IDirectiveRegistry.DirectiveRegistryStaleBase.selector;
        vm.expectRevert(abi.encodeWithSelector(stale, bytes32("presence"), bytes32(0), last));
        governor.execute(motion.targets, motion.values, motion.calldatas, keccak256(bytes(WHY)));
    }

    function _return(uint256 i) private {
        vm.prank(_operator(i));
        presences.returnNow();
    }

    /// @dev Other evidence, or another part of the silent, makes another motion that all who see the silence vote For.
    function _open(uint32 from) private returns (uint256 id, Motion memory motion) {
        motion.targets = new address[](2);
        motion.values = new uint256[](2);
        motion.calldatas = new bytes[](2);
        (motion.targets[0], motion.targets[1]) = (address(directives), address(presences));
        motion.calldatas[0] = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Suspend, "presence")));
        uint32[] memory list = new uint32[](9 - from);
        for (uint32 i = 0; i < list.length; ++i) list[i] = from + i;
        motion.calldatas[1] = abi.encodeCall(INodePresence.suspend, (list));
        vm.prank(_operator(0));
        id = governor.propose(motion.targets, motion.values, motion.calldatas, WHY);
    }

    function _order(DirectiveKind kind, bytes32 subject) private returns (Directive memory) {
        bytes32 salt = Directives.saltOf(uint64(block.timestamp / 300), 0);
        ContentId payload = ContentId.wrap(bytes32("payload"));
        ContentId[] memory evidence = new ContentId[](1);
        evidence[0] = ContentId.wrap(bytes32(uint256(++attempt)));
        return Directive(kind, subject, payload, 0, 600, salt, 0, evidence);
    }
}
