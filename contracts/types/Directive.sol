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
    RotateKey,
    SetParameter,
    SetFlag,
    SetTrack,
    Experiment
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
    /// Distinguishes two orders that are otherwise equal.
    bytes32 salt;
    /// The records that justify this order, strictly ascending.
    ContentId[] evidence;
}

library Directives {
    /// @notice The most records that a directive may cite: every voter fetches and checks each of them.
    uint256 internal constant MAX_EVIDENCE = 16;

    /// @notice The id of a directive: a hash of all its fields.
    function id(Directive memory directive) internal pure returns (bytes32) {
        return keccak256(abi.encode(directive));
    }
}
