// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind, Directives} from "../../../contracts/types/Directive.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "../governance/GovernanceTest.sol";

/// @notice On a track without a voting delay an order is opened in the window of its salt or the next, and only a claim of fact
/// ends with it: of any other vote opponents have the whole period.
contract WindowedVotes is GovernanceTest {
    string private constant WHY = "because";

    function setUp() external {
        vm.warp(300 * 100_000);
        TrackRules memory rules = _rules();
        rules.votingDelay = 0;
        rules.votingPeriod = 7 days;
        rules.fastPath = true;
        _build(9, _everywhere(rules));
        vm.warp(300 * 100_002 - 2);
    }

    function test_AVoteLastsItsPeriodAndAnswersInTimeDefeatIt() external {
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Scale, "workload")));
        uint256 id = _propose(governor, _operator(0), address(directives), data, WHY);
        require(governor.proposalRules(id).track == Track.Operations, "track");
        require(governor.proposalDeadline(id) - block.timestamp == 7 days, "not the period");
        vm.warp(block.timestamp + 7 days - 1);
        // Four of nine at the last moment extend it.
        _vote(id, 0, 4, 1);
        vm.warp(block.timestamp + 1 days);
        _vote(id, 4, 9, 0);
        vm.warp(governor.proposalDeadline(id) + 1);
        require(governor.state(id) == IGovernor.ProposalState.Defeated, "passed");
    }

    function test_AClaimOfFactEndsWithItsWindow() external {
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Restart, "replica")));
        uint256 id = _propose(governor, _operator(0), address(directives), data, WHY);
        require(governor.proposalDeadline(id) - block.timestamp == 2, "not the window");
    }

    function _order(DirectiveKind kind, bytes32 subject) private view returns (Directive memory) {
        bytes32 salt = Directives.saltOf(uint64(block.timestamp / 300) - 1, 0);
        return Directive(kind, subject, ContentId.wrap(bytes32("payload")), 0, 600, salt, 0, new ContentId[](0));
    }
}
