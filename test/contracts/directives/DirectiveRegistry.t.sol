// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {InvariantTest} from "../Vm.sol";
import {Committee} from "../nodes/Committee.sol";
import {DirectiveRegistryHandler} from "./DirectiveRegistryHandler.sol";

/// @notice For any reports at any time, the counts equal the reports, and more than half of those who stay enact.
contract DirectiveRegistryInvariants is InvariantTest {
    DirectiveRegistryHandler private handler;
    DirectiveRegistry private directives;

    function setUp() external {
        handler = new DirectiveRegistryHandler();
        directives = handler.directives();
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 32
    /// hardhat-config: invariant.depth = 80
    function invariant_AttestationsAreReportsAndMoreThanHalfOfThePresentEnacts() external view {
        require(handler.intrusions() == 0, "somebody but the timelock has issued");
        for (uint256 i = 0; i < handler.issuedCount(); ++i) _check(handler.issued(i));
    }

    function _check(bytes32 id) private view {
        IDirectiveRegistry.Issued memory issued = directives.issued(id);
        require(issued.committeeSize == handler.nodes().committee(issued.epoch).size, "the committee has moved");
        require(issued.epoch == handler.nodes().epochAt(issued.issuedAt - 1), "a committee of the same second");
        require(handler.reportsOutOfTime(id) == 0, "a report out of time");
        require(handler.reportsAfterTheLast(id) == 0, "a report after the last");
        require(handler.finals(id) <= issued.committeeSize, "more reports than nodes");

        for (uint256 outcome = 0; outcome < handler.OUTCOMES(); ++outcome) {
            _checkCount(id, IDirectiveRegistry.Report.Done, outcome);
            _checkCount(id, IDirectiveRegistry.Report.Failed, outcome);
        }
        _checkEnacted(id, issued);

        for (uint256 i = 0; i < handler.OPERATORS(); ++i) {
            address node = handler.operatorAt(i);
            IDirectiveRegistry.Report last = directives.reportOf(id, node);
            require(last == handler.lastReport(id, node), "a report is lost or made up");
            require(
                last == IDirectiveRegistry.Report.None || handler.nodes().isMember(node, issued.epoch),
                "a report from outside of the committee"
            );
        }
    }

    function _checkCount(bytes32 id, IDirectiveRegistry.Report report, uint256 outcome) private view {
        uint256 count = directives.attestations(id, report, handler.outcomeAt(outcome));
        require(count == handler.counts(id, report, outcome), "attestations are not the reports");
    }

    /// @dev The handler judges at each report and each call of `enact`, by those who stay at that moment.
    function _checkEnacted(bytes32 id, IDirectiveRegistry.Issued memory issued) private view {
        IDirectiveRegistry.Report report = handler.enactedAs(id);
        require(issued.enacted == report, "enacted without more than half, or not with it");
        if (report != IDirectiveRegistry.Report.None) {
            require(issued.outcome == handler.outcomeAt(handler.enactedWith(id)), "another outcome was enacted");
        }
        require(handler.wrongEnactments(id) == 0, "a call of enact went wrong");
        require(directives.needed(id) == handler.neededNow(id), "another half is needed");
    }
}

contract DirectiveRegistryFuzz is Committee {
    DirectiveRegistry private directives;

    function setUp() external {
        _assemble(1);
        directives = new DirectiveRegistry(TIMELOCK, registry);
    }

    function testFuzz_IssuesForTheTimelockAlone(address caller, bytes32 salt) external {
        vm.assume(caller != TIMELOCK);
        vm.expectRevert(abi.encodeWithSelector(IDirectiveRegistry.DirectiveRegistryUnauthorized.selector, caller));
        vm.prank(caller);
        directives.issue(_directive(salt, 0, 1, new ContentId[](0)));
    }

    function testFuzz_TakesEvidenceStrictlyAscendingAndNoOther(bytes32[] calldata words) external {
        ContentId[] memory evidence = new ContentId[](words.length % 20);
        bool valid = evidence.length <= directives.MAX_EVIDENCE();
        for (uint256 i = 0; i < evidence.length; ++i) {
            evidence[i] = ContentId.wrap(words[i]);
            if (uint256(words[i]) <= (i == 0 ? 0 : uint256(words[i - 1]))) valid = false;
        }
        _tryIssue(evidence, valid);
    }

    function testFuzz_TakesAnyAscendingEvidenceUpTo16(bytes32 seed, uint256 length) external {
        ContentId[] memory evidence = new ContentId[](length % 20);
        uint256 current = uint256(seed) >> 8;
        for (uint256 i = 0; i < evidence.length; ++i) {
            current += 1 + uint256(keccak256(abi.encode(seed, i))) % 1_000;
            evidence[i] = ContentId.wrap(bytes32(current));
        }
        _tryIssue(evidence, evidence.length <= 16);
    }

    function testFuzz_NeverOverflowsItsTimes(uint32 delay, uint32 window) external {
        vm.assume(window > 0);
        vm.prank(TIMELOCK);
        bytes32 id = directives.issue(_directive(0, delay, window, new ContentId[](0)));
        IDirectiveRegistry.Issued memory issued = directives.issued(id);
        require(issued.issuedAt == block.timestamp && issued.activeAt == block.timestamp + delay, "activeAt");
        require(issued.deadline == block.timestamp + delay + window, "deadline");
    }

    function testFuzz_ThresholdIsTheLeastThatIsMoreThanHalf(uint32 size) external view {
        uint256 threshold = directives.threshold(size);
        require(threshold * 2 > size && (threshold - 1) * 2 <= size, "threshold");
    }

    function _tryIssue(ContentId[] memory evidence, bool valid) private {
        if (!valid) vm.expectRevert(IDirectiveRegistry.DirectiveRegistryInvalidDirective.selector);
        vm.prank(TIMELOCK);
        directives.issue(_directive(0, 0, 1, evidence));
    }

    function _directive(bytes32 salt, uint32 delay, uint32 window, ContentId[] memory evidence)
        private
        pure
        returns (Directive memory)
    {
        return Directive({
            kind: DirectiveKind.Restart,
            subject: keccak256("workload/web-3"),
            payload: ContentId.wrap(keccak256("payload")),
            delay: delay,
            window: window,
            salt: salt,
            base: 0,
            evidence: evidence
        });
    }
}
