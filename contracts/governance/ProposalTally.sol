// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignerCounts} from "../types/Signers.sol";
import {Track} from "../types/Track.sol";

/// @notice What a ballot reads and writes beside its own bit, in one word: the committee, the period and the rules of the
/// vote, and the votes so far. Zero if there is no such proposal.
/// @dev From the lowest bit: epoch (32), committee size (24), votes Against, For and Abstain (24 each, in the order of
/// `support`), votes For that can end the vote early (24; 0 for no fast path), opens at (40; ballots count after this
/// second), closes at (40; and up to this one; 0 once canceled), track (8), version of the track's rules (16).
type ProposalTally is uint256;

using ProposalTallies for ProposalTally global;

library ProposalTallies {
    uint256 private constant VOTES_AT = 56;
    uint256 private constant FAST_PATH_AT = 128;
    uint256 private constant OPENS_AT = 152;
    uint256 private constant CLOSES_AT = 192;
    uint256 private constant TRACK_AT = 232;
    uint256 private constant VERSION_AT = 240;

    function open(
        uint32 epoch_,
        uint24 committeeSize_,
        uint24 fastPathVotes_,
        uint40 opensAt_,
        uint40 closesAt_,
        Track track_,
        uint16 version_
    ) internal pure returns (ProposalTally) {
        return ProposalTally.wrap(
            uint256(epoch_) | uint256(committeeSize_) << 32 | uint256(fastPathVotes_) << FAST_PATH_AT
                | uint256(opensAt_) << OPENS_AT | uint256(closesAt_) << CLOSES_AT | uint256(track_) << TRACK_AT
                | uint256(version_) << VERSION_AT
        );
    }

    /// @notice With one more vote; `support` is 0 Against, 1 For, 2 Abstain, and the caller has checked it.
    /// @dev Cannot overflow: a node votes once, and the committee's size fits into as many bits.
    function counted(ProposalTally tally, uint8 support) internal pure returns (ProposalTally) {
        unchecked {
            return ProposalTally.wrap(ProposalTally.unwrap(tally) + (1 << (VOTES_AT + 24 * uint256(support))));
        }
    }

    /// @notice With `counts` more votes, of nodes that had not voted.
    function countedAll(ProposalTally tally, SignerCounts memory counts) internal pure returns (ProposalTally) {
        unchecked {
            return ProposalTally.wrap(
                ProposalTally.unwrap(tally) + (uint256(counts.againstCount) << VOTES_AT)
                    + (uint256(counts.forCount) << (VOTES_AT + 24)) + (uint256(counts.abstainCount) << (VOTES_AT + 48))
            );
        }
    }

    /// @notice With no period in which ballots count.
    function closed(ProposalTally tally) internal pure returns (ProposalTally) {
        return ProposalTally.wrap(ProposalTally.unwrap(tally) & ~(uint256(type(uint40).max) << CLOSES_AT));
    }

    /// @notice With ballots that count from one second earlier.
    function openedEarlier(ProposalTally tally) internal pure returns (ProposalTally) {
        return ProposalTally.wrap(ProposalTally.unwrap(tally) - (1 << OPENS_AT));
    }

    function epoch(ProposalTally tally) internal pure returns (uint32) {
        return uint32(ProposalTally.unwrap(tally));
    }

    function committeeSize(ProposalTally tally) internal pure returns (uint24) {
        return uint24(ProposalTally.unwrap(tally) >> 32);
    }

    function againstVotes(ProposalTally tally) internal pure returns (uint256) {
        return uint24(ProposalTally.unwrap(tally) >> VOTES_AT);
    }

    function forVotes(ProposalTally tally) internal pure returns (uint256) {
        return uint24(ProposalTally.unwrap(tally) >> (VOTES_AT + 24));
    }

    function abstainVotes(ProposalTally tally) internal pure returns (uint256) {
        return uint24(ProposalTally.unwrap(tally) >> (VOTES_AT + 48));
    }

    function fastPathVotes(ProposalTally tally) internal pure returns (uint256) {
        return uint24(ProposalTally.unwrap(tally) >> FAST_PATH_AT);
    }

    function opensAt(ProposalTally tally) internal pure returns (uint256) {
        return uint40(ProposalTally.unwrap(tally) >> OPENS_AT);
    }

    function closesAt(ProposalTally tally) internal pure returns (uint256) {
        return uint40(ProposalTally.unwrap(tally) >> CLOSES_AT);
    }

    function track(ProposalTally tally) internal pure returns (Track) {
        return Track(uint8(ProposalTally.unwrap(tally) >> TRACK_AT));
    }

    function version(ProposalTally tally) internal pure returns (uint256) {
        return ProposalTally.unwrap(tally) >> VERSION_AT;
    }
}
