// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Who the nodes are, and who may vote in which epoch
/// @notice A node is an operator address, a BLS12-381 key and a libp2p peer id under an index that never moves. Each
/// change of membership opens a numbered epoch whose committee stays readable for ever.
/// @dev Rotating a key retires the node's index and opens a new one for the same operator, so that keys are immutable
/// and an operator has exactly one index in any epoch.
interface INodeRegistry {
    /// @param operator The account that acts for the node.
    /// @param key BLS12-381 public key in G1, EIP-2537 encoding, 128 bytes.
    /// @param possession Signature in G2 over {possessionMessage}, EIP-2537 encoding, 256 bytes.
    /// @param peerId The libp2p peer id's bytes.
    struct Admission {
        address operator;
        bytes key;
        bytes possession;
        bytes peerId;
    }

    /// @notice One storage slot. `predecessor` is the retired index + 1 of the same operator, or 0.
    struct Node {
        address operator;
        uint32 admittedAt;
        uint32 removedAt;
        uint32 predecessor;
    }

    /// @notice A committee: when its epoch opened, how many nodes it has, and the first index not yet given.
    struct Committee {
        uint48 openedAt;
        uint32 size;
        uint32 indexBound;
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

    /// @notice Admits nodes; opens one epoch. By the timelock, or by the founder until genesis is closed.
    function admit(Admission[] calldata admissions) external;

    /// @notice Removes nodes by index; opens one epoch. By the timelock alone. The committee never becomes empty.
    function remove(uint32[] calldata indices) external;

    /// @notice Retires `index` and gives its operator a new index with `key`; opens one epoch. By the timelock alone.
    function rotateKey(uint32 index, bytes calldata key, bytes calldata possession) external;

    /// @notice Ends the founder's power for good.
    function closeGenesis() external;

    function timelock() external view returns (address);

    /// @notice The account that may admit until genesis is closed, then zero.
    function founder() external view returns (address);

    /// @notice The newest epoch; 0 before the first admission.
    function epoch() external view returns (uint32);

    /// @notice The newest epoch that was open at `timepoint` (seconds); 0 when there was none.
    function epochAt(uint48 timepoint) external view returns (uint32);

    function committee(uint32 epoch_) external view returns (Committee memory);

    /// @notice The sum of the committee's keys, EIP-2537 encoding, 128 bytes.
    function totalKey(uint32 epoch_) external view returns (bytes memory);

    function node(uint32 index) external view returns (Node memory);

    function keyOf(uint32 index) external view returns (bytes memory);

    /// @notice The index under which `operator` is a member in `epoch_`; reverts when it is none.
    function indexOf(address operator, uint32 epoch_) external view returns (uint32);

    /// @notice Whether `operator` is a member in `epoch_`.
    function isMember(address operator, uint32 epoch_) external view returns (bool);

    /// @notice Whether `index` belongs to the committee of `epoch_`.
    function isIndexMember(uint32 index, uint32 epoch_) external view returns (bool);

    /// @notice What a node signs with its BLS key, under the possession domain, to prove that the key is its own.
    function possessionMessage(address operator, bytes calldata key) external view returns (bytes memory);
}
