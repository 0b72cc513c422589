// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What a record says. The order is part of every leaf: append only.
enum RecordKind {
    State,
    Model,
    Incident,
    Outcome
}
