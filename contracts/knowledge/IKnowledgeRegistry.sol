// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../types/ContentId.sol";
import {RecordKind} from "../types/RecordKind.sol";

/// @title Who knew what, and when
/// @notice A node writes the Merkle root of a batch of its records. Anchors are never overwritten; each node's anchors
/// are numbered, so that a gap shows.
/// @dev A leaf is keccak256(bytes.concat(keccak256(abi.encode(LEAF_DOMAIN, author, kind, contentId)))): hashed twice
/// under a domain, so that no inner node passes for a leaf. Pairs are hashed in ascending order (OpenZeppelin's
/// MerkleProof).
interface IKnowledgeRegistry {
    /// @notice One storage slot.
    struct Anchor {
        uint48 anchoredAt;
        uint64 sequence;
        uint64 count;
    }

    /// @param sequence The author's anchors so far, this one included: the first is 1.
    /// @param count Records in the batch.
    /// @param manifest The block that lists the batch's leaves.
    event Anchored(
        address indexed author, bytes32 indexed root, uint64 sequence, uint64 count, ContentId manifest
    );

    error KnowledgeRegistryNotMember(address caller);
    error KnowledgeRegistryEmptyAnchor();
    error KnowledgeRegistryAnchorExists(address author, bytes32 root);

    /// @notice Anchors `root` for the caller, a member of the newest committee.
    function anchor(bytes32 root, uint64 count, ContentId manifest) external returns (uint64 sequence);

    /// @notice The anchor, all zero where there is none.
    function anchorOf(address author, bytes32 root) external view returns (Anchor memory);

    function sequenceOf(address author) external view returns (uint64);

    function leafOf(address author, RecordKind kind, ContentId contentId) external pure returns (bytes32);

    /// @notice Whether `author` anchored this record under `root`.
    function verify(address author, bytes32 root, RecordKind kind, ContentId contentId, bytes32[] calldata proof)
        external
        view
        returns (bool);
}
