// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {KeyStore} from "../libraries/KeyStore.sol";
import {Possession} from "../libraries/Possession.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {NodeSeats} from "./NodeSeats.sol";
import {NodeSignatures} from "./NodeSignatures.sol";

/// @title What the registry says about seats, agents and committees
abstract contract NodeViews is NodeSeats, NodeSignatures {
    using Checkpoints for Checkpoints.Trace256;
    using KeyStore for KeyStore.Store;

    /// @inheritdoc INodeRegistry
    function epochAt(uint48 timepoint) public view override returns (uint32) {
        return _epochAt(timepoint);
    }

    /// @inheritdoc INodeRegistry
    function committee(uint32 epoch_) external view returns (Committee memory) {
        _checkEpoch(epoch_);
        return _committees[epoch_];
    }

    /// @inheritdoc INodeRegistry
    function committeeAt(uint48 timepoint) external view returns (uint32 epoch_, uint32 size) {
        epoch_ = _epochAt(timepoint);
        size = _committees[epoch_].size;
    }

    /// @inheritdoc INodeRegistry
    function totalKey(uint32 epoch_) external view returns (bytes memory) {
        _checkEpoch(epoch_);
        return _sumOf(epoch_);
    }

    /// @inheritdoc INodeRegistry
    function keyOf(uint32 index) external view returns (bytes memory key) {
        _checkIndex(index);
        (, key,) = _keys.read(index);
    }

    /// @inheritdoc INodeRegistry
    function isIndexMember(uint32 index, uint32 epoch_) external view returns (bool) {
        _checkEpoch(epoch_);
        return _isIn(index, epoch_);
    }

    /// @inheritdoc INodeRegistry
    /// @dev If no node of a word was ever removed, none of its slots is read.
    function memberBits(uint32 epoch_) public view override returns (uint256[] memory bits) {
        Committee storage committee_ = _committees[epoch_];
        (uint48 openedAt, uint256 size, uint256 bound) = (committee_.openedAt, committee_.size, committee_.indexBound);
        // The first epoch is 1; epoch 0 has no members.
        if (openedAt == 0 && epoch_ != 0) revert NodeRegistryUnknownEpoch(epoch_);
        bits = new uint256[](Bitmap.wordsFor(bound));
        unchecked {
            for (uint256 word = 0; word < bits.length; ++word) bits[word] = type(uint256).max;
        }
        if (bound & 0xff != 0) bits[bits.length - 1] = (1 << (bound & 0xff)) - 1;
        if (size == bound) return bits;

        for (uint256 word = 0; word < bits.length; ++word) bits[word] &= ~_removals[word].upperLookup(epoch_);
    }

    /// @inheritdoc INodeRegistry
    function seat(address operator) external view returns (Seat memory seat_) {
        if (_isOperator(operator)) seat_ = _accounts[operator];
    }

    /// @inheritdoc INodeRegistry
    function operatorOf(address account) external view returns (address) {
        return _operatorOf(account);
    }

    /// @inheritdoc INodeRegistry
    function node(uint32 index) external view returns (Node memory) {
        _checkIndex(index);
        (address account, uint32 admittedAt) = _keys.agentAt(index);
        Mark memory mark = _marks[index];
        return Node({
            operator: _operatorOf(account),
            agent: account,
            admittedAt: admittedAt,
            removedAt: mark.removedAt,
            predecessor: mark.predecessor
        });
    }

    /// @inheritdoc INodeRegistry
    function indexOf(address account, uint32 epoch_) external view returns (uint32) {
        uint32 indexPlusOne = _find(account, epoch_);
        if (indexPlusOne == 0) revert NodeRegistryNotMember(account, epoch_);
        return indexPlusOne - 1;
    }

    /// @inheritdoc INodeRegistry
    function isMember(address account, uint32 epoch_) external view returns (bool) {
        return _find(account, epoch_) != 0;
    }

    /// @inheritdoc INodeRegistry
    function isCurrentMember(address account) external view returns (bool) {
        return _isActive(_accounts[account]);
    }

    /// @inheritdoc INodeRegistry
    function agentDigest(
        address operator,
        address agent,
        bytes calldata key,
        bytes calldata peerId,
        uint32 nonce,
        uint48 deadline
    ) external view returns (bytes32) {
        return _agentDigest(operator, agent, keccak256(key), keccak256(peerId), nonce, deadline);
    }

    /// @inheritdoc INodeRegistry
    function operatorDigest(address from, address to, uint32 nonce, uint48 deadline) external view returns (bytes32) {
        return _operatorDigest(from, to, nonce, deadline);
    }

    /// @inheritdoc INodeRegistry
    function possessionChallenge(address operator, bytes calldata key, bytes calldata proof)
        external
        view
        returns (uint256)
    {
        return Possession.challenge(address(this), operator, key, proof);
    }

    function _addKeys(bytes[] memory sums, uint256[][] memory sets) internal view override {
        _keys.addTo(sums, sets);
    }

    function _agentAt(KeyStore.Cursor memory cursor, uint32 index) internal view override returns (address) {
        return _keys.agentAt(cursor, index);
    }

    function _sizeOf(uint32 epoch_) internal view override returns (uint32) {
        return _committees[epoch_].size;
    }

    function _totalKey(uint32 epoch_) internal view override returns (bytes memory) {
        return _sumOf(epoch_);
    }
}
