// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../../types/ContentId.sol";
import {Track, TrackRules} from "../../types/Track.sol";
import {ProposalReader} from "../ProposalReader.sol";
import {ProposalTally} from "../ProposalTally.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} whose proposals issue directives: the {ProposalReader} says which track decides on the calls
/// and which records they cite. Evidence is part of a proposal's id: other evidence makes another proposal.
abstract contract GovernorDirectives is GovernorTracks {
    /// @notice Reads the calls of proposals.
    ProposalReader public immutable reader;

    constructor(address directives_, address models_, address parameters_, TrackRules[4] memory tracks) {
        reader = new ProposalReader(directives_, models_, parameters_, nodes);
        _setTracks(tracks);
    }

    /// @dev See {GovernorTracks-_read}.
    function _read(address[] memory targets, bytes[] memory calldatas)
        internal
        view
        virtual
        override
        returns (ProposalTally, uint256, uint256, uint256, uint256, ContentId[] memory)
    {
        return reader.read(targets, calldatas);
    }

    /// @dev See {GovernorTracks-_quorumAt}.
    function _quorumAt(uint256 timepoint, uint16 share) internal view virtual override returns (uint256) {
        return reader.quorumAt(timepoint, share);
    }

    /// @dev See {GovernorTracks-_answerRules}. The reader's answer as it is: reading it would take much code.
    function _answerRules(ProposalTally tally, TrackRules memory rules) internal view virtual override {
        (, bytes memory answer) = address(reader).staticcall(abi.encodeCall(reader.rulesOf, (tally, rules)));
        assembly ("memory-safe") {
            return(add(answer, 0x20), mload(answer))
        }
    }

    /// @dev See {GovernorTracks-_checkRules}.
    function _checkRules(Track track, TrackRules memory rules) internal view virtual override {
        reader.checkRules(track, rules);
    }
}
