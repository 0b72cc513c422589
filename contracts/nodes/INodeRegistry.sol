// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignerCounts, Signers} from "../types/Signers.sol";

/// @title The nodes, and the committee of every epoch
/// @notice A node is an operator address, a BLS12-381 key and a libp2p peer id under an index that never moves. Each
/// change of membership opens a numbered epoch whose committee remains readable for ever.
/// @dev Rotating a key retires the node's index and opens a new one for the same operator, so that keys are immutable
/// and an operator has exactly one index in any epoch.
interface INodeRegistry {
    /// @param operator The account that acts for the node.
    /// @param key BLS12-381 public key in G1, EIP-2537 encoding, 128 bytes.
    /// @param possession Proof that the operator holds the key's secret: a point R and a scalar s, 160 bytes, with
    /// s·G = R + c·key where c is {possessionChallenge}.
    /// @param peerId The libp2p peer id's bytes.
    struct Admission {
        address operator;
        bytes key;
        bytes possession;
        bytes peerId;
    }

    /// @notice A node. `predecessor` is the retired index + 1 of the same operator, or 0.
    struct Node {
        address operator;
        uint32 admittedAt;
        uint32 removedAt;
        uint32 predecessor;
    }

    /// @notice A committee: when its epoch opened, its number of nodes, and the first index not yet assigned.
    struct Committee {
        uint48 openedAt;
        uint32 size;
        uint32 indexBound;
    }

    /// @notice What is signed by EIP-712: the domain's separator, and of the struct (type hash, `subject`, uint8 choice, uint32
    /// index of the signer) all but the last two.
    struct Statement {
        bytes32 domain;
        bytes32 typeHash;
        uint256 subject;
    }

    event NodeAdmitted(
        uint32 indexed index, address indexed operator, uint32 indexed epoch, bytes key, bytes peerId
    );
    event NodeRemoved(uint32 indexed index, address indexed operator, uint32 indexed epoch);
    event KeyRotated(uint32 indexed oldIndex, uint32 indexed newIndex, address indexed operator);
    event EpochOpened(uint32 indexed epoch, uint32 size, uint32 indexBound);
    event GenesisClosed(uint32 size);

    error NodeRegistryUnauthorized(address caller);
    error NodeRegistryEmptyBatch();
    error NodeRegistryInvalidOperator(address operator);
    error NodeRegistryDuplicateOperator(address operator);
    error NodeRegistryDuplicateKey(bytes32 keyHash);
    error NodeRegistryInvalidKey(bytes32 keyHash);
    error NodeRegistryInvalidPossession(address operator);
    error NodeRegistryInvalidPeerId(uint256 length);
    error NodeRegistryUnknownNode(uint32 index);
    error NodeRegistryNotMember(address operator, uint32 epoch);
    error NodeRegistryLastNode();
    error NodeRegistryUnknownEpoch(uint32 epoch);
    /// @notice The indices `bits` of this word are not in the committee.
    error NodeRegistryNotMembers(uint256 word, uint256 bits);
    error NodeRegistryOverlappingSets(uint256 word);
    /// @notice Entries must be in strictly ascending order of their indices.
    error NodeRegistryUnsortedSigner(uint32 index);
    error NodeRegistryNoSigners();
    error NodeRegistryInvalidSignature();
    error NodeRegistryInvalidSignatureOf(uint32 index);
    /// @notice This chain lacks EIP-2537, so BLS signatures cannot be verified; operators' signatures can.
    error NodeRegistryNoPrecompiles();

    /// @notice Admits nodes; opens one epoch. Only the timelock may call it, and the founder until genesis is
    /// closed.
    function admit(Admission[] calldata admissions) external;

    /// @notice Removes nodes by index; opens one epoch. Only the timelock may call it. The committee never becomes
    /// empty.
    function remove(uint32[] calldata indices) external;

    /// @notice Retires `index` and gives its operator a new index with `key`; opens one epoch. Only the
    /// timelock may call it.
    function rotateKey(uint32 index, bytes calldata key, bytes calldata possession) external;

    /// @notice Ends the founder's power for ever.
    function closeGenesis() external;

    function timelock() external view returns (address);

    /// @notice The account that may admit nodes until genesis is closed; zero after.
    function founder() external view returns (address);

    /// @notice The newest epoch; 0 before the first admission.
    function epoch() external view returns (uint32);

    /// @notice The newest epoch that was open at `timepoint` (seconds); 0 if there was none.
    function epochAt(uint48 timepoint) external view returns (uint32);

    function committee(uint32 epoch_) external view returns (Committee memory);

    /// @notice {epochAt}, and the number of nodes of its committee.
    function committeeAt(uint48 timepoint) external view returns (uint32 epoch_, uint32 size);

    /// @notice The sum of the committee's keys, EIP-2537 encoding, 128 bytes.
    function totalKey(uint32 epoch_) external view returns (bytes memory);

    function node(uint32 index) external view returns (Node memory);

    function keyOf(uint32 index) external view returns (bytes memory);

    /// @notice The index under which `operator` is a member in `epoch_`; reverts if it is not one.
    function indexOf(address operator, uint32 epoch_) external view returns (uint32);

    /// @notice Whether `operator` is a member in `epoch_`.
    function isMember(address operator, uint32 epoch_) external view returns (bool);

    /// @notice Whether `operator` is a member in the newest epoch.
    function isCurrentMember(address operator) external view returns (bool);

    /// @notice Whether `index` belongs to the committee of `epoch_`.
    function isIndexMember(uint32 index, uint32 epoch_) external view returns (bool);

    /// @notice The committee of `epoch_` as a set of indices, 256 to a word.
    function memberBits(uint32 epoch_) external view returns (uint256[] memory);

    /// @notice The scalar c that binds a possession proof; it depends on the first 128 bytes of `proof`.
    function possessionChallenge(address operator, bytes calldata key, bytes calldata proof)
        external
        view
        returns (uint256);

    /// @notice Whether the chain has the precompiles that aggregated signatures need (EIP-2537). Without them keys are
    /// stored unchecked, and {checkAggregate} reverts.
    function aggregates() external view returns (bool);

    /// @notice Checks that `signature` is the sum of these signers' BLS signatures (the ciphersuite of Ethereum's consensus),
    /// of members of `epoch_`, over `forDigest`, `againstDigest` or, for Abstain, both; reverts if it is not.
    function checkAggregate(
        uint32 epoch_,
        Signers calldata signers,
        bytes32 forDigest,
        bytes32 againstDigest,
        bytes calldata signature
    ) external view returns (SignerCounts memory);

    /// @notice Which members of `epoch_` signed which choice on a statement with their operators' accounts; reverts if a
    /// signature is invalid. Members in `counted` are left out, and their signatures are not checked.
    /// @param signed An entry for each signer, in ascending order of indices: index (4 bytes), choice (1; 0 Against, 1 For, 2
    /// Abstain), length of the signature (2), the signature: as EIP-2098 has it, of 65 bytes, or for ERC-1271.
    function recoverSigners(
        uint32 epoch_,
        Statement calldata statement,
        uint256[] calldata counted,
        bytes calldata signed
    ) external view returns (Signers memory, SignerCounts memory);
}
