// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignerCounts} from "../types/Signers.sol";
import {Track} from "../types/Track.sol";

/// @notice What a ballot reads and writes beside its own bit, in one word: the committee, the period and the needs of the
/// vote, and its tally. Zero if there is no such proposal.
/// @dev From the lowest bit: epoch (32), presence (32), votes For that make it valid (20), votes Against, For and Abstain
/// (20 each, in the order of `support`), votes For that end it early (20; 0 for no fast path), opens at (40; ballots count
/// after this second), seconds that it stays open (24), track (2), version of the track's rules (24, more than votes could
/// ever use up), and two flags: it is a claim of fact, it was canceled.
type ProposalTally is uint256;

using ProposalTallies for ProposalTally global;

library ProposalTallies {
    /// @notice The most seats that a committee may have: each count takes 20 bits.
    uint256 internal constant MAX_COMMITTEE = (1 << 20) - 1;

    uint256 private constant PRESENCE_AT = 32;
    uint256 private constant NEEDED_AT = 64;
    uint256 private constant VOTES_AT = 84;
    uint256 private constant VOTES_LENGTH = 20;
    uint256 private constant FAST_PATH_AT = 144;
    uint256 private constant OPENS_AT = 164;
    uint256 private constant PERIOD_AT = 204;
    uint256 private constant TRACK_AT = 228;
    uint256 private constant VERSION_AT = 230;
    uint256 private constant CLAIM = 1 << 254;
    uint256 private constant CANCELED = 1 << 255;

    /// @notice What the calls of a proposal decide of it. On the track of emergencies it is a claim of fact: only votes For count.
    function asked(uint32 epoch_, uint32 presence_, Track track_) internal pure returns (ProposalTally) {
        return ProposalTally.wrap(
            uint256(epoch_) | uint256(presence_) << PRESENCE_AT | uint256(track_) << TRACK_AT
                | (track_ == Track.Emergency ? CLAIM : 0)
        );
    }

    /// @notice With what is frozen of the rules: the votes For that make it valid, those that end it early (0 for no fast path),
    /// when it opens, for how long, and the version of the rules.
    function opened(
        ProposalTally tally,
        uint256 neededFor_,
        uint256 fastPathFor_,
        uint40 opensAt_,
        uint24 period,
        uint24 version_
    ) internal pure returns (ProposalTally) {
        return ProposalTally.wrap(
            ProposalTally.unwrap(tally) | neededFor_ << NEEDED_AT | fastPathFor_ << FAST_PATH_AT
                | uint256(opensAt_) << OPENS_AT | uint256(period) << PERIOD_AT | uint256(version_) << VERSION_AT
        );
    }

    /// @notice With one more vote; `support` is 0 Against, 1 For, 2 Abstain, and the caller has checked it.
    /// @dev Cannot overflow: a node votes once, and the committee's size fits into as many bits.
    function counted(ProposalTally tally, uint8 support) internal pure returns (ProposalTally) {
        unchecked {
            return ProposalTally.wrap(
                ProposalTally.unwrap(tally) + (1 << (VOTES_AT + VOTES_LENGTH * uint256(support)))
            );
        }
    }

    /// @notice With `counts` more votes, of nodes that had not voted.
    function countedAll(ProposalTally tally, SignerCounts memory counts) internal pure returns (ProposalTally) {
        unchecked {
            return ProposalTally.wrap(
                ProposalTally.unwrap(tally) + (uint256(counts.againstCount) << VOTES_AT)
                    + (uint256(counts.forCount) << (VOTES_AT + VOTES_LENGTH))
                    + (uint256(counts.abstainCount) << (VOTES_AT + 2 * VOTES_LENGTH))
            );
        }
    }

    /// @notice With no period in which ballots count.
    function canceled(ProposalTally tally) internal pure returns (ProposalTally) {
        return ProposalTally.wrap(ProposalTally.unwrap(tally) | CANCELED);
    }

    /// @notice With ballots that count up to the second `closesAt_`.
    function extended(ProposalTally tally, uint256 closesAt_) internal pure returns (ProposalTally) {
        uint256 period = closesAt_ - tally.opensAt();
        return ProposalTally.wrap(
            (ProposalTally.unwrap(tally) & ~(uint256(type(uint24).max) << PERIOD_AT)) | period << PERIOD_AT
        );
    }

    /// @notice With ballots that count from one second earlier; the deadline stays.
    function openedEarlier(ProposalTally tally) internal pure returns (ProposalTally) {
        return ProposalTally.wrap(ProposalTally.unwrap(tally) - (1 << OPENS_AT) + (1 << PERIOD_AT));
    }

    function epoch(ProposalTally tally) internal pure returns (uint32) {
        return uint32(ProposalTally.unwrap(tally));
    }

    function presence(ProposalTally tally) internal pure returns (uint32) {
        return uint32(ProposalTally.unwrap(tally) >> PRESENCE_AT);
    }

    function neededFor(ProposalTally tally) internal pure returns (uint256) {
        return _count(tally, NEEDED_AT);
    }

    function againstVotes(ProposalTally tally) internal pure returns (uint256) {
        return _count(tally, VOTES_AT);
    }

    function forVotes(ProposalTally tally) internal pure returns (uint256) {
        return _count(tally, VOTES_AT + VOTES_LENGTH);
    }

    function abstainVotes(ProposalTally tally) internal pure returns (uint256) {
        return _count(tally, VOTES_AT + 2 * VOTES_LENGTH);
    }

    function fastPathFor(ProposalTally tally) internal pure returns (uint256) {
        return _count(tally, FAST_PATH_AT);
    }

    function opensAt(ProposalTally tally) internal pure returns (uint256) {
        return uint40(ProposalTally.unwrap(tally) >> OPENS_AT);
    }

    /// @notice Ballots count up to this second.
    function closesAt(ProposalTally tally) internal pure returns (uint256) {
        unchecked {
            return tally.opensAt() + uint24(ProposalTally.unwrap(tally) >> PERIOD_AT);
        }
    }

    function track(ProposalTally tally) internal pure returns (Track) {
        return Track(uint8(ProposalTally.unwrap(tally) >> TRACK_AT) & 0x03);
    }

    /// @notice Whether suspended seats count that have not lapsed.
    function isCareful(ProposalTally tally) internal pure returns (bool) {
        return tally.track() > Track.Operations;
    }

    function version(ProposalTally tally) internal pure returns (uint256) {
        return uint24(ProposalTally.unwrap(tally) >> VERSION_AT);
    }

    function isClaim(ProposalTally tally) internal pure returns (bool) {
        return ProposalTally.unwrap(tally) & CLAIM != 0;
    }

    function isCanceled(ProposalTally tally) internal pure returns (bool) {
        return ProposalTally.unwrap(tally) & CANCELED != 0;
    }

    function _count(ProposalTally tally, uint256 at) private pure returns (uint256) {
        return (ProposalTally.unwrap(tally) >> at) & MAX_COMMITTEE;
    }
}
