// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {TrackRules} from "../types/Track.sol";
import {NodeTimelock} from "./NodeTimelock.sol";
import {ProposalTally} from "./ProposalTally.sol";
import {GovernorBallotSignatures} from "./extensions/GovernorBallotSignatures.sol";
import {GovernorBallots} from "./extensions/GovernorBallots.sol";
import {GovernorCommittee} from "./extensions/GovernorCommittee.sol";
import {GovernorDirectives} from "./extensions/GovernorDirectives.sol";
import {GovernorFastLane} from "./extensions/GovernorFastLane.sol";
import {GovernorGuardian} from "./extensions/GovernorGuardian.sol";
import {GovernorLateQuorum} from "./extensions/GovernorLateQuorum.sol";
import {GovernorOpenLimit} from "./extensions/GovernorOpenLimit.sol";
import {GovernorOutcome} from "./extensions/GovernorOutcome.sol";
import {GovernorTimelock} from "./extensions/GovernorTimelock.sol";
import {GovernorTracks} from "./extensions/GovernorTracks.sol";

/// @title How nodes decide
/// @notice OpenZeppelin's Governor with the extensions of this project, one idea each. It has no owner and cannot be
/// upgraded: whatever can change, changes by its own proposals through the timelock.
contract NodeGovernor is
    GovernorDirectives,
    GovernorOpenLimit,
    GovernorLateQuorum,
    GovernorOutcome,
    GovernorFastLane,
    GovernorTimelock,
    GovernorGuardian
{
    /// @param nodes_ Who may propose and vote.
    /// @param timelock_ Executes passed proposals; the governor must become its only proposer, canceller and executor.
    /// @param directives_ The DirectiveRegistry.
    /// @param models_ The ModelRegistry.
    /// @param parameters_ The ParameterRegistry.
    /// @param guardian_ May cancel until `guardianExpiry_` (seconds); zero for none.
    /// @param tracks The rules of Emergency, Operations, Membership and Constitution.
    constructor(
        INodeRegistry nodes_,
        NodeTimelock timelock_,
        address directives_,
        address models_,
        address parameters_,
        address guardian_,
        uint48 guardianExpiry_,
        TrackRules[4] memory tracks
    )
        Governor("NodeGovernor")
        GovernorCommittee(nodes_)
        GovernorDirectives(directives_, models_, parameters_, tracks)
        GovernorTimelock(timelock_)
        GovernorGuardian(guardian_, guardianExpiry_)
    {}

    // Overrides that Solidity requires.

    function state(uint256 proposalId)
        public
        view
        override(Governor, IGovernor, GovernorOutcome)
        returns (ProposalState)
    {
        return super.state(proposalId);
    }

    function proposalSnapshot(uint256 proposalId)
        public
        view
        override(Governor, IGovernor, GovernorFastLane)
        returns (uint256)
    {
        return super.proposalSnapshot(proposalId);
    }

    function proposalDeadline(uint256 proposalId)
        public
        view
        override(Governor, IGovernor, GovernorTracks)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function relay(address target, uint256 value, bytes calldata data)
        public
        payable
        override(Governor, GovernorTimelock)
    {
        super.relay(target, value, data);
    }

    function quorum(uint256 timepoint) public view override(Governor, IGovernor, GovernorOutcome) returns (uint256) {
        return super.quorum(timepoint);
    }

    function votingDelay() public view override(Governor, IGovernor, GovernorTracks) returns (uint256) {
        return super.votingDelay();
    }

    function votingPeriod() public view override(Governor, IGovernor, GovernorTracks) returns (uint256) {
        return super.votingPeriod();
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, IGovernor, GovernorTimelock)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override(Governor, GovernorTracks, GovernorOpenLimit) returns (uint256) {
        return super._propose(targets, values, calldatas, description, proposer);
    }

    function _castVote(uint256 proposalId, address account, uint8 support, string memory reason, bytes memory params)
        internal
        override(Governor, GovernorBallots)
        returns (uint256)
    {
        return super._castVote(proposalId, account, support, reason, params);
    }

    function _store(uint256 proposalId, ProposalTally before, ProposalTally tally)
        internal
        override(GovernorBallots, GovernorLateQuorum)
    {
        super._store(proposalId, before, tally);
    }

    function _validateVoteSig(uint256 proposalId, uint8 support, address voter, bytes memory signature)
        internal
        override(Governor, GovernorBallotSignatures)
        returns (bool)
    {
        return super._validateVoteSig(proposalId, support, voter, signature);
    }

    function _validateExtendedVoteSig(
        uint256 proposalId,
        uint8 support,
        address voter,
        string memory reason,
        bytes memory params,
        bytes memory signature
    ) internal override(Governor, GovernorBallotSignatures) returns (bool) {
        return super._validateExtendedVoteSig(proposalId, support, voter, reason, params, signature);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelock) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelock) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorOutcome, GovernorTimelock, GovernorGuardian) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _validateCancel(uint256 proposalId, address caller)
        internal
        view
        override(Governor, GovernorGuardian)
        returns (bool)
    {
        return super._validateCancel(proposalId, caller);
    }

    function _executor() internal view override(Governor, GovernorTimelock) returns (address) {
        return super._executor();
    }
}
