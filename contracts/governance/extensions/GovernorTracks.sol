// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Track, TrackRules} from "../../types/Track.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTally, ProposalTallies} from "../ProposalTally.sol";
import {GovernorCommittee} from "./GovernorCommittee.sol";

/// @dev Extension of {Governor} that decides a proposal by the rules of its track. The rules and the committee are frozen
/// at its opening, so that no later change affects a vote in progress.
abstract contract GovernorTracks is GovernorCommittee {
    /// @notice 100 %, in basis points.
    uint256 public constant SHARE_DENOMINATOR = 10_000;
    /// @notice The least fast path, in basis points: less than half of all nodes must never end a vote early.
    uint256 public constant MIN_FAST_PATH = 5_000;
    /// @notice The longest duration, in seconds: longer ones would in effect stop governance.
    uint256 public constant MAX_DURATION = 90 days;
    /// @notice The most proposals that one node may have open on a track: it bounds the gas of opening one.
    uint256 public constant MAX_OPEN_LIMIT = 16;

    /// @dev Versions are appended and never changed: a proposal freezes its rules by storing their version.
    mapping(Track track => TrackRules[] versions) private _versions;
    mapping(uint256 proposalId => ProposalTally) internal _tallies;

    /// @dev The track of the proposal being opened, plus 1; 0 while none is.
    uint8 private transient _opening;

    constructor(TrackRules[4] memory tracks) {
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
    function trackOf(address[] memory targets, bytes[] memory calldatas) public view virtual returns (Track track) {
        for (uint256 i = 0; i < targets.length; ++i) {
            Track trackOfCall = _trackOfCall(targets[i], calldatas[i]);
            if (trackOfCall > track) track = trackOfCall;
        }
    }

    /// @inheritdoc INodeGovernor
    function proposalRules(uint256 proposalId) public view virtual returns (ProposalRules memory) {
        ProposalTally tally = _tallies[proposalId];
        TrackRules storage rules = _rulesOf(tally);
        return ProposalRules({
            epoch: tally.epoch(),
            committeeSize: tally.committeeSize(),
            track: tally.track(),
            quorum: rules.quorum,
            approval: rules.approval,
            fastPath: rules.fastPath,
            timelock: rules.timelock,
            expiry: rules.expiry
        });
    }

    /// @inheritdoc IGovernor
    /// @dev Of the track of the proposal being opened; of Operations in calls from outside.
    function votingDelay() public view virtual override(Governor, IGovernor) returns (uint256) {
        return _newestRules(_openingTrack()).votingDelay;
    }

    /// @inheritdoc IGovernor
    /// @dev Of the track of the proposal being opened; of Operations in calls from outside.
    function votingPeriod() public view virtual override(Governor, IGovernor) returns (uint256) {
        return _newestRules(_openingTrack()).votingPeriod;
    }

    /// @dev The track of one call. Unknown calls must be Constitution.
    function _trackOfCall(address target, bytes memory data) internal view virtual returns (Track);

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
        Track track = trackOf(targets, calldatas);

        _opening = uint8(track) + 1;
        proposalId = super._propose(targets, values, calldatas, description, proposer);
        _opening = 0;

        _freeze(proposalId, track);
    }

    function _freeze(uint256 proposalId, Track track) private {
        (uint32 epoch, uint32 size) = _committeeAt(clock() - 1);
        if (size == 0) revert GovernorEmptyCommittee();

        TrackRules[] storage versions = _versions[track];
        uint256 version = versions.length - 1;
        _tallies[proposalId] = ProposalTallies.open(
            epoch,
            SafeCast.toUint24(size),
            uint24(_shareOf(versions[version].fastPath, size)),
            SafeCast.toUint40(Governor.proposalSnapshot(proposalId)),
            SafeCast.toUint40(proposalDeadline(proposalId)),
            track,
            SafeCast.toUint16(version)
        );
    }

    /// @dev The rules that a proposal froze.
    function _rulesOf(ProposalTally tally) internal view returns (TrackRules storage) {
        return _versions[tally.track()][tally.version()];
    }

    /// @dev `share` basis points of `whole`, rounded up.
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
        if (rules.votingDelay > MAX_DURATION) revert GovernorInvalidTrack(track, "votingDelay");
        if (rules.votingPeriod == 0 || rules.votingPeriod > MAX_DURATION) {
            revert GovernorInvalidTrack(track, "votingPeriod");
        }
        if (rules.quorum > SHARE_DENOMINATOR) revert GovernorInvalidTrack(track, "quorum");
        if (rules.approval > SHARE_DENOMINATOR) revert GovernorInvalidTrack(track, "approval");
        if (rules.fastPath != 0 && (rules.fastPath < MIN_FAST_PATH || rules.fastPath > SHARE_DENOMINATOR)) {
            revert GovernorInvalidTrack(track, "fastPath");
        }
        if (rules.timelock > MAX_DURATION) revert GovernorInvalidTrack(track, "timelock");
        if (rules.expiry == 0 || rules.expiry > MAX_DURATION) revert GovernorInvalidTrack(track, "expiry");
        if (rules.openLimit == 0 || rules.openLimit > MAX_OPEN_LIMIT) revert GovernorInvalidTrack(track, "openLimit");

        TrackRules memory oldRules;
        if (_versions[track].length != 0) oldRules = _newestRules(track);
        _versions[track].push(rules);

        emit TrackSet(track, oldRules, rules);
    }
}
