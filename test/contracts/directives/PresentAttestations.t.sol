// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodePresence} from "../../../contracts/nodes/INodePresence.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {Committee} from "../nodes/Committee.sol";

/// @notice A result is attested by more than half of those that are still seated and present, and by nobody else.
contract PresentAttestations is Committee {
    IDirectiveRegistry.Report private constant DONE = IDirectiveRegistry.Report.Done;
    ContentId private constant HONEST = ContentId.wrap(bytes32("honest"));
    ContentId private constant OTHER = ContentId.wrap(bytes32("other"));

    DirectiveRegistry private directives;
    INodePresence private presences;
    bytes32 private id;

    function setUp() external {
        _assemble(9);
        presences = registry.presences();
        directives = new DirectiveRegistry(TIMELOCK, registry);
        ContentId payload = ContentId.wrap(bytes32("payload"));
        vm.prank(TIMELOCK);
        id = directives.issue(
            Directive(DirectiveKind.Restart, bytes32("subject"), payload, 0, 3600, 0, 0, new ContentId[](0))
        );
    }

    function test_EnactsWhenOthersFallSilent() external {
        _report(0, 4, HONEST);
        require(directives.needed(id) == 5, "five of nine");
        _refuse(4, 5);
        _suspend(7, 9);
        require(directives.needed(id) == 4, "four of seven");
        directives.enact(id, DONE, HONEST, new uint256[][](0));
        _expectDone();
    }

    function test_TheNextReportEnactsToo() external {
        _suspend(7, 9);
        _report(0, 3, HONEST);
        require(directives.status(id) == IDirectiveRegistry.Status.Issued, "three of seven");
        _report(3, 4, HONEST);
        _expectDone();
    }

    function test_ReportsOfTheDepartedEnactNothing() external {
        _report(0, 4, HONEST);
        _suspend(0, 2);
        _refuse(2, 4);
        address[] memory banned = new address[](1);
        banned[0] = _operator(7);
        vm.prank(TIMELOCK);
        registry.remove(banned);
        _refuse(2, 4);
        _report(4, 6, HONEST);
        _expectDone();
    }

    function test_WhoReturnsCountsAgain() external {
        _report(0, 4, HONEST);
        _suspend(0, 4);
        _refuse(0, 3);
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(_operator(i));
            presences.returnNow();
        }
        _refuse(4, 5);
        _report(4, 5, HONEST);
        _expectDone();
    }

    /// @dev Without the sets, all who departed after a report are taken off, whatever its outcome.
    function test_WhoAttestedAnotherOutcomeBeforeLeavingStopsNothing() external {
        _report(6, 9, OTHER);
        _report(0, 4, HONEST);
        _suspend(6, 9);
        _refuse(1, 4);
        uint256[][] memory sets = new uint256[][](4);
        for (uint256 i = 0; i < 4; ++i) {
            sets[i] = new uint256[](1);
            sets[i][0] = 1 << i;
        }
        directives.enact(id, DONE, HONEST, sets);
        _expectDone();
    }

    function test_RefusesOtherSetsThanThoseThatAttested() external {
        _report(0, 4, HONEST);
        _suspend(7, 9);
        uint256[][] memory sets = new uint256[][](1);
        sets[0] = new uint256[](1);
        sets[0][0] = 0x0f;
        vm.expectRevert(abi.encodeWithSelector(IDirectiveRegistry.DirectiveRegistryOtherHistory.selector, id));
        directives.enact(id, DONE, HONEST, sets);
    }

    function test_EnactsOnceAndInTime() external {
        _report(0, 4, HONEST);
        _suspend(7, 9);
        vm.warp(block.timestamp + 3601);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDirectiveRegistry.DirectiveRegistryLapsed.selector, id, directives.issued(id).deadline
            )
        );
        directives.enact(id, DONE, HONEST, new uint256[][](0));
        vm.warp(block.timestamp - 1000);
        directives.enact(id, DONE, HONEST, new uint256[][](0));
        vm.expectRevert(abi.encodeWithSelector(IDirectiveRegistry.DirectiveRegistryNothingNew.selector, id));
        directives.enact(id, DONE, HONEST, new uint256[][](0));
    }

    function _report(uint256 from, uint256 to, ContentId outcome) private {
        for (uint256 i = from; i < to; ++i) {
            vm.prank(_operator(i));
            directives.report(id, DONE, outcome);
        }
    }

    function _suspend(uint32 from, uint32 to) private {
        vm.prank(TIMELOCK);
        presences.suspend(_range(from, to));
    }

    function _refuse(uint32 attesting, uint32 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(IDirectiveRegistry.DirectiveRegistryTooFew.selector, id, attesting, needed)
        );
        directives.enact(id, DONE, HONEST, new uint256[][](0));
    }

    function _expectDone() private view {
        IDirectiveRegistry.Issued memory issued = directives.issued(id);
        require(issued.enacted == DONE && issued.outcome == HONEST, "another result, or none");
    }

    function _range(uint32 from, uint32 to) private pure returns (uint32[] memory list) {
        list = new uint32[](to - from);
        for (uint32 i = from; i < to; ++i) list[i - from] = i;
    }
}
