// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The kind of a record. Its position is part of every leaf: append only.
enum RecordKind {
    State,
    Model,
    Incident,
    Outcome
}
