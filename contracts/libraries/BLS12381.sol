// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title BLS12-381 signatures on the precompiles of EIP-2537
/// @notice Keys in G1 (128 bytes), signatures in G2 (256 bytes), both in the encoding of EIP-2537: field elements of 64
/// bytes big-endian, Fp2 as c0 then c1, infinity as zeros. Hashing to G2 is BLS12381G2_XMD:SHA-256_SSWU_RO_ (RFC 9380).
/// @dev A precompile that is given a bad point fails and takes all gas that was sent to it; callers learn `false`.
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

    error BLS12381PrecompileFailed(uint256 precompile);

    /// @notice Whether each of the point's 64-byte field elements is smaller than the modulus.
    function isCanonical(bytes memory point) internal pure returns (bool) {
        if (point.length == 0 || point.length % 64 != 0) return false;

        for (uint256 offset = 0; offset < point.length; offset += 64) {
            (uint256 high, uint256 low) = _word2(point, offset);
            if (high > P_HIGH || (high == P_HIGH && low >= P_LOW)) return false;
        }
        return true;
    }

    /// @notice Whether all bytes are zero, which encodes the point at infinity.
    function isInfinity(bytes memory point) internal pure returns (bool) {
        uint256 all = 0;
        for (uint256 offset = 0; offset < point.length; offset += 64) {
            (uint256 high, uint256 low) = _word2(point, offset);
            all |= high | low;
        }
        return all == 0;
    }

    /// @notice a + b in G1. Reverts when either is not on the curve; says nothing of the subgroup.
    function add(bytes memory a, bytes memory b) internal view returns (bytes memory sum) {
        bytes memory input = bytes.concat(a, b);
        sum = new bytes(G1_LENGTH);
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 0x0b, add(input, 0x20), 0x100, add(sum, 0x20), 0x80)
            ok := and(ok, eq(returndatasize(), 0x80))
        }
        if (!ok) revert BLS12381PrecompileFailed(0x0b);
    }

    /// @notice -a in G1, of a canonical encoding.
    function negate(bytes memory a) internal pure returns (bytes memory negated) {
        negated = bytes.concat(a);
        (uint256 high, uint256 low) = _word2(a, 64);
        // y = 0 belongs to infinity alone: the curve has no point of order two.
        if (high | low == 0) return negated;

        assembly ("memory-safe") {
            mstore(add(negated, 0x60), sub(sub(P_HIGH, high), gt(low, P_LOW)))
            mstore(add(negated, 0x80), sub(P_LOW, low))
        }
    }

    /// @notice Whether `signature` is `key`'s over `message` under the domain `dst`. Both must be canonical.
    /// @dev The pairing checks of every point that it is on the curve and in the subgroup of prime order.
    function verify(bytes memory key, bytes memory message, bytes memory signature, bytes memory dst)
        internal
        view
        returns (bool valid)
    {
        if (key.length != G1_LENGTH || signature.length != G2_LENGTH) return false;
        if (isInfinity(key) || isInfinity(signature)) return false;

        bytes memory input = bytes.concat(
            bytes32(NEGATED_G1_X_HIGH),
            bytes32(NEGATED_G1_X_LOW),
            bytes32(NEGATED_G1_Y_HIGH),
            bytes32(NEGATED_G1_Y_LOW),
            signature,
            key,
            hashToG2(message, dst)
        );
        assembly ("memory-safe") {
            let ok := staticcall(gas(), 0x0f, add(input, 0x20), mload(input), 0x00, 0x20)
            valid := and(and(ok, eq(returndatasize(), 0x20)), eq(mload(0x00), 1))
        }
    }

    /// @notice hash_to_curve of RFC 9380, suite BLS12381G2_XMD:SHA-256_SSWU_RO_, with the domain `dst` (1 to 255 bytes).
    function hashToG2(bytes memory message, bytes memory dst) internal view returns (bytes memory point) {
        bytes memory elements = _hashToField(message, dst);
        point = new bytes(G2_LENGTH);
        uint256 failed = 0;
        assembly ("memory-safe") {
            // Both images are written past the end of allocated memory, side by side, and added into `point`.
            // The map clears the cofactor; clearing is linear, so clearing each is clearing their sum.
            let images := mload(0x40)
            if iszero(staticcall(gas(), 0x11, add(elements, 0x20), 0x80, images, 0x100)) { failed := 0x11 }
            if iszero(staticcall(gas(), 0x11, add(elements, 0xa0), 0x80, add(images, 0x100), 0x100)) { failed := 0x11 }
            if iszero(staticcall(gas(), 0x0d, images, 0x200, add(point, 0x20), 0x100)) { failed := 0x0d }
            if iszero(eq(returndatasize(), 0x100)) { failed := 0x0d }
        }
        if (failed != 0) revert BLS12381PrecompileFailed(failed);
    }

    /// @dev hash_to_field, for two elements of Fp2: four numbers of 64 bytes, each reduced modulo p.
    function _hashToField(bytes memory message, bytes memory dst) private view returns (bytes memory elements) {
        elements = _expandMessage(message, dst);
        bool ok = true;
        assembly ("memory-safe") {
            // modexp(number, 1, p): three lengths, then base (64 bytes), exponent (1 byte), modulus (64 bytes).
            let input := mload(0x40)
            mstore(input, 0x40)
            mstore(add(input, 0x20), 0x01)
            mstore(add(input, 0x40), 0x40)
            mstore8(add(input, 0xa0), 0x01)
            mstore(add(input, 0xa1), P_HIGH)
            mstore(add(input, 0xc1), P_LOW)
            for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
                let element := add(add(elements, 0x20), shl(6, i))
                mcopy(add(input, 0x60), element, 0x40)
                ok := and(ok, staticcall(gas(), 0x05, input, 0xe1, element, 0x40))
                ok := and(ok, eq(returndatasize(), 0x40))
            }
        }
        if (!ok) revert BLS12381PrecompileFailed(0x05);
    }

    /// @dev expand_message_xmd with SHA-256, for 256 bytes.
    function _expandMessage(bytes memory message, bytes memory dst) private pure returns (bytes memory uniform) {
        bytes memory suffix = bytes.concat(dst, bytes1(uint8(dst.length)));
        bytes32 seed = sha256(
            bytes.concat(bytes32(0), bytes32(0), message, bytes2(uint16(EXPANDED_BLOCKS * 32)), bytes1(0), suffix)
        );

        uniform = new bytes(EXPANDED_BLOCKS * 32);
        bytes32 block_ = bytes32(0);
        for (uint256 i = 1; i <= EXPANDED_BLOCKS; ++i) {
            block_ = sha256(bytes.concat(seed ^ block_, bytes1(uint8(i)), suffix));
            assembly ("memory-safe") {
                mstore(add(uniform, shl(5, i)), block_)
            }
        }
    }

    /// @dev The two words at `offset`, which with the next 64 bytes lies within `data`.
    function _word2(bytes memory data, uint256 offset) private pure returns (uint256 high, uint256 low) {
        assembly ("memory-safe") {
            let position := add(add(data, 0x20), offset)
            high := mload(position)
            low := mload(add(position, 0x20))
        }
    }
}
