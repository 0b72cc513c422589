// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";

/// @notice A model of the governor, as simple as possible: copies of all state, loops over all accounts.
abstract contract GovernanceModel {
    struct Entry {
        uint256 number;
        uint256 id;
        address proposer;
        address target;
        bytes data;
        Track track;
        uint32 epoch;
        TrackRules rules;
        uint256 openedAt;
        uint256 eta;
        bool executed;
        bool canceled;
        address[] committee;
        address[] voters;
        uint8[] choices;
    }

    Entry[] private _entries;
    mapping(uint256 id => uint256 number) private _numbers;

    function entries() external view returns (Entry[] memory) {
        return _entries;
    }

    function expectedState(uint256 id) external view returns (IGovernor.ProposalState) {
        return _expectedState(id);
    }

    /// @notice Ballots of one support.
    function tally(uint256 id, uint8 support) public view returns (uint256 votes) {
        Entry storage entry = _entries[_numbers[id]];
        for (uint256 i = 0; i < entry.choices.length; ++i) {
            if (entry.choices[i] == support) ++votes;
        }
    }

    function hasVoted(uint256 id, address account_) public view returns (bool) {
        return _contains(_entries[_numbers[id]].voters, account_);
    }

    function _open(
        uint256 id,
        address proposer,
        address target,
        bytes memory data,
        Track track,
        uint32 epoch,
        TrackRules memory rules
    ) internal {
        Entry storage entry = _entries.push();
        entry.number = _entries.length - 1;
        _numbers[id] = entry.number;
        (entry.id, entry.proposer, entry.target, entry.data) = (id, proposer, target, data);
        (entry.track, entry.epoch, entry.rules, entry.openedAt) = (track, epoch, rules, block.timestamp);
    }

    /// @dev Of the newest entry.
    function _enfranchise(address member) internal {
        _entries[_entries.length - 1].committee.push(member);
    }

    function _count(uint256 id, address voter, uint8 support) internal {
        _entries[_numbers[id]].voters.push(voter);
        _entries[_numbers[id]].choices.push(support);
    }

    function _count() internal view returns (uint256) {
        return _entries.length;
    }

    function _entry(uint256 which) internal view returns (Entry storage) {
        return _entries[which % _entries.length];
    }

    function _idOf(uint256 which) internal view returns (uint256) {
        return _entry(which).id;
    }

    function _mayVote(uint256 id, address account_) internal view returns (bool) {
        return _expectedState(id) == IGovernor.ProposalState.Active
            && _contains(_entries[_numbers[id]].committee, account_) && !hasVoted(id, account_);
    }

    function _openBy(address proposer, Track track) internal view returns (uint256 open) {
        for (uint256 i = 0; i < _entries.length; ++i) {
            if (_entries[i].proposer != proposer || _entries[i].track != track) continue;
            IGovernor.ProposalState current = _expectedState(_entries[i].id);
            if (current == IGovernor.ProposalState.Pending || current == IGovernor.ProposalState.Active) ++open;
        }
    }

    function _expectedState(uint256 id) internal view returns (IGovernor.ProposalState) {
        Entry storage entry = _entries[_numbers[id]];
        TrackRules storage rules = entry.rules;
        uint256 opens = entry.openedAt + rules.votingDelay;
        uint256 closes = opens + rules.votingPeriod;

        if (entry.executed) return IGovernor.ProposalState.Executed;
        if (entry.canceled) return IGovernor.ProposalState.Canceled;
        if (block.timestamp <= opens) return IGovernor.ProposalState.Pending;
        bool quick = rules.fastPath != 0 && tally(id, 1) * 10_000 >= rules.fastPath * entry.committee.length;
        if (block.timestamp <= closes && !(quick && _passes(id))) return IGovernor.ProposalState.Active;
        if (!_passes(id)) return IGovernor.ProposalState.Defeated;
        if (block.timestamp > closes + rules.timelock + rules.expiry) return IGovernor.ProposalState.Expired;
        return entry.eta == 0 ? IGovernor.ProposalState.Succeeded : IGovernor.ProposalState.Queued;
    }

    function _passes(uint256 id) private view returns (bool) {
        Entry storage entry = _entries[_numbers[id]];
        (uint256 against, uint256 pro, uint256 abstain) = (tally(id, 0), tally(id, 1), tally(id, 2));
        return (pro + abstain) * 10_000 >= entry.rules.quorum * entry.committee.length && pro > against
            && pro * 10_000 >= entry.rules.approval * (pro + against);
    }

    function _contains(address[] storage list, address account_) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == account_) return true;
        }
        return false;
    }
}
