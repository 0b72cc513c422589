// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "../libraries/BLS12381.sol";
import {KeyStore} from "../libraries/KeyStore.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title Who the nodes are, and who may vote in which epoch
/// @dev Keys live in code ({KeyStore}); a committee is its size and its total key, and its members follow from the
/// epochs in which each node was admitted and removed. Nothing that was true of an epoch ever changes.
contract NodeRegistry is INodeRegistry {
    using KeyStore for KeyStore.Store;

    /// @dev The newest index of an operator + 1 and, beside it, the epochs of that node: a member's check reads one slot.
    struct Membership {
        uint32 latest;
        uint32 admittedAt;
        uint32 removedAt;
    }

    /// @dev The sum of a committee's keys without the padding of EIP-2537: x and y of 48 bytes each.
    struct PackedKey {
        bytes32 xHigh;
        bytes32 xLowYHigh;
        bytes32 yLow;
    }

    /// @notice libp2p peer ids are multihashes: 34 bytes for sha2-256, 38 for Ed25519 keys, 64 with room to spare.
    uint256 public constant MAX_PEER_ID_LENGTH = 64;

    bytes private constant POSSESSION_DOMAIN = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    bytes private constant POSSESSION_PREFIX = "witan/possession/1";

    /// @inheritdoc INodeRegistry
    address public immutable timelock;
    /// @inheritdoc INodeRegistry
    address public founder;
    /// @inheritdoc INodeRegistry
    uint32 public epoch;

    KeyStore.Store private _keys;
    mapping(uint32 index => Node) private _nodes;
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
        bytes memory keys = new bytes(admissions.length * BLS12381.G1_LENGTH);

        for (uint256 i = 0; i < admissions.length; ++i) {
            Admission calldata admission = admissions[i];
            _checkPeerId(admission.peerId);
            if (admission.operator == address(0)) revert NodeRegistryInvalidOperator(admission.operator);
            if (_memberships[admission.operator].latest != 0) revert NodeRegistryDuplicateOperator(admission.operator);

            bytes memory key = _takeKey(admission.operator, admission.key, admission.possession);
            assembly ("memory-safe") {
                mcopy(add(add(keys, 0x20), shl(7, i)), add(key, 0x20), 0x80)
            }
            total = BLS12381.add(total, key);
            _seat(next.indexBound++, admission.operator, opening, 0);
            emit NodeAdmitted(next.indexBound - 1, admission.operator, opening, admission.key, admission.peerId);
        }
        next.size += next.indexBound - first;

        _keys.append(first, keys);
        _open(opening, next, total);
    }

    /// @inheritdoc INodeRegistry
    function remove(uint32[] calldata indices) external onlyTimelock {
        if (indices.length == 0) revert NodeRegistryEmptyBatch();

        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        if (indices.length >= next.size) revert NodeRegistryLastNode();

        for (uint256 i = 0; i < indices.length; ++i) {
            (address operator, bytes memory key) = _retire(indices[i], opening);
            total = BLS12381.add(total, BLS12381.negate(key));
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

        total = BLS12381.add(total, BLS12381.negate(oldKey));
        total = BLS12381.add(total, _takeKey(operator, key, possession));
        _keys.append(newIndex, key);
        _seat(newIndex, operator, opening, index + 1);

        emit KeyRotated(index, newIndex, operator);
        _open(opening, next, total);
    }

    /// @inheritdoc INodeRegistry
    /// @dev Not before the first admission: nobody could ever vote the first node in.
    function closeGenesis() external {
        if (msg.sender != timelock || founder == address(0)) _checkFounder();
        if (epoch == 0) revert NodeRegistryEmptyBatch();

        founder = address(0);

        emit GenesisClosed(_committees[epoch].size);
    }

    /// @inheritdoc INodeRegistry
    /// @dev Of several epochs opened within one second, the newest counts; so ask of a second that has passed.
    function epochAt(uint48 timepoint) external view returns (uint32) {
        uint32 newest = epoch;
        if (_committees[newest].openedAt <= timepoint) return newest;

        // The first epoch that opened later, less one.
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
    function totalKey(uint32 epoch_) external view returns (bytes memory) {
        _checkEpoch(epoch_);
        return _totalKey(epoch_);
    }

    /// @inheritdoc INodeRegistry
    function node(uint32 index) external view returns (Node memory) {
        if (_nodes[index].operator == address(0)) revert NodeRegistryUnknownNode(index);
        return _nodes[index];
    }

    /// @inheritdoc INodeRegistry
    function keyOf(uint32 index) external view returns (bytes memory) {
        if (_nodes[index].operator == address(0)) revert NodeRegistryUnknownNode(index);
        return _keys.read(index);
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
    function isIndexMember(uint32 index, uint32 epoch_) external view returns (bool) {
        _checkEpoch(epoch_);
        Node storage node_ = _nodes[index];
        return _covers(node_.admittedAt, node_.removedAt, epoch_);
    }

    /// @inheritdoc INodeRegistry
    function possessionMessage(address operator, bytes calldata key) external pure returns (bytes memory) {
        return _possessionMessage(operator, key);
    }

    /// @dev The index + 1 under which `operator` is a member in `epoch_`, or 0.
    function _find(address operator, uint32 epoch_) private view returns (uint32) {
        _checkEpoch(epoch_);
        Membership storage membership = _memberships[operator];
        uint32 successor = membership.latest;
        if (successor == 0 || _covers(membership.admittedAt, membership.removedAt, epoch_)) return successor;

        while (successor != 0) {
            Node storage node_ = _nodes[successor - 1];
            if (_covers(node_.admittedAt, node_.removedAt, epoch_)) return successor;
            successor = node_.predecessor;
        }
        return 0;
    }

    /// @dev Epochs count from 1, so a node that was never admitted covers none.
    function _covers(uint32 admittedAt, uint32 removedAt, uint32 epoch_) private pure returns (bool) {
        return admittedAt != 0 && admittedAt <= epoch_ && (removedAt == 0 || epoch_ < removedAt);
    }

    /// @dev Once genesis is closed the founder is zero, and the zero address is nobody.
    function _checkFounder() private view {
        if (msg.sender != founder || msg.sender == address(0)) revert NodeRegistryUnauthorized(msg.sender);
    }

    /// @dev Nothing is said of an epoch that has not opened: what it says must never change.
    function _checkEpoch(uint32 epoch_) private view {
        if (epoch_ > epoch) revert NodeRegistryUnknownEpoch(epoch_);
    }

    function _checkPeerId(bytes calldata peerId) private pure {
        if (peerId.length == 0 || peerId.length > MAX_PEER_ID_LENGTH) revert NodeRegistryInvalidPeerId(peerId.length);
    }

    /// @dev Checks that `key` is well formed, new, and the operator's own; remembers it.
    function _takeKey(address operator, bytes calldata key, bytes calldata possession)
        private
        returns (bytes memory taken)
    {
        taken = key;
        bytes32 keyHash = keccak256(taken);
        if (taken.length != BLS12381.G1_LENGTH || !BLS12381.isCanonical(taken) || BLS12381.isInfinity(taken)) {
            revert NodeRegistryInvalidKey(keyHash);
        }
        if (_keyKnown[keyHash]) revert NodeRegistryDuplicateKey(keyHash);
        if (
            possession.length != BLS12381.G2_LENGTH || !BLS12381.isCanonical(possession)
                || !BLS12381.verify(taken, _possessionMessage(operator, key), possession, POSSESSION_DOMAIN)
        ) revert NodeRegistryInvalidPossession(operator);

        _keyKnown[keyHash] = true;
    }

    function _possessionMessage(address operator, bytes calldata key) private pure returns (bytes memory) {
        return bytes.concat(POSSESSION_PREFIX, bytes20(operator), key);
    }

    function _seat(uint32 index, address operator, uint32 opening, uint32 predecessor) private {
        _nodes[index] =
            Node({operator: operator, admittedAt: opening, removedAt: 0, predecessor: predecessor});
        _memberships[operator] = Membership({latest: index + 1, admittedAt: opening, removedAt: 0});
    }

    function _retire(uint32 index, uint32 opening) private returns (address operator, bytes memory key) {
        Node storage node_ = _nodes[index];
        operator = node_.operator;
        if (operator == address(0)) revert NodeRegistryUnknownNode(index);
        if (node_.removedAt != 0) revert NodeRegistryNotMember(operator, opening);

        node_.removedAt = opening;
        _memberships[operator].removedAt = opening;
        key = _keys.read(index);
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

    function _totalKey(uint32 epoch_) private view returns (bytes memory key) {
        PackedKey storage packed = _totalKeys[epoch_];
        bytes32 middle = packed.xLowYHigh;
        return bytes.concat(
            bytes16(0), packed.xHigh, bytes16(middle), bytes16(0), bytes16(middle << 128), packed.yLow
        );
    }

    function _pack(bytes memory key) private pure returns (PackedKey memory packed) {
        assembly ("memory-safe") {
            // 16 zero bytes and x, then 16 zero bytes and y: the two coordinates move together.
            mstore(packed, mload(add(key, 0x30)))
            mstore(add(packed, 0x20), or(shl(128, shr(128, mload(add(key, 0x50)))), mload(add(key, 0x60))))
            mstore(add(packed, 0x40), mload(add(key, 0x80)))
        }
    }
}
