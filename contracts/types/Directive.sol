// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "./ContentId.sol";

/// @notice What the DAO may order. A kind's position is part of every directive id: append only.
enum DirectiveKind {
    Deploy,
    Scale,
    Rollback,
    Restart,
    StartRound,
    AcceptModel,
    Admit,
    Ban,
    ChangeOperator,
    SetParameter,
    SetFlag,
    SetTrack,
    Experiment,
    Suspend,
    AdmitPublisher,
    RevokePublisher
}

/// @notice An order. Times are relative to its issue, so that the same observation always gives the same directive.
struct Directive {
    DirectiveKind kind;
    /// keccak256 of the subject's name, such as "replica/web/3".
    bytes32 subject;
    /// The directive's payload, a `witan/directive/1` block.
    ContentId payload;
    /// Seconds between issue and activation.
    uint32 delay;
    /// Seconds after activation within which outcomes are accepted.
    uint32 window;
    /// Distinguishes two orders that are otherwise equal: {Directives-saltOf}.
    bytes32 salt;
    /// For an order on a workload or a replica, and for a suspension, the last directive issued on the subject, zero if there was
    /// none: two orders with one base are never both issued. Zero for other kinds.
    bytes32 base;
    /// The records that justify this order, strictly ascending.
    ContentId[] evidence;
}

library Directives {
    /// @notice The most records that a directive may cite: every voter fetches and checks each of them.
    uint256 internal constant MAX_EVIDENCE = 16;

    /// @notice Seconds in a window: what nodes vote on before it is opened says when it may be opened.
    uint256 internal constant WINDOW = 300;

    /// @notice The salt of an order. `window` is the opening's time divided by {WINDOW}, zero on a track with a voting delay;
    /// `attempt` counts the proposals of the same order.
    function saltOf(uint64 window, uint32 attempt) internal pure returns (bytes32) {
        return bytes32(uint256(window) << 32 | attempt);
    }

    /// @notice The end of the window after that of a salt, in seconds: then ballots on the order are worthless. In this second
    /// if its window has not begun. Never zero.
    function windowEnd(bytes32 salt) internal view returns (uint256) {
        uint256 window = uint256(salt) >> 32;
        return window > block.timestamp / WINDOW ? block.timestamp : (window + 2) * WINDOW;
    }

    /// @notice Whether orders of this kind name their base. A suspension does, so that none that was passed beside another is kept
    /// for later, when its nodes have returned.
    function hasBase(DirectiveKind kind) internal pure returns (bool) {
        return kind == DirectiveKind.Deploy || kind == DirectiveKind.Scale || kind == DirectiveKind.Rollback
            || kind == DirectiveKind.Restart || kind == DirectiveKind.Suspend;
    }

    /// @notice The id of a directive: a hash of all its fields.
    function id(Directive memory directive) internal pure returns (bytes32) {
        return keccak256(abi.encode(directive));
    }
}
