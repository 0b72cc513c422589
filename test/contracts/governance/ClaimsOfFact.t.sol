// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind, Directives} from "../../../contracts/types/Directive.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice Restarts, rollbacks, and the window in which such an order may be opened.
contract ClaimsOfFact is GovernanceTest {
    uint256 private constant SIZE = 5;
    string private constant WHY = "because";

    function setUp() external {
        vm.warp(300 * 10_000);
        _build(SIZE, _everywhere(_rules()));
        vm.warp(300 * 10_001);
    }

    function test_TakesForAloneByEveryPath() external {
        uint256 id = _open(_order(DirectiveKind.Restart, _saltNow(), 0));
        bytes memory refused = abi.encodeWithSelector(INodeGovernor.GovernorClaimOfFact.selector, id);
        for (uint8 support = 0; support < 3; support += 2) {
            vm.prank(_operator(1));
            vm.expectRevert(refused);
            governor.castVote(id, support);

            bytes memory signature = _sign(_secret(1), governor.ballotDigest(id, support, 1));
            vm.expectRevert(refused);
            governor.castVoteBySig(id, support, _operator(1), signature);

            bytes memory list = _batchEntry(id, 1, _secret(1), support);
            vm.expectRevert(refused);
            governor.castVotesBySig(id, list);

            (Signers memory signers, bytes memory sum) = _aggregate(id, 4, support == 0 ? 2 : 0, support == 2 ? 2 : 0);
            vm.expectRevert(refused);
            governor.castVotesByAggregate(id, signers, sum);
        }
        (uint256 against, uint256 pro, uint256 abstain) = governor.proposalVotes(id);
        require(against + pro + abstain == 0, "something was counted");
    }

    function test_PassesByMoreThanHalfAtOnceWhateverTheQuorum() external {
        Directive memory restart = _order(DirectiveKind.Restart, _saltNow(), 0);
        uint256 id = _open(restart);
        INodeGovernor.ProposalRules memory rules = governor.proposalRules(id);
        require(rules.claim && rules.track == Track.Emergency, "no claim");
        require(governor.trackRules(Track.Emergency).quorum == 20_000, "the test is under another quorum");
        require(rules.neededFor == 3 && rules.fastPathFor == 3, "three of five are more than half");
        _vote(id, 0, 2, 1);
        require(governor.state(id) == IGovernor.ProposalState.Active, "two of five");
        _vote(id, 2, 3, 1);
        require(governor.state(id) == IGovernor.ProposalState.Succeeded, "three of five");
    }

    function test_JustEndsIfFewerSeeIt() external {
        uint256 id = _open(_order(DirectiveKind.Rollback, _saltNow(), 0));
        uint256 closes = governor.proposalDeadline(id);
        vm.warp(closes);
        _vote(id, 0, 2, 1);
        require(governor.proposalDeadline(id) == closes, "it was extended");
        vm.warp(closes + 1);
        require(governor.state(id) == IGovernor.ProposalState.Defeated, "two of five passed it");
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_IsOpenedInItsWindowOrTheNextAlone(uint64 window, uint256 time, uint32 attempt) external {
        window = uint64(_bound(window, 10_000, 10_010));
        time = _bound(time, 300 * 10_001, 300 * 10_013);
        vm.warp(time);
        bool open = time / 300 == window || time / 300 == window + 1;
        bytes memory call_ = _issue(_order(DirectiveKind.Restart, Directives.saltOf(window, attempt), 0));
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), call_);
        vm.prank(_operator(0));
        if (!open) vm.expectRevert(INodeGovernor.GovernorWindowPassed.selector);
        governor.propose(targets, values, calldatas, WHY);
    }

    function test_AnOldAggregateOpensNothing() external {
        Directive memory restart = _order(DirectiveKind.Restart, _saltNow(), 0);
        uint256 id = _motionId(address(directives), _issue(restart), WHY);
        (Signers memory signers, bytes memory sum) = _aggregate(id, 0x1f, 0, 0);
        vm.warp(block.timestamp + 730 days);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), _issue(restart));
        vm.prank(_operator(0));
        vm.expectRevert(INodeGovernor.GovernorWindowPassed.selector);
        governor.decide(targets, values, calldatas, WHY, signers, sum);
    }

    /// @dev With a delay, nobody signs before the opening. Without one, any order waits for its window.
    function test_OnlyATrackWithADelayAsksForNoWindow() external {
        uint256 id = _open(_order(DirectiveKind.Scale, 0, 0));
        require(governor.proposalRules(id).track == Track.Operations, "another track");

        TrackRules memory rules = _rules();
        rules.votingDelay = 0;
        _build(SIZE, _everywhere(rules));
        bytes memory call_ = _issue(_order(DirectiveKind.Scale, 0, 0));
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), call_);
        vm.prank(_operator(0));
        vm.expectRevert(INodeGovernor.GovernorWindowPassed.selector);
        governor.propose(targets, values, calldatas, WHY);
    }

    /// @dev Two attempts of one order, both passed: the second finds another base.
    /// hardhat-config: fuzz.runs = 4
    function testFuzz_OfTwoLiveAttemptsOneIsIssued(bool swapped) external {
        uint64 window = uint64(block.timestamp / 300);
        Directive[2] memory attempts = [
            _order(DirectiveKind.Restart, Directives.saltOf(window, 0), 0),
            _order(DirectiveKind.Restart, Directives.saltOf(window, 1), 0)
        ];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 id = _open(attempts[i]);
            _vote(id, 0, 3, 1);
            _queue(governor, address(directives), _issue(attempts[i]), WHY);
        }
        (uint256 first, uint256 second) = swapped ? (1, 0) : (0, 1);
        _execute(governor, address(directives), _issue(attempts[first]), WHY);
        bytes32 last = directives.directiveId(attempts[first]);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDirectiveRegistry.DirectiveRegistryStaleBase.selector, attempts[second].subject, bytes32(0), last
            )
        );
        _execute(governor, address(directives), _issue(attempts[second]), WHY);
        require(directives.lastIssued(attempts[first].subject) == last, "another order");
    }

    /// @dev Opens as node 0, and goes to the first second of the vote.
    function _open(Directive memory directive) private returns (uint256 id) {
        id = _propose(governor, _operator(0), address(directives), _issue(directive), WHY);
        vm.warp(governor.proposalSnapshot(id) + 1);
    }

    function _issue(Directive memory directive) private pure returns (bytes memory) {
        return abi.encodeCall(IDirectiveRegistry.issue, (directive));
    }

    function _order(DirectiveKind kind, bytes32 salt, bytes32 base) private pure returns (Directive memory) {
        ContentId payload = ContentId.wrap(bytes32("payload"));
        return Directive(kind, keccak256("replica/web/3"), payload, 0, 3600, salt, base, new ContentId[](0));
    }
}
