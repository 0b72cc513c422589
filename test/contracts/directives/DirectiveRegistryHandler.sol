// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind, Directives} from "../../../contracts/types/Directive.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {Committee} from "../nodes/Committee.sol";

/// @notice Issues, reports and lets time pass in random order while members come and go, and records the result.
contract DirectiveRegistryHandler is Committee {
    uint256 public constant OPERATORS = 8;
    uint256 public constant OUTCOMES = 2;

    DirectiveRegistry public immutable directives;
    bytes32[] public issued;
    /// @notice Directives issued by an account without the right to issue.
    uint256 public intrusions;

    /// @notice Final reports that counted, by directive, and by directive, report and outcome.
    mapping(bytes32 directiveId => uint256) public finals;
    mapping(bytes32 directiveId => mapping(IDirectiveRegistry.Report => mapping(uint256 outcome => uint256))) public counts;
    mapping(bytes32 directiveId => mapping(address node => IDirectiveRegistry.Report)) public lastReport;
    mapping(bytes32 directiveId => uint256) public reportsOutOfTime;
    mapping(bytes32 directiveId => uint256) public reportsAfterTheLast;

    constructor() {
        _assemble(5);
        directives = new DirectiveRegistry(TIMELOCK, registry);
    }

    function nodes() external view returns (NodeRegistry) {
        return registry;
    }

    function operatorAt(uint256 i) public pure returns (address) {
        return _operator(i % OPERATORS);
    }

    function outcomeAt(uint256 i) public pure returns (ContentId) {
        return ContentId.wrap(bytes32(1 + i % OUTCOMES));
    }

    function issuedCount() external view returns (uint256) {
        return issued.length;
    }

    function issue(uint256 salt, uint32 delay, uint32 window, bool byTimelock, address caller) external {
        Directive memory directive = Directive({
            kind: DirectiveKind(salt % 13),
            subject: bytes32(0),
            payload: ContentId.wrap(bytes32(uint256(1))),
            delay: delay % 300,
            window: 1 + window % 3_000,
            salt: bytes32(salt),
            base: Directives.hasBase(DirectiveKind(salt % 13)) ? directives.lastIssued(0) : bytes32(0),
            evidence: new ContentId[](0)
        });
        if (byTimelock) caller = TIMELOCK;
        vm.prank(caller);
        (bool done,) = address(directives).call(abi.encodeCall(IDirectiveRegistry.issue, (directive)));
        if (!done) return;
        issued.push(directives.directiveId(directive));
        if (caller != TIMELOCK) ++intrusions;
    }

    function report(uint256 which, uint256 who, uint256 what, uint256 outcome) external {
        if (issued.length == 0) return;
        // Mostly the newest directives, so that some of them reach a majority.
        uint256 newest = issued.length > 3 ? 3 : issued.length;
        bytes32 id = issued[issued.length - 1 - which % newest];
        IDirectiveRegistry.Report report_ = IDirectiveRegistry.Report(1 + what % 3);
        ContentId cited = outcomeAt(outcome);
        if (report_ == IDirectiveRegistry.Report.Ready) cited = ContentId.wrap(bytes32(0));
        address node = operatorAt(who);

        vm.prank(node);
        (bool done,) = address(directives).call(abi.encodeCall(IDirectiveRegistry.report, (id, report_, cited)));
        if (!done) return;

        IDirectiveRegistry.Report before = lastReport[id][node];
        if (before != IDirectiveRegistry.Report.None && before >= report_) ++reportsAfterTheLast[id];
        if (before > IDirectiveRegistry.Report.Ready) ++reportsAfterTheLast[id];
        lastReport[id][node] = report_;
        IDirectiveRegistry.Issued memory directive = directives.issued(id);
        if (block.timestamp > directive.deadline) ++reportsOutOfTime[id];
        if (report_ == IDirectiveRegistry.Report.Ready) return;
        if (block.timestamp < directive.activeAt) ++reportsOutOfTime[id];
        ++finals[id];
        ++counts[id][report_][outcome % OUTCOMES];
    }

    function changeMembers(uint256 who, bool leaving) external {
        address operator = operatorAt(who);
        uint32 epoch = registry.epoch();
        if (registry.isMember(operator, epoch)) {
            if (registry.committee(epoch).size > 2 && leaving) _remove(registry.indexOf(operator, epoch));
        } else if (uint160(operator) >= FIRST_OPERATOR + 5) {
            _admit(operator);
        }
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + 1 + seconds_ % 120);
    }

    function _remove(uint32 index) private {
        uint32[] memory indices = new uint32[](1);
        indices[0] = index;
        _as(TIMELOCK, abi.encodeCall(registry.remove, (indices)));
    }

    function _admit(address operator) private {
        NodeRegistry.Admission[] memory batch = new NodeRegistry.Admission[](1);
        batch[0] = Admissions.make(operator, uint160(operator));
        _as(TIMELOCK, abi.encodeCall(registry.admit, (batch)));
    }

    function _as(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(registry).call(data);
    }
}
