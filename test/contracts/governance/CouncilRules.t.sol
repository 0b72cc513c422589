// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice What makes a vote valid and what passes it, by numbers of nodes.
contract CouncilRules is GovernanceTest {
    string private constant WHY = "because";

    /// @dev Quorums of a third, approvals at their floors.
    function _council(uint256 size, bool fastPath) private {
        vm.warp(1_000_000);
        TrackRules memory rules = _rules();
        rules.fastPath = fastPath;
        _build(size, _everywhere(rules));
    }

    function test_OneForAndTwoAbstentionsOfFiveRemoveNobody() external {
        _council(5, false);
        address[] memory others = new address[](4);
        for (uint256 i = 0; i < 4; ++i) others[i] = _operator(i + 1);
        uint256 id = _propose(
            governor, _operator(0), address(registry), abi.encodeCall(INodeChanges.remove, (others)), WHY
        );
        vm.warp(governor.proposalSnapshot(id) + 1);
        _vote(id, 0, 1, 1);
        _vote(id, 1, 3, 2);
        _expectAtEnd(id, IGovernor.ProposalState.Defeated, "abstentions made a quorum");
    }

    function test_NothingPassesWithAThirdOfAllSeats() external {
        _council(9, false);
        uint256 id = _openFlag();
        require(governor.proposalQuorum(id) == 4, "more than a third of nine are four");
        _vote(id, 0, 3, 1);
        _vote(id, 3, 9, 2);
        _expectAtEnd(id, IGovernor.ProposalState.Defeated, "three of nine passed it");
    }

    function test_MoreThanAThirdOfAllSeatsPassesWhatNobodyOpposes() external {
        _council(9, false);
        uint256 id = _openFlag();
        _vote(id, 0, 4, 1);
        _expectAtEnd(id, IGovernor.ProposalState.Succeeded, "four of nine are more than a third");
    }

    function test_TwoThirdsOfThreeAreTwo() external {
        _council(3, true);
        uint256 id = _propose(governor, _operator(0), address(0xbeef), "", WHY);
        INodeGovernor.ProposalRules memory rules = governor.proposalRules(id);
        require(rules.approval == 40_000 && rules.track == Track.Constitution, "the test is under other rules");
        require(rules.fastPathFor == 2, "two of three are two thirds");
        vm.warp(governor.proposalSnapshot(id) + 1);
        _vote(id, 0, 1, 0);
        _vote(id, 1, 2, 1);
        require(governor.state(id) == IGovernor.ProposalState.Active, "one of three ended it");
        _vote(id, 2, 3, 1);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "two of three did not pass it");
    }

    function test_MoreAgainstThanForDefeatsWhateverTheQuorum() external {
        _council(5, false);
        uint256 id = _openFlag();
        _vote(id, 0, 2, 1);
        _vote(id, 2, 4, 0);
        _expectAtEnd(id, IGovernor.ProposalState.Defeated, "a tie passed");
    }

    function test_AQuorumAtTheLastMomentGivesTheOthersTimeToAnswer() external {
        _council(5, false);
        uint256 id = _openFlag();
        uint256 closes = governor.proposalDeadline(id);
        uint256 quarter = governor.votingPeriod() / 4;
        vm.warp(closes - 1);
        _vote(id, 0, 1, 1);
        require(governor.proposalDeadline(id) == closes, "one of five extended it");
        _vote(id, 1, 2, 1);
        require(governor.proposalDeadline(id) == closes - 1 + quarter, "the others have no time");

        vm.warp(closes + quarter - 1);
        _vote(id, 2, 3, 1);
        require(governor.proposalDeadline(id) == closes - 1 + quarter, "it was extended twice");
        _vote(id, 3, 5, 0);
        vm.warp(closes + quarter);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "three of five");
        require(governor.proposalExpiry(id) == closes - 1 + quarter + 7 days, "it expires from another moment");
    }

    function test_TheAnswerDefeatsWhatWouldHavePassed() external {
        _council(5, false);
        uint256 id = _openFlag();
        vm.warp(governor.proposalDeadline(id));
        _vote(id, 0, 2, 1);
        vm.warp(block.timestamp + governor.votingPeriod() / 4);
        _vote(id, 2, 5, 0);
        _expectAtEnd(id, IGovernor.ProposalState.Defeated, "the answer came to nothing");
    }

    function test_AQuorumInTimeExtendsNothing() external {
        _council(5, false);
        uint256 id = _openFlag();
        uint256 closes = governor.proposalDeadline(id);
        vm.warp(closes - governor.votingPeriod() / 4);
        _vote(id, 0, 2, 1);
        require(governor.proposalDeadline(id) == closes, "it was extended");
    }

    function test_MembershipNeverNeedsLessApprovalThanTheConstitution() external {
        _council(3, false);
        TrackRules[4] memory tracks = _everywhere(_rules());
        (tracks[2].approval, tracks[3].approval) = (44_000, 44_001);
        bytes memory raised = abi.encodeCall(INodeGovernor.setTrack, (Track.Membership, tracks[2]));
        _carry(3, address(governor), raised, "membership up");
        _refuseTrack(Track.Constitution, tracks[3]);
        tracks[3].approval = 44_000;
        bytes memory equal = abi.encodeCall(INodeGovernor.setTrack, (Track.Constitution, tracks[3]));
        _carry(3, address(governor), equal, "constitution up");
        tracks[2].approval = 43_999;
        _refuseTrack(Track.Membership, tracks[2]);
    }

    function _refuseTrack(Track track, TrackRules memory rules) private {
        bytes memory data = abi.encodeCall(INodeGovernor.setTrack, (track, rules));
        uint256 id = _propose(governor, _operator(0), address(governor), data, WHY);
        vm.warp(governor.proposalSnapshot(id) + 1);
        _vote(id, 0, 3, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        _queue(governor, address(governor), data, WHY);
        vm.warp(governor.proposalEta(id));
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorInvalidTrack.selector, track, 3));
        _execute(governor, address(governor), data, WHY);
    }

    function _openFlag() private returns (uint256 id) {
        bytes memory data = abi.encodeCall(parameters.setFlag, ("a", true));
        id = _propose(governor, _operator(0), address(parameters), data, WHY);
        vm.warp(governor.proposalSnapshot(id) + 1);
    }

    function _expectAtEnd(uint256 id, IGovernor.ProposalState expected, string memory otherwise) private {
        vm.warp(governor.proposalDeadline(id) + 1);
        require(governor.state(id) == expected, otherwise);
    }
}
