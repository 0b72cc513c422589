// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IParameterRegistry} from "../directives/IParameterRegistry.sol";
import {IPublisherRegistry} from "../directives/IPublisherRegistry.sol";
import {IModelRegistry} from "../knowledge/IModelRegistry.sol";
import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {DirectiveKind, Directives} from "../types/Directive.sol";
import {Track, TrackRules} from "../types/Track.sol";
import {DirectiveCalldata} from "./DirectiveCalldata.sol";
import {INodeGovernor} from "./INodeGovernor.sol";
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
    address public immutable nodes;

    constructor(address directives_, address models_, address parameters_, address nodes_) {
        directives = directives_;
        models = models_;
        parameters = parameters_;
        nodes = nodes_;
    }

    /// @notice The most careful of the calls' tracks, and of the one directive that they issue, the evidence and the end of
    /// its window, before which it must be opened and decided; none and zero if they issue none. Reverts if they issue two,
    /// or one that is not canonically encoded.
    function read(address[] calldata targets, bytes[] calldata calldatas)
        external
        view
        returns (Track track, uint256 windowEnd, ContentId[] memory evidence)
    {
        for (uint256 i = 0; i < targets.length; ++i) {
            bytes memory data = calldatas[i];
            Track trackOfCall;
            if (targets[i] == directives && data.isIssue()) {
                (bool readable, DirectiveKind kind, uint256 count) = data.tryRead();
                if (!readable || windowEnd != 0) revert INodeGovernor.GovernorInvalidDirective(i);
                windowEnd = Directives.windowEnd(data.salt());
                evidence = _readEvidence(data, count);
                trackOfCall = _trackOfKind(kind);
            } else {
                trackOfCall = _trackOfCall(targets[i], data);
            }
            if (trackOfCall > track) track = trackOfCall;
        }
    }

    /// @notice The most careful of the calls' tracks.
    function trackOf(address[] calldata targets, bytes[] calldata calldatas) external view returns (Track track) {
        for (uint256 i = 0; i < targets.length; ++i) {
            Track trackOfCall = _trackOfCall(targets[i], calldatas[i]);
            if (trackOfCall > track) track = trackOfCall;
        }
    }

    /// @notice Reverts if one of the rules is out of {TrackBounds}.
    function checkRules(Track track, TrackRules calldata rules) external pure {
        uint256 position = TrackBounds.firstBroken(track, rules);
        if (position < TrackBounds.RULES) revert INodeGovernor.GovernorInvalidTrack(track, position);
    }

    function _trackOfCall(address target, bytes memory data) private view returns (Track) {
        bytes4 selector = data.selector();

        if (target == directives) {
            (bool readable, DirectiveKind kind,) = data.tryRead();
            return readable ? _trackOfKind(kind) : Track.Constitution;
        }
        if (target == models && selector == IModelRegistry.accept.selector) return Track.Operations;
        if (target == parameters && selector == IParameterRegistry.setFlag.selector) return Track.Operations;
        if (
            target == nodes
                && (selector == INodeRegistry.admit.selector || selector == INodeRegistry.remove.selector
                    || selector == INodeRegistry.rotateKey.selector)
        ) return Track.Membership;
        if (selector == IPublisherRegistry.admit.selector && _isPublishers(target)) return Track.Membership;
        if (selector == IPublisherRegistry.revoke.selector && _isPublishers(target)) return Track.Emergency;

        return Track.Constitution;
    }

    function _isPublishers(address target) private view returns (bool) {
        return target == address(IParameterRegistry(parameters).publishers());
    }

    function _trackOfKind(DirectiveKind kind) private pure returns (Track) {
        if (kind == DirectiveKind.Rollback || kind == DirectiveKind.Restart) return Track.Emergency;
        if (kind == DirectiveKind.Suspend || kind == DirectiveKind.RevokePublisher) return Track.Emergency;
        if (kind == DirectiveKind.AdmitPublisher) return Track.Membership;
        if (kind == DirectiveKind.Admit || kind == DirectiveKind.Ban || kind == DirectiveKind.RotateKey) {
            return Track.Membership;
        }
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
