// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {InvariantTest} from "../Vm.sol";
import {GovernanceModel} from "./GovernanceModel.sol";
import {NodeGovernorHandler} from "./NodeGovernorHandler.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice For any calls by any accounts in any order, the governor agrees with the model.
contract NodeGovernorInvariants is InvariantTest, GovernanceTest {
    uint256 private constant GENESIS_SIZE = 5;

    NodeGovernorHandler private handler;

    function setUp() external {
        TrackRules memory rules = _rules();
        (rules.fastPath, rules.openLimit) = (true, 2);
        TrackRules[4] memory tracks = _everywhere(rules);
        TrackRules memory quick = _rules();
        (quick.votingDelay, quick.votingPeriod, quick.timelock) = (0, 60, 0);
        tracks[3] = _everywhere(quick)[3];
        vm.warp(10 days);
        _build(GENESIS_SIZE, tracks);
        handler = new NodeGovernorHandler(governor, GENESIS_SIZE);
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 24
    /// hardhat-config: invariant.depth = 100
    function invariant_DecidesAsTheModelDoes() external view {
        require(handler.violations() == 0, handler.violation());

        GovernanceModel.Entry[] memory entries = handler.entries();
        for (uint256 i = 0; i < entries.length; ++i) {
            _checkTally(entries[i]);
            _checkFrozen(entries[i]);
            require(governor.state(entries[i].id) == handler.expectedState(entries[i].id), "state differs");
        }
    }

    /// @dev The tally is that of the ballots, and every node's part in it is known.
    function _checkTally(GovernanceModel.Entry memory entry) private view {
        (uint256 against, uint256 pro, uint256 abstain) = governor.proposalVotes(entry.id);
        require(against == handler.tally(entry.id, 0), "votes Against differ from the ballots");
        require(pro == handler.tally(entry.id, 1), "votes For differ from the ballots");
        require(abstain == handler.tally(entry.id, 2), "abstentions differ from the ballots");
        require(against + pro + abstain <= entry.committee.length, "more votes than nodes");
        for (uint256 i = 0; i < handler.ACCOUNTS(); ++i) {
            address account = handler.account(i);
            require(governor.hasVoted(entry.id, account) == handler.hasVoted(entry.id, account), "voters differ");
        }
    }

    /// @dev Nothing that was decided since has changed what the proposal is decided under.
    function _checkFrozen(GovernanceModel.Entry memory entry) private view {
        INodeGovernor.ProposalRules memory rules = governor.proposalRules(entry.id);
        (uint256 neededFor, uint256 certainFor) = handler.expectedNeeds(entry.id);
        require(rules.epoch == entry.epoch && rules.committeeSize == entry.committee.length, "the committee changed");
        require(rules.track == entry.track && rules.claim == (entry.track == Track.Emergency), "the track changed");
        require(rules.neededFor == neededFor && governor.proposalQuorum(entry.id) == neededFor, "the quorum changed");
        require(rules.fastPathFor == (entry.rules.fastPath ? certainFor : 0), "the fast path changed");
        require(rules.approval == entry.rules.approval, "a share changed");
        require(rules.timelock == entry.rules.timelock && rules.expiry == entry.rules.expiry, "a duration changed");
        require(governor.proposalSnapshot(entry.id) == entry.openedAt + entry.rules.votingDelay, "the start changed");
        require(governor.proposalDeadline(entry.id) == entry.closesAt, "the deadline changed");
    }
}
