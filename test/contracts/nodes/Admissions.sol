// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Possession} from "../../../contracts/libraries/Possession.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";

/// @notice Real admissions made inside the machine: the precompiles that multiply points can sign as well.
library Admissions {
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes private constant GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";

    function make(address operator, uint256 secret) internal view returns (INodeRegistry.Admission memory) {
        bytes memory key = keyOf(secret);
        return INodeRegistry.Admission({
            operator: operator,
            key: key,
            possession: possessionOf(operator, key, secret),
            peerId: abi.encodePacked(operator)
        });
    }

    function keyOf(uint256 secret) internal view returns (bytes memory key) {
        bool ok;
        (ok, key) = address(0x0c).staticcall(bytes.concat(GENERATOR, bytes32(secret)));
        require(ok && key.length == 128, "G1MSM failed");
    }

    /// @dev A Schnorr proof: R = k·G, s = k + c·secret.
    function possessionOf(address operator, bytes memory key, uint256 secret) internal view returns (bytes memory proof) {
        uint256 nonce = uint256(keccak256(abi.encode(secret, operator, key))) % (ORDER - 1) + 1;
        proof = bytes.concat(keyOf(nonce), bytes32(0));
        uint256 response = addmod(nonce, mulmod(Possession.challenge(operator, key, proof), secret, ORDER), ORDER);
        assembly ("memory-safe") {
            mstore(add(proof, 0xa0), response)
        }
    }
}
