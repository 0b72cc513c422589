// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "./ContentId.sol";

/// @notice What the DAO may order. The order is part of every directive id: append only.
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

/// @notice An order. Times are relative to the moment of issue, so that one observation always gives one directive.
struct Directive {
    DirectiveKind kind;
    /// keccak256 of the subject's name, such as "workload/web-3".
    bytes32 subject;
    /// The directive's payload, a `witan/directive/1` block.
    ContentId payload;
    /// Seconds between issue and activation.
    uint32 delay;
    /// Seconds after activation within which outcomes are accepted.
    uint32 window;
    /// Tells apart two orders that are alike in all else.
    bytes32 salt;
    /// The records this order rests on, strictly ascending.
    ContentId[] evidence;
}

library Directives {
    /// @notice The id of a directive: a hash of all that it says.
    function id(Directive memory directive) internal pure returns (bytes32) {
        return keccak256(abi.encode(directive));
    }
}
