// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodePresence} from "../../../contracts/nodes/INodePresence.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind, Directives} from "../../../contracts/types/Directive.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice Votes while some of the seats are silent, and votes that say so.
contract Presence is GovernanceTest {
    uint256 private constant SIZE = 9;
    string private constant WHY = "because";

    INodePresence private presences;
    uint256 private lastOpened;
    uint32 private suspensions;

    function setUp() external {
        vm.warp(300 * 100_000);
        _build(SIZE, _everywhere(_rules()));
        vm.warp(300 * 100_001);
        presences = registry.presences();
    }

    function test_ASuspendedSeatsBallotNeverCounts() external {
        _suspend(_range(7, 9));
        uint256 id = _openRestart();
        vm.prank(_operator(8));
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorNotCounted.selector, 8));
        governor.castVote(id, 1);

        bytes memory signature = _sign(_secret(8), governor.ballotDigest(id, 1, 8));
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorNotCounted.selector, 8));
        governor.castVoteBySig(id, 1, _operator(8), signature);

        bytes memory list = bytes.concat(_batchEntry(id, 1, _secret(1), 1), _batchEntry(id, 8, _secret(8), 1));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryNotMembers.selector, 0, 256));
        governor.castVotesBySig(id, list);

        (Signers memory signers, bytes memory sum) = _aggregate(id, 0x103, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryNotMembers.selector, 0, 256));
        governor.castVotesByAggregate(id, signers, sum);

        _returnBy(8);
        vm.warp(block.timestamp + 1);
        vm.prank(_operator(8));
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorNotCounted.selector, 8));
        governor.castVote(id, 1);
        (, uint256 pro,) = governor.proposalVotes(id);
        require(pro == 0, "something was counted");
        (signers, sum) = _aggregate(id, 0x0f, 0, 0);
        governor.castVotesByAggregate(id, signers, sum);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "four of seven");
    }

    function test_TheCountedSeatsDecideAClaim() external {
        _suspend(_range(5, 9));
        uint256 id = _openRestart();
        INodeGovernor.ProposalRules memory rules = governor.proposalRules(id);
        require(rules.committeeSize == 9 && rules.counted == 5 && rules.presence == 1, "who is counted");
        require(rules.neededFor == 4 && rules.fastPathFor == 4, "more than a third of all, and more than half of five");
        _vote(id, 0, 3, 1);
        require(governor.state(id) == IGovernor.ProposalState.Active, "three of nine passed it");
        _vote(id, 3, 4, 1);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "four of five did not");
    }

    function test_ASuspensionNeedsMoreThanHalfOfAllSeats() external {
        _suspend(_range(6, 9));
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _suspension(5);
        vm.prank(_operator(0));
        uint256 id = governor.propose(targets, values, calldatas, WHY);
        INodeGovernor.ProposalRules memory rules = governor.proposalRules(id);
        require(rules.track == Track.Emergency && rules.claim && rules.counted == 6, "no claim of six seats");
        require(rules.neededFor == 5 && rules.fastPathFor == 5, "more than half of nine are five");
        vm.warp(block.timestamp + 1);
        _vote(id, 0, 5, 1);
        governor.queue(targets, values, calldatas, keccak256(bytes(WHY)));
        governor.execute(targets, values, calldatas, keccak256(bytes(WHY)));
        require(presences.isSuspended(5), "it is not suspended");
    }

    /// @dev Without a directive nothing would end the ballots on it.
    function test_ASuspensionWithoutADirectiveIsOfTheConstitution() external {
        (address[] memory targets,, bytes[] memory calldatas) =
            _motion(address(presences), abi.encodeCall(INodePresence.suspend, (_range(1, 2))));
        require(governor.reader().trackOf(targets, calldatas) == Track.Constitution, "another track");
        uint256 id = _propose(governor, _operator(0), targets[0], calldatas[0], WHY);
        require(governor.proposalRules(id).track == Track.Constitution, "another track at its opening");
        require(governor.proposalQuorum(id) >= 5, "less than half of all");
        (targets,, calldatas) = _suspension(5);
        require(governor.reader().trackOf(targets, calldatas) == Track.Emergency, "with one it is an emergency");
    }

    function test_ASuspensionEndsTheClaimsThatWereOpenedBefore() external {
        uint256 open = _openRestart(0);
        uint256 passed = _openRestart(1);
        _vote(open, 0, 4, 1);
        _vote(passed, 0, 5, 1);
        bytes memory flag = abi.encodeCall(parameters.setFlag, ("a", true));
        uint256 other = _propose(governor, _operator(0), address(parameters), flag, WHY);
        vm.warp(block.timestamp + 61);
        _suspend(_range(8, 9));
        require(governor.state(open) == IGovernor.ProposalState.Defeated, "it is open");
        require(governor.state(passed) == IGovernor.ProposalState.Succeeded, "what had passed has not");
        require(governor.state(other) == IGovernor.ProposalState.Active, "no claim, but ended");
        vm.prank(_operator(4));
        bytes memory ended = abi.encodeWithSelector(
            IGovernor.GovernorUnexpectedProposalState.selector, open, IGovernor.ProposalState.Defeated, bytes32(uint256(2))
        );
        vm.expectRevert(ended);
        governor.castVote(open, 1);
        (Signers memory signers, bytes memory sum) = _aggregate(open, 0x1f, 0, 0);
        vm.expectRevert(ended);
        governor.castVotesByAggregate(open, signers, sum);

        _returnBy(8);
        require(governor.state(other) == IGovernor.ProposalState.Active, "a return ended it");
        vm.warp(block.timestamp + 1);
        uint256 next = _openRestart(2);
        require(governor.state(next) == IGovernor.ProposalState.Active, "the new one is ended");
    }

    function test_MembershipCountsEverySeatThatHasNotLapsed() external {
        _suspend(_range(5, 9));
        uint256 id = _openRemoval(1);
        INodeGovernor.ProposalRules memory rules = governor.proposalRules(id);
        require(rules.track == Track.Membership && rules.counted == 9, "suspended seats are not counted");
        vm.warp(governor.proposalSnapshot(id) + 1);
        _vote(id, 8, 9, 0);
        vm.warp(block.timestamp + 30 days);
        presences.markLapsed(_range(5, 9));
        vm.warp(block.timestamp + 1);
        id = _openRemoval(2);
        require(governor.proposalRules(id).counted == 5, "lapsed seats are counted");
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(_operator(8));
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorNotCounted.selector, 8));
        governor.castVote(id, 1);
    }

    function test_TheQuorumOfToolsIsThatOfTheCountedSeats() external {
        TrackRules memory rules = _rules();
        rules.quorum = 40_000;
        _build(SIZE, _everywhere(rules));
        presences = registry.presences();
        vm.warp(block.timestamp + 1);
        require(governor.quorum(block.timestamp - 1) == 6, "of nine");
        _suspend(_range(7, 9));
        vm.warp(block.timestamp + 1);
        require(governor.quorum(block.timestamp - 1) == 5, "of the seven that are counted");
        _suspend(_range(5, 7));
        vm.warp(block.timestamp + 1);
        require(governor.quorum(block.timestamp - 1) == 4, "more than a third of all");
    }

    /// @dev Three of nine are hostile. Each time they are suspended they return in front of the next decision.
    function test_WhoReturnsInFrontOfEachDecisionStopsNone() external {
        for (uint256 round = 0; round < 12; ++round) {
            for (uint256 i = 6; i < 9; ++i) {
                if (presences.isSuspended(uint32(i))) _returnBy(i);
            }
            vm.warp(block.timestamp + 1);
            _trySuspension();
            // Later rounds may come within a hold-off: then they stay, and are outvoted.
            if (round == 0) require(presences.isSuspended(6) && presences.isSuspended(8), "they are not suspended");
            vm.warp(block.timestamp + 1);
            _issueRestart(0x3f);
            vm.warp(block.timestamp + 40 minutes);
        }
    }

    /// hardhat-config: fuzz.runs = 64
    /// @dev Whatever three of nine open, vote, submit or withhold first, six issue their order within one transaction.
    function testFuzz_WhatSixOfNineWantIsIssued(uint256 seed) external {
        for (uint256 step = 0; step < 8; ++step) {
            uint256 who = 6 + (seed >> 8 * step) % 3;
            uint256 what = (seed >> (8 * step + 4)) % 5;
            if (what == 0) _tryOpen(who);
            else if (what == 1) _trySuspend(who);
            else if (what == 2 && presences.isSuspended(uint32(who))) _returnBy(who);
            else if (what == 3) vm.warp(block.timestamp + 1 + (seed >> 64) % 400);
            else _tryVote(who);
        }
        vm.warp(block.timestamp + 1);
        _issueRestart(0x3f);
    }

    function test_ReturnsByAWordOfItsAgentOnce() external {
        _suspend(_range(3, 4));
        vm.roll(1_000);
        bytes32 digest = presences.returnDigest(3, 999);
        bytes memory signature = _sign(_secret(3), digest);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidSignatureOf.selector, 3));
        presences.returnBySig(3, 998, signature);
        presences.returnBySig(3, 999, signature);
        require(!presences.isSuspended(3), "it has not returned");
        vm.warp(block.timestamp + 2 hours);
        _suspend(_range(3, 4));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidSignatureOf.selector, 3));
        presences.returnBySig(3, 999, signature);
        vm.roll(1_999);
        vm.expectRevert(abi.encodeWithSelector(INodePresence.NodePresenceUnknownBlock.selector, 999));
        presences.returnBySig(3, 999, signature);
    }

    function _suspend(uint32[] memory indices) private {
        vm.prank(address(timelock));
        presences.suspend(indices);
        vm.warp(block.timestamp + 1);
    }

    function _returnBy(uint256 index) private {
        vm.prank(_operator(index));
        presences.returnNow();
    }

    function _range(uint32 from, uint32 to) private pure returns (uint32[] memory list) {
        list = new uint32[](to - from);
        for (uint32 i = from; i < to; ++i) list[i - from] = i;
    }

    /// @dev The number of the next restart's proposal, as nodes find it: the lowest that does not exist or can still pass.
    function _attemptDue() private view returns (uint32 attempt) {
        for (;; ++attempt) {
            bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Restart, attempt)));
            try governor.state(_motionId(address(directives), data, WHY)) returns (IGovernor.ProposalState current) {
                if (
                    current == IGovernor.ProposalState.Pending || current == IGovernor.ProposalState.Active
                        || current == IGovernor.ProposalState.Succeeded
                ) break;
            } catch {
                break;
            }
        }
    }

    function _order(DirectiveKind kind, uint32 attempt) private view returns (Directive memory) {
        bytes32 salt = Directives.saltOf(uint64(block.timestamp / 300), attempt);
        ContentId payload = ContentId.wrap(bytes32("payload"));
        bytes32 base = directives.lastIssued("replica");
        return Directive(kind, "replica", payload, 0, 3600, salt, base, new ContentId[](0));
    }

    /// @dev Opens as node 0, and goes to the first second of the vote.
    function _openRestart() private returns (uint256) {
        return _openRestart(_attemptDue());
    }

    function _openRestart(uint32 attempt) private returns (uint256 id) {
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Restart, attempt)));
        id = _propose(governor, _operator(0), address(directives), data, WHY);
        vm.warp(block.timestamp + 1);
    }

    function _openRemoval(uint32 index) private returns (uint256) {
        address[] memory operators = new address[](1);
        operators[0] = _operator(index);
        bytes memory data = abi.encodeCall(INodeChanges.remove, (operators));
        return _propose(governor, _operator(0), address(registry), data, WHY);
    }

    function _suspension(uint32 index)
        private
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        (targets, values, calldatas) = (new address[](2), new uint256[](2), new bytes[](2));
        (targets[0], targets[1]) = (address(directives), address(presences));
        calldatas[0] = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Suspend, suspensions++)));
        calldatas[1] = abi.encodeCall(INodePresence.suspend, (_range(index, 9)));
    }

    /// @dev The six carry out a restart, from nothing to an issued order.
    function _issueRestart(uint256 voters) private {
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Restart, _attemptDue())));
        bytes32 before = directives.lastIssued("replica");
        uint256 id = _motionId(address(directives), data, WHY);
        (Signers memory signers, bytes memory signature) = _aggregate(id, voters, 0, 0);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), data);
        vm.prank(_operator(1));
        governor.decide(targets, values, calldatas, WHY, signers, signature);
        require(directives.lastIssued("replica") != before, "six of nine do not decide");
    }

    /// @dev The six suspend the three, if they may. This and what follows may be refused: what is shown is that it stops no order.
    function _trySuspension() private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _suspension(6);
        uint256 id = governor.hashProposal(targets, values, calldatas, keccak256(bytes(WHY)));
        (Signers memory signers, bytes memory signature) = _aggregate(id, 0x3f, 0, 0);
        vm.prank(_operator(1));
        try governor.decide(targets, values, calldatas, WHY, signers, signature) {} catch {}
    }

    function _tryOpen(uint256 who) private {
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_order(DirectiveKind.Restart, _attemptDue())));
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), data);
        vm.prank(_operator(who));
        try governor.propose(targets, values, calldatas, WHY) returns (uint256 id) {
            lastOpened = id;
        } catch {}
    }

    function _trySuspend(uint256 who) private {
        vm.prank(address(timelock));
        try presences.suspend(_range(uint32(who), uint32(who + 1))) {} catch {}
    }

    function _tryVote(uint256 who) private {
        vm.prank(_operator(who));
        try governor.castVote(lastOpened, 1) {} catch {}
    }
}
