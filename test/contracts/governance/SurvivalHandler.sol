// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "./GovernanceTest.sol";
import {TrackTable} from "./TrackTable.sol";

/// @notice Decides unanimously whatever could end governance: any rules of any track, and all that the timelock and the
/// governor do for a vote.
contract SurvivalHandler is GovernanceTest {
    uint256 private constant SIZE = 3;
    string private constant WHY = "because";

    /// @dev So that a rehearsal leaves nothing behind.
    error SurvivalRehearsed();

    string public violation;
    /// @notice Rules that were taken, so that a run shows that it did something.
    uint256 public taken;

    TrackRules[4] private _defaults;
    uint256 private _number;

    constructor(NodeGovernor governor_) {
        _adopt(governor_);
        for (uint8 i = 0; i < 4; ++i) _defaults[i] = governor_.trackRules(Track(i));
    }

    /// @notice Mostly rules within the bounds, often at one of them.
    function setTrack(uint8 which, TrackRules memory rules, uint8 how) external {
        Track track = Track(which % 4);
        if (how % 4 != 0) rules = TrackTable.fit(track, rules);
        if (how % 8 == 1) rules = TrackTable.ceiling(track);
        if (how % 8 == 2) rules = TrackTable.floor(track);
        bool allowed = TrackTable.allows(track, rules);
        if (track == Track.Membership && rules.approval < governor.trackRules(Track.Constitution).approval) {
            allowed = false;
        }
        if (track == Track.Constitution && rules.approval > governor.trackRules(Track.Membership).approval) {
            allowed = false;
        }
        bool done = _carryOut(address(governor), abi.encodeCall(INodeGovernor.setTrack, (track, rules)));
        if (done != allowed) violation = allowed ? "sound rules were refused" : "unsound rules were taken";
        if (done) ++taken;
    }

    function dismissGuardian() external {
        if (!_carryOut(address(governor), abi.encodeCall(INodeGovernor.dismissGuardian, ()))) violation = "dismissal";
    }

    /// @notice What the timelock could do to itself and the governor to its own roles; none of it can be done.
    function meddle(uint8 what, uint8 which, address account, uint256 delay) external {
        bytes32[4] memory roles = [
            timelock.DEFAULT_ADMIN_ROLE(),
            timelock.PROPOSER_ROLE(),
            timelock.CANCELLER_ROLE(),
            timelock.EXECUTOR_ROLE()
        ];
        bytes32 role = roles[which % 4];
        if (which % 3 == 0) account = address(governor);
        if (which % 3 == 1) account = address(timelock);
        bytes memory data = abi.encodeCall(timelock.updateDelay, (delay));
        if (what % 6 == 1) data = abi.encodeCall(timelock.grantRole, (role, account));
        if (what % 6 == 2) data = abi.encodeCall(timelock.revokeRole, (role, account));
        if (what % 6 == 3) data = abi.encodeCall(timelock.renounceRole, (role, account));
        if (what % 6 == 4) data = abi.encodeCall(timelock.schedule, (account, 0, "", 0, role, delay));
        bool byGovernor = what % 6 == 5;
        if (byGovernor) {
            bytes memory give = abi.encodeCall(timelock.renounceRole, (role, address(governor)));
            data = abi.encodeCall(governor.relay, (address(timelock), 0, give));
        }
        if (_carryOut(byGovernor ? address(governor) : address(timelock), data)) violation = "a vote meddled";
    }

    /// @notice Restores the defaults by one unanimous vote, and reverts with {SurvivalRehearsed} if that went well.
    function rehearse() external {
        (address[] memory targets, bytes[] memory calldatas) = _restoration();
        _carryOutAll(targets, calldatas);
        for (uint8 i = 0; i < 4; ++i) {
            bytes memory rules = abi.encode(governor.trackRules(Track(i)));
            require(keccak256(rules) == keccak256(abi.encode(_defaults[i])), "other rules than the defaults");
        }
        revert SurvivalRehearsed();
    }

    /// @dev Whatever the approvals of Membership and Constitution are, in this order each is allowed.
    function _restoration() private view returns (address[] memory targets, bytes[] memory calldatas) {
        (targets, calldatas) = (new address[](5), new bytes[](5));
        TrackRules memory careful = _defaults[2];
        careful.approval = TrackTable.FOUR_FIFTHS;
        calldatas[0] = abi.encodeCall(INodeGovernor.setTrack, (Track.Membership, careful));
        calldatas[1] = abi.encodeCall(INodeGovernor.setTrack, (Track.Constitution, _defaults[3]));
        calldatas[2] = abi.encodeCall(INodeGovernor.setTrack, (Track.Membership, _defaults[2]));
        calldatas[3] = abi.encodeCall(INodeGovernor.setTrack, (Track.Operations, _defaults[1]));
        calldatas[4] = abi.encodeCall(INodeGovernor.setTrack, (Track.Emergency, _defaults[0]));
        for (uint256 i = 0; i < 5; ++i) targets[i] = address(governor);
    }

    function _carryOut(address target, bytes memory data) private returns (bool done) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(target, data);
        _passAndQueue(targets, values, calldatas);
        (done,) = address(governor).call(
            abi.encodeCall(IGovernor.execute, (targets, values, calldatas, keccak256(bytes(_why()))))
        );
    }

    function _carryOutAll(address[] memory targets, bytes[] memory calldatas) private {
        uint256[] memory values = new uint256[](targets.length);
        _passAndQueue(targets, values, calldatas);
        governor.execute(targets, values, calldatas, keccak256(bytes(_why())));
    }

    function _passAndQueue(address[] memory targets, uint256[] memory values, bytes[] memory calldatas) private {
        ++_number;
        vm.prank(_operator(0));
        uint256 id = governor.propose(targets, values, calldatas, _why());
        vm.warp(governor.proposalSnapshot(id) + 1);
        for (uint256 i = 0; i < SIZE && governor.state(id) == IGovernor.ProposalState.Active; ++i) _vote(id, i, i + 1, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        governor.queue(targets, values, calldatas, keccak256(bytes(_why())));
        vm.warp(governor.proposalEta(id));
    }

    function _why() private view returns (string memory) {
        return string(abi.encodePacked(WHY, _number));
    }
}
