// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodePresence} from "../../../contracts/nodes/INodePresence.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind, Directives} from "../../../contracts/types/Directive.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {Committee} from "../nodes/Committee.sol";

/// @notice Issues, reports, enacts and lets time pass in random order while members come and go, fall silent and get other
/// agents, and records what should follow.
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

    /// @notice What enough of those who stayed had attested first, and its outcome; `None` if nothing.
    mapping(bytes32 directiveId => IDirectiveRegistry.Report) public enactedAs;
    mapping(bytes32 directiveId => uint256 outcome) public enactedWith;
    /// @notice Calls of `enact` that succeeded without enough attestations, or reverted with them.
    mapping(bytes32 directiveId => uint256) public wrongEnactments;

    mapping(bytes32 directiveId => mapping(IDirectiveRegistry.Report => mapping(uint256 outcome => address[])))
        private _attesting;
    uint256 private _agents;

    /// @dev A day passes, so that agents may be replaced.
    constructor() {
        _assemble(5);
        vm.warp(block.timestamp + 1 days);
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

    /// @notice Seldom by the timelock, so that some directives are reported by many.
    function issue(uint256 salt, uint32 delay, uint32 window, bool byTimelock, address caller) external {
        if (byTimelock && issued.length != 0 && window % 4 != 0) return;
        Directive memory directive = Directive({
            kind: DirectiveKind(salt % 16),
            subject: bytes32(0),
            payload: ContentId.wrap(bytes32(uint256(1))),
            delay: delay % 300,
            window: 1 + window % 3_000,
            salt: bytes32(salt),
            base: Directives.hasBase(DirectiveKind(salt % 16)) ? directives.lastIssued(0) : bytes32(0),
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
        bytes32 id = _newest(which);
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
        _attesting[id][report_][outcome % OUTCOMES].push(node);
        _judge(id, report_, outcome % OUTCOMES, false);
    }

    /// @notice By anybody, with the sets of those who attested or without; what most have attested.
    function enact(uint256 which, bool withSets, address caller) external {
        if (issued.length == 0) return;
        bytes32 id = _newest(which);
        (IDirectiveRegistry.Report report_, uint256 outcome) = _mostAttested(id);
        uint256[][] memory sets = withSets ? _setsOf(id, report_, outcome) : new uint256[][](0);
        bytes memory data = abi.encodeCall(IDirectiveRegistry.enact, (id, report_, outcomeAt(outcome), sets));

        vm.prank(caller);
        (bool enacted,) = address(directives).call(data);

        bool before = enactedAs[id] != IDirectiveRegistry.Report.None;
        IDirectiveRegistry.Issued memory directive = directives.issued(id);
        if (!before && block.timestamp >= directive.activeAt && block.timestamp <= directive.deadline) {
            _judge(id, report_, outcome, withSets);
        }
        bool allowed = !before && enactedAs[id] != IDirectiveRegistry.Report.None;
        if (enacted != allowed) ++wrongEnactments[id];
    }

    function changeMembers(uint256 who, uint256 how) external {
        address operator = operatorAt(who);
        uint32 epoch = registry.epoch();
        if (!registry.isMember(operator, epoch)) {
            if (registry.seat(operator).seated) _replaceAgent(operator);
            else if (who % OPERATORS >= 5) _admit(who % OPERATORS);
        } else if (how % 4 == 0) {
            if (registry.committee(epoch).size > 2) _leave(operator, how % 8 == 0);
        } else if (how % 4 == 1) {
            _replaceAgent(operator);
        } else {
            _changePresence(operator);
        }
    }

    /// @notice More than half of those of the directive's committee who stay, present, under the same agent.
    function neededNow(bytes32 id) external view returns (uint256) {
        return _staying(id) / 2 + 1;
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + 1 + seconds_ % 120);
    }

    /// @dev Mostly the newest directives, so that some of them reach a majority.
    function _newest(uint256 which) private view returns (bytes32) {
        uint256 newest = issued.length > 3 ? 3 : issued.length;
        return issued[issued.length - 1 - which % newest];
    }

    /// @dev Records that the result is enacted, if it is the first that enough have attested. Unless it is known who attested
    /// it (`exact`), those who departed after the same report with another outcome are taken off too.
    function _judge(bytes32 id, IDirectiveRegistry.Report report_, uint256 outcome, bool exact) private {
        if (enactedAs[id] != IDirectiveRegistry.Report.None) return;
        uint32 epoch = directives.issued(id).epoch;
        (uint256 attesting, uint256 others) = (0, 0);
        for (uint256 i = 0; i < OUTCOMES; ++i) {
            address[] storage nodes_ = _attesting[id][report_][i];
            for (uint256 j = 0; j < nodes_.length; ++j) {
                bool stays = _stays(nodes_[j], epoch);
                if (stays && i == outcome) ++attesting;
                if (!stays && i != outcome && !exact) ++others;
            }
        }
        attesting = attesting > others ? attesting - others : 0;
        if (attesting * 2 > _staying(id)) (enactedAs[id], enactedWith[id]) = (report_, outcome);
    }

    function _mostAttested(bytes32 id) private view returns (IDirectiveRegistry.Report report_, uint256 outcome) {
        report_ = IDirectiveRegistry.Report.Done;
        for (uint256 i = 1; i < 2 * OUTCOMES; ++i) {
            IDirectiveRegistry.Report other = IDirectiveRegistry.Report(2 + i / OUTCOMES);
            if (counts[id][other][i % OUTCOMES] > counts[id][report_][outcome]) (report_, outcome) = (other, i % OUTCOMES);
        }
    }

    function _staying(bytes32 id) private view returns (uint256 count) {
        uint32 epoch = directives.issued(id).epoch;
        for (uint256 i = 0; i < OPERATORS; ++i) {
            if (_stays(operatorAt(i), epoch)) ++count;
        }
    }

    /// @dev Whether a member of then is one now, present, and under the same agent.
    function _stays(address operator, uint32 epoch) private view returns (bool) {
        uint32 current = registry.epoch();
        if (!registry.isMember(operator, epoch) || !registry.isMember(operator, current)) return false;
        uint32 index = registry.indexOf(operator, epoch);
        return registry.indexOf(operator, current) == index && !registry.presences().isSuspended(index);
    }

    /// @dev Each node attested in a transaction of its own.
    function _setsOf(bytes32 id, IDirectiveRegistry.Report report_, uint256 outcome)
        private
        view
        returns (uint256[][] memory sets)
    {
        address[] storage nodes_ = _attesting[id][report_][outcome];
        uint32 epoch = directives.issued(id).epoch;
        sets = new uint256[][](nodes_.length);
        for (uint256 i = 0; i < nodes_.length; ++i) {
            sets[i] = new uint256[](1);
            sets[i][0] = 1 << registry.indexOf(nodes_[i], epoch);
        }
    }

    function _leave(address operator, bool byVote) private {
        address[] memory operators = new address[](1);
        operators[0] = operator;
        if (byVote) _as(TIMELOCK, abi.encodeCall(registry.remove, (operators)));
        else _as(operator, abi.encodeCall(registry.revokeAgent, ()));
    }

    function _changePresence(address operator) private {
        INodePresence presences = registry.presences();
        uint32[] memory indices = new uint32[](1);
        indices[0] = registry.indexOf(operator, registry.epoch());
        bool silent = presences.isSuspended(indices[0]);
        if (silent) _try(operator, address(presences), abi.encodeCall(presences.returnNow, ()));
        else _try(TIMELOCK, address(presences), abi.encodeCall(presences.suspend, (indices)));
    }

    /// @dev Under another BLS key; the account stays the operator's own.
    function _replaceAgent(address operator) private {
        INodeRegistry.Admission memory agent = Admissions.agentOf(registry, operator, operator, 1_000 + ++_agents);
        _as(operator, abi.encodeCall(registry.setAgent, (agent.agent, agent.key, agent.possession, agent.peerId)));
    }

    function _admit(uint256 i) private {
        NodeRegistry.Admission[] memory batch = new NodeRegistry.Admission[](1);
        batch[0] = _admission(i);
        _as(FOUNDER, abi.encodeCall(registry.admit, (batch)));
    }

    function _as(address caller, bytes memory data) private returns (bool done) {
        return _try(caller, address(registry), data);
    }

    /// @dev Not all changes are allowed at all times: too many may be silent already, or an agent too new.
    function _try(address caller, address target, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = target.call(data);
    }
}
