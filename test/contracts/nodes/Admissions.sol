// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Possession} from "../../../contracts/libraries/Possession.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {Vm} from "../Vm.sol";

/// @notice Real admissions made inside the machine: the precompiles that multiply points can sign as well.
library Admissions {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes private constant GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";

    /// @dev A new seat with one key pair for operator and agent.
    function make(INodeRegistry registry, uint256 operatorSecret, uint256 secret)
        internal
        view
        returns (INodeRegistry.Admission memory)
    {
        address operator = VM.addr(operatorSecret);
        return consented(registry, agentOf(registry, operator, operator, secret), operatorSecret, 0);
    }

    /// @dev All but the consent. The peer id follows from the agent's account.
    function agentOf(INodeRegistry registry, address operator, address agent, uint256 secret)
        internal
        view
        returns (INodeRegistry.Admission memory admission)
    {
        (admission.operator, admission.agent, admission.key) = (operator, agent, keyOf(secret));
        admission.possession = possessionOf(registry, operator, admission.key, secret);
        admission.peerId = abi.encodePacked(agent);
        admission.deadline = type(uint48).max;
    }

    /// @dev With the consent of this key pair, whose the operator is or not.
    function consented(INodeRegistry registry, INodeRegistry.Admission memory admission, uint256 signer, uint32 nonce)
        internal
        view
        returns (INodeRegistry.Admission memory)
    {
        bytes32 digest = registry.agentDigest(
            admission.operator, admission.agent, admission.key, admission.peerId, nonce, admission.deadline
        );
        admission.consent = sign(signer, digest);
        return admission;
    }

    function sign(uint256 signer, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(signer, digest);
        return abi.encodePacked(r, s, v);
    }

    function keyOf(uint256 secret) internal view returns (bytes memory key) {
        bool ok;
        (ok, key) = address(0x0c).staticcall(bytes.concat(GENERATOR, bytes32(secret)));
        require(ok && key.length == 128, "G1MSM failed");
    }

    /// @dev A Schnorr proof: R = k·G, s = k + c·secret.
    function possessionOf(INodeRegistry registry, address operator, bytes memory key, uint256 secret)
        internal
        view
        returns (bytes memory proof)
    {
        uint256 nonce = uint256(keccak256(abi.encode(secret, operator, key))) % (ORDER - 1) + 1;
        proof = bytes.concat(keyOf(nonce), bytes32(0));
        uint256 challenge = Possession.challenge(address(registry), operator, key, proof);
        uint256 response = addmod(nonce, mulmod(challenge, secret, ORDER), ORDER);
        assembly ("memory-safe") {
            mstore(add(proof, 0xa0), response)
        }
    }
}
