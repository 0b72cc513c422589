// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {ContentId} from "../types/ContentId.sol";
import {Track, TrackRules} from "../types/Track.sol";

/// @title What our governor adds to OpenZeppelin's
/// @notice A proposal's track, its track's rules and its committee are frozen when it is opened.
interface INodeGovernor is IGovernor {
    /// @notice Frozen at opening, one storage slot.
    struct ProposalRules {
        uint32 epoch;
        uint32 committeeSize;
        Track track;
        uint16 quorum;
        uint16 approval;
        uint16 fastPath;
        uint32 timelock;
        uint32 expiry;
    }

    /// @notice Beside `ProposalCreated`: what was frozen.
    event ProposalOpened(
        uint256 indexed proposalId, Track indexed track, uint32 epoch, uint32 committeeSize, ContentId[] evidence
    );
    event TrackSet(Track indexed track, TrackRules oldRules, TrackRules newRules);

    error GovernorInvalidTrack(Track track, string rule);
    error GovernorTooManyOpenProposals(address proposer, Track track, uint256 limit);
    error GovernorInvalidEvidence(uint256 position);
    error GovernorNotMember(address account, uint32 epoch);
    error GovernorEmptyCommittee();

    /// @notice Replaces a track's rules for proposals opened from then on. By the timelock alone.
    function setTrack(Track track, TrackRules calldata rules) external;

    function trackRules(Track track) external view returns (TrackRules memory);

    /// @notice The most careful of the tracks that a proposal's calls belong to.
    function trackOf(address[] memory targets, bytes[] memory calldatas) external view returns (Track);

    function proposalRules(uint256 proposalId) external view returns (ProposalRules memory);

    function proposalVotes(uint256 proposalId)
        external
        view
        returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes);

    /// @notice For + Abstain needed on this proposal, in nodes.
    function proposalQuorum(uint256 proposalId) external view returns (uint256);

    /// @notice After this moment (seconds) a passed proposal can no longer be queued or executed.
    function proposalExpiry(uint256 proposalId) external view returns (uint256);

    /// @notice Whether the node `index` has voted, by any path.
    function hasIndexVoted(uint256 proposalId, uint32 index) external view returns (bool);

    /// @notice May cancel what is not yet executed, can do nothing else, until `guardianExpiry` (seconds).
    function guardian() external view returns (address);

    function guardianExpiry() external view returns (uint48);
}
