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
        uint32 presence;
        /// The seats whose votes count: those of the committee that are not suspended, or have not lapsed.
        uint32 counted;
        /// Votes For without which nothing passes.
        uint32 neededFor;
        /// Votes For that end the vote early: no later ballot could change the result. 0 for no fast path.
        uint32 fastPathFor;
        /// For, of For + Against, that passes it at the deadline, in 60,000ths.
        uint16 approval;
        Track track;
        /// Whether it claims a fact: nodes vote For or not at all.
        bool claim;
        uint32 timelock;
        uint32 expiry;
    }

    /// @notice Emitted beside `ProposalCreated`, with what was frozen.
    event ProposalOpened(
        uint256 indexed proposalId, Track indexed track, uint32 epoch, uint32 committeeSize, ContentId[] evidence
    );
    /// @notice The vote was about to close when enough nodes had voted For; it closes at `extendedDeadline` (seconds).
    event ProposalExtended(uint256 indexed proposalId, uint64 extendedDeadline);
    event GuardianDismissed(address indexed guardian);
    event TrackSet(Track indexed track, TrackRules oldRules, TrackRules newRules);

    /// @notice Emitted for ballots that were counted together: who voted, as sets of node indices, 256 to a word.
    event BallotsCounted(
        uint256 indexed proposalId, uint256[] forBits, uint256[] againstBits, uint256[] abstainBits
    );

    /// @notice The rule at this position of {TrackRules}, counted from 0, is out of bounds.
    error GovernorInvalidTrack(Track track, uint256 rule);
    error GovernorTooManyOpenProposals(address proposer, Track track, uint256 limit);
    /// @notice The call issues a directive that is not canonically encoded, or the proposal's second one.
    error GovernorInvalidDirective(uint256 call);
    /// @notice On a track without a voting delay a directive is opened and decided in the window that its salt names, or in the
    /// next.
    error GovernorWindowPassed();
    error GovernorInvalidEvidence(uint256 position);
    error GovernorNotMember(address account, uint32 epoch);
    /// @notice The seat is suspended, or has lapsed: it was not counted when the proposal was opened.
    error GovernorNotCounted(uint32 index);
    error GovernorEmptyCommittee();
    /// @notice Only the past is certain.
    error GovernorFutureLookup(uint256 timepoint, uint256 currentTimepoint);
    error GovernorCommitteeTooLarge(uint256 size);
    /// @notice The proposal claims a fact: nodes that see it vote For, the others do not vote.
    error GovernorClaimOfFact(uint256 proposalId);
    /// @notice The guardian cannot stop its own dismissal.
    error GovernorCannotCancel(uint256 proposalId);
    error GovernorInvalidGuardianExpiry(uint48 expiry, uint48 latest);
    /// @notice This function of OpenZeppelin's Governor is not offered.
    error GovernorDisabled();
    /// @notice All of these ballots count already.
    error GovernorNothingNew(uint256 proposalId);
    /// @notice The track has a voting delay, or no fast path.
    error GovernorNoFastLane(Track track);

    /// @notice Replaces a track's rules for proposals opened from then on. By the timelock alone.
    function setTrack(Track track, TrackRules calldata rules) external;

    function trackRules(Track track) external view returns (TrackRules memory);

    /// @notice Counts the votes in one aggregated BLS signature that do not count yet; reverts if there are none, or if any
    /// signer has not signed. A node in `signers.abstainBits` has signed both For and Against.
    function castVotesByAggregate(uint256 proposalId, Signers calldata signers, bytes calldata signature) external;

    /// @notice Counts votes that agents' accounts signed and that do not count yet; reverts if there are none.
    /// @param ballots An entry for each, in ascending order: index (4 bytes), support (1), length of the signature (2), the
    /// signature that {castVoteBySig} takes, or its form of 64 bytes (EIP-2098).
    function castVotesBySig(uint256 proposalId, bytes calldata ballots) external;

    /// @notice Opens a proposal if nobody has, counts an aggregate, unless it has passed already, and if it has passed
    /// then, queues it; on a track without a timelock executes it too.
    function decide(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        Signers calldata signers,
        bytes calldata signature
    ) external returns (uint256 proposalId);

    /// @notice The digest that the node `index` signs to vote this way with its operator's or its agent's account; {castVotesBySig}
    /// takes the agent's alone.
    function ballotDigest(uint256 proposalId, uint8 support, uint32 index) external view returns (bytes32);

    /// @notice The digest that a node signs to vote this way with its BLS key: For or Against, and both for Abstain.
    function aggregateBallotDigest(uint256 proposalId, uint8 support) external view returns (bytes32);

    function proposalRules(uint256 proposalId) external view returns (ProposalRules memory);

    function proposalVotes(uint256 proposalId)
        external
        view
        returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes);

    /// @notice Votes For without which this proposal does not pass.
    function proposalQuorum(uint256 proposalId) external view returns (uint256);

    /// @notice After this moment (seconds) a passed proposal can no longer be queued or executed.
    function proposalExpiry(uint256 proposalId) external view returns (uint256);

    /// @notice Whether the node `index` has voted, by any path.
    function hasIndexVoted(uint256 proposalId, uint32 index) external view returns (bool);

    /// @notice Which of the 256 nodes from index `256 * position` on have voted, by any path.
    function votedBits(uint256 proposalId, uint256 position) external view returns (uint256);

    /// @notice Ends the guardian's power for ever. By the timelock alone.
    function dismissGuardian() external;

    /// @notice The account that may cancel proposals not yet executed, until `guardianExpiry` (seconds); zero once dismissed.
    function guardian() external view returns (address);

    function guardianExpiry() external view returns (uint48);
}
