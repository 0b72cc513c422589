// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KeyStore} from "../../../contracts/libraries/KeyStore.sol";
import {BLS12381} from "../../../contracts/libraries/BLS12381.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {VmTest} from "../Vm.sol";

contract KeyStoreFuzz is VmTest {
    using KeyStore for KeyStore.Store;

    KeyStore.Store private store;
    uint32 private end;

    /// @dev As if it had created the one contract that comes before the chunks.
    function setUp() external {
        vm.setNonce(address(this), 2);
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_ReadsWhatWasAppendedHoweverItWasBatched(uint256[5] calldata sizes, uint32 probe) external {
        for (uint256 i = 0; i < sizes.length; ++i) _append(uint32(sizes[i] % (i == 0 ? 420 : 60)));

        for (uint32 index = 0; index < end; index += 1 + end / 16) _check(index);
        if (end > 0) _check(probe % end);
        if (end > 0) _check(end - 1);
        if (end > KeyStore.ENTRIES_PER_CHUNK) _check(uint32(KeyStore.ENTRIES_PER_CHUNK) - 1);
        if (end > KeyStore.ENTRIES_PER_CHUNK) _check(uint32(KeyStore.ENTRIES_PER_CHUNK));
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_KnowsNoKeyAfterTheLast(uint8 size, uint32 beyond) external {
        _append(size);
        vm.assume(beyond <= type(uint32).max - end);
        vm.expectRevert(abi.encodeWithSelector(KeyStore.KeyStoreUnknownKey.selector, end + beyond));
        this.read(end + beyond);
    }

    /// hardhat-config: fuzz.runs = 16
    function testFuzz_SumsAnySetOfKeysOverItsChunks(uint256 low, uint256 high, uint8 shift) external {
        for (uint256 batch = 0; batch < 4; ++batch) _appendPoints(batch == 1 ? 220 : 20);
        uint256[] memory bits = new uint256[](2);
        // Sparse as often as dense, and with bits past the last key.
        (bits[0], bits[1]) = (low >> (shift % 2 == 0 ? 0 : 248) << (shift % 4 == 3 ? 200 : 0), high & (high << shift));

        bytes memory expected = new bytes(128);
        for (uint32 index = 0; index < end; ++index) {
            if (bits[index >> 8] & (1 << (index & 0xff)) == 0) continue;
            (, bytes memory key,) = store.read(index);
            BLS12381.addTo(expected, key);
        }
        uint256[][] memory sets = new uint256[][](3);
        (sets[0], sets[2]) = (bits, bits);
        sets[1] = new uint256[](1);
        sets[1][0] = bits[0];
        bytes[] memory sums = _sums(sets);
        require(keccak256(sums[0]) == keccak256(expected), "another sum");
        require(keccak256(sums[2]) == keccak256(expected), "another sum after others");
        require(bits[1] != 0 || keccak256(sums[1]) == keccak256(expected), "another sum of one word");
    }

    /// @dev Over the lengths that a nonce has in RLP: one byte below 128, then two, three and four.
    function test_FindsTheChunksOfAnyNumber() external {
        for (uint256 i = 0; i < 300; ++i) _append(1);
        for (uint32 index = 0; index < end; ++index) _check(index);
        vm.setNonce(address(this), 0x10000 + 5);
        vm.expectRevert(KeyStore.KeyStoreWriteFailed.selector);
        this.appendOne();
    }

    function appendOne() external {
        _append(1);
    }

    function test_SumsNothingToInfinity() external {
        _appendPoints(3);
        uint256[][] memory sets = new uint256[][](2);
        sets[1] = new uint256[](4);
        bytes[] memory sums = _sums(sets);
        require(BLS12381.isInfinity(sums[0]) && BLS12381.isInfinity(sums[1]), "something");
        sums[1] = Admissions.keyOf(77);
        store.addTo(sums, sets);
        require(keccak256(sums[1]) == keccak256(Admissions.keyOf(77)), "what was there is lost");
        sets[1][0] = 5;
        store.addTo(sums, sets);
        require(keccak256(sums[1]) == keccak256(Admissions.keyOf(77 + 1 + 3)), "not added to what was there");
    }

    function test_FillsAChunkToTheLimitOfACode() external {
        _append(uint32(KeyStore.ENTRIES_PER_CHUNK) + 1);
        require(store.chunks.length == 2, "chunks");
        require(_chunk(1).code.length == 24_477 && _chunk(2).code.length == 117, "lengths");
    }

    function test_DoesNothingWhenAChunkIsCalled() external {
        _append(3);
        require(_chunk(1).code.length != 0, "not a chunk");
        (bool ok, bytes memory answer) = _chunk(1).call{gas: 50_000}(hex"00");
        require(ok && answer.length == 0, "a chunk does something");
    }

    function read(uint32 index) external view returns (address, bytes memory, uint32) {
        return store.read(index);
    }

    /// @dev The chunk with this number, from 1 on; the contract before it has number 1 of those that this one created.
    function _chunk(uint8 number) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), number + 1)))));
    }

    function _append(uint32 count) private {
        bytes memory entries = new bytes(uint256(count) * KeyStore.ENTRY_LENGTH);
        for (uint32 i = 0; i < count; ++i) KeyStore.put(entries, i, _agent(end + i), _key(end + i));
        store.append(end, _epoch(end), entries);
        end += count;
    }

    function _sums(uint256[][] memory sets) private view returns (bytes[] memory sums) {
        sums = new bytes[](sets.length);
        for (uint256 i = 0; i < sums.length; ++i) sums[i] = new bytes(128);
        store.addTo(sums, sets);
    }

    /// @dev The precompile looks at what it adds.
    function _appendPoints(uint32 count) private {
        bytes memory entries = new bytes(uint256(count) * KeyStore.ENTRY_LENGTH);
        for (uint32 i = 0; i < count; ++i) {
            KeyStore.put(entries, i, _agent(end + i), Admissions.keyOf(uint256(end) + i + 1));
        }
        store.append(end, _epoch(end), entries);
        end += count;
    }

    function _check(uint32 index) private view {
        (address agent, bytes memory key,) = store.read(index);
        require(keccak256(key) == keccak256(_key(index)), "another key");
        require(agent == _agent(index), "another agent");
        (address alone, uint32 epoch) = store.agentAt(index);
        require(alone == agent && epoch <= _epoch(index), "another entry");
    }

    function _epoch(uint32 first) private pure returns (uint32) {
        return first / 3;
    }

    function _agent(uint32 index) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("agent", index)))));
    }

    /// @dev Padded as a point is: what the padding would hold is not kept.
    function _key(uint32 index) private pure returns (bytes memory) {
        bytes32 seed = keccak256(abi.encode(index));
        return bytes.concat(bytes16(0), bytes16(seed), ~seed, bytes16(0), bytes12(seed), bytes4(index), seed);
    }
}
