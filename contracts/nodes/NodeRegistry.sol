// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {BLS12381} from "../libraries/BLS12381.sol";
import {KeyStore} from "../libraries/KeyStore.sol";
import {Possession} from "../libraries/Possession.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {NodeSignatures} from "./NodeSignatures.sol";

/// @title The nodes, and the committee of every epoch
/// @dev Operators and keys are stored as code ({KeyStore}); a committee is its size, its total key, and all indices below
/// its bound that were not removed by then. What the registry says about an epoch never changes.
contract NodeRegistry is NodeSignatures {
    using Checkpoints for Checkpoints.Trace256;
    using KeyStore for KeyStore.Store;

    /// @dev The newest index of an operator, plus 1, and the epochs of that node: a membership check reads one slot.
    struct Membership {
        uint32 latest;
        uint32 admittedAt;
        uint32 removedAt;
    }

    /// @dev Zero for most indices: the epoch of their removal, and the operator's previous index, plus 1.
    struct Mark {
        uint32 removedAt;
        uint32 predecessor;
    }

    /// @dev Keys being admitted, with the inputs of the check that is made for all at once.
    struct Batch {
        address[] operators;
        bytes[] keys;
        bytes[] proofs;
        uint256[] challenges;
        bytes entries;
    }

    /// @dev The sum of a committee's keys without the padding of EIP-2537: x and y, 48 bytes each.
    struct PackedKey {
        bytes32 xHigh;
        bytes32 xLowYHigh;
        bytes32 yLow;
    }

    /// @notice libp2p peer ids are multihashes: 34 bytes for sha2-256, 38 for Ed25519 keys, 64 with room to spare.
    uint256 public constant MAX_PEER_ID_LENGTH = 64;

    /// @inheritdoc INodeRegistry
    address public immutable timelock;
    /// @inheritdoc INodeRegistry
    address public founder;
    /// @inheritdoc INodeRegistry
    uint32 public epoch;

    KeyStore.Store private _keys;
    mapping(uint32 index => Mark) private _marks;
    /// @dev Which of 256 consecutive indices are removed, by the epoch from which on they are removed.
    mapping(uint256 word => Checkpoints.Trace256) private _removals;
    mapping(address operator => Membership) private _memberships;
    mapping(bytes32 keyHash => bool) private _keyKnown;
    mapping(uint32 epoch => Committee) private _committees;
    mapping(uint32 epoch => PackedKey) private _totalKeys;

    constructor(address timelock_, address founder_) {
        timelock = timelock_;
        founder = founder_;
    }

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert NodeRegistryUnauthorized(msg.sender);
        _;
    }

    /// @inheritdoc INodeRegistry
    function admit(Admission[] calldata admissions) external {
        if (msg.sender != timelock) _checkFounder();
        if (admissions.length == 0) revert NodeRegistryEmptyBatch();

        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        uint32 first = next.indexBound;
        Batch memory batch = _newBatch(admissions.length);
        for (uint256 i = 0; i < admissions.length; ++i) {
            Admission calldata admission = admissions[i];
            _take(batch, i, admission);
            _seat(first + uint32(i), batch.operators[i], opening);
            emit NodeAdmitted(first + uint32(i), batch.operators[i], opening, batch.keys[i], admission.peerId);
        }
        _checkPossession(batch);
        next.size += uint32(admissions.length);
        next.indexBound += uint32(admissions.length);

        _keys.append(first, opening, batch.entries);
        _open(opening, next, _withKeys(total, batch.keys));
    }

    /// @inheritdoc INodeRegistry
    function remove(uint32[] calldata indices) external onlyTimelock {
        if (indices.length == 0) revert NodeRegistryEmptyBatch();

        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        if (indices.length >= next.size) revert NodeRegistryLastNode();

        for (uint256 i = 0; i < indices.length; ++i) {
            (address operator, bytes memory key) = _retire(indices[i], opening);
            total = _withoutKey(total, key);
            emit NodeRemoved(indices[i], operator, opening);
        }
        next.size -= uint32(indices.length);

        _open(opening, next, total);
    }

    /// @inheritdoc INodeRegistry
    function rotateKey(uint32 index, bytes calldata key, bytes calldata possession) external onlyTimelock {
        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        (address operator, bytes memory oldKey) = _retire(index, opening);
        uint32 newIndex = next.indexBound++;

        Batch memory batch = _newBatch(1);
        _takeKey(batch, 0, operator, key, possession);
        _checkPossession(batch);
        _keys.append(newIndex, opening, batch.entries);
        _seat(newIndex, operator, opening);
        _marks[newIndex].predecessor = index + 1;

        emit KeyRotated(index, newIndex, operator);
        _open(opening, next, _withKeys(_withoutKey(total, oldKey), batch.keys));
    }

    /// @inheritdoc INodeRegistry
    /// @dev Not before the first admission: without members nobody could vote the first node in.
    function closeGenesis() external {
        if (msg.sender != timelock || founder == address(0)) _checkFounder();
        if (epoch == 0) revert NodeRegistryEmptyBatch();

        founder = address(0);

        emit GenesisClosed(_committees[epoch].size);
    }

    /// @inheritdoc INodeRegistry
    /// @dev If several epochs opened within one second, the newest counts; so ask for a second that has passed.
    function epochAt(uint48 timepoint) public view returns (uint32) {
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

    /// @inheritdoc INodeRegistry
    function committee(uint32 epoch_) external view returns (Committee memory) {
        _checkEpoch(epoch_);
        return _committees[epoch_];
    }

    /// @inheritdoc INodeRegistry
    function committeeAt(uint48 timepoint) external view returns (uint32 epoch_, uint32 size) {
        epoch_ = epochAt(timepoint);
        size = _committees[epoch_].size;
    }

    /// @inheritdoc INodeRegistry
    function totalKey(uint32 epoch_) external view returns (bytes memory) {
        _checkEpoch(epoch_);
        return _totalKey(epoch_);
    }

    /// @inheritdoc INodeRegistry
    function node(uint32 index) external view returns (Node memory) {
        _checkIndex(index);
        (address operator, uint32 admittedAt) = _keys.operatorAt(index);
        Mark memory mark = _marks[index];
        return Node({
            operator: operator,
            admittedAt: admittedAt,
            removedAt: mark.removedAt,
            predecessor: mark.predecessor
        });
    }

    /// @inheritdoc INodeRegistry
    function keyOf(uint32 index) external view returns (bytes memory key) {
        _checkIndex(index);
        (, key,) = _keys.read(index);
    }

    /// @inheritdoc INodeRegistry
    function indexOf(address operator, uint32 epoch_) external view returns (uint32) {
        uint32 successor = _find(operator, epoch_);
        if (successor == 0) revert NodeRegistryNotMember(operator, epoch_);
        return successor - 1;
    }

    /// @inheritdoc INodeRegistry
    function isMember(address operator, uint32 epoch_) external view returns (bool) {
        return _find(operator, epoch_) != 0;
    }

    /// @inheritdoc INodeRegistry
    function isCurrentMember(address operator) external view returns (bool) {
        Membership storage membership = _memberships[operator];
        return membership.latest != 0 && membership.removedAt == 0;
    }

    /// @inheritdoc INodeRegistry
    function isIndexMember(uint32 index, uint32 epoch_) external view returns (bool) {
        _checkEpoch(epoch_);
        return _isIn(index, epoch_);
    }

    /// @inheritdoc INodeRegistry
    /// @dev If no node of a word was ever removed, none of its slots is read.
    function memberBits(uint32 epoch_) public view override returns (uint256[] memory bits) {
        Committee memory committee_ = _committees[epoch_];
        // The first epoch is 1; epoch 0 has no members.
        if (committee_.openedAt == 0 && epoch_ != 0) revert NodeRegistryUnknownEpoch(epoch_);
        uint256 bound = committee_.indexBound;
        bits = new uint256[](Bitmap.wordsFor(bound));
        unchecked {
            for (uint256 word = 0; word < bits.length; ++word) bits[word] = type(uint256).max;
        }
        if (bound & 0xff != 0) bits[bits.length - 1] = (1 << (bound & 0xff)) - 1;
        if (committee_.size == bound) return bits;

        for (uint256 word = 0; word < bits.length; ++word) bits[word] &= ~_removals[word].upperLookup(epoch_);
    }

    /// @inheritdoc INodeRegistry
    function possessionChallenge(address operator, bytes calldata key, bytes calldata proof)
        external
        pure
        returns (uint256)
    {
        return Possession.challenge(operator, key, proof);
    }

    /// @dev The index + 1 under which `operator` is a member in `epoch_`, or 0.
    function _find(address operator, uint32 epoch_) private view returns (uint32) {
        _checkEpoch(epoch_);
        Membership storage membership = _memberships[operator];
        uint32 successor = membership.latest;
        if (successor == 0 || _covers(membership.admittedAt, membership.removedAt, epoch_)) return successor;

        while (successor != 0 && !_isIn(successor - 1, epoch_)) successor = _marks[successor - 1].predecessor;
        return successor;
    }

    /// @dev Indices are assigned in order, so those below an epoch's bound were assigned by then.
    function _isIn(uint32 index, uint32 epoch_) private view returns (bool) {
        uint32 removedAt = _marks[index].removedAt;
        return index < _committees[epoch_].indexBound && (removedAt == 0 || epoch_ < removedAt);
    }

    /// @dev Epochs count from 1, so a node that was never admitted is in none.
    function _covers(uint32 admittedAt, uint32 removedAt, uint32 epoch_) private pure returns (bool) {
        return admittedAt != 0 && admittedAt <= epoch_ && (removedAt == 0 || epoch_ < removedAt);
    }

    /// @dev Once genesis is closed the founder is the zero address, which cannot call.
    function _checkFounder() private view {
        if (msg.sender != founder || msg.sender == address(0)) revert NodeRegistryUnauthorized(msg.sender);
    }

    /// @dev Reverts for an epoch that has not opened: an answer must never change later.
    function _checkEpoch(uint32 epoch_) private view {
        if (epoch_ > epoch) revert NodeRegistryUnknownEpoch(epoch_);
    }

    function _checkPeerId(bytes calldata peerId) private pure {
        if (peerId.length == 0 || peerId.length > MAX_PEER_ID_LENGTH) revert NodeRegistryInvalidPeerId(peerId.length);
    }

    function _checkIndex(uint32 index) private view {
        if (index >= _committees[epoch].indexBound) revert NodeRegistryUnknownNode(index);
    }

    function _newBatch(uint256 count) private pure returns (Batch memory batch) {
        batch.operators = new address[](count);
        batch.keys = new bytes[](count);
        batch.proofs = new bytes[](count);
        batch.challenges = new uint256[](count);
        batch.entries = new bytes(count * KeyStore.ENTRY_LENGTH);
    }

    /// @dev Checks an admission but for its proof of possession, which is checked together with the batch's others.
    function _take(Batch memory batch, uint256 i, Admission calldata admission) private {
        address operator = admission.operator;
        _checkPeerId(admission.peerId);
        if (operator == address(0)) revert NodeRegistryInvalidOperator(operator);
        if (_memberships[operator].latest != 0) revert NodeRegistryDuplicateOperator(operator);
        _takeKey(batch, i, operator, admission.key, admission.possession);
    }

    /// @dev Checks that `key` is well formed and new, and records it.
    function _takeKey(Batch memory batch, uint256 i, address operator, bytes calldata key, bytes calldata proof)
        private
    {
        bytes memory taken = key;
        bytes32 keyHash = keccak256(taken);
        if (taken.length != BLS12381.G1_LENGTH || !BLS12381.isCanonical(taken) || BLS12381.isInfinity(taken)) {
            revert NodeRegistryInvalidKey(keyHash);
        }
        if (_keyKnown[keyHash]) revert NodeRegistryDuplicateKey(keyHash);
        if (proof.length != Possession.LENGTH) revert NodeRegistryInvalidPossession(operator);

        _keyKnown[keyHash] = true;
        (batch.operators[i], batch.keys[i], batch.proofs[i]) = (operator, taken, proof);
        batch.challenges[i] = Possession.challenge(operator, taken, batch.proofs[i]);
        KeyStore.put(batch.entries, i, operator, taken);
    }

    /// @dev Checks all proofs at once and, if that fails, one by one, so that the error names the operator.
    function _checkPossession(Batch memory batch) private view {
        if (!aggregates || Possession.verify(batch.keys, batch.proofs, batch.challenges)) return;

        bytes[] memory keys = new bytes[](1);
        bytes[] memory proofs = new bytes[](1);
        uint256[] memory challenges = new uint256[](1);
        for (uint256 i = 0; i < batch.keys.length; ++i) {
            (keys[0], proofs[0], challenges[0]) = (batch.keys[i], batch.proofs[i], batch.challenges[i]);
            if (!Possession.verify(keys, proofs, challenges)) revert NodeRegistryInvalidPossession(batch.operators[i]);
        }
    }

    function _seat(uint32 index, address operator, uint32 opening) private {
        unchecked {
            _memberships[operator] = Membership({latest: index + 1, admittedAt: opening, removedAt: 0});
        }
    }

    function _retire(uint32 index, uint32 opening) private returns (address operator, bytes memory key) {
        _checkIndex(index);
        (operator, key,) = _keys.read(index);
        if (_marks[index].removedAt != 0) revert NodeRegistryNotMember(operator, opening);

        _marks[index].removedAt = opening;
        _memberships[operator].removedAt = opening;
        Checkpoints.Trace256 storage removals = _removals[index >> 8];
        removals.push(opening, removals.latest() | (1 << (index & 0xff)));
    }

    /// @dev The total remains at infinity if the chain cannot add keys.
    function _withKeys(bytes memory total, bytes[] memory keys) private view returns (bytes memory) {
        if (aggregates) BLS12381.addAll(total, keys);
        return total;
    }

    function _withoutKey(bytes memory total, bytes memory key) private view returns (bytes memory) {
        if (aggregates) BLS12381.addTo(total, BLS12381.negate(key));
        return total;
    }

    function _nextEpoch() private view returns (uint32 opening, Committee memory next, bytes memory total) {
        uint32 newest = epoch;
        return (newest + 1, _committees[newest], _totalKey(newest));
    }

    function _open(uint32 opening, Committee memory next, bytes memory total) private {
        next.openedAt = uint48(block.timestamp);
        epoch = opening;
        _committees[opening] = next;
        _totalKeys[opening] = _pack(total);

        emit EpochOpened(opening, next.size, next.indexBound);
    }

    function _addKeys(bytes[] memory sums, uint256[][] memory sets) internal view override {
        _keys.addTo(sums, sets);
    }

    function _operatorAt(KeyStore.Cursor memory cursor, uint32 index) internal view override returns (address) {
        return _keys.operatorAt(cursor, index);
    }

    function _totalKey(uint32 epoch_) internal view override returns (bytes memory key) {
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
