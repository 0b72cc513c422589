// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The rules that a kind of directive is decided under, from the quickest to the most careful.
enum Track {
    Emergency,
    Operations,
    Membership,
    Constitution
}

/// @notice A track's parameters. One storage slot. Durations are in seconds; shares are of 60,000, so that thirds, fifths and
/// percents are exact: two thirds are 40,000, one percent is 600.
struct TrackRules {
    uint32 votingDelay;
    uint32 votingPeriod;
    /// For, of the counted nodes, that makes a vote valid.
    uint16 quorum;
    /// For, of For + Against, that passes it; For must also exceed Against.
    uint16 approval;
    /// Whether a vote ends as soon as no later ballot could change its result.
    bool fastPath;
    /// Between queueing and execution.
    uint32 timelock;
    /// How long a passed proposal can be queued after its deadline, and executed after its timelock.
    uint32 expiry;
    /// The most proposals that one node may have open on this track at the same time.
    uint8 openLimit;
}
