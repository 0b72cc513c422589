// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodePresence} from "./INodePresence.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {NodePresence} from "./NodePresence.sol";
import {NodeState} from "./NodeState.sol";

/// @title Which members are counted
/// @dev {NodePresence} knows which seats are suspended. In presence 0 it is not asked.
abstract contract NodeCounts is NodeState, INodeRegistry {
    /// @inheritdoc INodeRegistry
    INodePresence public immutable presences;

    constructor() {
        // Before any key is stored: {KeyStore} counts the contracts that this one creates.
        presences = new NodePresence(this);
    }

    /// @inheritdoc INodeRegistry
    function openPresence(bool suspending) external returns (uint32 opening) {
        if (msg.sender != address(presences)) revert NodeRegistryUnauthorized(msg.sender);
        opening = presence + 1;
        presence = opening;
        if (suspending) newestSuspension = opening;
    }

    /// @inheritdoc INodeRegistry
    function countedAt(uint48 timepoint, bool careful)
        external
        view
        returns (uint32 epoch_, uint32 size, uint32 presence_, uint32 counted)
    {
        epoch_ = epochAt(timepoint);
        size = _sizeOf(epoch_);
        if (presence != 0) presence_ = presences.presenceAt(timepoint);
        counted = presence_ == 0 ? size : presences.countedOf(epoch_, presence_, careful);
    }

    /// @inheritdoc INodeRegistry
    function departedSince(uint32 epoch_) external view returns (uint256[] memory departed) {
        if (presence != 0 || epoch != epoch_) departed = presences.departedSince(epoch_);
    }

    /// @inheritdoc INodeRegistry
    function epochAt(uint48 timepoint) public view virtual returns (uint32);

    /// @dev The number of seats in a committee.
    function _sizeOf(uint32 epoch_) internal view virtual returns (uint32);

    /// @dev The first `words` words of those that are not counted in a presence, or nothing if all are.
    function _uncounted(uint32 presence_, bool careful, uint256 words) internal view returns (uint256[] memory bits) {
        if (presence_ != 0) bits = presences.uncountedBits(presence_, careful, words);
    }
}
