// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IParameterRegistry} from "../directives/IParameterRegistry.sol";
import {IPublisherRegistry} from "../directives/IPublisherRegistry.sol";
import {IModelRegistry} from "../knowledge/IModelRegistry.sol";
import {INodeChanges} from "../nodes/INodeChanges.sol";
import {INodePresence} from "../nodes/INodePresence.sol";
import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {DirectiveKind, Directives} from "../types/Directive.sol";
import {Track, TrackRules} from "../types/Track.sol";
import {DirectiveCalldata} from "./DirectiveCalldata.sol";
import {INodeGovernor} from "./INodeGovernor.sol";
import {ProposalTallies, ProposalTally} from "./ProposalTally.sol";
import {TrackBounds} from "./TrackBounds.sol";

/// @title What a proposal's calls ask for
/// @notice Which track decides on them, and the records that they cite. A call that it does not know, or cannot read, is
/// Constitution.
/// @dev A contract of its own, which the governor creates, since the governor's code has a limit of size. It has no state.
contract ProposalReader {
    using DirectiveCalldata for bytes;

    /// @notice Where directives are issued.
    address public immutable directives;
    /// @notice Where models are accepted.
    address public immutable models;
    /// @notice Where parameters and flags are set.
    address public immutable parameters;
    /// @notice Where members are admitted and removed.
    INodeRegistry public immutable nodes;
    /// @notice Where seats are suspended.
    INodePresence public immutable presences;

    constructor(address directives_, address models_, address parameters_, INodeRegistry nodes_) {
        directives = directives_;
        models = models_;
        parameters = parameters_;
        nodes = nodes_;
        presences = nodes_.presences();
    }

    /// @notice What the calls ask for, and the seats that decide on it: those of the second before, so that none joins because of
    /// it. Reverts if the calls issue two directives, or one that is not canonically encoded.
    /// @return tally The epoch, the presence, and the most careful of the calls' tracks.
    /// @return windowEnd The end of the window of the directive that they issue, before which it must be opened and decided; zero
    /// if they issue none.
    /// @return size All seats.
    /// @return counted The seats that are counted.
    /// @return leastFor More than a third of all seats; to suspend some, more than half.
    /// @return evidence The records that the directive cites.
    function read(address[] calldata targets, bytes[] calldata calldatas)
        external
        view
        returns (
            ProposalTally tally,
            uint256 windowEnd,
            uint256 size,
            uint256 counted,
            uint256 leastFor,
            ContentId[] memory evidence
        )
    {
        Track track;
        bool halfOfAll;
        (track, halfOfAll, windowEnd, evidence) = _read(targets, calldatas, true);
        uint32 epoch;
        uint32 presence;
        (epoch, size, presence, counted) = nodes.countedAt(uint48(block.timestamp - 1), track > Track.Operations);
        if (size == 0) revert INodeGovernor.GovernorEmptyCommittee();
        if (size > ProposalTallies.MAX_COMMITTEE) revert INodeGovernor.GovernorCommitteeTooLarge(size);
        tally = ProposalTallies.asked(epoch, presence, track);
        leastFor = size / (halfOfAll ? 2 : 3) + 1;
    }

    /// @notice Of the seats that counted at `timepoint` (seconds), `share` 60,000ths, and more than a third of all.
    function quorumAt(uint256 timepoint, uint16 share) external view returns (uint256) {
        if (timepoint >= block.timestamp) revert INodeGovernor.GovernorFutureLookup(timepoint, block.timestamp);
        (, uint32 size,, uint32 counted) = nodes.countedAt(uint48(timepoint), false);
        return Math.max(Math.ceilDiv(uint256(share) * counted, TrackBounds.SHARE_DENOMINATOR), size / 3 + 1);
    }

    /// @notice What {INodeGovernor-proposalRules} tells of a proposal with this tally and these rules.
    function rulesOf(ProposalTally tally, TrackRules calldata rules)
        external
        view
        returns (INodeGovernor.ProposalRules memory)
    {
        (uint32 epoch, uint32 presence) = (tally.epoch(), tally.presence());
        uint32 size = epoch == 0 ? 0 : nodes.committee(epoch).size;
        return INodeGovernor.ProposalRules({
            epoch: epoch,
            committeeSize: size,
            presence: presence,
            counted: presence == 0 ? size : presences.countedOf(epoch, presence, tally.isCareful()),
            neededFor: uint32(tally.neededFor()),
            fastPathFor: uint32(tally.fastPathFor()),
            approval: rules.approval,
            track: tally.track(),
            claim: tally.isClaim(),
            timelock: rules.timelock,
            expiry: rules.expiry
        });
    }

    /// @notice The most careful of the calls' tracks.
    function trackOf(address[] calldata targets, bytes[] calldata calldatas) external view returns (Track track) {
        (track,,,) = _read(targets, calldatas, false);
    }

    /// @notice Reverts if one of the rules is out of {TrackBounds}.
    function checkRules(Track track, TrackRules calldata rules) external pure {
        uint256 position = TrackBounds.firstBroken(track, rules);
        if (position < TrackBounds.RULES) revert INodeGovernor.GovernorInvalidTrack(track, position);
    }

    /// @dev A suspension or a revocation is of the Emergency track beside a directive of its kind alone: else nothing would end its
    /// ballots.
    /// @param strict Whether to revert for what nobody can open; else it is of the Constitution track.
    function _read(address[] calldata targets, bytes[] calldata calldatas, bool strict)
        private
        view
        returns (Track track, bool halfOfAll, uint256 windowEnd, ContentId[] memory evidence)
    {
        bool suspends;
        bool revokes;
        bool revocation;
        for (uint256 i = 0; i < targets.length; ++i) {
            bytes memory data = calldatas[i];
            Track trackOfCall = Track.Constitution;
            if (targets[i] == directives) {
                (bool readable, DirectiveKind kind, uint256 count) = data.tryRead();
                if (readable && windowEnd == 0) {
                    windowEnd = Directives.windowEnd(data.salt());
                    if (strict) evidence = _readEvidence(data, count);
                    (halfOfAll, revocation) = (kind == DirectiveKind.Suspend, kind == DirectiveKind.RevokePublisher);
                    trackOfCall = _trackOfKind(kind);
                } else if (strict && data.isIssue()) {
                    revert INodeGovernor.GovernorInvalidDirective(i);
                }
            } else {
                trackOfCall = _trackOfCall(targets[i], data);
                if (_isSuspend(targets[i], data)) suspends = true;
                else if (_isRevoke(targets[i], data)) revokes = true;
            }
            if (trackOfCall > track) track = trackOfCall;
        }
        if (revokes && !revocation) track = Track.Constitution;
        if (suspends && !halfOfAll) (track, halfOfAll) = (Track.Constitution, true);
    }

    function _trackOfCall(address target, bytes memory data) private view returns (Track) {
        bytes4 selector = data.selector();

        if (_isSuspend(target, data)) return Track.Emergency;
        if (target == models && selector == IModelRegistry.accept.selector) return Track.Operations;
        if (target == parameters && selector == IParameterRegistry.setFlag.selector) return Track.Operations;
        if (
            target == address(nodes)
                && (selector == INodeChanges.admit.selector || selector == INodeChanges.remove.selector
                    || selector == INodeChanges.changeOperator.selector)
        ) return Track.Membership;
        if (selector == IPublisherRegistry.admit.selector && _isPublishers(target)) return Track.Membership;
        if (_isRevoke(target, data)) return Track.Emergency;

        return Track.Constitution;
    }

    function _isPublishers(address target) private view returns (bool) {
        return target == address(IParameterRegistry(parameters).publishers());
    }

    function _isRevoke(address target, bytes memory data) private view returns (bool) {
        return data.selector() == IPublisherRegistry.revoke.selector && _isPublishers(target);
    }

    function _isSuspend(address target, bytes memory data) private view returns (bool) {
        return target == address(presences) && data.selector() == INodePresence.suspend.selector;
    }

    function _trackOfKind(DirectiveKind kind) private pure returns (Track) {
        if (
            kind == DirectiveKind.Rollback || kind == DirectiveKind.Restart || kind == DirectiveKind.Suspend
                || kind == DirectiveKind.RevokePublisher
        ) return Track.Emergency;
        if (
            kind == DirectiveKind.Admit || kind == DirectiveKind.Ban || kind == DirectiveKind.ChangeOperator
                || kind == DirectiveKind.AdmitPublisher
        ) return Track.Membership;
        if (kind == DirectiveKind.SetParameter || kind == DirectiveKind.SetTrack) return Track.Constitution;
        return Track.Operations;
    }

    /// @dev Strictly ascending and nonzero, so that one set of records has one encoding and no record counts twice.
    function _readEvidence(bytes memory data, uint256 count) private pure returns (ContentId[] memory evidence) {
        if (count > Directives.MAX_EVIDENCE) revert INodeGovernor.GovernorInvalidEvidence(Directives.MAX_EVIDENCE);

        evidence = new ContentId[](count);
        bytes32 previous;
        for (uint256 i = 0; i < count; ++i) {
            evidence[i] = data.evidenceAt(i);
            if (ContentId.unwrap(evidence[i]) <= previous) revert INodeGovernor.GovernorInvalidEvidence(i);
            previous = ContentId.unwrap(evidence[i]);
        }
    }
}
