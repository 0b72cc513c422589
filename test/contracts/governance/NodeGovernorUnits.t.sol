// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice What random calls seldom hit.
contract NodeGovernorUnits is GovernanceTest {
    uint256 private constant SIZE = 5;
    address private constant TARGET = address(0xbeef);
    string private constant WHY = "because";

    function setUp() external {
        vm.warp(1_000_000);
        TrackRules memory rules = _rules();
        (rules.quorum, rules.fastPath) = (40_000, true);
        _build(SIZE, _everywhere(rules));
    }

    function test_TheFastPathWaitsForTheQuorum() external {
        bytes memory flag = abi.encodeCall(parameters.setFlag, ("a", true));
        uint256 id = _propose(governor, _operator(0), address(parameters), flag, WHY);
        vm.warp(governor.proposalSnapshot(id) + 1);
        _vote(id, 0, 3, 1);
        require(governor.state(id) == IGovernor.ProposalState.Active, "three of five are no quorum of two thirds");
        _vote(id, 3, 4, 2);
        require(governor.state(id) == IGovernor.ProposalState.Active, "an abstention completes the quorum");
        _vote(id, 4, 5, 1);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "four of five are two thirds");
    }

    function test_TheFastPathWaitsForTheApprovalOfAll() external {
        TrackRules memory rules = _rules();
        (rules.approval, rules.fastPath) = (48_000, true);
        _build(SIZE, _everywhere(rules));
        uint256 id = _open();
        _vote(id, 0, 3, 1);
        require(governor.state(id) == IGovernor.ProposalState.Active, "three of three are no four fifths of five");
        _vote(id, 3, 4, 0);
        require(governor.state(id) == IGovernor.ProposalState.Active, "it ends before the last ballot");
        _vote(id, 4, 5, 1);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "four of five are four fifths");
    }

    function test_TheGuardianTakesWhatIsQueuedOutOfTheTimelock() external {
        uint256 id = _open();
        _vote(id, 0, 4, 1);
        _queue(governor, TARGET, "", WHY);
        bytes32 operation = _operation();
        require(timelock.isOperationPending(operation), "nothing was queued");

        vm.prank(GUARDIAN);
        _cancel();

        require(governor.state(id) == IGovernor.ProposalState.Canceled, "it goes on");
        require(!timelock.isOperation(operation), "the timelock would still do it");
    }

    function test_TheGuardiansPowerEndsByItself() external {
        vm.warp(governor.guardianExpiry() - 61);
        uint256 id = _open();
        require(block.timestamp == governor.guardianExpiry(), "the test is at another time");
        bytes memory refused = abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, GUARDIAN);
        vm.expectRevert(refused);
        vm.prank(GUARDIAN);
        _cancel();

        vm.warp(block.timestamp - 1);
        vm.prank(GUARDIAN);
        _cancel();
        require(governor.state(id) == IGovernor.ProposalState.Canceled, "a second earlier it may");
    }

    function test_ListsMustBeOfOneLength() external {
        vm.prank(_operator(0));
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInvalidProposalLength.selector, 1, 0, 1));
        governor.propose(new address[](1), new uint256[](1), new bytes[](0), WHY);
    }

    function test_StandardToolingFindsWhatItAsksFor() external {
        uint256 id = _open();
        require(governor.votingDelay() == 60 && governor.votingPeriod() == 1 days, "not the rules of Operations");
        require(governor.quorum(block.timestamp - 1) == 4 && governor.proposalQuorum(id) == 4, "two thirds of five are four");
        require(governor.proposalQuorum(12) == 0 && governor.quorum(1) == 1, "nobody reaches one");
        require(governor.getVotes(_operator(0), block.timestamp - 1) == 1, "a member has a vote");
        require(governor.getVotes(GUARDIAN, block.timestamp - 1) == 0, "a stranger has none");
        require(keccak256(bytes(governor.CLOCK_MODE())) == keccak256("mode=timestamp"), "another clock");
        bytes32 mode = keccak256(bytes(governor.COUNTING_MODE()));
        require(mode == keccak256("support=bravo&quorum=for"), "another way of counting");
        require(governor.proposalNeedsQueuing(id) && governor.proposalThreshold() == 1, "other conditions");
        require(governor.proposalRules(id).track == Track.Constitution, "an unknown call on a lower track");
    }

    /// @dev Only the past is certain: a node may still join in this second.
    function test_NoViewAnswersForTheFuture() external {
        vm.expectRevert(
            abi.encodeWithSelector(INodeGovernor.GovernorFutureLookup.selector, block.timestamp, block.timestamp)
        );
        governor.quorum(block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(INodeGovernor.GovernorFutureLookup.selector, block.timestamp, block.timestamp)
        );
        governor.getVotes(_operator(0), block.timestamp);
    }

    function _open() private returns (uint256 id) {
        id = _propose(governor, _operator(0), TARGET, "", WHY);
        vm.warp(governor.proposalSnapshot(id) + 1);
    }

    function _cancel() private {
        address[] memory targets = new address[](1);
        targets[0] = TARGET;
        governor.cancel(targets, new uint256[](1), new bytes[](1), keccak256(bytes(WHY)));
    }

    function _operation() private view returns (bytes32) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(TARGET, "");
        bytes32 salt = bytes20(address(governor)) ^ keccak256(bytes(WHY));
        return timelock.hashOperationBatch(targets, values, calldatas, 0, salt);
    }
}
