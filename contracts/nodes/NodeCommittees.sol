// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {BLS12381} from "../libraries/BLS12381.sol";
import {KeyStore} from "../libraries/KeyStore.sol";
import {NodeState} from "./NodeState.sol";

/// @title The committee of every epoch
/// @dev Agents and keys are stored as code ({KeyStore}); a committee is its size, its total key, and all indices below its bound
/// that were not removed by then. What the registry says about an epoch never changes.
abstract contract NodeCommittees is NodeState {
    using Checkpoints for Checkpoints.Trace256;
    using KeyStore for KeyStore.Store;

    /// @dev Zero for most indices: the epoch of their removal, and the seat's index before, plus 1.
    struct Mark {
        uint32 removedAt;
        uint32 predecessor;
    }

    /// @dev The sum of a committee's keys without the padding of EIP-2537: x and y, 48 bytes each.
    struct PackedKey {
        bytes32 xHigh;
        bytes32 xLowYHigh;
        bytes32 yLow;
    }

    /// @notice The time in which votes admit, and remove, at most one seat of {CHANGES_DIVISOR}.
    uint256 public constant CHANGES_PERIOD = 30 days;
    uint256 public constant CHANGES_DIVISOR = 10;

    KeyStore.Store internal _keys;
    mapping(uint32 index => Mark) internal _marks;
    /// @dev Which of 256 consecutive indices are removed, by the epoch from which on they are removed.
    mapping(uint256 word => Checkpoints.Trace256) internal _removals;
    mapping(uint32 epoch => Committee) internal _committees;
    mapping(uint32 epoch => PackedKey) private _totalKeys;
    /// @dev The newest epoch in which the founder admitted: the changes of votes are counted from its committee on.
    uint32 private _genesis;

    /// @dev If several epochs opened within one second, the newest counts; so ask for a second that has passed.
    function _epochAt(uint48 timepoint) internal view returns (uint32) {
        uint32 newest = epoch;
        if (_committees[newest].openedAt <= timepoint) return newest;

        // One before the first epoch that opened later.
        uint32 low = 1;
        uint32 high = newest;
        while (low < high) {
            uint32 middle = low + (high - low) / 2;
            if (_committees[middle].openedAt > timepoint) high = middle;
            else low = middle + 1;
        }
        return low - 1;
    }

    /// @dev What the next epoch starts from: the newest committee, and the sum of its keys.
    function _nextEpoch() internal view returns (uint32 opening, Committee memory next, bytes memory total) {
        uint32 newest = epoch;
        return (newest + 1, _committees[newest], _sumOf(newest));
    }

    function _open(uint32 opening, Committee memory next, bytes memory total) internal {
        next.openedAt = uint48(block.timestamp);
        epoch = opening;
        _committees[opening] = next;
        _totalKeys[opening] = _pack(total);

        emit EpochOpened(opening, next.size, next.indexBound);
    }

    /// @dev From `opening` on, changes are counted anew, from its committee.
    function _openGenesis(uint32 opening) internal {
        _genesis = opening;
    }

    /// @dev Counts changes that a vote makes, and reverts if they are more than votes may make in {CHANGES_PERIOD}: a
    /// majority of one day is not enough to take the committee over.
    function _countChanges(Committee memory next, uint256 admitted, uint256 removed) internal view {
        next.admitted += uint32(admitted);
        next.removed += uint32(removed);
        uint32 genesis = _genesis;
        uint32 since = _epochAt(uint48(Math.saturatingSub(block.timestamp, CHANGES_PERIOD)));
        Committee storage before = _committees[since < genesis ? genesis : since];
        uint256 limit = Math.max(1, before.size / CHANGES_DIVISOR);
        if (
            (admitted != 0 && next.admitted - before.admitted > limit)
                || (removed != 0 && next.removed - before.removed > limit)
        ) revert NodeRegistryTooManyChanges(limit);
    }

    /// @dev Takes `index` out of the committees from `opening` on.
    function _markRemoved(uint32 index, uint32 opening) internal {
        _marks[index].removedAt = opening;
        Checkpoints.Trace256 storage removals = _removals[index >> 8];
        removals.push(opening, removals.latest() | (1 << (index & 0xff)));
    }

    /// @dev The total remains at infinity if the chain cannot add keys.
    function _withKeys(bytes memory total, bytes[] memory keys) internal view returns (bytes memory) {
        if (aggregates) BLS12381.addAll(total, keys);
        return total;
    }

    function _withoutKey(bytes memory total, bytes memory key) internal view returns (bytes memory) {
        if (aggregates) BLS12381.addTo(total, BLS12381.negate(key));
        return total;
    }

    /// @dev Indices are assigned in order, so those below an epoch's bound were assigned by then.
    function _isIn(uint32 index, uint32 epoch_) internal view returns (bool) {
        uint32 removedAt = _marks[index].removedAt;
        return index < _committees[epoch_].indexBound && (removedAt == 0 || epoch_ < removedAt);
    }

    /// @dev Reverts for an epoch that has not opened: an answer must never change later.
    function _checkEpoch(uint32 epoch_) internal view {
        if (epoch_ > epoch) revert NodeRegistryUnknownEpoch(epoch_);
    }

    function _checkIndex(uint32 index) internal view {
        if (index >= _committees[epoch].indexBound) revert NodeRegistryUnknownNode(index);
    }

    function _sumOf(uint32 epoch_) internal view returns (bytes memory key) {
        PackedKey storage packed = _totalKeys[epoch_];
        (bytes32 xHigh, bytes32 middle, bytes32 yLow) = (packed.xHigh, packed.xLowYHigh, packed.yLow);
        key = new bytes(BLS12381.G1_LENGTH);
        assembly ("memory-safe") {
            mstore(add(key, 0x30), xHigh)
            mstore(add(key, 0x50), shl(128, shr(128, middle)))
            mstore(add(key, 0x70), shl(128, middle))
            mstore(add(key, 0x80), yLow)
        }
    }

    function _pack(bytes memory key) private pure returns (PackedKey memory packed) {
        assembly ("memory-safe") {
            // 16 zero bytes and x, then 16 zero bytes and y: the two coordinates are copied together.
            mstore(packed, mload(add(key, 0x30)))
            mstore(add(packed, 0x20), or(shl(128, shr(128, mload(add(key, 0x50)))), mload(add(key, 0x60))))
            mstore(add(packed, 0x40), mload(add(key, 0x80)))
        }
    }
}
