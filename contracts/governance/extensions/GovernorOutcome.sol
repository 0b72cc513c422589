// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Track} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} that says when a proposal has passed, by its frozen rules: at its deadline by quorum
/// and approval, before it by the fast path, and never after its expiry.
abstract contract GovernorOutcome is GovernorTracks {
    /// @inheritdoc IGovernor
    /// @dev A passed proposal that nobody carries out in time is Expired: the world it was decided for is gone.
    function state(uint256 proposalId) public view virtual override(Governor, IGovernor) returns (ProposalState) {
        ProposalState current = super.state(proposalId);

        if (current == ProposalState.Active && _fastPathReached(proposalId)) {
            current = proposalEta(proposalId) == 0 ? ProposalState.Succeeded : ProposalState.Queued;
        }
        if (current != ProposalState.Succeeded && current != ProposalState.Queued) return current;

        return clock() > proposalExpiry(proposalId) ? ProposalState.Expired : current;
    }

    /// @inheritdoc IGovernor
    /// @dev In nodes, under the rules of Operations as they are now. What counts is {proposalQuorum}.
    function quorum(uint256 timepoint) public view virtual override(Governor, IGovernor) returns (uint256) {
        (, uint32 size) = _committeeAt(timepoint);
        return _shareOf(trackRules(Track.Operations).quorum, size);
    }

    /// @inheritdoc INodeGovernor
    function proposalQuorum(uint256 proposalId) public view virtual returns (uint256) {
        ProposalSlot storage slot = _slots[proposalId];
        return _shareOf(slot.quorum, slot.committeeSize);
    }

    /// @inheritdoc INodeGovernor
    function proposalExpiry(uint256 proposalId) public view virtual returns (uint256) {
        ProposalSlot storage slot = _slots[proposalId];
        return proposalDeadline(proposalId) + slot.timelock + slot.expiry;
    }

    /// @dev See {Governor-_quorumReached}.
    function _quorumReached(uint256 proposalId) internal view virtual override returns (bool) {
        ProposalSlot storage slot = _slots[proposalId];
        return _reaches(uint256(slot.forVotes) + slot.abstainVotes, slot.quorum, slot.committeeSize);
    }

    /// @dev See {Governor-_voteSucceeded}. Of For and Against alone: Abstain helps the quorum and nothing else.
    function _voteSucceeded(uint256 proposalId) internal view virtual override returns (bool) {
        ProposalSlot storage slot = _slots[proposalId];
        uint256 forVotes = slot.forVotes;
        uint256 againstVotes = slot.againstVotes;
        return forVotes > againstVotes && _reaches(forVotes, slot.approval, forVotes + againstVotes);
    }

    /// @dev Once reached it holds for good: the state is no longer Active, so no ballot is counted after it.
    function _fastPathReached(uint256 proposalId) private view returns (bool) {
        ProposalSlot storage slot = _slots[proposalId];
        uint256 fastPath = slot.fastPath;
        return fastPath != 0 && _reaches(slot.forVotes, fastPath, slot.committeeSize) && _quorumReached(proposalId)
            && _voteSucceeded(proposalId);
    }

    function _reaches(uint256 votes, uint256 share, uint256 whole) private pure returns (bool) {
        return votes * SHARE_DENOMINATOR >= share * whole;
    }

    function _shareOf(uint256 share, uint256 whole) private pure returns (uint256) {
        return Math.ceilDiv(share * whole, SHARE_DENOMINATOR);
    }
}
