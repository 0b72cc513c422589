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

/// @notice Ballots and reports that come together: whatever the sets, what counts is what was signed.
contract AggregatesFuzz is GovernanceTest {
    uint256 private constant SIZE = 20;
    uint256 private constant ALL = (1 << SIZE) - 1;
    ContentId private constant OUTCOME = ContentId.wrap(bytes32("outcome"));

    uint256 private id;
    bytes32 private directive;

    function setUp() external {
        TrackRules memory rules = _rules();
        (rules.votingDelay, rules.timelock, rules.fastPath) = (0, 0, true);
        _build(SIZE, _everywhere(rules));
        id = _propose(governor, _operator(0), address(parameters), _flag("a"), "flag a");
        vm.warp(block.timestamp + 1);
    }

    /// hardhat-config: fuzz.runs = 48
    function testFuzz_CountsWhatWasSigned(uint256 a, uint256 b, uint256 c) external {
        (a, b, c) = _disjoint(a, b, c);
        (Signers memory signers, bytes memory signature) = _aggregate(id, a, b, c);
        if (a | b | c == 0) vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorNothingNew.selector, id));
        governor.castVotesByAggregate(id, signers, signature);

        (uint256 against, uint256 forVotes, uint256 abstain) = governor.proposalVotes(id);
        require(forVotes == _count(a) && against == _count(b) && abstain == _count(c), "another tally");
        for (uint256 i = 0; i < SIZE; ++i) {
            bool voted = (a | b | c) >> i & 1 == 1;
            require(governor.hasVoted(id, _operator(i)) == voted, "a vote too many or too few");
        }
    }

    /// hardhat-config: fuzz.runs = 48
    function testFuzz_RefusesEveryOtherClaim(uint256 a, uint256 b, uint256 c, uint256 which, uint256 bit) external {
        (a, b, c) = _disjoint(a | 1, b, c);
        (Signers memory signers, bytes memory signature) = _aggregate(id, a, b, c);
        uint256 flipped = 1 << bit % SIZE;
        which %= 3;
        (uint256 x, uint256 y, uint256 z) = (a, b, c);
        if (which == 0) x ^= flipped;
        if (which == 1) y ^= flipped;
        if (which == 2) z ^= flipped;
        signers = Signers(Signing.bitmap(x), Signing.bitmap(y), Signing.bitmap(z));

        (bool done,) =
            address(governor).call(abi.encodeCall(INodeGovernor.castVotesByAggregate, (id, signers, signature)));
        require(!done, "another claim was believed");
        (uint256 against, uint256 forVotes, uint256 abstain) = governor.proposalVotes(id);
        require(against + forVotes + abstain == 0, "something was counted");
    }

    /// hardhat-config: fuzz.runs = 48
    function testFuzz_CountsABatchAsItsOperatorsSigned(uint256 a, uint256 b, uint256 c) external {
        (a, b, c) = _disjoint(a | 1, b, c);
        bytes memory batch = "";
        for (uint32 i = 0; i < SIZE; ++i) {
            if (a >> i & 1 == 1) batch = bytes.concat(batch, _batchEntry(id, i, _secret(i), 1));
            if (b >> i & 1 == 1) batch = bytes.concat(batch, _batchEntry(id, i, _secret(i), 0));
            if (c >> i & 1 == 1) batch = bytes.concat(batch, _batchEntry(id, i, _secret(i), 2));
        }
        governor.castVotesBySig(id, batch);
        (uint256 against, uint256 forVotes, uint256 abstain) = governor.proposalVotes(id);
        require(forVotes == _count(a) && against == _count(b) && abstain == _count(c), "another tally");

        vm.warp(block.timestamp + 1);
        (bool again,) = address(governor).call(abi.encodeCall(INodeGovernor.castVotesBySig, (id, batch)));
        require(!again, "counted twice");
    }

    function test_RefusesBatchesThatAreNot() external {
        bytes memory entry = _batchEntry(id, 1, _secret(1), 1);
        _refuseBatch(hex"", abi.encodeWithSelector(INodeRegistry.NodeRegistryNoSigners.selector));
        _refuseBatch(
            bytes.concat(entry, hex"00"), abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidSignature.selector)
        );
        _refuseBatch(
            bytes.concat(entry, entry), abi.encodeWithSelector(INodeRegistry.NodeRegistryUnsortedSigner.selector, 1)
        );
        _refuseBatch(
            _batchEntry(id, 2, _secret(1), 1),
            abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidSignatureOf.selector, 2)
        );
        _refuseBatch(
            _batchEntry(id, 1, _secret(1), 3),
            abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidSignatureOf.selector, 1)
        );
        _refuseBatch(
            _batchEntry(id, 300, _secret(1), 1),
            abi.encodeWithSelector(INodeRegistry.NodeRegistryNotMembers.selector, 1, 1 << 44)
        );
    }

    /// hardhat-config: fuzz.runs = 32
    function testFuzz_DecidesAtOnceWithTheFastPathAndNotBelow(uint256 word) external {
        word &= ALL;
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_restart()));
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(address(directives), data);
        uint256 expected = governor.hashProposal(targets, values, calldatas, keccak256("restart"));
        (Signers memory signers, bytes memory signature) = _aggregate(expected, word, 0, 0);

        vm.prank(_operator(1));
        (bool done,) = address(governor).call(
            abi.encodeCall(INodeGovernor.decide, (targets, values, calldatas, "restart", signers, signature))
        );
        bool enough = _count(word) * 2 > SIZE;
        require(done == (word != 0), "only ballots are needed");
        if (done) {
            bool executed = governor.state(expected) == IGovernor.ProposalState.Executed;
            require(executed == enough, "not by the fast path alone");
            (, uint256 pro,) = governor.proposalVotes(expected);
            require(pro == _count(word), "not all of them count");
        }
        require(
            (directives.status(_restartId()) == IDirectiveRegistry.Status.Issued) == enough, "issued against the rules"
        );
    }

    /// hardhat-config: fuzz.runs = 32
    function testFuzz_EnactsWhatMoreThanHalfReport(uint256 first, uint256 second, uint8 how) external {
        _issueRestart();
        (first, second) = (first & ALL, second & ALL);
        IDirectiveRegistry.Report report =
            how % 2 == 0 ? IDirectiveRegistry.Report.Done : IDirectiveRegistry.Report.Failed;
        if (first != 0) _report(report, OUTCOME, first);
        if (second & ~first != 0) _report(report, OUTCOME, second);

        require(directives.attestations(directive, report, OUTCOME) == _count(first | second), "attestations");
        bool enacted = _count(first | second) > SIZE / 2;
        IDirectiveRegistry.Status status =
            how % 2 == 0 ? IDirectiveRegistry.Status.Done : IDirectiveRegistry.Status.Failed;
        require((directives.status(directive) == status) == enacted, "enacted against the rule");
        for (uint256 i = 0; i < SIZE; ++i) {
            bool reported = (first | second) >> i & 1 == 1;
            require((directives.reportOf(directive, _operator(i)) == report) == reported, "a report");
        }
    }

    function test_TakesReadyBeforeTheEndAndEachOnce() external {
        _issueRestart();
        ContentId none = ContentId.wrap(0);
        _report(IDirectiveRegistry.Report.Ready, none, 0xff);
        require(directives.reportOf(directive, _operator(3)) == IDirectiveRegistry.Report.Ready, "not ready");
        _refuseReport(IDirectiveRegistry.Report.Ready, none, 0x80);
        _report(IDirectiveRegistry.Report.Ready, none, 0x180);
        require(directives.reportOf(directive, _operator(8)) == IDirectiveRegistry.Report.Ready, "not ready beside another");
        _report(IDirectiveRegistry.Report.Done, OUTCOME, 0x0f);
        _report(IDirectiveRegistry.Report.Failed, OUTCOME, 0xf8);
        require(directives.reportOf(directive, _operator(3)) == IDirectiveRegistry.Report.Done, "a second last report");
        require(
            directives.attestations(directive, IDirectiveRegistry.Report.Failed, OUTCOME) == 4
                && directives.attestations(directive, IDirectiveRegistry.Report.Done, OUTCOME) == 4,
            "one node attests twice"
        );
        _refuseReport(IDirectiveRegistry.Report.Failed, OUTCOME, 0x0f);
        _refuseReport(IDirectiveRegistry.Report.Ready, none, 0x01);
        vm.prank(_operator(0));
        vm.expectRevert(
            abi.encodeWithSelector(
                IDirectiveRegistry.DirectiveRegistryAlreadyReported.selector,
                directive,
                _operator(0),
                IDirectiveRegistry.Report.Done
            )
        );
        directives.report(directive, IDirectiveRegistry.Report.Failed, OUTCOME);
    }

    function test_LooksForRemovedNodesInTheCommitteeOfTheEpoch() external {
        uint32 before = registry.epoch();
        address[] memory gone = new address[](1);
        gone[0] = _operator(3);
        vm.prank(address(timelock));
        registry.remove(gone);
        vm.prank(_operator(5));
        registry.revokeAgent();
        vm.prank(_operator(4));
        registry.revokeAgent();
        require(registry.memberBits(before)[0] == ALL, "before");
        require(registry.memberBits(before + 1)[0] == ALL & ~uint256(0x08), "after one");
        require(registry.memberBits(before + 2)[0] == ALL & ~uint256(0x28), "after two");
        require(registry.memberBits(before + 3)[0] == ALL & ~uint256(0x38), "after three");

        // The open proposal goes on with the committee that it has.
        (Signers memory signers, bytes memory signature) = _aggregate(id, 0x38, 0, 0);
        governor.castVotesByAggregate(id, signers, signature);
        require(governor.hasIndexVoted(id, 4), "a node that was a member");

        vm.warp(block.timestamp + 1);
        uint256 later = _propose(governor, _operator(0), address(parameters), _flag("b"), "flag b");
        vm.warp(block.timestamp + 1);
        (signers, signature) = _aggregate(later, ALL, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryNotMembers.selector, 0, 0x38));
        governor.castVotesByAggregate(later, signers, signature);
        (signers, signature) = _aggregate(later, ALL & ~uint256(0x38), 0, 0);
        governor.castVotesByAggregate(later, signers, signature);
    }

    function _refuseBatch(bytes memory batch, bytes memory reason) private {
        vm.expectRevert(reason);
        governor.castVotesBySig(id, batch);
    }

    function _report(IDirectiveRegistry.Report report, ContentId outcome, uint256 word) private {
        bytes memory signature =
            Signing.sign(_sumOfSecrets(word), directives.reportDigest(directive, report, outcome));
        directives.reportByAggregate(directive, report, outcome, Signing.bitmap(word), signature);
    }

    function _refuseReport(IDirectiveRegistry.Report report, ContentId outcome, uint256 word) private {
        bytes memory signature =
            Signing.sign(_sumOfSecrets(word), directives.reportDigest(directive, report, outcome));
        vm.expectRevert(abi.encodeWithSelector(IDirectiveRegistry.DirectiveRegistryNothingNew.selector, directive));
        directives.reportByAggregate(directive, report, outcome, Signing.bitmap(word), signature);
    }

    function _issueRestart() private {
        vm.prank(address(timelock));
        directive = directives.issue(_restart());
    }

    function _restart() private view returns (Directive memory made) {
        made.kind = DirectiveKind.Restart;
        made.subject = bytes32("web-3");
        made.payload = ContentId.wrap(bytes32("payload"));
        made.window = 1 days;
        made.salt = _saltNow();
    }

    function _restartId() private view returns (bytes32) {
        return directives.directiveId(_restart());
    }

    function _flag(bytes32 name) private view returns (bytes memory) {
        return abi.encodeCall(parameters.setFlag, (name, true));
    }

    function _disjoint(uint256 a, uint256 b, uint256 c) private pure returns (uint256, uint256, uint256) {
        return (a & ALL, b & ALL & ~a, c & ALL & ~a & ~b);
    }

    function _count(uint256 word) private pure returns (uint256 count) {
        for (uint256 i = 0; i < 256; ++i) count += word >> i & 1;
    }
}
