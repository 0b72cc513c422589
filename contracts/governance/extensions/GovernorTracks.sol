// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ContentId} from "../../types/ContentId.sol";
import {Track, TrackRules} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTallies, ProposalTally} from "../ProposalTally.sol";
import {TrackBounds} from "../TrackBounds.sol";
import {GovernorCommittee} from "./GovernorCommittee.sol";

/// @dev Extension of {Governor} that decides a proposal by the rules of its track. The rules and the committee are frozen
/// at its opening, so that no later change affects a vote in progress.
abstract contract GovernorTracks is GovernorCommittee {
    /// @notice The whole that shares are of: two thirds are 40,000.
    uint256 public constant SHARE_DENOMINATOR = TrackBounds.SHARE_DENOMINATOR;
    /// @notice The most proposals that one node may have open on a track.
    uint256 public constant MAX_OPEN_LIMIT = 16;

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
    function proposalRules(uint256 proposalId) public view virtual returns (ProposalRules memory) {
        ProposalTally tally = _tallies[proposalId];
        TrackRules storage rules = _rulesOf(tally);
        uint32 size = tally.epoch() == 0 ? 0 : nodes.committee(tally.epoch()).size;
        return ProposalRules({
            epoch: tally.epoch(),
            committeeSize: size,
            neededFor: uint32(tally.neededFor()),
            fastPathFor: uint32(tally.fastPathFor()),
            approval: rules.approval,
            track: tally.track(),
            claim: tally.isClaim(),
            timelock: rules.timelock,
            expiry: rules.expiry
        });
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

    /// @dev The most careful track of the calls, and of the directive that they issue, the end of its window (seconds) and the
    /// records that it cites; zero and none if they issue none.
    function _read(address[] memory targets, bytes[] memory calldatas)
        internal
        view
        virtual
        returns (Track track, uint256 windowEnd, ContentId[] memory evidence);

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
        (Track track, uint256 windowEnd, ContentId[] memory evidence) = _read(targets, calldatas);
        TrackRules storage rules = _newestRules(track);
        uint256 period = rules.votingPeriod;
        // Without a delay, ballots are signed before the opening: they count in their window and the next, and never after.
        if (windowEnd != 0 && rules.votingDelay == 0) {
            if (windowEnd <= clock()) revert GovernorWindowPassed();
            period = windowEnd - clock();
        }

        (_opening, _openingPeriod) = (uint8(track) + 1, uint24(period));
        proposalId = super._propose(targets, values, calldatas, description, proposer);
        (_opening, _openingPeriod) = (0, 0);

        (uint32 epoch, uint256 size) = _freeze(proposalId, track, period);
        emit ProposalOpened(proposalId, track, epoch, uint32(size), evidence);
    }

    /// @dev What the votes For must reach. Whatever the rules say, no order passes with one third of all seats or less. A claim of
    /// fact is decided by more than half of the counted seats, early or not at all.
    function _freeze(uint256 proposalId, Track track, uint256 period) private returns (uint32 epoch, uint256 size) {
        uint256 openingAt = Governor.proposalSnapshot(proposalId);
        (epoch, size) = _committeeAt(clock() - 1);
        if (size == 0) revert GovernorEmptyCommittee();
        if (size > ProposalTallies.MAX_COMMITTEE) revert GovernorCommitteeTooLarge(size);

        TrackRules[] storage versions = _versions[track];
        uint256 version = versions.length - 1;
        TrackRules storage rules = versions[version];
        bool claim = track == Track.Emergency;
        uint256 majority = size / 2 + 1;
        uint256 needed = Math.max(claim ? majority : _shareOf(rules.quorum, size), size / 3 + 1);
        // No later ballot can change what has reached this.
        uint256 fastPath = claim ? needed : Math.max(needed, Math.max(majority, _shareOf(rules.approval, size)));
        _tallies[proposalId] = ProposalTallies.open(
            ProposalTallies.Frozen({
                epoch: epoch,
                presence: 0,
                neededFor: needed,
                fastPathFor: rules.fastPath ? fastPath : 0,
                opensAt: SafeCast.toUint40(openingAt),
                period: uint24(period),
                track: track,
                version: SafeCast.toUint24(version),
                claim: claim
            })
        );
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
