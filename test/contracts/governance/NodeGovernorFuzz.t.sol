// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {GovernanceTest} from "./GovernanceTest.sol";
import {TrackTable} from "./TrackTable.sol";

contract NodeGovernorFuzz is GovernanceTest {
    uint256 private constant SIZE = 4;
    bytes4 private constant ISSUE = IDirectiveRegistry.issue.selector;

    function setUp() external {
        _build(SIZE, _everywhere(_rules()));
    }

    function testFuzz_RefusesASecondBallotByAnyPath(uint256 who, uint8 first, uint8 second, uint8 support) external {
        uint256 id = _openFlag("a");
        vm.warp(governor.proposalSnapshot(id) + 1);
        who = who % SIZE;
        require(_cast(id, who, first % 5, 1), "the first ballot was refused");

        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorAlreadyCastVote.selector, _operator(who)));
        _castRaw(id, who, second % 5, support % 3);
    }

    function testFuzz_CountsNoBallotBeforeTheStartOrAfterTheDeadline(uint256 time, uint8 path) external {
        uint256 id = _openFlag("a");
        (uint256 opens, uint256 closes) = (governor.proposalSnapshot(id), governor.proposalDeadline(id));
        vm.warp(_bound(time, opens - 60, closes + 60));
        bool open = block.timestamp > opens && block.timestamp <= closes;
        require(_cast(id, 0, path % 5, 1) == open, "a ballot at the wrong time");
    }

    function testFuzz_RefusesWhatIsNotAVote(uint8 support) external {
        vm.assume(support > 2);
        uint256 id = _openFlag("a");
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.expectRevert(IGovernor.GovernorInvalidVoteType.selector);
        _castRaw(id, 0, 0, support);
    }

    /// @dev A ballot binds the chain, the contract, the proposal, the support and the voter, and is good for its signer alone.
    function testFuzz_BallotsBindWhatTheySay(uint8 changed, uint256 noise) external {
        uint256 id = _openFlag("a");
        uint256 otherId = _openFlag("b");
        vm.warp(governor.proposalSnapshot(otherId) + 1);
        changed = changed % 6;
        bytes memory signature = _sign(
            changed == 0 ? _secret(1) : _secret(0),
            _ballotDigest(
                changed == 1 ? address(uint160(noise) ^ 1) : address(governor),
                changed == 2 ? block.chainid + 1 + noise % 1000 : block.chainid,
                changed == 3 ? otherId : id,
                changed == 4 ? uint8(2 * (noise % 2)) : 1,
                changed == 5 ? 1 + uint32(noise % type(uint32).max) : 0
            )
        );
        vm.assume(address(uint160(noise) ^ 1) != address(governor));

        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInvalidSignature.selector, _operator(0)));
        governor.castVoteBySig(id, 1, _operator(0), signature);
    }

    /// @dev Whatever is called, a track lower than Constitution means a call that we know and that reads one way only.
    /// hardhat-config: fuzz.runs = 2000
    function testFuzz_NothingUnreadableGetsALowerTrack(uint8 kind, uint256 count, uint256 at, bytes1 with, uint8 how)
        external
        view
    {
        Directive memory directive = _directive(DirectiveKind(kind % 16), count % 4);
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (directive));
        if (how % 4 == 1) data[at % data.length] = with;
        if (how % 4 == 2) data = _truncated(data, at % data.length);
        if (how % 4 == 3) data = bytes.concat(data, with);

        Track track = _trackOf(address(directives), data);
        if (track == Track.Constitution) return;

        Directive memory read = this.decode(data);
        require(keccak256(abi.encodeCall(IDirectiveRegistry.issue, (read))) == keccak256(data), "it reads two ways");
        require(track == _expectedTrack(read.kind), "it is on another directive's track");
    }

    function testFuzz_WhatIsNotKnownIsConstitution(address target, bytes calldata data) external view {
        vm.assume(
            target != address(directives) && target != address(registry) && target != address(models)
                && target != address(parameters)
        );
        require(_trackOf(target, data) == Track.Constitution, "an unknown target");
        bytes memory restart = abi.encodeCall(IDirectiveRegistry.issue, (_directive(DirectiveKind.Restart, 1)));
        require(_trackOf(target, restart) == Track.Constitution, "a false registry");
    }

    function testFuzz_EvidenceAscendsStrictlyFromAboveZero(uint256 seed, uint8 count) external {
        Directive memory directive = _directive(DirectiveKind.Restart, count % 20);
        uint256 wrong = type(uint256).max;
        bytes32 previous = 0;
        for (uint256 i = 0; i < directive.evidence.length; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes32 id = bytes32(uint256(previous) + (seed % 8 == 0 ? 0 : 1 + (seed >> 128)));
            if (seed % 8 == 0 && wrong == type(uint256).max) wrong = i;
            directive.evidence[i] = ContentId.wrap(id);
            previous = id;
        }
        if (directive.evidence.length > 16) wrong = 16;

        if (wrong != type(uint256).max) {
            vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorInvalidEvidence.selector, wrong));
        }
        _proposeRaw(address(directives), abi.encodeCall(IDirectiveRegistry.issue, (directive)));
    }

    function testFuzz_RefusesADirectiveThatDoesNotRead(uint256 at) external {
        bytes memory data = abi.encodeCall(IDirectiveRegistry.issue, (_directive(DirectiveKind.Restart, 1)));
        data = _truncated(data, 4 + at % (data.length - 4));
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorInvalidDirective.selector, 0));
        _proposeRaw(address(directives), data);
    }

    /// @dev The rules that governance could stop itself by are refused, at deployment as in {NodeGovernor-setTrack}.
    /// hardhat-config: fuzz.runs = 100
    function testFuzz_RefusesRulesOutOfBounds(TrackRules memory rules, uint8 mend) external {
        // Random rules are nearly always wrong in several ways: mend most of them.
        TrackRules memory fitted = TrackTable.fit(Track.Membership, rules);
        if (mend & 1 != 0) (rules.votingDelay, rules.votingPeriod) = (fitted.votingDelay, fitted.votingPeriod);
        if (mend & 2 != 0) rules.quorum = fitted.quorum;
        if (mend & 4 != 0) rules.approval = fitted.approval;
        if (mend & 8 != 0) (rules.timelock, rules.expiry) = (fitted.timelock, fitted.expiry);
        if (mend & 16 != 0) rules.openLimit = fitted.openLimit;

        bool sound = TrackTable.allows(Track.Membership, rules);
        TrackRules[4] memory tracks = _everywhere(_rules());
        tracks[2] = rules;
        try new NodeGovernor(registry, timelock, address(1), address(2), address(3), GUARDIAN, 0, tracks) returns (
            NodeGovernor made
        ) {
            require(sound, "unsound rules were taken");
            bytes32 taken = keccak256(abi.encode(made.trackRules(Track.Membership)));
            require(taken == keccak256(abi.encode(rules)), "other rules");
        } catch (bytes memory reason) {
            require(!sound, "sound rules were refused");
            require(bytes4(reason) == INodeGovernor.GovernorInvalidTrack.selector, "for another reason");
        }
    }

    function decode(bytes calldata data) external pure returns (Directive memory) {
        return abi.decode(data[4:], (Directive));
    }

    function _openFlag(bytes32 name) private returns (uint256) {
        return _proposeRaw(address(parameters), abi.encodeCall(parameters.setFlag, (name, true)));
    }

    function _proposeRaw(address target, bytes memory data) private returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(target, data);
        vm.startPrank(_operator(0));
        uint256 id = governor.propose(targets, values, calldatas, "because");
        vm.stopPrank();
        return id;
    }

    function _cast(uint256 id, uint256 who, uint8 path, uint8 support) private returns (bool done) {
        bytes memory data = _ballot(id, who, path, support);
        if (path < 3) vm.prank(_operator(who));
        (done,) = address(governor).call(data);
    }

    /// @dev Lets the revert through, for {Vm-expectRevert}.
    function _castRaw(uint256 id, uint256 who, uint8 path, uint8 support) private {
        bytes memory data = _ballot(id, who, path, support);
        if (path < 3) vm.prank(_operator(who));
        (bool done,) = address(governor).call(data);
        done;
    }

    function _ballot(uint256 id, uint256 who, uint8 path, uint8 support) private view returns (bytes memory) {
        if (path == 0) return abi.encodeCall(IGovernor.castVote, (id, support));
        if (path == 1) return abi.encodeCall(IGovernor.castVoteWithReason, (id, support, "r"));
        if (path == 2) return abi.encodeCall(IGovernor.castVoteWithReasonAndParams, (id, support, "r", hex"01"));
        if (path == 3) {
            bytes32 digest = _ballotDigest(address(governor), block.chainid, id, support, uint32(who));
            bytes memory plain = _sign(_secret(who), digest);
            return abi.encodeCall(IGovernor.castVoteBySig, (id, support, _operator(who), plain));
        }
        bytes memory extended = _sign(_secret(who), _extendedBallotDigest(id, support, uint32(who), "r", hex"01"));
        return abi.encodeCall(
            IGovernor.castVoteWithReasonAndParamsBySig, (id, support, _operator(who), "r", hex"01", extended)
        );
    }

    function _directive(DirectiveKind kind, uint256 count) private view returns (Directive memory directive) {
        ContentId[] memory evidence = new ContentId[](count);
        for (uint256 i = 0; i < count; ++i) evidence[i] = ContentId.wrap(bytes32(i + 1));
        ContentId payload = ContentId.wrap(bytes32("payload"));
        directive = Directive(kind, bytes32("subject"), payload, 1, 2, _saltNow(), 0, evidence);
    }

    function _trackOf(address target, bytes memory data) private view returns (Track) {
        (address[] memory targets,, bytes[] memory calldatas) = _motion(target, data);
        return governor.reader().trackOf(targets, calldatas);
    }

    function _expectedTrack(DirectiveKind kind) private pure returns (Track) {
        return Track(uint8(bytes(hex"01010000010102020203010301000200")[uint8(kind)]));
    }

    function _truncated(bytes memory data, uint256 length) private pure returns (bytes memory shorter) {
        shorter = new bytes(length);
        for (uint256 i = 0; i < length; ++i) shorter[i] = data[i];
    }
}
