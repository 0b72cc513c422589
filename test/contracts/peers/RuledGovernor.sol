// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {
    GovernorPreventLateQuorum
} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorSuperQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorSuperQuorum.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {TrackRules} from "../../../contracts/types/Track.sol";

/// @notice A governor of OpenZeppelin's parts alone that follows the rules of one track, to compare ours with. What
/// its parts do not have is written down here in the plainest way: approval, expiry, a quorum of votes For, and an early
/// end once all others could vote Against in vain.
contract RuledGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorSuperQuorum,
    GovernorPreventLateQuorum,
    GovernorTimelockControl
{
    TrackRules private _rules;

    constructor(IVotes token_, TimelockController timelock_, TrackRules memory rules)
        Governor("RuledGovernor")
        GovernorSettings(rules.votingDelay, rules.votingPeriod, 1)
        GovernorVotes(token_)
        GovernorVotesQuorumFraction(rules.quorum)
        GovernorPreventLateQuorum(rules.votingPeriod / 4)
        GovernorTimelockControl(timelock_)
    {
        _rules = rules;
    }

    function quorumDenominator() public pure override returns (uint256) {
        return 60_000;
    }

    /// @dev Never a third of all or less.
    function quorum(uint256 timepoint)
        public
        view
        override(Governor, GovernorVotesQuorumFraction)
        returns (uint256)
    {
        uint256 nodes = token().getPastTotalSupply(timepoint) / 1e18;
        return Math.max(super.quorum(timepoint), (nodes / 3 + 1) * 1e18);
    }

    function superQuorum(uint256 timepoint) public view override returns (uint256) {
        if (!_rules.fastPath) return type(uint256).max;
        uint256 all = token().getPastTotalSupply(timepoint);
        return Math.max(quorum(timepoint), Math.max(all / 2 + 1, all * _rules.approval / 60_000));
    }

    function state(uint256 proposalId)
        public
        view
        override(Governor, GovernorSuperQuorum, GovernorTimelockControl)
        returns (ProposalState current)
    {
        current = super.state(proposalId);
        bool passed = current == ProposalState.Succeeded || current == ProposalState.Queued;
        uint256 eta = proposalEta(proposalId);
        uint256 since = eta == 0 ? proposalDeadline(proposalId) : eta;
        if (passed && clock() > since + _rules.expiry) return ProposalState.Expired;
    }

    function proposalVotes(uint256 proposalId)
        public
        view
        override(GovernorCountingSimple, GovernorSuperQuorum)
        returns (uint256, uint256, uint256)
    {
        return super.proposalVotes(proposalId);
    }

    function proposalDeadline(uint256 proposalId)
        public
        view
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(proposalId);
    }

    function _quorumReached(uint256 proposalId) internal view override(Governor, GovernorCountingSimple) returns (bool) {
        (, uint256 forVotes,) = proposalVotes(proposalId);
        return forVotes >= quorum(proposalSnapshot(proposalId));
    }

    function _voteSucceeded(uint256 proposalId)
        internal
        view
        override(Governor, GovernorCountingSimple)
        returns (bool)
    {
        (uint256 againstVotes, uint256 forVotes,) = proposalVotes(proposalId);
        return super._voteSucceeded(proposalId) && forVotes * 60_000 >= _rules.approval * (forVotes + againstVotes);
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
