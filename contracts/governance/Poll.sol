// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignerCounts} from "../types/Signers.sol";
import {Track} from "../types/Track.sol";

/// @notice What a ballot reads and writes beside its own bit, in one word: the committee, the period and the rules of the
/// vote, and its tally. Zero if there is no such proposal.
/// @dev From the lowest bit: epoch (32), committee size (24), votes Against, For and Abstain (24 each, in the order of
/// `support`), votes For that can end the vote early (24; 0 for no fast path), opens at (40; ballots count after this
/// second), closes at (40; and up to this one; 0 once canceled), track (8), version of the track's rules (16).
type Poll is uint256;

using Polls for Poll global;

library Polls {
    uint256 private constant TALLY_AT = 56;
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
    ) internal pure returns (Poll) {
        return Poll.wrap(
            uint256(epoch_) | uint256(committeeSize_) << 32 | uint256(fastPathVotes_) << FAST_PATH_AT
                | uint256(opensAt_) << OPENS_AT | uint256(closesAt_) << CLOSES_AT | uint256(track_) << TRACK_AT
                | uint256(version_) << VERSION_AT
        );
    }

    /// @notice With one more vote; `support` is 0 Against, 1 For, 2 Abstain, and the caller has checked it.
    /// @dev Cannot overflow: a node votes once, and the committee's size fits into as many bits.
    function counted(Poll poll, uint8 support) internal pure returns (Poll) {
        unchecked {
            return Poll.wrap(Poll.unwrap(poll) + (1 << (TALLY_AT + 24 * uint256(support))));
        }
    }

    /// @notice With `counts` more votes, of nodes that had not voted.
    function countedAll(Poll poll, SignerCounts memory counts) internal pure returns (Poll) {
        unchecked {
            return Poll.wrap(
                Poll.unwrap(poll) + (uint256(counts.againstCount) << TALLY_AT) + (uint256(counts.forCount) << (TALLY_AT + 24))
                    + (uint256(counts.abstainCount) << (TALLY_AT + 48))
            );
        }
    }

    /// @notice With no period in which ballots count.
    function closed(Poll poll) internal pure returns (Poll) {
        return Poll.wrap(Poll.unwrap(poll) & ~(uint256(type(uint40).max) << CLOSES_AT));
    }

    /// @notice With ballots that count from one second earlier.
    function openedEarlier(Poll poll) internal pure returns (Poll) {
        return Poll.wrap(Poll.unwrap(poll) - (1 << OPENS_AT));
    }

    function epoch(Poll poll) internal pure returns (uint32) {
        return uint32(Poll.unwrap(poll));
    }

    function committeeSize(Poll poll) internal pure returns (uint24) {
        return uint24(Poll.unwrap(poll) >> 32);
    }

    function againstVotes(Poll poll) internal pure returns (uint256) {
        return uint24(Poll.unwrap(poll) >> TALLY_AT);
    }

    function forVotes(Poll poll) internal pure returns (uint256) {
        return uint24(Poll.unwrap(poll) >> (TALLY_AT + 24));
    }

    function abstainVotes(Poll poll) internal pure returns (uint256) {
        return uint24(Poll.unwrap(poll) >> (TALLY_AT + 48));
    }

    function fastPathVotes(Poll poll) internal pure returns (uint256) {
        return uint24(Poll.unwrap(poll) >> FAST_PATH_AT);
    }

    function opensAt(Poll poll) internal pure returns (uint256) {
        return uint40(Poll.unwrap(poll) >> OPENS_AT);
    }

    function closesAt(Poll poll) internal pure returns (uint256) {
        return uint40(Poll.unwrap(poll) >> CLOSES_AT);
    }

    function track(Poll poll) internal pure returns (Track) {
        return Track(uint8(Poll.unwrap(poll) >> TRACK_AT));
    }

    function version(Poll poll) internal pure returns (uint256) {
        return Poll.unwrap(poll) >> VERSION_AT;
    }
}
