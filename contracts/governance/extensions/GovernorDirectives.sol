// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IParameterRegistry} from "../../directives/IParameterRegistry.sol";
import {IModelRegistry} from "../../knowledge/IModelRegistry.sol";
import {INodeRegistry} from "../../nodes/INodeRegistry.sol";
import {DirectiveKind} from "../../types/Directive.sol";
import {Track} from "../../types/Track.sol";
import {DirectiveCalldata} from "../DirectiveCalldata.sol";
import {GovernorEvidence} from "./GovernorEvidence.sol";

/// @dev Extension of {Governor} that maps each call to a track. A call that it does not know, or cannot read, is
/// Constitution.
abstract contract GovernorDirectives is GovernorEvidence {
    using DirectiveCalldata for bytes;

    /// @notice Where models are accepted.
    address public immutable models;
    /// @notice Where parameters and flags are set.
    address public immutable parameters;

    constructor(address models_, address parameters_) {
        models = models_;
        parameters = parameters_;
    }

    /// @dev See {GovernorTracks-_trackOfCall}.
    function _trackOfCall(address target, bytes memory data) internal view virtual override returns (Track) {
        bytes4 selector = data.selector();

        if (target == directives) {
            (bool readable, DirectiveKind kind,) = data.tryRead();
            return readable ? _trackOfKind(kind) : Track.Constitution;
        }
        if (target == models && selector == IModelRegistry.accept.selector) return Track.Operations;
        if (target == parameters && selector == IParameterRegistry.setFlag.selector) return Track.Operations;
        if (
            target == address(nodes)
                && (selector == INodeRegistry.admit.selector || selector == INodeRegistry.remove.selector
                    || selector == INodeRegistry.rotateKey.selector)
        ) return Track.Membership;

        return Track.Constitution;
    }

    function _trackOfKind(DirectiveKind kind) private pure returns (Track) {
        if (kind == DirectiveKind.Rollback || kind == DirectiveKind.Restart) return Track.Emergency;
        if (kind == DirectiveKind.Admit || kind == DirectiveKind.Ban || kind == DirectiveKind.RotateKey) {
            return Track.Membership;
        }
        if (kind == DirectiveKind.SetParameter || kind == DirectiveKind.SetTrack) return Track.Constitution;
        return Track.Operations;
    }
}
