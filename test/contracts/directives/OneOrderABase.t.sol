// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {InvariantTest} from "../Vm.sol";
import {Committee} from "../nodes/Committee.sol";
import {BaseHandler} from "./BaseHandler.sol";

/// @notice Every order on a workload names the last one, so that reorganisations, old ballots and two live attempts never
/// order twice.
contract OneOrderABase is InvariantTest {
    BaseHandler private handler;

    function setUp() external {
        handler = new BaseHandler();
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 32
    /// hardhat-config: invariant.depth = 40
    function invariant_AtMostOneOrderIsIssuedOnABase() external view {
        Directive[] memory orders = handler.orders();
        for (uint256 i = 0; i < orders.length; ++i) {
            require(_hasBase(orders[i].kind) || orders[i].base == 0, "a base of an order that has none");
            for (uint256 j = 0; j < i && _hasBase(orders[i].kind); ++j) {
                bool same = orders[i].subject == orders[j].subject && orders[i].base == orders[j].base;
                require(!same || !_hasBase(orders[j].kind), "two orders on one base");
            }
        }
        for (uint256 i = 0; i < handler.SUBJECTS(); ++i) _checkChain(orders, handler.subjectAt(i));
    }

    /// @dev From the last order by the bases back to none, through each order on the subject.
    function _checkChain(Directive[] memory orders, bytes32 subject) private view {
        bytes32 expected = handler.directives().lastIssued(subject);
        for (uint256 i = orders.length; i > 0; --i) {
            Directive memory order = orders[i - 1];
            if (order.subject != subject || !_hasBase(order.kind)) continue;
            require(handler.directives().directiveId(order) == expected, "an order outside of the chain");
            expected = order.base;
        }
        require(expected == 0, "the first order has a base");
    }

    function _hasBase(DirectiveKind kind) private pure returns (bool) {
        return kind == DirectiveKind.Deploy || kind == DirectiveKind.Scale || kind == DirectiveKind.Rollback
            || kind == DirectiveKind.Restart || kind == DirectiveKind.Suspend;
    }
}

/// @notice The same order again: the base makes it another.
contract OrdersAgain is Committee {
    DirectiveRegistry private directives;

    function setUp() external {
        _assemble(1);
        directives = new DirectiveRegistry(TIMELOCK, registry);
    }

    function test_DeploysTheSameReleaseAgainAfterAnother() external {
        bytes32 first = _issue("web", "a", 0);
        bytes32 second = _issue("web", "b", first);
        bytes32 third = _issue("web", "a", second);
        require(third != first && directives.lastIssued(keccak256("web")) == third, "not the last");
        require(_issue("db", "a", 0) != third, "another subject has a chain of its own");
    }

    function test_RefusesAnOrderOnWhatIsNoMore() external {
        bytes32 first = _issue("web", "a", 0);
        Directive memory late = _order("web", "b", 0);
        vm.prank(TIMELOCK);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDirectiveRegistry.DirectiveRegistryStaleBase.selector, keccak256("web"), bytes32(0), first
            )
        );
        directives.issue(late);
    }

    function test_RefusesABaseOfWhatHasNone() external {
        bytes32 first = _issue("web", "a", 0);
        Directive memory flag = _order("web", "b", first);
        flag.kind = DirectiveKind.SetFlag;
        vm.prank(TIMELOCK);
        vm.expectRevert(IDirectiveRegistry.DirectiveRegistryInvalidDirective.selector);
        directives.issue(flag);
    }

    function _issue(string memory subject, bytes32 payload, bytes32 base) private returns (bytes32) {
        vm.prank(TIMELOCK);
        return directives.issue(_order(subject, payload, base));
    }

    function _order(string memory subject, bytes32 payload, bytes32 base) private pure returns (Directive memory) {
        return Directive(
            DirectiveKind.Deploy, keccak256(bytes(subject)), ContentId.wrap(payload), 0, 100, 0, base, new ContentId[](0)
        );
    }
}
