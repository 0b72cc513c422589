// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {ContentId} from "../types/ContentId.sol";
import {Signers} from "../types/Signers.sol";
import {Track, TrackRules} from "../types/Track.sol";

/// @title What NodeGovernor adds to OpenZeppelin's Governor
/// @notice A proposal's track, its track's rules and its committee are frozen when it is opened.
interface INodeGovernor is IGovernor {
    /// @notice The rules and the committee of a proposal, frozen at its opening.
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

    /// @notice Emitted beside `ProposalCreated`, with what was frozen.
    event ProposalOpened(
        uint256 indexed proposalId, Track indexed track, uint32 epoch, uint32 committeeSize, ContentId[] evidence
    );
    event TrackSet(Track indexed track, TrackRules oldRules, TrackRules newRules);

    /// @notice Emitted for ballots that were counted together: who voted, as sets of node indices, 256 to a word.
    event BallotsCounted(
        uint256 indexed proposalId, uint256[] forBits, uint256[] againstBits, uint256[] abstainBits
    );

    error GovernorInvalidTrack(Track track, string rule);
    error GovernorTooManyOpenProposals(address proposer, Track track, uint256 limit);
    error GovernorInvalidEvidence(uint256 position);
    error GovernorNotMember(address account, uint32 epoch);
    error GovernorEmptyCommittee();
    /// @notice The indices `bits` of this word have voted already.
    error GovernorBallotsOverlap(uint256 word, uint256 bits);
    /// @notice The track has a voting delay, or no fast path.
    error GovernorNoFastLane(Track track);

    /// @notice Replaces a track's rules for proposals opened from then on. By the timelock alone.
    function setTrack(Track track, TrackRules calldata rules) external;

    function trackRules(Track track) external view returns (TrackRules memory);

    /// @notice Counts the votes in one aggregated BLS signature, all of them or none. A node in `signers.abstainBits` has
    /// signed both For and Against.
    function castVotesByAggregate(uint256 proposalId, Signers calldata signers, bytes calldata signature) external;

    /// @notice Counts votes that operators signed, all of them or none.
    /// @param ballots An entry of 69 bytes each, in ascending order: index (4), support (1), r (32), s and v (32,
    /// EIP-2098), of the signature that {castVoteBySig} takes.
    function castVotesBySig(uint256 proposalId, bytes calldata ballots) external;

    /// @notice Opens a proposal, counts an aggregate that reaches its fast path and queues it; on a track without a timelock
    /// executes it too.
    function decide(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        Signers calldata signers,
        bytes calldata signature
    ) external returns (uint256 proposalId);

    /// @notice The digest that a node signs to vote this way, with its operator's account or its BLS key. BLS keys sign no
    /// digest of Abstain.
    function ballotDigest(uint256 proposalId, uint8 support) external view returns (bytes32);

    /// @notice The most careful of the tracks of a proposal's calls.
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

    /// @notice Which of the 256 nodes from index `256 * position` on have voted, by any path.
    function votedBits(uint256 proposalId, uint256 position) external view returns (uint256);

    /// @notice The account that may cancel proposals not yet executed, until `guardianExpiry` (seconds).
    function guardian() external view returns (address);

    function guardianExpiry() external view returns (uint48);
}
