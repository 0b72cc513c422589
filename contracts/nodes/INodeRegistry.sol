// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignerCounts, Signers} from "../types/Signers.sol";
import {INodeChanges} from "./INodeChanges.sol";
import {INodePresence} from "./INodePresence.sol";

/// @title The nodes, and the committee of every epoch
/// @notice A seat is known by its operator, a person's account. Its agent is an account, a BLS12-381 key and a libp2p peer id on
/// a machine, under an index that never moves. Each change of the committee opens a numbered epoch whose committee
/// remains readable for ever.
/// @dev A new agent retires the seat's index and opens a new one, so that keys are immutable and a seat has at most one index
/// in any epoch. Operators, agents' accounts, keys and peer ids are taken once, for ever: no seat can claim another's.
interface INodeRegistry is INodeChanges {
    /// @notice What is signed by EIP-712: the domain's separator, and of the struct (type hash, `subject`, uint8 choice, uint32
    /// index of the signer) all but the last two.
    struct Statement {
        bytes32 domain;
        bytes32 typeHash;
        uint256 subject;
    }

    /// @notice The indices `bits` of this word are not in the committee, or not counted.
    error NodeRegistryNotMembers(uint256 word, uint256 bits);
    error NodeRegistryOverlappingSets(uint256 word);
    /// @notice Entries must be in strictly ascending order of their indices.
    error NodeRegistryUnsortedSigner(uint32 index);
    error NodeRegistryNoSigners();
    error NodeRegistryInvalidSignature();
    error NodeRegistryInvalidSignatureOf(uint32 index);
    /// @notice This chain lacks EIP-2537, so BLS signatures cannot be verified; agents' ECDSA signatures can.
    error NodeRegistryNoPrecompiles();

    /// @notice The code that makes the changes, on the registry's storage.
    function changes() external view returns (address);

    /// @notice The newest epoch that was open at `timepoint` (seconds); 0 if there was none.
    function epochAt(uint48 timepoint) external view returns (uint32);

    /// @notice Which seats are counted.
    function presences() external view returns (INodePresence);

    /// @notice Opens a presence. Only {presences} may call it.
    function openPresence(bool suspending) external returns (uint32);

    /// @notice The epoch and the presence of `timepoint` (seconds), all seats, and those that are counted.
    function countedAt(uint48 timepoint, bool careful)
        external
        view
        returns (uint32 epoch_, uint32 size, uint32 presence_, uint32 counted);

    /// @notice See {INodePresence-departedSince}; costs little if nobody has departed.
    function departedSince(uint32 epoch_) external view returns (uint256[] memory);

    function committee(uint32 epoch_) external view returns (Committee memory);

    /// @notice {epochAt}, and the number of nodes of its committee.
    function committeeAt(uint48 timepoint) external view returns (uint32 epoch_, uint32 size);

    /// @notice The sum of the committee's keys, EIP-2537 encoding, 128 bytes.
    function totalKey(uint32 epoch_) external view returns (bytes memory);

    function node(uint32 index) external view returns (Node memory);

    function keyOf(uint32 index) external view returns (bytes memory);

    /// @notice All zero for an account that never was an operator.
    function seat(address operator) external view returns (Seat memory);

    /// @notice The operator of an account that is an agent's; of any other, the account itself.
    function operatorOf(address account) external view returns (address);

    /// @notice What an operator signs by EIP-712 (domain "NodeRegistry", version "1") so that `agent` becomes its agent.
    function agentDigest(
        address operator,
        address agent,
        bytes calldata key,
        bytes calldata peerId,
        uint32 nonce,
        uint48 deadline
    ) external view returns (bytes32);

    /// @notice What both operators sign by EIP-712 so that `to` takes the seat of `from`, whose nonce it names.
    function operatorDigest(address from, address to, uint32 nonce, uint48 deadline) external view returns (bytes32);

    /// @notice The index under which `account`, an operator or an agent, is a member in `epoch_`; reverts if it is not one.
    function indexOf(address account, uint32 epoch_) external view returns (uint32);

    /// @notice Whether `account`, an operator or an agent, is a member in `epoch_`.
    function isMember(address account, uint32 epoch_) external view returns (bool);

    /// @notice Whether `account`, an operator or an agent, is a member in the newest epoch.
    function isCurrentMember(address account) external view returns (bool);

    /// @notice Whether `index` belongs to the committee of `epoch_`.
    function isIndexMember(uint32 index, uint32 epoch_) external view returns (bool);

    /// @notice The committee of `epoch_` as a set of indices, 256 to a word.
    function memberBits(uint32 epoch_) external view returns (uint256[] memory);

    /// @notice The scalar c that binds a possession proof to this chain, this registry, the operator and the key; it depends on
    /// the first 128 bytes of `proof`.
    function possessionChallenge(address operator, bytes calldata key, bytes calldata proof)
        external
        view
        returns (uint256);

    /// @notice Checks that `signature` is the sum of these signers' BLS signatures (the ciphersuite of Ethereum's consensus),
    /// of members of `epoch_`, over `forDigest`, `againstDigest` or, for Abstain, both; reverts if it is not, or if a signer
    /// is not counted in `presence_` ({INodePresence}); in presence 0 all are.
    function checkAggregate(
        uint32 epoch_,
        uint32 presence_,
        bool careful,
        Signers calldata signers,
        bytes32 forDigest,
        bytes32 againstDigest,
        bytes calldata signature
    ) external view returns (SignerCounts memory);

    /// @notice Which members of `epoch_` signed which choice on a statement with their agents' accounts; reverts if a
    /// signature is invalid or its signer is not counted in `presence_`. Members in `voted` are left out, and their
    /// signatures are not checked.
    /// @param signed An entry for each signer, in ascending order of indices: index (4 bytes), choice (1; 0 Against, 1 For, 2
    /// Abstain), length of the signature (2), the signature: as EIP-2098 has it, of 65 bytes, or for ERC-1271.
    function recoverSigners(
        uint32 epoch_,
        uint32 presence_,
        bool careful,
        Statement calldata statement,
        uint256[] calldata voted,
        bytes calldata signed
    ) external view returns (Signers memory, SignerCounts memory);
}
