// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KeyStore} from "../../../contracts/libraries/KeyStore.sol";
import {VmTest} from "../Vm.sol";

contract KeyStoreFuzz is VmTest {
    using KeyStore for KeyStore.Store;

    KeyStore.Store private store;
    uint32 private end;

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_ReadsWhatWasAppendedHoweverItWasBatched(uint256[5] calldata sizes, uint32 probe) external {
        for (uint256 i = 0; i < sizes.length; ++i) _append(uint32(sizes[i] % (i == 0 ? 420 : 60)));

        for (uint32 index = 0; index < end; index += 1 + end / 16) _check(index);
        if (end > 0) _check(probe % end);
        if (end > 0) _check(end - 1);
        if (end > KeyStore.KEYS_PER_CHUNK) _check(uint32(KeyStore.KEYS_PER_CHUNK) - 1);
        if (end > KeyStore.KEYS_PER_CHUNK) _check(uint32(KeyStore.KEYS_PER_CHUNK));
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_KnowsNoKeyAfterTheLast(uint8 size, uint32 beyond) external {
        _append(size);
        vm.assume(beyond <= type(uint32).max - end);
        vm.expectRevert(abi.encodeWithSelector(KeyStore.KeyStoreUnknownKey.selector, end + beyond));
        this.read(end + beyond);
    }

    function test_FillsAChunkToTheLimitOfACode() external {
        _append(uint32(KeyStore.KEYS_PER_CHUNK) + 1);
        require(store.chunks.length == 2, "chunks");
        require(store.chunks[0].code.code.length == 24_321 && store.chunks[1].code.code.length == 129, "lengths");
    }

    function test_DoesNothingWhenAChunkIsCalled() external {
        _append(3);
        (bool ok, bytes memory answer) = store.chunks[0].code.call{gas: 50_000}(hex"00");
        require(ok && answer.length == 0, "a chunk does something");
    }

    function read(uint32 index) external view returns (bytes memory) {
        return store.read(index);
    }

    function _append(uint32 count) private {
        bytes memory keys = new bytes(uint256(count) * 128);
        for (uint32 i = 0; i < count; ++i) {
            bytes memory key = _key(end + i);
            for (uint256 word = 0; word < 128; word += 32) {
                assembly ("memory-safe") {
                    mstore(add(add(add(keys, 0x20), mul(i, 0x80)), word), mload(add(add(key, 0x20), word)))
                }
            }
        }
        store.append(end, keys);
        end += count;
    }

    function _check(uint32 index) private view {
        require(keccak256(store.read(index)) == keccak256(_key(index)), "another key");
    }

    function _key(uint32 index) private pure returns (bytes memory) {
        bytes32 seed = keccak256(abi.encode(index));
        return abi.encode(seed, ~seed, index, seed ^ bytes32(uint256(1)));
    }
}
