// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The rules that a kind of directive is decided under, from the quickest to the most careful.
enum Track {
    Emergency,
    Operations,
    Membership,
    Constitution
}

/// @notice A track's parameters. One storage slot. Durations are in seconds, shares in basis points.
struct TrackRules {
    uint32 votingDelay;
    uint32 votingPeriod;
    /// For + Abstain, of all nodes, that make a vote valid.
    uint16 quorum;
    /// For, of For + Against, that pass it; For must also exceed Against.
    uint16 approval;
    /// For, of all nodes, that end the vote at once; 0 for no fast path.
    uint16 fastPath;
    /// Between queueing and execution.
    uint32 timelock;
    /// After the vote's deadline and the timelock, during which a passed proposal can be executed.
    uint32 expiry;
    /// The most proposals that one node may have open on this track at the same time.
    uint8 openLimit;
}
