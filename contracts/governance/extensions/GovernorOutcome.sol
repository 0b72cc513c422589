// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Track, TrackRules} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTally} from "../ProposalTally.sol";
import {GovernorBallots} from "./GovernorBallots.sol";

/// @dev Extension of {Governor} that says when a proposal has passed, by its frozen rules: at its deadline by quorum
/// and approval, before it by the fast path, and never after its expiry.
abstract contract GovernorOutcome is GovernorBallots {
    /// @inheritdoc IGovernor
    /// @dev Differs from {Governor-state} by the fast path, and in that a passed proposal which is not executed in time is
    /// Expired: what justified it no longer holds. Reads the tally first, to save the gas of ballots: while they
    /// count, the state is Active.
    function state(uint256 proposalId) public view virtual override(Governor, IGovernor) returns (ProposalState) {
        if (_isActive(proposalId, _tallies[proposalId])) return ProposalState.Active;

        ProposalState current = super.state(proposalId);
        if (current == ProposalState.Active) {
            current = proposalEta(proposalId) == 0 ? ProposalState.Succeeded : ProposalState.Queued;
        }
        if (current != ProposalState.Succeeded && current != ProposalState.Queued) return current;

        return clock() > proposalExpiry(proposalId) ? ProposalState.Expired : current;
    }

    /// @inheritdoc IGovernor
    /// @dev In nodes, by the current rules of Operations. Proposals are decided by {proposalQuorum}.
    function quorum(uint256 timepoint) public view virtual override(Governor, IGovernor) returns (uint256) {
        (, uint32 size) = _committeeAt(timepoint);
        return _shareOf(trackRules(Track.Operations).quorum, size);
    }

    /// @inheritdoc INodeGovernor
    function proposalQuorum(uint256 proposalId) public view virtual returns (uint256) {
        ProposalTally tally = _tallies[proposalId];
        return tally.epoch() == 0 ? 0 : _shareOf(_rulesOf(tally).quorum, tally.committeeSize());
    }

    /// @inheritdoc INodeGovernor
    function proposalExpiry(uint256 proposalId) public view virtual returns (uint256) {
        TrackRules storage rules = _rulesOf(_tallies[proposalId]);
        return proposalDeadline(proposalId) + rules.timelock + rules.expiry;
    }

    /// @dev See {Governor-_quorumReached}.
    function _quorumReached(uint256 proposalId) internal view virtual override returns (bool) {
        ProposalTally tally = _tallies[proposalId];
        return _reaches(tally.forVotes() + tally.abstainVotes(), _rulesOf(tally).quorum, tally.committeeSize());
    }

    /// @dev See {Governor-_voteSucceeded}. Abstain counts towards the quorum alone.
    function _voteSucceeded(uint256 proposalId) internal view virtual override returns (bool) {
        ProposalTally tally = _tallies[proposalId];
        uint256 forVotes = tally.forVotes();
        uint256 againstVotes = tally.againstVotes();
        return forVotes > againstVotes && _reaches(forVotes, _rulesOf(tally).approval, forVotes + againstVotes);
    }

    /// @dev See {Governor-_cancel}.
    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal virtual override returns (uint256 proposalId) {
        proposalId = super._cancel(targets, values, calldatas, descriptionHash);
        _tallies[proposalId] = _tallies[proposalId].closed();
    }

    function _reaches(uint256 votes, uint256 share, uint256 whole) private pure returns (bool) {
        return votes * SHARE_DENOMINATOR >= share * whole;
    }
}
