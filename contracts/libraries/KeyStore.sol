// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "./BLS12381.sol";

/// @title Keys kept as code
/// @notice An append-only list of 128-byte keys. Each append writes its keys into the code of contracts that hold nothing
/// else (the SSTORE2 pattern): 200 gas a byte instead of 690, read at 3 gas a word, and not to be changed by anyone.
/// @dev A chunk's code starts with STOP, so that calling it does nothing.
library KeyStore {
    /// @notice `end` is the index after the chunk's last key; it starts where the chunk before it ends.
    struct Chunk {
        address code;
        uint32 end;
    }

    struct Store {
        Chunk[] chunks;
    }

    /// @notice What fits into one contract's code (24,576 bytes) beside the STOP byte, rounded down.
    uint256 internal constant KEYS_PER_CHUNK = 190;

    error KeyStoreUnknownKey(uint32 index);
    error KeyStoreWriteFailed();

    /// @notice Appends `keys`, a multiple of 128 bytes, after the key with index `end - 1`.
    function append(Store storage store, uint32 end, bytes memory keys) internal {
        uint256 chunkLength = KEYS_PER_CHUNK * BLS12381.G1_LENGTH;
        for (uint256 offset = 0; offset < keys.length; offset += chunkLength) {
            uint256 length = keys.length - offset;
            if (length > chunkLength) length = chunkLength;
            end += uint32(length / BLS12381.G1_LENGTH);
            store.chunks.push(Chunk({code: _write(keys, offset, length), end: end}));
        }
    }

    /// @notice The key with this index.
    function read(Store storage store, uint32 index) internal view returns (bytes memory key) {
        uint256 count = store.chunks.length;
        uint256 low = 0;
        uint256 high = count;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (store.chunks[middle].end > index) high = middle;
            else low = middle + 1;
        }
        if (low == count) revert KeyStoreUnknownKey(index);

        uint256 first = low == 0 ? 0 : store.chunks[low - 1].end;
        address code = store.chunks[low].code;
        uint256 offset = 1 + (index - first) * BLS12381.G1_LENGTH;
        key = new bytes(BLS12381.G1_LENGTH);
        assembly ("memory-safe") {
            extcodecopy(code, add(key, 0x20), offset, 0x80)
        }
    }

    function _write(bytes memory keys, uint256 offset, uint256 length) private returns (address code) {
        bytes memory creation = new bytes(11 + length);
        assembly ("memory-safe") {
            // PUSH2 size, DUP1, PUSH1 0x0a, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN; then the code: STOP, keys.
            let size := add(length, 1)
            let start := add(creation, 0x20)
            mstore(start, or(shl(248, 0x61), shl(232, size)))
            mstore(add(start, 3), shl(192, 0x80600a3d393df300))
            mcopy(add(start, 11), add(add(keys, 0x20), offset), length)
            code := create(0, start, add(length, 11))
        }
        if (code == address(0)) revert KeyStoreWriteFailed();
    }
}
