// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "../libraries/BLS12381.sol";
import {INodeChanges} from "./INodeChanges.sol";

/// @dev Who may change the registry, and the newest epoch and presence. Checks read all of it from one slot.
abstract contract NodeState is INodeChanges {
    /// @inheritdoc INodeChanges
    address public immutable timelock;
    /// @inheritdoc INodeChanges
    bool public immutable aggregates;
    /// @inheritdoc INodeChanges
    address public founder;
    /// @inheritdoc INodeChanges
    uint32 public epoch;
    /// @inheritdoc INodeChanges
    uint32 public presence;
    /// @inheritdoc INodeChanges
    uint32 public newestSuspension;

    constructor(address timelock_) {
        timelock = timelock_;
        aggregates = BLS12381.isAvailable();
    }

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert NodeRegistryUnauthorized(msg.sender);
        _;
    }
}
