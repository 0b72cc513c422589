// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Track, TrackRules} from "../types/Track.sol";

/// @dev The most proposals that a seat may have open on a track. Not in the library: there it could not be a length.
uint256 constant MAX_OPEN_LIMIT = 16;

/// @title What a vote may make of a track's rules
/// @notice Floors and ceilings in code, so that no vote can end governance: under any rules within them a unanimous
/// committee restores the defaults.
/// @dev The bounds of a track are two words with 32 bits for each rule, in the order of {TrackRules}, the first in the highest:
/// voting delay, voting period, quorum, approval, fast path, timelock, expiry, open limit.
library TrackBounds {
    /// @notice The whole that shares are of: thirds, fifths and percents of it are whole numbers.
    uint256 internal constant SHARE_DENOMINATOR = 60_000;

    /// @notice The number of rules of a track.
    uint256 internal constant RULES = 8;

    uint256 private constant THIRD = 20_000;
    uint256 private constant HALF = 30_000;
    uint256 private constant TWO_THIRDS = 40_000;
    uint256 private constant FOUR_FIFTHS = 48_000;

    /// @dev Emergency heals: it has neither a delay nor a timelock, and always a fast path.
    uint256 private constant LEAST_EMERGENCY =
        20 seconds << 192 | THIRD << 160 | HALF << 128 | 1 << 96 | 1 minutes << 32 | 1;
    uint256 private constant MOST_EMERGENCY =
        1 days << 192 | TWO_THIRDS << 160 | TWO_THIRDS << 128 | 1 << 96 | 30 days << 32 | MAX_OPEN_LIMIT;
    uint256 private constant LEAST_OPERATIONS = 20 seconds << 192 | THIRD << 160 | HALF << 128 | 1 minutes << 32 | 1;
    uint256 private constant MOST_OPERATIONS = 7 days << 224 | 7 days << 192 | TWO_THIRDS << 160 | TWO_THIRDS << 128
        | 1 << 96 | 1 days << 64 | 30 days << 32 | MAX_OPEN_LIMIT;
    uint256 private constant LEAST_MEMBERSHIP =
        1 minutes << 192 | HALF << 160 | TWO_THIRDS << 128 | 1 minutes << 32 | 1;
    uint256 private constant MOST_MEMBERSHIP = 7 days << 224 | 30 days << 192 | TWO_THIRDS << 160 | FOUR_FIFTHS << 128
        | 1 << 96 | 7 days << 64 | 30 days << 32 | MAX_OPEN_LIMIT;
    uint256 private constant MOST_CONSTITUTION = 7 days << 224 | 30 days << 192 | TWO_THIRDS << 160
        | FOUR_FIFTHS << 128 | 1 << 96 | 30 days << 64 | 30 days << 32 | MAX_OPEN_LIMIT;

    /// @notice The position of the first rule that is out of bounds, counted from 0, or the number of rules if all are within.
    function firstBroken(Track track, TrackRules memory rules) internal pure returns (uint256 position) {
        uint256 word = uint256(rules.votingDelay) << 224 | uint256(rules.votingPeriod) << 192
            | uint256(rules.quorum) << 160 | uint256(rules.approval) << 128 | (rules.fastPath ? 1 << 96 : 0)
            | uint256(rules.timelock) << 64 | uint256(rules.expiry) << 32 | rules.openLimit;
        (uint256 least, uint256 most) = track == Track.Emergency
            ? (LEAST_EMERGENCY, MOST_EMERGENCY)
            : track == Track.Operations
                ? (LEAST_OPERATIONS, MOST_OPERATIONS)
                : (LEAST_MEMBERSHIP, track == Track.Membership ? MOST_MEMBERSHIP : MOST_CONSTITUTION);
        for (; position < RULES; ++position) {
            uint256 shift = 224 - 32 * position;
            uint32 rule = uint32(word >> shift);
            if (rule < uint32(least >> shift) || rule > uint32(most >> shift)) break;
        }
    }
}
