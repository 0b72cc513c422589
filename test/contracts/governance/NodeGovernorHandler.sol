// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind, Directives} from "../../../contracts/types/Directive.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {Signing} from "../nodes/Signing.sol";
import {GovernanceModel} from "./GovernanceModel.sol";
import {GovernanceTest} from "./GovernanceTest.sol";
import {TrackTable} from "./TrackTable.sol";

/// @notice Calls every function of the governor as any account, and records in the model what should follow.
contract NodeGovernorHandler is GovernanceTest, GovernanceModel {
    uint256 public constant ACCOUNTS = 10;
    uint256 private constant MAX_PROPOSALS = 10;

    /// @notice Calls that succeeded without the right to make them, or reverted with it.
    uint256 public violations;
    string public violation;

    /// @dev Whether a vote has ended the guardian's power.
    bool private _dismissed;

    uint256 private _admitted;
    uint256 private _agents;
    /// @dev The BLS secret of each index.
    mapping(uint32 index => uint256 secret) private _blsSecrets;

    /// @param admitted The number of nodes at the start.
    constructor(NodeGovernor governor_, uint256 admitted) {
        _adopt(governor_);
        _admitted = admitted;
        for (uint32 i = 0; i < admitted; ++i) _blsSecrets[i] = _secret(i);
    }

    /// @notice Operators by number; the last one is never a node.
    function account(uint256 i) public pure returns (address) {
        return _operator(i % ACCOUNTS);
    }

    function propose(uint256 who, uint256 what) external {
        if (_count() == MAX_PROPOSALS) return;
        address proposer = account(who);
        (address target, bytes memory data) = _call(what);
        uint32 epoch = registry.epochAt(uint48(block.timestamp - 1));
        (address[] memory targets,, bytes[] memory calldatas) = _motion(target, data);
        Track track = governor.reader().trackOf(targets, calldatas);
        TrackRules memory rules = governor.trackRules(track);
        bool inTime = rules.votingDelay != 0 || target != address(directives) || _windowAge(what) < 2;
        bool allowed = registry.isMember(proposer, epoch) && _openBy(proposer, track) < rules.openLimit && inTime;

        vm.prank(proposer);
        (bool done, bytes memory result) = address(governor).call(_proposal(target, data));

        if (done != allowed) _violate("propose");
        if (!done) return;
        _open(abi.decode(result, (uint256)), proposer, target, data, track, epoch, rules);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            if (registry.isMember(account(i), epoch)) _enfranchise(account(i));
        }
    }

    /// @notice Mostly several accounts in turn, mostly For.
    function vote(uint256 which, uint256 who, uint256 crowd, uint8 support, uint8 path) external {
        if (_count() == 0) return;
        uint256 id = _idOf(which);
        if (_expectedState(id) == IGovernor.ProposalState.Pending) vm.warp(governor.proposalSnapshot(id) + 1);
        for (uint256 i = 0; i < 1 + crowd % 6; ++i) {
            _ballot(id, (who % ACCOUNTS) + i, support % 5 == 4 ? 1 : support % 5, path);
        }
    }

    function _ballot(uint256 id, uint256 who, uint8 support, uint8 path) private {
        address voter = account(who);
        bool allowed = _mayVote(id, voter, support);

        bool done = _castBy(path % 6, id, who, support);

        if (done != allowed) _violate("vote");
        if (done) _count(id, voter, support);
    }

    function queue(uint256 which) external {
        if (_count() == 0) return;
        Entry storage entry = _entry(which);
        bool allowed = _expectedState(entry.id) == IGovernor.ProposalState.Succeeded;
        (bool done,) = address(governor).call(_operation(entry, IGovernor.queue.selector));

        if (done != allowed) _violate("queue");
        if (done) entry.eta = block.timestamp + entry.rules.timelock;
    }

    /// @notice A passed call may still fail by itself, such as the removal of a node that is gone.
    function execute(uint256 which) external {
        if (_count() == 0) return;
        Entry storage entry = _entry(which);
        bool allowed =
            _expectedState(entry.id) == IGovernor.ProposalState.Queued && block.timestamp >= entry.eta;
        (bool done,) = address(governor).call(_operation(entry, IGovernor.execute.selector));

        if (done && !allowed) _violate("execute");
        if (done) entry.executed = true;
        if (done && _isDismissal(entry)) _dismissed = true;
    }

    function cancel(uint256 which, uint256 who) external {
        if (_count() == 0) return;
        Entry storage entry = _entry(which);
        address caller = who % 8 == 0 ? GUARDIAN : who % 8 == 1 ? entry.proposer : account(who);
        IGovernor.ProposalState current = _expectedState(entry.id);
        bool allowed = caller == GUARDIAN && !_dismissed && !_isDismissal(entry)
            && block.timestamp < governor.guardianExpiry()
            && current != IGovernor.ProposalState.Canceled && current != IGovernor.ProposalState.Executed
            && current != IGovernor.ProposalState.Expired;

        vm.prank(caller);
        (bool done,) = address(governor).call(_operation(entry, IGovernor.cancel.selector));

        if (done != allowed) _violate("cancel");
        if (done) entry.canceled = true;
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 3 hours));
    }

    /// @notice To one of the moments about which a proposal's state changes.
    function passTo(uint256 which, uint256 moment, uint256 offset) external {
        if (_count() == 0) return;
        uint256 id = _idOf(which);
        uint256 target = governor.proposalSnapshot(id);
        if (moment % 4 == 1) target = governor.proposalDeadline(id);
        if (moment % 4 == 2) target = governor.proposalEta(id);
        if (moment % 4 == 3 && offset % 4 == 0) target = governor.proposalExpiry(id);
        target += offset % 2;
        if (target > block.timestamp) vm.warp(target);
    }

    /// @notice As if the nodes had decided it, as often as they may.
    function admit() external {
        if (_admitted == ACCOUNTS - 1) return;
        INodeRegistry.Admission[] memory admissions = new INodeRegistry.Admission[](1);
        admissions[0] = Admissions.make(registry, _secret(_admitted), _secret(_admitted));
        vm.prank(address(timelock));
        registry.admit(admissions);
        _blsSecrets[_newestIndex()] = _secret(_admitted);
        ++_admitted;
    }

    /// @notice As if the nodes had decided it, as often as they may.
    function remove(uint256 which) external {
        address[] memory operators = new address[](1);
        operators[0] = account(which % _admitted);
        vm.prank(address(timelock));
        registry.remove(operators);
    }

    function revokeAgent(uint256 which) external {
        vm.prank(account(which % _admitted));
        registry.revokeAgent();
    }

    /// @notice Another agent for the seat, or one again, under a new index; the account stays the operator's own, and the BLS
    /// key is another.
    function setAgent(uint256 which) external {
        uint256 secret = _secret(ACCOUNTS + ++_agents);
        INodeRegistry.Admission memory agent =
            Admissions.agentOf(registry, account(which % _admitted), account(which % _admitted), secret);
        vm.prank(agent.operator);
        registry.setAgent(agent.agent, agent.key, agent.possession, agent.peerId);
        _blsSecrets[_newestIndex()] = secret;
    }

    /// @notice Other rules for one track, truly decided.
    function changeTrack(uint256 track, uint256 seed) external {
        // Only the fields whose bounds are wide are narrowed, so that the run stays short.
        TrackRules memory rules = TrackTable.fit(
            Track(track % 3),
            TrackRules({
                votingDelay: uint32(seed % 3 == 0 ? 0 : _bound(seed, 0, 600)),
                votingPeriod: uint32(_bound(seed >> 32, 1, 1 days)),
                quorum: uint16(_bound(seed >> 64, 0, 60_000)),
                approval: uint16(_bound(seed >> 80, 0, 60_000)),
                fastPath: seed >> 255 == 1,
                timelock: uint32(_bound(seed >> 112, 0, 6 hours)),
                expiry: uint32(_bound(seed >> 144, 1, 2 days)),
                openLimit: uint8(_bound(seed >> 176, 1, 3))
            })
        );
        // The constitution's own rules stay quick, so that the votes on other proposals go on meanwhile.
        bytes memory data = abi.encodeCall(INodeGovernor.setTrack, (Track(track % 3), rules));
        uint256 proposer = 0;
        while (registry.isMember(account(proposer), registry.epoch()) == false) ++proposer;
        string memory why = string(abi.encodePacked("track", seed));

        uint256 id = _propose(governor, account(proposer), address(governor), data, why);
        vm.warp(governor.proposalSnapshot(id) + 1);
        for (uint256 i = 0; i < ACCOUNTS; ++i) _castBy(0, id, i, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        _queue(governor, address(governor), data, why);
        vm.warp(governor.proposalEta(id));
        _execute(governor, address(governor), data, why);
    }

    /// @notice Calls directly what only a decision may call; also as the timelock, if the target is the governor.
    function intrude(uint256 who, uint256 what) external {
        address intruder = who % 3 == 0 ? GUARDIAN : account(who);
        (address target, bytes memory data) = _call(what);
        if (target == address(governor) && who % 2 == 0) intruder = address(timelock);
        vm.prank(intruder);
        (bool done,) = target.call(data);
        if (done) _violate("intrude");
    }

    function _castBy(uint256 path, uint256 id, uint256 who, uint8 support) private returns (bool done) {
        bytes memory data;
        if (path == 0) data = abi.encodeCall(IGovernor.castVote, (id, support));
        if (path == 1) data = abi.encodeCall(IGovernor.castVoteWithReason, (id, support, "because"));
        if (path == 2) data = abi.encodeCall(IGovernor.castVoteWithReasonAndParams, (id, support, "because", hex"01"));
        if (path == 3) {
            uint32 index = _indexOf(id, account(who));
            bytes32 digest = _ballotDigest(address(governor), block.chainid, id, support, index);
            bytes memory signature = _sign(_secret(who % ACCOUNTS), digest);
            data = abi.encodeCall(IGovernor.castVoteBySig, (id, support, account(who), signature));
        }
        if (path == 4) data = _alone(id, who % ACCOUNTS, support);
        if (path == 5) {
            bytes memory entry = _batchEntry(id, _indexOf(id, account(who)), _secret(who % ACCOUNTS), support);
            data = abi.encodeCall(INodeGovernor.castVotesBySig, (id, entry));
        }
        vm.prank(path >= 3 ? GUARDIAN : account(who));
        (done,) = address(governor).call(data);
    }

    /// @dev An aggregate of one ballot; an unknown support is signed by no node.
    function _alone(uint256 id, uint256 who, uint8 support) private view returns (bytes memory) {
        uint32 index = _indexOf(id, account(who));
        uint256 secret = registry.node(index).operator == account(who) ? _blsSecrets[index] : _secret(who);
        uint256[] memory bits = Signing.bitmap(1 << index);
        Signers memory signers;
        if (support == 0) signers.againstBits = bits;
        else if (support == 1) signers.forBits = bits;
        else signers.abstainBits = bits;
        bytes memory signature = Signing.sign(secret, governor.aggregateBallotDigest(id, support == 2 ? 1 : support));
        if (support == 2) {
            signature = Signing.add(signature, Signing.sign(secret, governor.aggregateBallotDigest(id, 0)));
        }
        return abi.encodeCall(INodeGovernor.castVotesByAggregate, (id, signers, signature));
    }

    /// @dev The index that it has in the proposal's committee, whatever agent it has had since. If it has none there: its
    /// newest, or that of the first node if it never had one, so that it claims to be another node.
    function _indexOf(uint256 id, address account_) private view returns (uint32) {
        uint32 epoch = governor.proposalRules(id).epoch;
        if (registry.isMember(account_, epoch)) return registry.indexOf(account_, epoch);
        for (uint32 i = _newestIndex() + 1; i > 0; --i) {
            if (registry.node(i - 1).operator == account_) return i - 1;
        }
        return 0;
    }

    function _newestIndex() private view returns (uint32) {
        return registry.committee(registry.epoch()).indexBound - 1;
    }

    /// @dev One call of each track and of each target.
    function _call(uint256 what) private view returns (address, bytes memory) {
        bytes32 salt = bytes32(what);
        bytes32 name = salt | bytes32("x");
        if (what % 5 == 0) return (address(parameters), abi.encodeCall(parameters.setFlag, (name, true)));
        if (what % 5 == 1) return (address(directives), abi.encodeCall(IDirectiveRegistry.issue, (_order(what))));
        if (what % 5 == 2) {
            address[] memory operators = new address[](1);
            operators[0] = account(what);
            return (address(registry), abi.encodeCall(INodeChanges.remove, (operators)));
        }
        if (what % 5 == 3) {
            if (what % 20 == 3) return (address(governor), abi.encodeCall(INodeGovernor.dismissGuardian, ()));
            TrackRules memory rules = governor.trackRules(Track.Constitution);
            return (address(governor), abi.encodeCall(INodeGovernor.setTrack, (Track.Constitution, rules)));
        }
        ContentId model = ContentId.wrap(bytes32("m"));
        return (address(models), abi.encodeCall(models.accept, (salt, model, ContentId.wrap(0), 1)));
    }

    /// @dev A restart or a scale of a subject that none other has, opened in its window or after it.
    function _order(uint256 what) private view returns (Directive memory) {
        ContentId[] memory evidence = new ContentId[](1);
        evidence[0] = ContentId.wrap(bytes32(what) | bytes32(uint256(1)));
        DirectiveKind kind = what % 10 < 5 ? DirectiveKind.Restart : DirectiveKind.Scale;
        bytes32 salt = Directives.saltOf(uint64(block.timestamp / 300 - _windowAge(what)), uint32(what));
        return Directive(kind, bytes32(what), ContentId.wrap(bytes32("p")), 0, 3600, salt, 0, evidence);
    }

    /// @dev Windows since that of an order's salt; the third is too late without a voting delay.
    function _windowAge(uint256 what) private pure returns (uint256) {
        return (what >> 64) % 3;
    }

    function _isDismissal(Entry storage entry) private view returns (bool) {
        return bytes4(entry.data) == INodeGovernor.dismissGuardian.selector;
    }

    function _proposal(address target, bytes memory data) private view returns (bytes memory) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(target, data);
        return abi.encodeCall(IGovernor.propose, (targets, values, calldatas, string(abi.encodePacked(_count()))));
    }

    function _operation(Entry storage entry, bytes4 selector) private view returns (bytes memory) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _motion(entry.target, entry.data);
        return abi.encodeWithSelector(
            selector, targets, values, calldatas, keccak256(abi.encodePacked(entry.number))
        );
    }

    function _violate(string memory what) private {
        ++violations;
        violation = what;
    }
}
