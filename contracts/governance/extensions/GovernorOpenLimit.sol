// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Track} from "../../types/Track.sol";
import {MAX_OPEN_LIMIT} from "../TrackBounds.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} that bounds how many proposals one seat has open (Pending or Active) on one track, by
/// its operator and its agent together, so that a faulty or hostile node cannot flood the others.
abstract contract GovernorOpenLimit is GovernorTracks {
    /// @dev The proposals that a seat has open on a track, and others that have closed since. Slots are filled in order and
    /// reused, never emptied, so the first empty one ends the list.
    mapping(address operator => mapping(Track track => uint256[MAX_OPEN_LIMIT] proposalIds)) private _slots;

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal virtual override returns (uint256 proposalId) {
        proposalId = super._propose(targets, values, calldatas, description, proposer);
        _recordOpen(proposer, proposalId);
    }

    /// @dev See {GovernorTracks-_recordOpen}. Reads every slot, so that a limit that was lowered meanwhile applies at once. A
    /// proposal that may be decided in this transaction takes none yet: once decided it is open no more.
    function _recordOpen(address proposer, uint256 proposalId) internal virtual override {
        Track track = _tallies[proposalId].track();
        uint256[MAX_OPEN_LIMIT] storage slots = _slots[nodes.operatorOf(proposer)][track];
        uint256 limit = trackRules(track).openLimit;
        uint256 free = MAX_OPEN_LIMIT;
        uint256 open = 0;

        for (uint256 i = 0; i < MAX_OPEN_LIMIT; ++i) {
            uint256 occupant = slots[i];
            if (occupant != 0 && _isOpen(occupant)) {
                if (++open == limit) revert GovernorTooManyOpenProposals(proposer, track, limit);
            } else if (free == MAX_OPEN_LIMIT) {
                free = i;
            }
            if (occupant == 0) break;
        }

        if (!_opensAtOnce) slots[free] = proposalId;
    }

    function _isOpen(uint256 proposalId) private view returns (bool) {
        // Most are past their deadline, which saves reading their state.
        if (_tallies[proposalId].closesAt() < clock()) return false;

        ProposalState current = state(proposalId);
        return current == ProposalState.Pending || current == ProposalState.Active;
    }
}
