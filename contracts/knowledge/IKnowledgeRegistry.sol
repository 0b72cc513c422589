// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../types/ContentId.sol";
import {RecordKind} from "../types/RecordKind.sol";

/// @title Anchors: proof of who recorded what, and when
/// @notice A node anchors the Merkle root of a batch of its records, or signs it for anybody to anchor. Several nodes may
/// anchor one root over all their batches, signed by all of them. Anchors are never overwritten; the anchors of a single
/// author are numbered, so that a gap shows.
/// @dev A record's leaf is keccak256(bytes.concat(keccak256(abi.encode(LEAF_DOMAIN, author, kind, contentId)))): hashed twice
/// under a domain, so that no inner node can pass for a leaf. Pairs are hashed in ascending order (OpenZeppelin's
/// MerkleProof). The leaf of a batch under a joint root is its {batchDigest}, which its author also signs to have it
/// anchored alone; it binds this contract and chain.
interface IKnowledgeRegistry {
    /// @param count Records in the batch.
    /// @param manifest The block that lists the batch's leaves.
    struct Batch {
        address author;
        bytes32 root;
        uint64 count;
        ContentId manifest;
    }

    /// @notice A root over the batches of many nodes: when it was anchored, and the epoch of its authors' committee. One
    /// storage slot, beside a bit for each author.
    struct JointAnchor {
        uint48 anchoredAt;
        uint32 epoch;
        uint32 batches;
    }

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

    /// @param batches Batches under the root.
    /// @param manifest The block that lists them.
    /// @param authors The nodes that signed, a bit each under their index.
    event JointlyAnchored(
        bytes32 indexed root, uint32 indexed epoch, uint32 batches, ContentId manifest, uint256[] authors
    );

    error KnowledgeRegistryNotMember(address caller);
    error KnowledgeRegistryEmptyAnchor();
    error KnowledgeRegistryAnchorExists(address author, bytes32 root);
    error KnowledgeRegistryInvalidSignature(address author);
    error KnowledgeRegistryJointAnchorExists(bytes32 root);
    /// @notice Only the newest committee may anchor.
    error KnowledgeRegistryPastEpoch(uint32 epoch);
    /// @notice The deadline that its authors signed has passed.
    error KnowledgeRegistryLapsed(uint48 deadline);

    /// @notice Anchors `root` for the caller, a member of the newest committee.
    function anchor(bytes32 root, uint64 count, ContentId manifest) external returns (uint64 sequence);

    /// @notice Anchors a batch of a member of the newest committee; anybody may send it. `signature` is its operator's over
    /// {batchDigest}.
    function anchorBySig(Batch calldata batch, bytes calldata signature) external returns (uint64 sequence);

    /// @notice Anchors one root over the batches of many members of `epoch`, which must be the newest; anybody may send it.
    /// @param deadline The last second in which it may be anchored. After it a signer that sees no anchor anchors its batch
    /// alone, without the risk of anchoring it twice.
    /// @param authors The indices of the authors, a bit each.
    /// @param signature The sum of their BLS signatures over {jointDigest}. Each author checks that its batch is under the
    /// root before it signs.
    function anchorJointly(
        uint32 epoch,
        bytes32 root,
        uint32 batches,
        ContentId manifest,
        uint48 deadline,
        uint256[] calldata authors,
        bytes calldata signature
    ) external;

    /// @notice What the author of a batch signs (EIP-712), and the leaf of the batch under a joint root.
    function batchDigest(Batch calldata batch) external view returns (bytes32);

    /// @notice What the authors of a joint anchor sign (EIP-712).
    function jointDigest(uint32 epoch, bytes32 root, uint32 batches, ContentId manifest, uint48 deadline)
        external
        view
        returns (bytes32);

    /// @notice The joint anchor, all zero if it does not exist.
    function jointAnchorOf(bytes32 root) external view returns (JointAnchor memory);

    /// @notice Which of the 256 indices from 256 * `word` on signed the joint anchor.
    function jointAuthors(bytes32 root, uint256 word) external view returns (uint256);

    /// @notice The anchor, all zero if it does not exist.
    function anchorOf(address author, bytes32 root) external view returns (Anchor memory);

    function sequenceOf(address author) external view returns (uint64);

    function leafOf(address author, RecordKind kind, ContentId contentId) external pure returns (bytes32);

    /// @notice Whether `author` anchored this record under `root`.
    function verify(address author, bytes32 root, RecordKind kind, ContentId contentId, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @notice Whether the author of `batch` anchored this record in it, under the joint root `root`.
    /// @param batchProof From the batch up to `root`.
    /// @param proof From the record up to the batch's root.
    function verifyJointly(
        bytes32 root,
        Batch calldata batch,
        bytes32[] calldata batchProof,
        RecordKind kind,
        ContentId contentId,
        bytes32[] calldata proof
    ) external view returns (bool);
}
