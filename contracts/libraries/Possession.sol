// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "./BLS12381.sol";

/// @title Proofs that operators hold the secrets of their keys, many checked at once
/// @notice A proof is a Schnorr signature in G1 with the key itself: a point R (128 bytes) and a scalar s (32 bytes) with
/// s·G = R + c·key, where c binds chain, registry, operator, key and R. Making one requires the secret, so no key can be derived
/// from the keys of others (the rogue-key attack on sums of keys), and no proof is valid for another operator or key, or on
/// another chain or in another registry.
/// @dev BLS signatures over one message for the whole batch would not do: a rogue key, the victim's negated plus one's own,
/// can sign that message by subtracting the victim's signature. One message for each key would cost 86,000 gas for hash
/// and pairing. All proofs of a batch are checked by one multiplication: sum r_i·(s_i·G - R_i - c_i·key_i) = 0 with 128-bit
/// coefficients that bind every input, so that every proof is valid, with an error of 2^-128 (Bellare, Garay and Rabin,
/// EUROCRYPT 98). The precompile refuses points outside the subgroup.
library Possession {
    uint256 internal constant LENGTH = 160;
    /// @dev The order of G1.
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes private constant DOMAIN = "witan/possession/2";
    bytes private constant GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";
    uint256 private constant TERM = 160;

    /// @notice Whether every proof, of {LENGTH} bytes, is valid.
    /// @param challenges The {challenge} of each key.
    function verify(bytes[] memory keys, bytes[] memory proofs, uint256[] memory challenges)
        internal
        view
        returns (bool valid)
    {
        uint256 count = keys.length;
        bytes memory terms = new bytes((2 * count + 1) * TERM);
        bytes32 seed = _seed(proofs, challenges);
        uint256 scalars = 0;
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                bytes memory proof = proofs[i];
                uint256 s = _scalarOf(proof);
                if (s >= ORDER) return false;

                uint256 coefficient = _coefficient(seed, i);
                scalars = addmod(scalars, mulmod(coefficient, s, ORDER), ORDER);
                _put(terms, 2 * i + 1, proof, ORDER - coefficient);
                _put(terms, 2 * i + 2, keys[i], ORDER - mulmod(coefficient, challenges[i], ORDER));
            }
        }
        _put(terms, 0, GENERATOR, scalars);

        // All gas, since a fork may change what a multiplication costs. A point outside the subgroup burns it, at the cost of the
        // account that sends the point.
        bytes memory result = new bytes(BLS12381.G1_LENGTH);
        assembly ("memory-safe") {
            valid := staticcall(gas(), 0x0c, add(terms, 0x20), mload(terms), add(result, 0x20), 0x80)
            valid := and(valid, eq(returndatasize(), 0x80))
        }
        return valid && BLS12381.isInfinity(result);
    }

    /// @notice The challenge, which binds a proof to this chain, a registry, its operator and key. Reads the first 128 bytes of
    /// `proof` and of `key`.
    function challenge(address registry, address operator, bytes memory key, bytes memory proof)
        internal
        view
        returns (uint256 scalar)
    {
        bytes memory domain = DOMAIN;
        assembly ("memory-safe") {
            // Past the end of allocated memory: domain (18 bytes), chain (32), registry (20), operator (20),
            // key (128), commitment (128).
            let message := mload(0x40)
            mstore(message, mload(add(domain, 0x20)))
            mstore(add(message, 18), chainid())
            mstore(add(message, 50), shl(96, registry))
            mstore(add(message, 70), shl(96, operator))
            mcopy(add(message, 90), add(key, 0x20), 0x80)
            mcopy(add(message, 218), add(proof, 0x20), 0x80)
            scalar := mod(keccak256(message, 346), ORDER)
        }
    }

    /// @dev Binds all inputs of the check: each challenge binds its operator, key and commitment.
    function _seed(bytes[] memory proofs, uint256[] memory challenges) private pure returns (bytes32) {
        bytes32 scalars = 0;
        unchecked {
            for (uint256 i = 0; i < proofs.length; ++i) {
                uint256 scalar = _scalarOf(proofs[i]);
                assembly ("memory-safe") {
                    mstore(0x00, scalars)
                    mstore(0x20, scalar)
                    scalars := keccak256(0x00, 0x40)
                }
            }
        }
        return keccak256(abi.encodePacked(scalars, challenges));
    }

    /// @dev 128 bits, never zero.
    function _coefficient(bytes32 seed, uint256 i) private pure returns (uint256 coefficient) {
        assembly ("memory-safe") {
            mstore(0x00, seed)
            mstore(0x20, i)
            coefficient := or(shr(128, keccak256(0x00, 0x40)), 1)
        }
    }

    function _scalarOf(bytes memory proof) private pure returns (uint256 scalar) {
        assembly ("memory-safe") {
            scalar := mload(add(proof, 0xa0))
        }
    }

    /// @dev Writes the first 128 bytes of `point` and the scalar as one term of the multiplication.
    function _put(bytes memory terms, uint256 position, bytes memory point, uint256 scalar) private pure {
        assembly ("memory-safe") {
            let term := add(add(terms, 0x20), mul(position, TERM))
            mcopy(term, add(point, 0x20), 0x80)
            mstore(add(term, 0x80), scalar)
        }
    }
}
