// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice How the guardian's power ends.
contract GuardianTest is GovernanceTest {
    string private constant WHY = "because";

    function setUp() external {
        vm.warp(1_000_000);
        _build(3, _everywhere(_rules()));
    }

    function test_NoGuardianIsMadeForMoreThan180Days() external {
        TrackRules[4] memory tracks = _everywhere(_rules());
        uint48 latest = uint48(block.timestamp + 180 days);
        vm.expectRevert(
            abi.encodeWithSelector(INodeGovernor.GovernorInvalidGuardianExpiry.selector, latest + 1, latest)
        );
        new NodeGovernor(registry, timelock, address(1), address(2), address(3), GUARDIAN, latest + 1, tracks);

        NodeGovernor longest =
            new NodeGovernor(registry, timelock, address(1), address(2), address(3), GUARDIAN, latest, tracks);
        require(longest.guardian() == GUARDIAN && longest.guardianExpiry() == latest, "another guardian");
    }

    function test_AVoteDismissesTheGuardianAndItCannotStopThat() external {
        bytes memory dismissal = abi.encodeCall(INodeGovernor.dismissGuardian, ());
        uint256 id = _propose(governor, _operator(0), address(governor), dismissal, WHY);
        require(governor.proposalRules(id).track == Track.Constitution, "not by the constitution's rules");
        _refuseCancel(dismissal, abi.encodeWithSelector(INodeGovernor.GovernorCannotCancel.selector, id));
        vm.warp(governor.proposalSnapshot(id) + 1);
        _vote(id, 0, 3, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        _queue(governor, address(governor), dismissal, WHY);
        _refuseCancel(dismissal, abi.encodeWithSelector(INodeGovernor.GovernorCannotCancel.selector, id));
        vm.warp(governor.proposalEta(id));
        _execute(governor, address(governor), dismissal, WHY);
        require(governor.guardian() == address(0), "it still has its power");

        bytes memory other = abi.encodeCall(INodeGovernor.setTrack, (Track.Operations, _rules()));
        uint256 otherId = _propose(governor, _operator(0), address(governor), other, WHY);
        _refuseCancel(other, abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, otherId, GUARDIAN));
    }

    function test_WithTheDismissalInABundleItMayCancel() external {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _bundle();
        vm.prank(_operator(0));
        uint256 id = governor.propose(targets, values, calldatas, WHY);
        vm.prank(GUARDIAN);
        governor.cancel(targets, values, calldatas, keccak256(bytes(WHY)));
        require(governor.state(id) == IGovernor.ProposalState.Canceled, "it may cancel all but its own dismissal");
    }

    function test_NobodyButAVoteDismissesTheGuardian() external {
        address[3] memory callers = [GUARDIAN, _operator(0), address(this)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, callers[i]));
            governor.dismissGuardian();
        }
    }

    function _refuseCancel(bytes memory data, bytes memory reason) private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(governor), data);
        vm.prank(GUARDIAN);
        vm.expectRevert(reason);
        governor.cancel(targets, values, calldatas, keccak256(bytes(WHY)));
    }

    function _bundle()
        private
        view
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        (targets, values, calldatas) = (new address[](2), new uint256[](2), new bytes[](2));
        (targets[0], targets[1]) = (address(governor), address(1));
        calldatas[0] = abi.encodeCall(INodeGovernor.dismissGuardian, ());
    }
}
