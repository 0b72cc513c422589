// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
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
        uint256 closesAt;
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

    /// @notice The least votes For without which it does not pass, and those that end it early on a fast path.
    function expectedNeeds(uint256 id) external view returns (uint256 neededFor, uint256 certainFor) {
        Entry storage entry = _entries[_numbers[id]];
        while (!_enough(entry, neededFor)) ++neededFor;
        while (!_isCertain(entry, certainFor)) ++certainFor;
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
        entry.closesAt = block.timestamp + rules.votingDelay + rules.votingPeriod;
        // A claim of fact is decided in its window or the next.
        if (track == Track.Emergency && rules.votingDelay == 0 && bytes4(data) == IDirectiveRegistry.issue.selector) {
            entry.closesAt = ((uint256(_saltOf(data)) >> 32) + 2) * 300;
        }
    }

    /// @dev Of the newest entry.
    function _enfranchise(address member) internal {
        _entries[_entries.length - 1].committee.push(member);
    }

    /// @dev Enough votes For at the last moment give the others time to answer, once.
    function _count(uint256 id, address voter, uint8 support) internal {
        Entry storage entry = _entries[_numbers[id]];
        bool before = _enough(entry, tally(id, 1));
        entry.voters.push(voter);
        entry.choices.push(support);
        bool late = entry.closesAt < block.timestamp + entry.rules.votingPeriod / 4;
        if (!before && _enough(entry, tally(id, 1)) && late && entry.track != Track.Emergency) {
            entry.closesAt = block.timestamp + entry.rules.votingPeriod / 4;
        }
    }

    /// @dev The sixth word of the directive that `issue` takes.
    function _saltOf(bytes memory data) private pure returns (bytes32 salt) {
        assembly ("memory-safe") {
            salt := mload(add(data, 0xe4))
        }
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

    /// @dev Claims of fact, all of them on Emergency, take votes For alone.
    function _mayVote(uint256 id, address account_, uint8 support) internal view returns (bool) {
        Entry storage entry = _entries[_numbers[id]];
        bool known = entry.track == Track.Emergency ? support == 1 : support < 3;
        return known && _expectedState(id) == IGovernor.ProposalState.Active && _contains(entry.committee, account_)
            && !hasVoted(id, account_);
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
        uint256 opens = entry.openedAt + entry.rules.votingDelay;

        if (entry.executed) return IGovernor.ProposalState.Executed;
        if (entry.canceled) return IGovernor.ProposalState.Canceled;
        if (block.timestamp <= opens) return IGovernor.ProposalState.Pending;
        bool quick = entry.rules.fastPath && _isCertain(entry, tally(id, 1));
        if (block.timestamp <= entry.closesAt && !quick) return IGovernor.ProposalState.Active;
        if (!_passes(id)) return IGovernor.ProposalState.Defeated;
        uint256 since = entry.eta == 0 ? entry.closesAt : entry.eta;
        if (block.timestamp > since + entry.rules.expiry) return IGovernor.ProposalState.Expired;
        return entry.eta == 0 ? IGovernor.ProposalState.Succeeded : IGovernor.ProposalState.Queued;
    }

    /// @dev A claim of fact needs more than half. Others need the quorum, and more than a third of all whatever the quorum is.
    function _enough(Entry storage entry, uint256 pro) internal view returns (bool) {
        uint256 all = entry.committee.length;
        if (entry.track == Track.Emergency) return pro * 2 > all;
        return pro * 60_000 >= entry.rules.quorum * all && pro * 3 > all;
    }

    /// @dev Whether it passes even if all others vote Against.
    function _isCertain(Entry storage entry, uint256 pro) internal view returns (bool) {
        uint256 all = entry.committee.length;
        if (entry.track == Track.Emergency) return _enough(entry, pro);
        return _enough(entry, pro) && pro > all - pro && pro * 60_000 >= entry.rules.approval * all;
    }

    function _passes(uint256 id) private view returns (bool) {
        Entry storage entry = _entries[_numbers[id]];
        (uint256 against, uint256 pro) = (tally(id, 0), tally(id, 1));
        return _enough(entry, pro) && pro > against && pro * 60_000 >= entry.rules.approval * (pro + against);
    }

    function _contains(address[] storage list, address account_) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == account_) return true;
        }
        return false;
    }
}
