// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../../types/ContentId.sol";
import {Track, TrackRules} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalReader} from "../ProposalReader.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} whose proposals issue directives: the {ProposalReader} says which track decides on the calls
/// and which records they cite. Evidence is part of a proposal's id: other evidence makes another proposal.
abstract contract GovernorDirectives is GovernorTracks {
    /// @notice Reads the calls of proposals.
    ProposalReader public immutable reader;

    constructor(address directives_, address models_, address parameters_, TrackRules[4] memory tracks) {
        reader = new ProposalReader(directives_, models_, parameters_, address(nodes));
        _setTracks(tracks);
    }

    /// @inheritdoc INodeGovernor
    function trackOf(address[] memory targets, bytes[] memory calldatas) public view virtual returns (Track track) {
        return reader.trackOf(targets, calldatas);
    }

    /// @dev See {GovernorTracks-_read}.
    function _read(address[] memory targets, bytes[] memory calldatas)
        internal
        view
        virtual
        override
        returns (Track, uint256, ContentId[] memory)
    {
        return reader.read(targets, calldatas);
    }

    /// @dev See {GovernorTracks-_checkRules}.
    function _checkRules(Track track, TrackRules memory rules) internal view virtual override {
        reader.checkRules(track, rules);
    }
}
