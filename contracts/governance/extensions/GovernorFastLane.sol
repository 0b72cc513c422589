// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Signers} from "../../types/Signers.sol";
import {Track, TrackRules} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {GovernorBallotSignatures} from "./GovernorBallotSignatures.sol";

/// @dev Extension of {Governor} that opens, decides and executes a proposal in one transaction. A proposal's id is a
/// content hash, so ballots on it can be signed before it is opened. It skips no step of a slow proposal: the same
/// functions open, count, queue and execute it, and its committee is that of an earlier second. What others have done
/// already is not done again, so nobody spoils a decision by opening it first.
abstract contract GovernorFastLane is GovernorBallotSignatures {
    /// @inheritdoc INodeGovernor
    function decide(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        Signers calldata signers,
        bytes calldata signature
    ) external virtual returns (uint256 proposalId) {
        bytes32 descriptionHash = keccak256(bytes(description));
        proposalId = getProposalId(targets, values, calldatas, descriptionHash);
        bool opening = _tallies[proposalId].epoch() == 0;
        if (opening) {
            _opensAtOnce = true;
            propose(targets, values, calldatas, description);
            _opensAtOnce = false;
        } else if (state(proposalId) == ProposalState.Executed) {
            // Before the rules are read, so that who comes when all is over loses little.
            _validateStateBitmap(proposalId, _encodeStateBitmap(ProposalState.Active));
        }
        _checkFastLane(_tallies[proposalId].track());
        // Also if another has opened it in this second.
        if (_tallies[proposalId].opensAt() == clock()) _openAtOnce(proposalId);
        // It is open if it was opened here.
        ProposalState current = opening ? ProposalState.Active : state(proposalId);
        if (current != ProposalState.Succeeded && current != ProposalState.Queued) {
            _castVotesByAggregate(proposalId, signers, signature);
            current = state(proposalId);
        }

        // Ballots that do not decide it count all the same.
        if (current == ProposalState.Active) {
            if (opening) _recordOpen(_msgSender(), proposalId);
            return proposalId;
        }
        if (current == ProposalState.Succeeded) queue(targets, values, calldatas, descriptionHash);
        if (proposalEta(proposalId) <= clock()) execute(targets, values, calldatas, descriptionHash);
    }

    /// @inheritdoc IGovernor
    /// @dev Differs from {Governor-proposalSnapshot} for proposals of the fast lane: one second before their opening, so
    /// that ballots in the same transaction count.
    function proposalSnapshot(uint256 proposalId) public view virtual override(Governor, IGovernor) returns (uint256) {
        return _tallies[proposalId].opensAt();
    }

    function _checkFastLane(Track track) private view {
        TrackRules memory rules = trackRules(track);
        if (rules.votingDelay != 0 || !rules.fastPath) revert GovernorNoFastLane(track);
    }

    function _openAtOnce(uint256 proposalId) private {
        _tallies[proposalId] = _tallies[proposalId].openedEarlier();
    }
}
