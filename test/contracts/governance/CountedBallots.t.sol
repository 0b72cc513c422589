// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {TrackRules} from "../../../contracts/types/Track.sol";
import {Signing} from "../nodes/Signing.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice One early signature spoils nothing: what counts already is skipped, and what somebody has opened is joined.
contract CountedBallots is GovernanceTest {
    uint256 private constant SIZE = 8;
    uint256 private constant ALL = (1 << SIZE) - 1;
    string private constant WHY = "because";

    uint256 private id;

    function setUp() external {
        vm.warp(1_000_000);
        TrackRules memory rules = _rules();
        (rules.votingDelay, rules.timelock) = (0, 0);
        _build(SIZE, _everywhere(rules));
        id = _propose(governor, _operator(0), address(parameters), abi.encodeCall(parameters.setFlag, ("a", true)), WHY);
        vm.warp(block.timestamp + 1);
    }

    /// hardhat-config: fuzz.runs = 24
    function testFuzz_AnAggregateCountsItsNewBallotsBesideCountedOnes(uint256 early, uint256 a, uint256 b, uint256 c)
        external
    {
        early &= ALL;
        _voteAgainst(early);
        (a, b, c) = (a & ALL, b & ALL & ~a, c & ALL & ~a & ~b);
        (Signers memory signers, bytes memory signature) = _aggregate(id, a, b, c);
        if ((a | b | c) & ~early == 0) _expectNothingNew();
        governor.castVotesByAggregate(id, signers, signature);
        _expectTally(_count(early) + _count(b & ~early), _count(a & ~early), _count(c & ~early));
        require(governor.votedBits(id, 0) == (early | a | b | c), "other bits");
    }

    /// hardhat-config: fuzz.runs = 24
    function testFuzz_AListCountsItsNewBallotsBesideCountedOnes(uint256 early, uint256 listed) external {
        (early, listed) = (early & ALL, listed & ALL);
        _voteAgainst(early);
        bytes memory list = "";
        for (uint32 i = 0; i < SIZE; ++i) {
            if (listed >> i & 1 == 1) list = bytes.concat(list, _batchEntry(id, i, _secret(i), 1));
        }
        if (listed == 0) vm.expectRevert(INodeRegistry.NodeRegistryNoSigners.selector);
        else if (listed & ~early == 0) _expectNothingNew();
        governor.castVotesBySig(id, list);
        _expectTally(_count(early), _count(listed & ~early), 0);
        require(governor.votedBits(id, 0) == (early | listed), "other bits");
    }

    /// @dev The pairings cost most: a stranger who sends one ballot again makes nobody pay for them.
    function test_LooksForNewBallotsBeforeItVerifies() external {
        _voteAgainst(3);
        Signers memory signers;
        signers.forBits = Signing.bitmap(3);
        _expectNothingNew();
        governor.castVotesByAggregate(id, signers, hex"00");
    }

    function test_VerifiesTheWholeClaimWithTheCountedBallotsInIt() external {
        _voteAgainst(1);
        (, bytes memory ofTheNew) = _aggregate(id, 6, 0, 0);
        (Signers memory signers, bytes memory whole) = _aggregate(id, 7, 0, 0);
        vm.expectRevert(INodeRegistry.NodeRegistryInvalidSignature.selector);
        governor.castVotesByAggregate(id, signers, ofTheNew);
        governor.castVotesByAggregate(id, signers, whole);
        _expectTally(1, 2, 0);
    }

    function test_DecidesWhatAnotherHasOpened() external {
        Directive memory restart = _restart();
        uint256 motion = _open(restart);
        vm.warp(block.timestamp + 5);
        _decide(restart, motion, 0x1f);
        _expectIssued(restart);
    }

    /// @dev In one block, a member who opens it just before spoils nothing.
    function test_DecidesWhatAnotherHasOpenedInTheSameSecond() external {
        Directive memory restart = _restart();
        uint256 motion = _open(restart);
        _decide(restart, motion, 0x1f);
        _expectIssued(restart);
    }

    function test_DecidesWithBallotsThatCountInPart() external {
        Directive memory restart = _restart();
        uint256 motion = _open(restart);
        vm.warp(block.timestamp + 1);
        _vote(motion, 0, 4, 1);
        _decide(restart, motion, 0x1f);
        _expectIssued(restart);
    }

    function test_CarriesOutWhatHasPassedAlready() external {
        Directive memory restart = _restart();
        uint256 motion = _open(restart);
        vm.warp(block.timestamp + 1);
        _vote(motion, 0, 5, 1);
        require(governor.state(motion) == IGovernor.ProposalState.Succeeded, "five of eight");
        _decide(restart, motion, 0x1f);
        _expectIssued(restart);
    }

    function test_CarriesOutWhatIsQueuedAlready() external {
        Directive memory restart = _restart();
        uint256 motion = _open(restart);
        vm.warp(block.timestamp + 1);
        _vote(motion, 0, 5, 1);
        _queue(governor, address(directives), _issue(restart), WHY);
        _decide(restart, motion, 0x1f);
        _expectIssued(restart);
    }

    function test_CountsWhatDecidesNothing() external {
        Directive memory restart = _restart();
        uint256 motion = _motionId(address(directives), _issue(restart), WHY);
        (Signers memory signers, bytes memory signature) = _aggregate(motion, 0x0f, 0, 0);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), _issue(restart));
        vm.prank(_operator(0));
        governor.decide(targets, values, calldatas, WHY, signers, signature);
        require(governor.state(motion) == IGovernor.ProposalState.Active, "four of eight are not more than half");
        (, uint256 pro,) = governor.proposalVotes(motion);
        require(pro == 4, "they are not counted");
        _decide(restart, motion, 0x1f);
        _expectIssued(restart);
    }

    function _decide(Directive memory directive, uint256 motion, uint256 word) private {
        (Signers memory signers, bytes memory signature) = _aggregate(motion, word, 0, 0);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), _issue(directive));
        vm.prank(_operator(1));
        governor.decide(targets, values, calldatas, WHY, signers, signature);
    }

    function _open(Directive memory directive) private returns (uint256) {
        return _propose(governor, _operator(0), address(directives), _issue(directive), WHY);
    }

    function _expectIssued(Directive memory directive) private view {
        IDirectiveRegistry.Status status = directives.status(directives.directiveId(directive));
        require(status == IDirectiveRegistry.Status.Issued, "not issued");
    }

    function _voteAgainst(uint256 word) private {
        for (uint256 i = 0; i < SIZE; ++i) {
            if (word >> i & 1 == 1) _vote(id, i, i + 1, 0);
        }
    }

    function _expectNothingNew() private {
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorNothingNew.selector, id));
    }

    function _expectTally(uint256 against, uint256 pro, uint256 abstain) private view {
        (uint256 a, uint256 b, uint256 c) = governor.proposalVotes(id);
        require(a == against && b == pro && c == abstain, "another tally");
    }

    function _restart() private view returns (Directive memory) {
        ContentId payload = ContentId.wrap(bytes32("payload"));
        return Directive(
            DirectiveKind.Restart, keccak256("replica/web/3"), payload, 0, 3600, _saltNow(), 0, new ContentId[](0)
        );
    }

    function _issue(Directive memory directive) private pure returns (bytes memory) {
        return abi.encodeCall(IDirectiveRegistry.issue, (directive));
    }

    function _count(uint256 word) private pure returns (uint256 count) {
        for (uint256 i = 0; i < SIZE; ++i) count += word >> i & 1;
    }
}
