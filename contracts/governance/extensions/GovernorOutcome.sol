// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Track} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTally} from "../ProposalTally.sol";
import {GovernorBallots} from "./GovernorBallots.sol";

/// @dev Extension of {Governor} that says when a proposal has passed, by its frozen rules: at its deadline by quorum
/// and approval, before it by the fast path, and never after its expiry.
abstract contract GovernorOutcome is GovernorBallots {
    /// @inheritdoc IGovernor
    /// @dev Differs from {Governor-state} by the fast path, and in that a passed proposal which is not executed in time is
    /// Expired: what justified it no longer holds. Reads the tally first, to save the gas of ballots: a vote that is
    /// open is Active.
    function state(uint256 proposalId) public view virtual override(Governor, IGovernor) returns (ProposalState) {
        if (_isVoteOpen(_tallies[proposalId])) return ProposalState.Active;

        ProposalState current = super.state(proposalId);
        if (current == ProposalState.Active) {
            // Closed before its time: by the fast path, or by a suspension.
            if (!_quorumReached(proposalId)) return ProposalState.Defeated;
            current = proposalEta(proposalId) == 0 ? ProposalState.Succeeded : ProposalState.Queued;
        }
        if (current != ProposalState.Succeeded && current != ProposalState.Queued) return current;

        return clock() > proposalExpiry(proposalId) ? ProposalState.Expired : current;
    }

    /// @inheritdoc IGovernor
    /// @dev In nodes, by the current rules of Operations. Proposals are decided by {proposalQuorum}.
    function quorum(uint256 timepoint) public view virtual override(Governor, IGovernor) returns (uint256) {
        return _quorumAt(timepoint, trackRules(Track.Operations).quorum);
    }

    /// @inheritdoc INodeGovernor
    function proposalQuorum(uint256 proposalId) public view virtual returns (uint256) {
        return _tallies[proposalId].neededFor();
    }

    /// @inheritdoc INodeGovernor
    /// @dev From the end of the vote until it is queued, then from the end of its timelock.
    function proposalExpiry(uint256 proposalId) public view virtual returns (uint256) {
        uint256 eta = proposalEta(proposalId);
        return (eta == 0 ? proposalDeadline(proposalId) : eta) + _rulesOf(_tallies[proposalId]).expiry;
    }

    /// @dev See {Governor-_quorumReached}. Abstain helps nothing pass.
    function _quorumReached(uint256 proposalId) internal view virtual override returns (bool) {
        ProposalTally tally = _tallies[proposalId];
        return tally.forVotes() >= tally.neededFor();
    }

    /// @dev See {Governor-_voteSucceeded}.
    function _voteSucceeded(uint256 proposalId) internal view virtual override returns (bool) {
        ProposalTally tally = _tallies[proposalId];
        uint256 forVotes = tally.forVotes();
        uint256 againstVotes = tally.againstVotes();
        return forVotes > againstVotes
            && forVotes * SHARE_DENOMINATOR >= _rulesOf(tally).approval * (forVotes + againstVotes);
    }

    /// @dev See {Governor-_cancel}.
    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal virtual override returns (uint256 proposalId) {
        proposalId = super._cancel(targets, values, calldatas, descriptionHash);
        _tallies[proposalId] = _tallies[proposalId].canceled();
    }
}
