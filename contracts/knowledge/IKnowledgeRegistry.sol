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
/// MerkleProof). A joint root is keccak256(depth, top) over a tree of 2^depth places; a pair is hashed in its order. The leaf
/// at a node's index is the {batchDigest} of that node's batch, which its author signs too and which binds this contract
/// and chain; other places are zero. An author has one index in an epoch, so it has one batch under a root.
interface IKnowledgeRegistry {
    /// @param count Records in the batch.
    /// @param manifest The block that lists the batch's leaves.
    /// @param deadline The last second in which others may anchor it for its author; 0 for a batch under a joint root, which
    /// nobody anchors alone for its author.
    struct Batch {
        address author;
        bytes32 root;
        uint64 count;
        ContentId manifest;
        uint48 deadline;
    }

    /// @notice A root over the batches of many nodes, as its authors sign it. Its id is {jointDigest}: an anchor of the same
    /// root with another list or deadline is another anchor, and spoils nothing.
    /// @param epoch The epoch of its authors' committee.
    /// @param batches Batches under the root.
    /// @param manifest The block that lists them.
    /// @param deadline The last second in which it takes authors. After it a signer that is not among them anchors its batch
    /// alone, without the risk of anchoring it twice.
    struct JointAnchor {
        uint32 epoch;
        bytes32 root;
        uint32 batches;
        ContentId manifest;
        uint48 deadline;
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
    /// @param authors The nodes that this call added, a bit each under their index.
    event JointlyAnchored(
        bytes32 indexed root,
        uint32 indexed epoch,
        uint32 batches,
        ContentId manifest,
        uint48 deadline,
        uint256[] authors
    );

    error KnowledgeRegistryNotMember(address caller);
    error KnowledgeRegistryEmptyAnchor();
    error KnowledgeRegistryAnchorExists(address author, bytes32 root);
    error KnowledgeRegistryInvalidSignature(address author);
    /// @notice The joint anchor has all these authors.
    error KnowledgeRegistryNothingNew(bytes32 id);
    /// @notice Only the newest committee may anchor.
    error KnowledgeRegistryPastEpoch(uint32 epoch);
    /// @notice The deadline that the authors signed has passed.
    error KnowledgeRegistryLapsed(uint48 deadline);
    /// @notice A joint anchor takes authors for a day at most.
    error KnowledgeRegistryDistantDeadline(uint48 deadline);

    /// @notice Anchors `root` for the caller, a member of the newest committee.
    function anchor(bytes32 root, uint64 count, ContentId manifest) external returns (uint64 sequence);

    /// @notice Anchors a batch of a member of the newest committee; anybody may send it until its deadline. `signature` is its
    /// operator's over {batchDigest}.
    function anchorBySig(Batch calldata batch, bytes calldata signature) external returns (uint64 sequence);

    /// @notice Anchors one root over the batches of many members of its epoch, which must be the newest; anybody may send it.
    /// The same anchor takes further authors until its deadline: those that it has are skipped, and it reverts only if it
    /// has all.
    /// @param authors The indices of the authors, a bit each.
    /// @param signature The sum of their BLS signatures over {jointDigest}. Each author checks that its batch is under the
    /// root, at its index, before it signs.
    function anchorJointly(JointAnchor calldata joint, uint256[] calldata authors, bytes calldata signature) external;

    /// @notice What the author of a batch signs (EIP-712), and the leaf of the batch under a joint root.
    function batchDigest(Batch calldata batch) external view returns (bytes32);

    /// @notice What the authors of a joint anchor sign (EIP-712), and its id.
    function jointDigest(JointAnchor calldata joint) external view returns (bytes32);

    /// @notice When the joint anchor had its first author; 0 if it does not exist.
    function jointlyAnchoredAt(bytes32 id) external view returns (uint48);

    /// @notice Which of the 256 indices from 256 * `word` on signed the joint anchor.
    function jointAuthors(bytes32 id, uint256 word) external view returns (uint256);

    /// @notice The anchor, all zero if it does not exist.
    function anchorOf(address author, bytes32 root) external view returns (Anchor memory);

    function sequenceOf(address author) external view returns (uint64);

    function leafOf(address author, RecordKind kind, ContentId contentId) external pure returns (bytes32);

    /// @notice Whether `author` anchored this record under `root`.
    function verify(address author, bytes32 root, RecordKind kind, ContentId contentId, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @notice Whether the author of `batch` anchored this record in it, under the joint root. A batch that is not at its
    /// author's index, or whose author is not the agent with this index, proves nothing.
    /// @param batchProof From the batch at its author's index up to the topmost node: as many as the tree is deep.
    /// @param proof From the record up to the batch's root.
    function verifyJointly(
        JointAnchor calldata joint,
        Batch calldata batch,
        bytes32[] calldata batchProof,
        RecordKind kind,
        ContentId contentId,
        bytes32[] calldata proof
    ) external view returns (bool);
}
