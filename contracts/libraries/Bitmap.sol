// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Sets of indices, a bit each, 256 to a word
/// @notice The set {0, 9, 300} is [1 + 2^9, 2^44]. Words after the last are zero, and a set has no zero word at its end,
/// so that one set has one encoding.
library Bitmap {
    /// @notice The last word is zero, or there are more words than indices need.
    error BitmapMalformed(uint256 words);

    /// @notice The word at `position`, zero past the end.
    function at(uint256[] memory words, uint256 position) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            if lt(position, mload(words)) { word := mload(add(add(words, 0x20), shl(5, position))) }
        }
    }

    /// @notice The number of words that hold indices below `bound`.
    function wordsFor(uint256 bound) internal pure returns (uint256) {
        return (bound + 255) >> 8;
    }

    function check(uint256[] memory words, uint256 bound) internal pure {
        uint256 length = words.length;
        if (length > wordsFor(bound) || (length != 0 && words[length - 1] == 0)) revert BitmapMalformed(length);
    }

    /// @notice The number of bits set in a word.
    function count(uint256 word) internal pure returns (uint256 bits) {
        // Sums of neighbouring bits, pairs, nibbles and bytes; the bytes are then added up by one multiplication.
        unchecked {
            if (word == type(uint256).max) return 256;
            word -= (word >> 1) & 0x5555555555555555555555555555555555555555555555555555555555555555;
            word = (word & 0x3333333333333333333333333333333333333333333333333333333333333333)
                + ((word >> 2) & 0x3333333333333333333333333333333333333333333333333333333333333333);
            word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            return (word * 0x0101010101010101010101010101010101010101010101010101010101010101) >> 248;
        }
    }

    /// @notice The number of bits set in all words.
    function countAll(uint256[] memory words) internal pure returns (uint256 bits) {
        unchecked {
            for (uint256 i = 0; i < words.length; ++i) {
                if (words[i] != 0) bits += count(words[i]);
            }
        }
    }

    /// @notice Takes `bits` out of the word at `position`, in place.
    function drop(uint256[] memory words, uint256 position, uint256 bits) internal pure {
        if (position < words.length) words[position] &= ~bits;
    }

    /// @notice Without zero words at its end, in place.
    function trim(uint256[] memory words) internal pure returns (uint256[] memory) {
        uint256 length = words.length;
        while (length != 0 && words[length - 1] == 0) --length;
        assembly ("memory-safe") {
            mstore(words, length)
        }
        return words;
    }
}
