// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Track, TrackRules} from "../../../contracts/types/Track.sol";

/// @notice The bounds of each track's rules, written down a second time, field by field.
library TrackTable {
    uint16 internal constant THIRD = 20_000;
    uint16 internal constant HALF = 30_000;
    uint16 internal constant TWO_THIRDS = 40_000;
    uint16 internal constant FOUR_FIFTHS = 48_000;

    function floor(Track track) internal pure returns (TrackRules memory) {
        if (track == Track.Emergency) return TrackRules(0, 20, THIRD, HALF, true, 0, 60, 1);
        if (track == Track.Operations) return TrackRules(0, 20, THIRD, HALF, false, 0, 60, 1);
        return TrackRules(0, 60, HALF, TWO_THIRDS, false, 0, 60, 1);
    }

    function ceiling(Track track) internal pure returns (TrackRules memory) {
        if (track == Track.Emergency) return TrackRules(0, 1 days, TWO_THIRDS, TWO_THIRDS, true, 0, 30 days, 16);
        if (track == Track.Operations) {
            return TrackRules(7 days, 7 days, TWO_THIRDS, TWO_THIRDS, true, 1 days, 30 days, 16);
        }
        uint32 timelock = track == Track.Membership ? 7 days : 30 days;
        return TrackRules(7 days, 30 days, TWO_THIRDS, FOUR_FIFTHS, true, timelock, 30 days, 16);
    }

    /// @notice Whether every rule is within its bounds.
    function allows(Track track, TrackRules memory rules) internal pure returns (bool) {
        return keccak256(abi.encode(fit(track, rules))) == keccak256(abi.encode(rules));
    }

    /// @notice The rules, each moved to its nearest bound if it is outside.
    function fit(Track track, TrackRules memory rules) internal pure returns (TrackRules memory) {
        (TrackRules memory least, TrackRules memory most) = (floor(track), ceiling(track));
        return TrackRules({
            votingDelay: uint32(_clamp(rules.votingDelay, least.votingDelay, most.votingDelay)),
            votingPeriod: uint32(_clamp(rules.votingPeriod, least.votingPeriod, most.votingPeriod)),
            quorum: uint16(_clamp(rules.quorum, least.quorum, most.quorum)),
            approval: uint16(_clamp(rules.approval, least.approval, most.approval)),
            fastPath: (rules.fastPath || least.fastPath) && most.fastPath,
            timelock: uint32(_clamp(rules.timelock, least.timelock, most.timelock)),
            expiry: uint32(_clamp(rules.expiry, least.expiry, most.expiry)),
            openLimit: uint8(_clamp(rules.openLimit, least.openLimit, most.openLimit))
        });
    }

    function _clamp(uint256 value, uint256 low, uint256 high) private pure returns (uint256) {
        return value < low ? low : value > high ? high : value;
    }
}
