// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bitmap} from "./Bitmap.sol";
import {BLS12381} from "./BLS12381.sol";

/// @title Agents and their keys, stored as code
/// @notice An append-only list. Each append writes its entries into the code of contracts that hold nothing else (the
/// SSTORE2 pattern): 200 gas a byte instead of 690, read at 3 gas a word, and immutable.
/// @dev A chunk's code starts with STOP, so that calling it does nothing. An entry is the agent's account (20 bytes) and the
/// key's coordinates without the padding of EIP-2537 (48 bytes each).
library KeyStore {
    using Bitmap for uint256[];

    /// @notice For each chunk, from the lowest bit, the index after its last entry (32 bits) and the epoch in which its
    /// entries were appended (32); it starts where the chunk before it ends. Four chunks share a slot.
    /// @dev The contract that uses the store must create one other contract before its first chunk, and none later: then chunk
    /// `i` is its contract number i + {FIRST_CHUNK}, and the chunk's address need not be stored.
    struct Store {
        uint64[] chunks;
    }

    /// @notice The chunk that was read last.
    struct Cursor {
        address code;
        uint256 first;
        uint256 end;
        uint256 next;
    }

    uint256 internal constant FIRST_CHUNK = 2;
    uint256 internal constant ENTRY_LENGTH = 116;
    /// @notice What fits into one contract's code (24,576 bytes) beside the STOP byte, rounded down.
    uint256 internal constant ENTRIES_PER_CHUNK = 211;

    /// @dev See {_prepare}.
    uint256 private constant POINTS_AT = 0x120;
    uint256 private constant ENTRIES_AT = 0x220;
    uint256 private constant CAPACITY_AT = 0x240;
    uint256 private constant LOADED_AT = 0x260;
    uint256 private constant BUFFER_LENGTH = 0x280;

    error KeyStoreUnknownKey(uint32 index);
    error KeyStoreWriteFailed();

    /// @notice Writes the agent and its key, in the encoding of EIP-2537, as entry `position` of `entries`.
    function put(bytes memory entries, uint256 position, address agent, bytes memory key) internal pure {
        assembly ("memory-safe") {
            let entry := add(add(entries, 0x20), mul(position, ENTRY_LENGTH))
            mstore(entry, or(shl(96, agent), and(mload(entry), 0xffffffffffffffffffffffff)))
            mcopy(add(entry, 20), add(key, 0x30), 48)
            mcopy(add(entry, 68), add(key, 0x70), 48)
        }
    }

    /// @notice Appends `entries`, written by {put}, after the entry with index `end - 1`.
    function append(Store storage store, uint32 end, uint32 epoch, bytes memory entries) internal {
        uint256 chunkLength = ENTRIES_PER_CHUNK * ENTRY_LENGTH;
        for (uint256 offset = 0; offset < entries.length; offset += chunkLength) {
            uint256 length = entries.length - offset;
            if (length > chunkLength) length = chunkLength;
            end += uint32(length / ENTRY_LENGTH);
            if (_write(entries, offset, length) != _codeAt(store.chunks.length)) revert KeyStoreWriteFailed();
            store.chunks.push(uint64(end) | uint64(epoch) << 32);
        }
    }

    /// @notice The entry with this index, its key in the encoding of EIP-2537.
    function read(Store storage store, uint32 index)
        internal
        view
        returns (address agent, bytes memory key, uint32 epoch)
    {
        address code;
        uint256 offset;
        (code, offset, epoch) = _find(store, index);
        key = new bytes(BLS12381.G1_LENGTH);
        assembly ("memory-safe") {
            extcodecopy(code, 0x00, offset, 20)
            agent := shr(96, mload(0x00))
            extcodecopy(code, add(key, 0x30), add(offset, 20), 48)
            extcodecopy(code, add(key, 0x70), add(offset, 68), 48)
        }
    }

    /// @notice The agent with this index, and the epoch in which it was appended.
    function agentAt(Store storage store, uint32 index) internal view returns (address agent, uint32 epoch) {
        address code;
        uint256 offset;
        (code, offset, epoch) = _find(store, index);
        assembly ("memory-safe") {
            extcodecopy(code, 0x00, offset, 20)
            agent := shr(96, mload(0x00))
        }
    }

    /// @notice Adds to each of `sums`, in the encoding of EIP-2537, the keys of the set at the same place. A set without a
    /// word leaves its sum unchanged; bits past the last key are ignored. Costs about 650 gas a key, and 5,000 for each chunk
    /// that holds one.
    function addTo(Store storage store, bytes[] memory sums, uint256[][] memory sets) internal view {
        uint256 words;
        (sums, sets, words) = _withoutEmpty(sums, sets);
        uint256 buffer = _prepare();
        uint256 first = 0;
        unchecked {
            for (uint256 i = 0; first < words << 8; ++i) {
                uint256 end = _endOf(store, i);
                // Zero past the last chunk.
                if (end == 0) break;
                // The chunk's first and last words may hold bits of its neighbours.
                uint256 mask = type(uint256).max << (first & 0xff);
                for (uint256 position = first >> 8; position < words && position << 8 < end; ++position) {
                    if (end - (position << 8) < 256) mask &= (1 << (end & 0xff)) - 1;
                    _addWords(sums, sets, buffer, position, mask, i, first, end);
                    mask = type(uint256).max;
                }
                first = end;
            }
        }
    }

    /// @dev The sets that have a word, their sums, and the number of words of the longest.
    function _withoutEmpty(bytes[] memory sums, uint256[][] memory sets)
        private
        pure
        returns (bytes[] memory someSums, uint256[][] memory someSets, uint256 words)
    {
        someSums = new bytes[](sets.length);
        someSets = new uint256[][](sets.length);
        uint256 count = 0;
        for (uint256 i = 0; i < sets.length; ++i) {
            uint256 length = sets[i].length;
            if (length == 0) continue;
            if (length > words) words = length;
            (someSums[count], someSets[count]) = (sums[i], sets[i]);
            ++count;
        }
        assembly ("memory-safe") {
            mstore(someSums, count)
            mstore(someSets, count)
        }
    }

    /// @dev Adds, to each sum, the keys of those bits of the set's word at `position` that `mask` covers: keys of chunk `i`,
    /// which holds the indices from `first` to `end - 1`.
    function _addWords(
        bytes[] memory sums,
        uint256[][] memory sets,
        uint256 buffer,
        uint256 position,
        uint256 mask,
        uint256 i,
        uint256 first,
        uint256 end
    ) private view {
        unchecked {
            for (uint256 j = 0; j < sets.length; ++j) {
                uint256 word = sets[j].at(position) & mask;
                if (word == 0) continue;
                _load(buffer, i, (end - first) * ENTRY_LENGTH);
                // The word may begin before the chunk does.
                _addWord(sums[j], buffer, ((position << 8) - first) * ENTRY_LENGTH, word);
            }
        }
    }

    /// @dev Skips the array's bounds check, which would read the length each time.
    function _endOf(Store storage store, uint256 i) private view returns (uint256 end) {
        uint64[] storage chunks = store.chunks;
        assembly ("memory-safe") {
            mstore(0x00, chunks.slot)
            end := and(shr(shl(6, and(i, 3)), sload(add(keccak256(0x00, 0x20), shr(2, i)))), 0xffffffff)
        }
    }

    /// @dev The address of contract number i + {FIRST_CHUNK} that this one created (EIP-161), from its nonce in RLP.
    function _codeAt(uint256 i) private view returns (address code) {
        uint256 nonce = i + FIRST_CHUNK;
        // 0xc0 and the length of what follows; 0x80 and the length of the address; the address; from 0x80 on, 0x80 and the
        // length of the nonce; the nonce.
        uint256 bytesOfNonce = nonce < 0x80 ? 0 : nonce < 0x100 ? 1 : nonce < 0x10000 ? 2 : 3;
        assembly ("memory-safe") {
            mstore8(0x00, add(0xd6, bytesOfNonce))
            mstore8(0x01, 0x94)
            mstore(0x02, shl(96, address()))
            if bytesOfNonce { mstore8(0x16, add(0x80, bytesOfNonce)) }
            let at := add(0x16, iszero(iszero(bytesOfNonce)))
            if iszero(bytesOfNonce) { bytesOfNonce := 1 }
            mstore(at, shl(sub(256, shl(3, bytesOfNonce)), nonce))
            code := and(keccak256(0x00, add(at, bytesOfNonce)), 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }

    /// @dev Copies the entries of chunk `i`, of `length` bytes, into the buffer, unless it holds them already.
    function _load(uint256 buffer, uint256 i, uint256 length) private view {
        uint256 wanted = i + 1;
        uint256 held;
        assembly ("memory-safe") {
            held := mload(add(buffer, LOADED_AT))
        }
        if (held == wanted) return;

        address code = _codeAt(i);
        assembly ("memory-safe") {
            mstore(add(buffer, LOADED_AT), wanted)
            if lt(mload(add(buffer, CAPACITY_AT)), length) {
                mstore(add(buffer, CAPACITY_AT), length)
                mstore(add(buffer, ENTRIES_AT), mload(0x40))
                mstore(0x40, and(add(add(mload(0x40), length), 0x1f), not(0x1f)))
            }
            extcodecopy(code, mload(add(buffer, ENTRIES_AT)), 1, length)
        }
    }

    /// @dev Adds the keys of a word's bits; `offset` is that of the first bit's entry within the chunk's entries.
    function _addWord(bytes memory total, uint256 buffer, uint256 offset, uint256 word) private view {
        bool ok = true;
        assembly ("memory-safe") {
            let points := add(buffer, POINTS_AT)
            let x := add(points, 0x90)
            let y := add(points, 0xd0)
            let keys := add(mload(add(buffer, ENTRIES_AT)), add(offset, 20))
            mcopy(points, add(total, 0x20), 0x80)
            // There is at least one, so the check at the end suffices and costs less.
            for {} 1 {} {
                let lowest := and(word, sub(0, word))
                let key := add(keys, mul(byte(0, mload(add(buffer, mod(lowest, 269)))), ENTRY_LENGTH))
                mcopy(x, key, 48)
                mcopy(y, add(key, 48), 48)
                ok := and(staticcall(gas(), 0x0b, points, 0x100, points, 0x80), ok)
                word := xor(word, lowest)
                if iszero(word) { break }
            }
            mcopy(add(total, 0x20), points, 0x80)
        }
        if (!ok) revert BLS12381.BLS12381PrecompileFailed(0x0b);
    }

    /// @dev Allocates the buffer for making sums: a table of 288 bytes that holds, at 2^k modulo 269, k (the powers of two up to
    /// 2^255 are distinct modulo that prime, of which 2 is a primitive root); the sum so far, followed by the next key;
    /// the address of a chunk's entries, their capacity in bytes, and which chunk is loaded, counted from 1.
    function _prepare() private pure returns (uint256 buffer) {
        bytes memory table =
            hex"0000016d02d06e1303dad1e66f8e14310469dbdfd280e7b070948f3b15bb3200"
            hex"05476ae3dc38e0fbd3c881fee89eb120712695d690c43caa1640bccb330c00ed"
            hex"065248846b11e42fddae3900e1f9fc1ed4a8c9eb822dff1ce91a9fa1b26421a3"
            hex"727a27b49600d7669144c5233d4faba517774174bd5ccc7c34c00d290058eeb6"
            hex"075f539849f285006ccf12d9e58d3068de7faf933aba0046e237fac7fd9d1f25"
            hex"d5c3a93fca0bec5183102ead00f81da7ea2c1b19a063a279b3006543224ea476"
            hex"735b7bbf2857b55e97f100ced88c677e92b94536c69c24c23e0a500facf7a62b"
            hex"18627800424d755abe565df0cd8b7db8359bc1090ef62a61004c5955ef8ab79a"
            hex"08f5604b548999f44a88f3878600000000000000000000000000000000000000";
        assembly ("memory-safe") {
            buffer := add(table, 0x20)
            calldatacopy(add(buffer, POINTS_AT), calldatasize(), sub(BUFFER_LENGTH, POINTS_AT))
            mstore(0x40, add(buffer, BUFFER_LENGTH))
        }
    }

    /// @notice The agent with this index, for callers that ask in ascending order: each chunk's bounds are read once.
    /// @dev Start with an empty cursor.
    function agentAt(Store storage store, Cursor memory cursor, uint32 index) internal view returns (address agent) {
        while (index >= cursor.end) {
            if (cursor.next == store.chunks.length) revert KeyStoreUnknownKey(index);
            (cursor.first, cursor.end, cursor.code) =
                (cursor.end, _endOf(store, cursor.next), _codeAt(cursor.next));
            ++cursor.next;
        }
        address code = cursor.code;
        uint256 offset = 1 + (index - cursor.first) * ENTRY_LENGTH;
        assembly ("memory-safe") {
            extcodecopy(code, 0x00, offset, 20)
            agent := shr(96, mload(0x00))
        }
    }

    function _find(Store storage store, uint32 index)
        private
        view
        returns (address code, uint256 offset, uint32 epoch)
    {
        uint256 count = store.chunks.length;
        uint256 low = 0;
        uint256 high = count;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_endOf(store, middle) > index) high = middle;
            else low = middle + 1;
        }
        if (low == count) revert KeyStoreUnknownKey(index);

        uint256 first = low == 0 ? 0 : _endOf(store, low - 1);
        return (_codeAt(low), 1 + (index - first) * ENTRY_LENGTH, uint32(store.chunks[low] >> 32));
    }

    function _write(bytes memory entries, uint256 offset, uint256 length) private returns (address code) {
        bytes memory creation = new bytes(11 + length);
        assembly ("memory-safe") {
            // PUSH2 size, DUP1, PUSH1 0x0a, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN; then the code: STOP, entries.
            let size := add(length, 1)
            let start := add(creation, 0x20)
            mstore(start, or(shl(248, 0x61), shl(232, size)))
            mstore(add(start, 3), shl(192, 0x80600a3d393df300))
            mcopy(add(start, 11), add(add(entries, 0x20), offset), length)
            code := create(0, start, add(length, 11))
        }
        if (code == address(0)) revert KeyStoreWriteFailed();
    }
}
