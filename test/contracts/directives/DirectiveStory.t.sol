// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {Committee} from "../nodes/Committee.sol";

/// @notice One directive among three nodes, from its issue to its end.
contract DirectiveStory is Committee {
    ContentId private constant NONE = ContentId.wrap(0);
    ContentId private constant OUTCOME = ContentId.wrap("outcome");

    DirectiveRegistry private directives;
    bytes32 private id;

    function setUp() external {
        _assemble(3);
        directives = new DirectiveRegistry(TIMELOCK, registry);
        vm.prank(TIMELOCK);
        id = directives.issue(_directive());
    }

    function test_IsEnactedByMoreThanHalf() external {
        _report(0, IDirectiveRegistry.Report.Ready, NONE);
        vm.warp(block.timestamp + 100);
        _report(0, IDirectiveRegistry.Report.Done, OUTCOME);
        require(directives.status(id) == IDirectiveRegistry.Status.Issued, "one of three is not more than half");
        _report(1, IDirectiveRegistry.Report.Done, OUTCOME);
        require(directives.status(id) == IDirectiveRegistry.Status.Done, "two of three are more than half");
        _report(2, IDirectiveRegistry.Report.Failed, OUTCOME);
        require(directives.issued(id).outcome == OUTCOME, "another outcome");
        require(directives.reportOf(id, _operator(2)) == IDirectiveRegistry.Report.Failed, "a report is lost");
    }

    function test_FailsByMoreThanHalf() external {
        vm.warp(block.timestamp + 100);
        _report(0, IDirectiveRegistry.Report.Failed, OUTCOME);
        _report(2, IDirectiveRegistry.Report.Failed, OUTCOME);
        require(directives.status(id) == IDirectiveRegistry.Status.Failed, "not failed");
    }

    function test_Lapses() external {
        vm.warp(block.timestamp + 301);
        require(directives.status(id) == IDirectiveRegistry.Status.Lapsed, "not lapsed");
        _refuse(0, IDirectiveRegistry.Report.Done, OUTCOME, IDirectiveRegistry.DirectiveRegistryLapsed.selector);
    }

    function test_RefusesWhatIsNoReport() external {
        bytes4 invalid = IDirectiveRegistry.DirectiveRegistryInvalidReport.selector;
        _refuse(0, IDirectiveRegistry.Report.None, NONE, invalid);
        _refuse(0, IDirectiveRegistry.Report.Ready, OUTCOME, invalid);
        _refuse(0, IDirectiveRegistry.Report.Done, NONE, invalid);
        _refuse(0, IDirectiveRegistry.Report.Done, OUTCOME, IDirectiveRegistry.DirectiveRegistryNotActive.selector);
        _refuse(3, IDirectiveRegistry.Report.Ready, NONE, IDirectiveRegistry.DirectiveRegistryNotMember.selector);
        require(directives.reportOf(id, _operator(3)) == IDirectiveRegistry.Report.None, "a stranger's report");
    }

    function test_RefusesASecondLastReport() external {
        bytes4 already = IDirectiveRegistry.DirectiveRegistryAlreadyReported.selector;
        _report(0, IDirectiveRegistry.Report.Ready, NONE);
        _refuse(0, IDirectiveRegistry.Report.Ready, NONE, already);
        vm.warp(block.timestamp + 100);
        _report(0, IDirectiveRegistry.Report.Done, OUTCOME);
        _refuse(0, IDirectiveRegistry.Report.Done, OUTCOME, already);
        _refuse(0, IDirectiveRegistry.Report.Failed, OUTCOME, already);
        _refuse(0, IDirectiveRegistry.Report.Ready, NONE, already);
    }

    function test_KnowsWhatItHasIssued() external {
        require(directives.status("none") == IDirectiveRegistry.Status.Unknown, "knows what was not issued");
        vm.expectRevert(
            abi.encodeWithSelector(IDirectiveRegistry.DirectiveRegistryUnknownDirective.selector, bytes32("none"))
        );
        directives.issued("none");
        vm.expectRevert(abi.encodeWithSelector(IDirectiveRegistry.DirectiveRegistryAlreadyIssued.selector, id));
        vm.prank(TIMELOCK);
        directives.issue(_directive());
    }

    function _report(uint256 node, IDirectiveRegistry.Report report, ContentId outcome) private {
        vm.prank(_operator(node));
        directives.report(id, report, outcome);
    }

    function _refuse(uint256 node, IDirectiveRegistry.Report report, ContentId outcome, bytes4 expected) private {
        vm.prank(_operator(node));
        try directives.report(id, report, outcome) {
            revert("accepted");
        } catch (bytes memory reason) {
            require(bytes4(reason) == expected, "refused for another reason");
        }
    }

    function _directive() private pure returns (Directive memory) {
        return Directive({
            kind: DirectiveKind.Deploy,
            subject: keccak256("fleet/web"),
            payload: ContentId.wrap("payload"),
            delay: 100,
            window: 200,
            salt: 0,
            base: 0,
            evidence: new ContentId[](0)
        });
    }
}
