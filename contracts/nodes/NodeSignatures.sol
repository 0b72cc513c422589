// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccountSignatures} from "../libraries/AccountSignatures.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {BLS12381} from "../libraries/BLS12381.sol";
import {KeyStore} from "../libraries/KeyStore.sol";
import {SignerCounts, Signers} from "../types/Signers.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {NodeCounts} from "./NodeCounts.sol";

/// @dev Verifies statements that many nodes signed, by one aggregated BLS signature or by a list of their agents' ECDSA
/// signatures. It writes no storage.
abstract contract NodeSignatures is NodeCounts {
    using Bitmap for uint256[];

    /// @dev The progress of reading a list of signatures.
    struct Reading {
        uint256[] members;
        uint256[] voted;
        uint256[][3] sets;
        KeyStore.Cursor cursor;
        uint256 next;
    }

    /// @dev The ciphersuite of Ethereum's consensus.
    bytes private constant SIGNATURE_DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    /// @dev Index (4 bytes), choice (1), length of the signature (2), which follows.
    uint256 private constant HEADER_LENGTH = 7;
    uint256 private constant AGAINST = 0;
    uint256 private constant FOR = 1;
    uint256 private constant ABSTAIN = 2;

    /// @dev The position of the members who signed nothing, among the four sets that make up a committee.
    uint256 private constant ABSENT = 3;

    /// @inheritdoc INodeRegistry
    function checkAggregate(
        uint32 epoch_,
        uint32 presence_,
        bool careful,
        Signers memory signers,
        bytes32 forDigest,
        bytes32 againstDigest,
        bytes memory signature
    ) external view returns (SignerCounts memory counts) {
        if (!aggregates) revert NodeRegistryNoPrecompiles();
        uint256[] memory absent;
        (counts, absent) = _checkMembers(epoch_, presence_, careful, signers);
        (bytes memory forKey, bytes memory againstKey) = _keysOf(epoch_, signers, absent, counts);

        bool anyFor = counts.forCount + counts.abstainCount != 0;
        bool anyAgainst = counts.againstCount + counts.abstainCount != 0;
        bytes[] memory keys = new bytes[](anyFor && anyAgainst ? 2 : 1);
        bytes[] memory messages = new bytes[](keys.length);
        if (anyFor) (keys[0], messages[0]) = (forKey, bytes.concat(forDigest));
        if (anyAgainst) (keys[keys.length - 1], messages[keys.length - 1]) = (againstKey, bytes.concat(againstDigest));
        if (!BLS12381.verify(keys, messages, signature, SIGNATURE_DOMAIN)) revert NodeRegistryInvalidSignature();
    }

    /// @inheritdoc INodeRegistry
    function recoverSigners(
        uint32 epoch_,
        uint32 presence_,
        bool careful,
        Statement calldata statement,
        uint256[] calldata voted,
        bytes calldata signed
    ) external view returns (Signers memory signers, SignerCounts memory counts) {
        if (signed.length == 0) revert NodeRegistryNoSigners();
        Reading memory reading;
        reading.members = memberBits(epoch_);
        uint256[] memory uncounted = _uncounted(presence_, careful, reading.members.length);
        for (uint256 i = 0; i < uncounted.length; ++i) reading.members[i] &= ~uncounted[i];
        reading.voted = voted;
        for (uint256 i = 0; i < 3; ++i) reading.sets[i] = new uint256[](reading.members.length);
        for (uint256 offset = 0; offset < signed.length;) {
            if (signed.length - offset < HEADER_LENGTH) revert NodeRegistryInvalidSignature();
            uint256 end = offset + HEADER_LENGTH + uint16(bytes2(signed[offset + 5:]));
            if (end > signed.length) revert NodeRegistryInvalidSignature();
            _read(reading, statement, signed[offset:end]);
            offset = end;
        }

        signers = Signers({
            forBits: reading.sets[FOR].trim(),
            againstBits: reading.sets[AGAINST].trim(),
            abstainBits: reading.sets[ABSTAIN].trim()
        });
        counts = signers.count();
    }

    /// @inheritdoc INodeRegistry
    function memberBits(uint32 epoch_) public view virtual returns (uint256[] memory);

    /// @dev Adds to each of `sums` the keys of the set at the same place.
    function _addKeys(bytes[] memory sums, uint256[][] memory sets) internal view virtual;

    /// @dev The sum of a committee's keys.
    function _totalKey(uint32 epoch_) internal view virtual returns (bytes memory);

    /// @dev The agent of `index`; must be called with ascending indices.
    function _agentAt(KeyStore.Cursor memory cursor, uint32 index) internal view virtual returns (address);

    /// @dev Checks that the sets are disjoint and of members who are counted; returns the members that are in none.
    function _checkMembers(uint32 epoch_, uint32 presence_, bool careful, Signers memory sets)
        private
        view
        returns (SignerCounts memory counts, uint256[] memory absent)
    {
        absent = memberBits(epoch_);
        uint256[] memory uncounted = _uncounted(presence_, careful, absent.length);
        uint256 bound = absent.length << 8;
        sets.forBits.check(bound);
        sets.againstBits.check(bound);
        sets.abstainBits.check(bound);

        unchecked {
            for (uint256 word = 0; word < absent.length; ++word) {
                (uint256 a, uint256 b, uint256 c) =
                    (sets.forBits.at(word), sets.againstBits.at(word), sets.abstainBits.at(word));
                uint256 all = a | b | c;
                uint256 strangers = all & (~absent[word] | uncounted.at(word));
                if (strangers != 0) revert NodeRegistryNotMembers(word, strangers);
                if ((a & b) | (a & c) | (b & c) != 0) revert NodeRegistryOverlappingSets(word);
                absent[word] ^= all;
            }
        }
        counts = sets.count();
        if (counts.forCount + counts.againstCount + counts.abstainCount == 0) revert NodeRegistryNoSigners();
    }

    /// @dev The sums of the keys that sign For and Against. Reads the keys of all sets but the largest, whose sum is the
    /// total key less the others.
    function _keysOf(uint32 epoch_, Signers memory sets, uint256[] memory absent, SignerCounts memory counts)
        private
        view
        returns (bytes memory forKey, bytes memory againstKey)
    {
        uint256[4] memory sizes = [uint256(counts.forCount), counts.againstCount, counts.abstainCount, absent.countAll()];
        uint256 largest = 0;
        for (uint256 i = 1; i < 4; ++i) {
            if (sizes[i] > sizes[largest]) largest = i;
        }

        uint256[][] memory bits = new uint256[][](4);
        (bits[0], bits[1], bits[2], bits[3]) = (sets.forBits, sets.againstBits, sets.abstainBits, absent);
        bits[largest] = new uint256[](0);
        bytes[] memory sums = new bytes[](4);
        for (uint256 i = 0; i < 4; ++i) {
            if (sizes[i] == 0) bits[i] = bits[largest];
            else if (i != largest) sums[i] = new bytes(BLS12381.G1_LENGTH);
        }

        if (largest == ABSENT) {
            _addKeys(sums, bits);
        } else {
            // The negated total plus all other sums: the negated sum of the largest set.
            bytes memory rest = BLS12381.negate(_totalKey(epoch_));
            sums[ABSENT] = rest;
            if (sizes[largest] != sizes[0] + sizes[1] + sizes[2] + sizes[ABSENT]) _addKeys(sums, bits);
            for (uint256 i = 0; i < ABSENT; ++i) {
                if (i != largest && sizes[i] != 0) BLS12381.addTo(rest, sums[i]);
            }
            sums[largest] = BLS12381.negate(rest);
        }

        if (sizes[2] == 0) return (sums[0], sums[1]);
        for (uint256 i = 0; i < 2; ++i) {
            if (sizes[i] == 0) sums[i] = sums[2];
            else BLS12381.addTo(sums[i], sums[2]);
        }
        return (sums[0], sums[1]);
    }

    /// @dev Adds the entry's signer to the set of its choice, unless it has voted already.
    function _read(Reading memory reading, Statement calldata statement, bytes calldata entry) private view {
        uint32 index = uint32(bytes4(entry));
        uint256 choice = uint8(entry[4]);
        uint256 bit = 1 << (index & 0xff);
        if (reading.members.at(index >> 8) & bit == 0) revert NodeRegistryNotMembers(index >> 8, bit);
        if (index < reading.next) revert NodeRegistryUnsortedSigner(index);
        reading.next = uint256(index) + 1;
        if (reading.voted.at(index >> 8) & bit != 0) return;

        if (choice > ABSTAIN) revert NodeRegistryInvalidSignatureOf(index);
        bytes32 digest = _digestOf(statement.domain, statement.typeHash, statement.subject, choice, index);
        address account = _agentAt(reading.cursor, index);
        if (!AccountSignatures.isValid(account, digest, entry[HEADER_LENGTH:])) {
            revert NodeRegistryInvalidSignatureOf(index);
        }
        reading.sets[choice][index >> 8] |= bit;
    }

    /// @dev The EIP-712 digest of the statement with this choice and this signer. Without an allocation, since a list has many.
    function _digestOf(bytes32 domain, bytes32 typeHash, uint256 subject, uint256 choice, uint256 index)
        private
        pure
        returns (bytes32 digest)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            mstore(add(free, 0x20), subject)
            mstore(add(free, 0x40), choice)
            mstore(add(free, 0x60), index)
            mstore(add(free, 0x22), keccak256(free, 0x80))
            mstore(free, hex"1901")
            mstore(add(free, 0x02), domain)
            digest := keccak256(free, 0x42)
        }
    }
}
