// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ContentId} from "../../types/ContentId.sol";
import {Track, TrackRules} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTally} from "../ProposalTally.sol";
import {TrackBounds} from "../TrackBounds.sol";
import {GovernorCommittee} from "./GovernorCommittee.sol";

/// @dev Extension of {Governor} that decides a proposal by the rules of its track. The rules and the committee are frozen
/// at its opening, so that no later change affects a vote in progress.
abstract contract GovernorTracks is GovernorCommittee {
    /// @notice The whole that shares are of: two thirds are 40,000.
    uint256 internal constant SHARE_DENOMINATOR = TrackBounds.SHARE_DENOMINATOR;

    /// @dev The position of a rule in {TrackRules}.
    uint256 private constant APPROVAL = 3;

    /// @dev Versions are appended and never changed: a proposal freezes its rules by storing their version.
    mapping(Track track => TrackRules[] versions) private _versions;
    mapping(uint256 proposalId => ProposalTally) internal _tallies;

    /// @dev The track of the proposal being opened, plus 1, and its period in seconds; 0 while none is.
    uint8 private transient _opening;
    uint24 private transient _openingPeriod;

    /// @dev Whether the proposal being opened may be decided in the same transaction.
    bool internal transient _opensAtOnce;

    function _setTracks(TrackRules[4] memory tracks) internal {
        for (uint8 i = 0; i < tracks.length; ++i) {
            _setTrack(Track(i), tracks[i]);
        }
    }

    /// @inheritdoc INodeGovernor
    function setTrack(Track track, TrackRules calldata rules) external virtual onlyGovernance {
        _setTrack(track, rules);
    }

    /// @inheritdoc INodeGovernor
    function trackRules(Track track) public view virtual returns (TrackRules memory) {
        return _newestRules(track);
    }

    /// @inheritdoc INodeGovernor
    function proposalRules(uint256 proposalId) external view virtual returns (ProposalRules memory) {
        ProposalTally tally = _tallies[proposalId];
        _answerRules(tally, _rulesOf(tally));
    }

    /// @inheritdoc IGovernor
    /// @dev Differs from {Governor-proposalDeadline} in that a vote may have been extended.
    function proposalDeadline(uint256 proposalId) public view virtual override(Governor, IGovernor) returns (uint256) {
        return _tallies[proposalId].closesAt();
    }

    /// @inheritdoc IGovernor
    /// @dev Of the track of the proposal being opened; of Operations in calls from outside.
    function votingDelay() public view virtual override(Governor, IGovernor) returns (uint256) {
        return _newestRules(_openingTrack()).votingDelay;
    }

    /// @inheritdoc IGovernor
    /// @dev Of the track of the proposal being opened; of Operations in calls from outside.
    function votingPeriod() public view virtual override(Governor, IGovernor) returns (uint256) {
        return _opening == 0 ? _newestRules(Track.Operations).votingPeriod : _openingPeriod;
    }

    /// @dev See {ProposalReader-read}.
    function _read(address[] memory targets, bytes[] memory calldatas)
        internal
        view
        virtual
        returns (
            ProposalTally tally,
            uint256 windowEnd,
            uint256 size,
            uint256 counted,
            uint256 leastFor,
            ContentId[] memory evidence
        );

    /// @dev The quorum of `share` 60,000ths for the seats that counted at `timepoint`.
    function _quorumAt(uint256 timepoint, uint16 share) internal view virtual returns (uint256);

    /// @dev Ends the call with the answer of {proposalRules}.
    function _answerRules(ProposalTally tally, TrackRules memory rules) internal view virtual;

    /// @dev Counts the proposal among those that `proposer` has open.
    function _recordOpen(address proposer, uint256 proposalId) internal virtual;

    /// @dev Reverts if one of the rules is out of bounds.
    function _checkRules(Track track, TrackRules memory rules) internal view virtual;

    /// @dev The committee is that of an earlier second, so that no node joins it because of the proposal.
    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal virtual override returns (uint256 proposalId) {
        if (targets.length != calldatas.length) {
            revert GovernorInvalidProposalLength(targets.length, calldatas.length, values.length);
        }
        (
            ProposalTally tally,
            uint256 windowEnd,
            uint256 size,
            uint256 counted,
            uint256 leastFor,
            ContentId[] memory evidence
        ) = _read(targets, calldatas);
        Track track = tally.track();
        TrackRules storage rules = _newestRules(track);
        uint256 period = rules.votingPeriod;
        // Without a delay, ballots are signed before the opening, which is in their window or the next.
        if (windowEnd != 0 && rules.votingDelay == 0) {
            if (windowEnd <= clock()) revert GovernorWindowPassed();
            // A claim of fact ends with its window. Any other vote lasts the track's period, so that opponents have time.
            if (tally.isClaim()) period = windowEnd - clock();
        }

        (_opening, _openingPeriod) = (uint8(track) + 1, uint24(period));
        proposalId = super._propose(targets, values, calldatas, description, proposer);
        (_opening, _openingPeriod) = (0, 0);

        _tallies[proposalId] = _freeze(proposalId, tally, counted, leastFor, period);
        emit ProposalOpened(proposalId, track, tally.epoch(), uint32(size), evidence);
    }

    function _freeze(uint256 proposalId, ProposalTally tally, uint256 counted, uint256 leastFor, uint256 period)
        private
        view
        returns (ProposalTally)
    {
        TrackRules[] storage versions = _versions[tally.track()];
        uint256 version = versions.length - 1;
        (uint256 needed, uint256 fastPath) = _needs(versions[version], tally.isClaim(), counted, leastFor);
        uint40 opensAt = uint40(Governor.proposalSnapshot(proposalId));
        return tally.opened(needed, fastPath, opensAt, uint24(period), uint24(version));
    }

    /// @dev What the votes For must reach: never less than `leastFor`, whatever the rules say. A claim of fact is decided by more
    /// than half of the counted seats, early or not at all.
    function _needs(TrackRules storage rules, bool claim, uint256 counted, uint256 leastFor)
        private
        view
        returns (uint256 needed, uint256 fastPath)
    {
        uint256 majority = counted / 2 + 1;
        needed = Math.max(claim ? majority : _shareOf(rules.quorum, counted), leastFor);
        if (!rules.fastPath) return (needed, 0);
        // No later ballot can change what has reached this.
        fastPath = claim ? needed : Math.max(needed, Math.max(majority, _shareOf(rules.approval, counted)));
    }

    /// @dev The rules that a proposal froze.
    function _rulesOf(ProposalTally tally) internal view returns (TrackRules storage) {
        return _versions[tally.track()][tally.version()];
    }

    /// @dev `share` 60,000ths of `whole`, rounded up.
    function _shareOf(uint256 share, uint256 whole) internal pure returns (uint256) {
        return Math.ceilDiv(share * whole, SHARE_DENOMINATOR);
    }

    function _newestRules(Track track) private view returns (TrackRules storage) {
        TrackRules[] storage versions = _versions[track];
        return versions[versions.length - 1];
    }

    function _openingTrack() private view returns (Track) {
        return _opening == 0 ? Track.Operations : Track(_opening - 1);
    }

    function _setTrack(Track track, TrackRules memory rules) private {
        _checkRules(track, rules);
        _checkApproval(track, rules.approval);

        TrackRules memory oldRules;
        if (_versions[track].length != 0) oldRules = _newestRules(track);
        _versions[track].push(rules);

        emit TrackSet(track, oldRules, rules);
    }

    /// @dev Who decides on members decides on everything, in the end: Membership never needs less approval than
    /// Constitution.
    function _checkApproval(Track track, uint256 approval) private view {
        bool broken;
        if (track == Track.Membership && _versions[Track.Constitution].length != 0) {
            broken = approval < _newestRules(Track.Constitution).approval;
        } else if (track == Track.Constitution) {
            broken = approval > _newestRules(Track.Membership).approval;
        }
        if (broken) revert GovernorInvalidTrack(track, APPROVAL);
    }
}
