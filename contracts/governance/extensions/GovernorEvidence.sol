// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../../types/ContentId.sol";
import {Directives} from "../../types/Directive.sol";
import {DirectiveCalldata} from "../DirectiveCalldata.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} for proposals that cite records. The evidence is that of the directive which the proposal
/// would issue, so it is part of the proposal's id: other evidence makes another proposal.
abstract contract GovernorEvidence is GovernorTracks {
    using DirectiveCalldata for bytes;

    /// @notice The most records that a proposal may cite.
    uint256 public constant MAX_EVIDENCE = Directives.MAX_EVIDENCE;

    /// @notice The call issues a directive that is not canonically encoded, or the proposal's second one.
    error GovernorInvalidDirective(uint256 call);

    /// @notice Where directives are issued.
    address public immutable directives;

    constructor(address directives_) {
        directives = directives_;
    }

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal virtual override returns (uint256 proposalId) {
        proposalId = super._propose(targets, values, calldatas, description, proposer);

        ProposalRules memory rules = proposalRules(proposalId);
        emit ProposalOpened(
            proposalId, rules.track, rules.epoch, rules.committeeSize, _evidenceOf(targets, calldatas)
        );
    }

    /// @dev The evidence of the proposal's one directive; empty if it issues none.
    function _evidenceOf(address[] memory targets, bytes[] memory calldatas)
        private
        view
        returns (ContentId[] memory evidence)
    {
        bool found;
        for (uint256 i = 0; i < targets.length; ++i) {
            if (targets[i] != directives || !calldatas[i].isIssue()) continue;

            (bool readable,, uint256 count) = calldatas[i].tryRead();
            if (!readable || found) revert GovernorInvalidDirective(i);
            found = true;
            evidence = _readEvidence(calldatas[i], count);
        }
    }

    /// @dev Strictly ascending and nonzero, so that one set of records has one encoding and no record counts twice.
    function _readEvidence(bytes memory data, uint256 count) private pure returns (ContentId[] memory evidence) {
        if (count > MAX_EVIDENCE) revert GovernorInvalidEvidence(MAX_EVIDENCE);

        evidence = new ContentId[](count);
        bytes32 previous;
        for (uint256 i = 0; i < count; ++i) {
            evidence[i] = data.evidenceAt(i);
            if (ContentId.unwrap(evidence[i]) <= previous) revert GovernorInvalidEvidence(i);
            previous = ContentId.unwrap(evidence[i]);
        }
    }
}
