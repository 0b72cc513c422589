// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "../libraries/BLS12381.sol";
import {KeyStore} from "../libraries/KeyStore.sol";
import {Possession} from "../libraries/Possession.sol";
import {NodeTenures} from "./NodeTenures.sol";

/// @title What an agent must bring
/// @dev An account, a key and a peer id that no other seat ever had, and a proof that somebody has the key's secret.
abstract contract NodeAdmissions is NodeTenures {
    /// @dev Agents being taken in, with the inputs of the check that is made for all at once.
    struct Batch {
        address[] operators;
        bytes[] keys;
        bytes[] proofs;
        uint256[] challenges;
        bytes entries;
    }

    /// @notice libp2p peer ids are multihashes: 34 bytes for sha2-256, 38 for Ed25519 keys, 64 with room to spare.
    uint256 public constant MAX_PEER_ID_LENGTH = 64;

    function _newBatch(uint256 count) internal pure returns (Batch memory batch) {
        batch.operators = new address[](count);
        batch.keys = new bytes[](count);
        batch.proofs = new bytes[](count);
        batch.challenges = new uint256[](count);
        batch.entries = new bytes(count * KeyStore.ENTRY_LENGTH);
    }

    /// @dev Takes an agent's account, key and peer id. The proof of possession is checked together with the batch's others.
    /// Returns what its operator signs.
    function _take(Batch memory batch, uint256 i, Admission memory admission, uint32 nonce)
        internal
        returns (bytes32 consented)
    {
        (address operator, address agent) = (admission.operator, admission.agent);
        if (agent == address(0)) revert NodeRegistryInvalidOperator(agent);
        if (agent != operator) _checkFresh(agent);
        bytes32 peerIdHash = _takePeerId(operator, admission.peerId);
        bytes32 keyHash = _takeKey(operator, admission.key, admission.possession);

        (batch.operators[i], batch.keys[i], batch.proofs[i]) = (operator, admission.key, admission.possession);
        batch.challenges[i] = Possession.challenge(address(this), operator, admission.key, admission.possession);
        KeyStore.put(batch.entries, i, agent, admission.key);
        return _agentDigest(operator, agent, keyHash, peerIdHash, nonce, admission.deadline);
    }

    /// @dev Checks all proofs at once and, if that fails, one by one, so that the error names the operator.
    function _checkPossession(Batch memory batch) internal view {
        if (!aggregates || Possession.verify(batch.keys, batch.proofs, batch.challenges)) return;

        bytes[] memory keys = new bytes[](1);
        bytes[] memory proofs = new bytes[](1);
        uint256[] memory challenges = new uint256[](1);
        for (uint256 i = 0; i < batch.keys.length; ++i) {
            (keys[0], proofs[0], challenges[0]) = (batch.keys[i], batch.proofs[i], batch.challenges[i]);
            if (!Possession.verify(keys, proofs, challenges)) revert NodeRegistryInvalidPossession(batch.operators[i]);
        }
    }

    /// @dev Checks that `key` is well formed and new, and records it.
    function _takeKey(address operator, bytes memory key, bytes memory proof) private returns (bytes32 keyHash) {
        keyHash = keccak256(key);
        if (key.length != BLS12381.G1_LENGTH || !BLS12381.isCanonical(key) || BLS12381.isInfinity(key)) {
            revert NodeRegistryInvalidKey(keyHash);
        }
        if (_keyKnown[keyHash]) revert NodeRegistryDuplicateKey(keyHash);
        if (proof.length != Possession.LENGTH) revert NodeRegistryInvalidPossession(operator);

        _keyKnown[keyHash] = true;
    }

    /// @dev A machine keeps its peer id when its keys change, and its seat's operator.
    function _takePeerId(address operator, bytes memory peerId) private returns (bytes32 peerIdHash) {
        if (peerId.length == 0 || peerId.length > MAX_PEER_ID_LENGTH) revert NodeRegistryInvalidPeerId(peerId.length);
        peerIdHash = keccak256(peerId);
        address owner = _peerIds[peerIdHash];
        if (owner == address(0)) _peerIds[peerIdHash] = operator;
        else if (_presentOperatorOf(owner) != operator) revert NodeRegistryDuplicatePeerId(peerIdHash);
    }
}
