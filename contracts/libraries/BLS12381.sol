// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title BLS12-381 signatures on the precompiles of EIP-2537
/// @notice Keys in G1 (128 bytes), signatures in G2 (256 bytes), both in the encoding of EIP-2537: field elements of 64
/// bytes big-endian, Fp2 as c0 then c1, infinity as zeros. Hashing to G2 is BLS12381G2_XMD:SHA-256_SSWU_RO_ (RFC 9380).
/// @dev A precompile that is given a bad point fails and consumes all gas sent to it; callers get `false`.
library BLS12381 {
    uint256 internal constant G1_LENGTH = 128;
    uint256 internal constant G2_LENGTH = 256;

    /// @dev The field's modulus, as its upper 128 and its lower 256 bits.
    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;

    /// @dev The negated generator of G1.
    uint256 private constant NEGATED_G1_X_HIGH = 0x17f1d3a73197d7942695638c4fa9ac0f;
    uint256 private constant NEGATED_G1_X_LOW = 0xc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb;
    uint256 private constant NEGATED_G1_Y_HIGH = 0x114d1d6855d545a8aa7d76c8cf2e21f2;
    uint256 private constant NEGATED_G1_Y_LOW = 0x67816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca;

    /// @dev expand_message_xmd yields 8 blocks of sha-256: two Fp2 elements of twice 64 bytes each.
    uint256 private constant EXPANDED_BLOCKS = 8;

    /// @dev A pair of the pairing's input: a point of G1 and a point of G2.
    uint256 private constant PAIR_LENGTH = 384;

    error BLS12381PrecompileFailed(uint256 precompile);

    /// @notice Whether each of the point's 64-byte field elements is smaller than the modulus.
    function isCanonical(bytes memory point) internal pure returns (bool canonical) {
        assembly ("memory-safe") {
            let length := mload(point)
            canonical := and(gt(length, 0), iszero(and(length, 0x3f)))
            let end := add(add(point, 0x20), length)
            for { let element := add(point, 0x20) } and(canonical, lt(element, end)) { element := add(element, 0x40) } {
                let high := mload(element)
                canonical := or(lt(high, P_HIGH), and(eq(high, P_HIGH), lt(mload(add(element, 0x20)), P_LOW)))
            }
        }
    }

    /// @notice Whether all bytes are zero, which encodes the point at infinity.
    function isInfinity(bytes memory point) internal pure returns (bool infinite) {
        assembly ("memory-safe") {
            let all := 0
            let end := add(point, mload(point))
            for { let word := point } lt(word, end) {} {
                word := add(word, 0x20)
                all := or(all, mload(word))
            }
            infinite := iszero(all)
        }
    }

    /// @notice Adds each of `keys` to `total`, in place.
    function addAll(bytes memory total, bytes[] memory keys) internal view {
        bool ok = true;
        assembly ("memory-safe") {
            // Past the end of allocated memory: the sum so far, followed by the next key.
            let left := mload(0x40)
            mcopy(left, add(total, 0x20), 0x80)
            for { let i := 0 } lt(i, mload(keys)) { i := add(i, 1) } {
                let key := mload(add(add(keys, 0x20), shl(5, i)))
                mcopy(add(left, 0x80), add(key, 0x20), 0x80)
                ok := and(staticcall(gas(), 0x0b, left, 0x100, left, 0x80), ok)
            }
            mcopy(add(total, 0x20), left, 0x80)
        }
        if (!ok) revert BLS12381PrecompileFailed(0x0b);
    }

    /// @notice Adds `key` to `total`, in place. Reverts if either is not on the curve; does not check the subgroup.
    function addTo(bytes memory total, bytes memory key) internal view {
        bool ok;
        assembly ("memory-safe") {
            // Past the end of allocated memory: one after the other.
            let left := mload(0x40)
            mcopy(left, add(total, 0x20), 0x80)
            mcopy(add(left, 0x80), add(key, 0x20), 0x80)
            ok := staticcall(gas(), 0x0b, left, 0x100, add(total, 0x20), 0x80)
        }
        if (!ok) revert BLS12381PrecompileFailed(0x0b);
    }

    /// @notice Negates `point` of G1, canonical, in place, and returns it.
    function negate(bytes memory point) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            let high := mload(add(point, 0x60))
            let low := mload(add(point, 0x80))
            // Only infinity has y = 0: the curve has no point of order two.
            if or(high, low) {
                mstore(add(point, 0x60), sub(sub(P_HIGH, high), gt(low, P_LOW)))
                mstore(add(point, 0x80), sub(P_LOW, low))
            }
        }
        return point;
    }

    /// @notice Whether `signature` is the sum of signatures of each key over its message, under the domain `dst`.
    /// @dev The pairing checks that every point is canonical, on the curve and in the subgroup of prime order. It is given all
    /// gas, since a fork may change what it costs. An invalid point burns that gas, which the sender of the point pays.
    function verify(bytes[] memory keys, bytes[] memory messages, bytes memory signature, bytes memory dst)
        internal
        view
        returns (bool valid)
    {
        uint256 count = keys.length;
        if (count == 0 || signature.length != G2_LENGTH || isInfinity(signature)) return false;

        bytes memory input = new bytes((count + 1) * PAIR_LENGTH);
        assembly ("memory-safe") {
            mstore(add(input, 0x20), NEGATED_G1_X_HIGH)
            mstore(add(input, 0x40), NEGATED_G1_X_LOW)
            mstore(add(input, 0x60), NEGATED_G1_Y_HIGH)
            mstore(add(input, 0x80), NEGATED_G1_Y_LOW)
            mcopy(add(input, 0xa0), add(signature, 0x20), 0x100)
        }
        for (uint256 i = 0; i < count; ++i) {
            bytes memory key = keys[i];
            if (key.length != G1_LENGTH || isInfinity(key)) return false;
            uint256 offset = (i + 1) * PAIR_LENGTH;
            assembly ("memory-safe") {
                mcopy(add(add(input, 0x20), offset), add(key, 0x20), 0x80)
            }
            _hashInto(input, offset + G1_LENGTH, messages[i], dst);
        }

        assembly ("memory-safe") {
            let ok := staticcall(gas(), 0x0f, add(input, 0x20), mload(input), 0x00, 0x20)
            valid := and(and(ok, eq(returndatasize(), 0x20)), eq(mload(0x00), 1))
        }
    }

    /// @notice Whether this chain has the precompiles of EIP-2537.
    function isAvailable() internal view returns (bool available) {
        bytes memory infinities = new bytes(2 * G1_LENGTH);
        assembly ("memory-safe") {
            available := staticcall(gas(), 0x0b, add(infinities, 0x20), 0x100, 0x00, 0x00)
            available := and(available, eq(returndatasize(), 0x80))
        }
    }

    /// @notice hash_to_curve of RFC 9380, suite BLS12381G2_XMD:SHA-256_SSWU_RO_, with the domain `dst` (1 to 255 bytes).
    function hashToG2(bytes memory message, bytes memory dst) internal view returns (bytes memory point) {
        point = new bytes(G2_LENGTH);
        _hashInto(point, 0, message, dst);
    }

    /// @dev Writes the point at `offset` of `target`: expand_message_xmd to 256 bytes, hash_to_field to two elements of Fp2,
    /// the map of each (which clears the cofactor; clearing is linear, so clearing each is clearing their sum), the sum.
    function _hashInto(bytes memory target, uint256 offset, bytes memory message, bytes memory dst) private view {
        uint256 failed = 0;
        assembly ("memory-safe") {
            let point := add(add(target, 0x20), offset)
            // Past the end of allocated memory: 256 uniform bytes, then what is hashed and raised, then two images.
            let uniform := mload(0x40)
            let work := add(uniform, 0x100)

            // 64 zero bytes, the message, 256 as two bytes, 0, the domain and its length.
            let length := mload(message)
            let domain := add(dst, 0x20)
            calldatacopy(work, calldatasize(), 0x40)
            mcopy(add(work, 0x40), add(message, 0x20), length)
            let end := add(add(work, 0x40), length)
            mstore(end, shl(248, 1))
            mcopy(add(end, 3), domain, mload(dst))
            end := add(add(end, 3), mload(dst))
            mstore8(end, mload(dst))
            if iszero(staticcall(gas(), 0x02, work, sub(add(end, 1), work), 0x00, 0x20)) { failed := 0x02 }
            let seed := mload(0x00)

            // Of each block: 32 bytes that change, the block's number, the domain and its length.
            mcopy(add(work, 0x21), domain, mload(dst))
            mstore8(add(add(work, 0x21), mload(dst)), mload(dst))
            length := add(0x22, mload(dst))
            let last := 0
            for { let i := 1 } iszero(gt(i, EXPANDED_BLOCKS)) { i := add(i, 1) } {
                mstore(work, xor(seed, last))
                mstore8(add(work, 0x20), i)
                if iszero(staticcall(gas(), 0x02, work, length, 0x00, 0x20)) { failed := 0x02 }
                last := mload(0x00)
                mstore(add(uniform, shl(5, sub(i, 1))), last)
            }

            // Four numbers of 64 bytes modulo p, by modexp: three lengths, base, exponent 1, modulus.
            mstore(work, 0x40)
            mstore(add(work, 0x20), 0x01)
            mstore(add(work, 0x40), 0x40)
            mstore8(add(work, 0xa0), 0x01)
            mstore(add(work, 0xa1), P_HIGH)
            mstore(add(work, 0xc1), P_LOW)
            for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
                let element := add(uniform, shl(6, i))
                mcopy(add(work, 0x60), element, 0x40)
                if iszero(staticcall(gas(), 0x05, work, 0xe1, element, 0x40)) { failed := 0x05 }
                if iszero(eq(returndatasize(), 0x40)) { failed := 0x05 }
            }

            if iszero(staticcall(gas(), 0x11, uniform, 0x80, work, 0x100)) { failed := 0x11 }
            if iszero(staticcall(gas(), 0x11, add(uniform, 0x80), 0x80, add(work, 0x100), 0x100)) { failed := 0x11 }
            if iszero(staticcall(gas(), 0x0d, work, 0x200, point, 0x100)) { failed := 0x0d }
            if iszero(eq(returndatasize(), 0x100)) { failed := 0x0d }
        }
        if (failed != 0) revert BLS12381PrecompileFailed(failed);
    }
}
