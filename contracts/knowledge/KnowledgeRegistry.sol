// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {RecordKind} from "../types/RecordKind.sol";
import {Signers} from "../types/Signers.sol";
import {IKnowledgeRegistry} from "./IKnowledgeRegistry.sol";

/// @title Anchors: proof of who recorded what, and when
contract KnowledgeRegistry is IKnowledgeRegistry, EIP712 {
    using Bitmap for uint256[];

    /// @notice The domain of every leaf.
    bytes32 public constant LEAF_DOMAIN = keccak256("witan/leaf/1");

    /// @notice The EIP-712 type of a batch.
    bytes32 public constant BATCH_TYPEHASH =
        keccak256("Batch(address author,bytes32 root,uint64 count,bytes32 manifest,uint48 deadline)");
    /// @notice The EIP-712 type of a joint anchor.
    bytes32 public constant JOINT_ANCHOR_TYPEHASH =
        keccak256("JointAnchor(uint32 epoch,bytes32 root,uint32 batches,bytes32 manifest,uint48 deadline)");

    /// @notice The longest that a joint anchor may stay open for further authors: nobody joins one of long ago, and seems to
    /// have known its records since then.
    uint256 public constant MAX_STANDING = 1 days;

    /// @dev Indices have so many bits.
    uint256 private constant MAX_DEPTH = 32;

    /// @notice The registry of the authors' membership.
    INodeRegistry public immutable nodes;

    mapping(address author => mapping(bytes32 root => Anchor)) private _anchors;
    /// @inheritdoc IKnowledgeRegistry
    mapping(bytes32 id => uint48) public jointlyAnchoredAt;
    /// @inheritdoc IKnowledgeRegistry
    mapping(bytes32 id => mapping(uint256 word => uint256)) public jointAuthors;
    /// @inheritdoc IKnowledgeRegistry
    mapping(address author => uint64) public sequenceOf;

    constructor(INodeRegistry nodes_) EIP712("KnowledgeRegistry", "1") {
        nodes = nodes_;
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchor(bytes32 root, uint64 count, ContentId manifest) external returns (uint64 sequence) {
        return _anchor(msg.sender, root, count, manifest);
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchorBySig(Batch calldata batch, bytes calldata signature) external returns (uint64 sequence) {
        if (block.timestamp > batch.deadline) revert KnowledgeRegistryLapsed(batch.deadline);
        if (!SignatureChecker.isValidSignatureNow(batch.author, batchDigest(batch), signature)) {
            revert KnowledgeRegistryInvalidSignature(batch.author);
        }
        return _anchor(batch.author, batch.root, batch.count, batch.manifest);
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchorJointly(JointAnchor calldata joint, uint256[] calldata authors, bytes calldata signature) external {
        if (joint.root == bytes32(0) || joint.batches == 0 || joint.manifest.isZero()) {
            revert KnowledgeRegistryEmptyAnchor();
        }
        if (block.timestamp > joint.deadline) revert KnowledgeRegistryLapsed(joint.deadline);
        if (joint.deadline - block.timestamp > MAX_STANDING) revert KnowledgeRegistryDistantDeadline(joint.deadline);
        if (joint.epoch != nodes.epoch()) revert KnowledgeRegistryPastEpoch(joint.epoch);

        bytes32 id = jointDigest(joint);
        bool exists = jointlyAnchoredAt[id] != 0;
        uint256[] memory added = exists ? _withoutAnchored(id, authors) : authors;
        Signers memory signers;
        signers.forBits = authors;
        nodes.checkAggregate(joint.epoch, 0, false, signers, id, bytes32(0), signature);

        if (!exists) jointlyAnchoredAt[id] = uint48(block.timestamp);
        for (uint256 word = 0; word < added.length; ++word) {
            if (added[word] != 0) jointAuthors[id][word] |= added[word];
        }

        emit JointlyAnchored(joint.root, joint.epoch, joint.batches, joint.manifest, joint.deadline, added);
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchorOf(address author, bytes32 root) external view returns (Anchor memory) {
        return _anchors[author][root];
    }

    /// @inheritdoc IKnowledgeRegistry
    function verify(address author, bytes32 root, RecordKind kind, ContentId contentId, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        if (_anchors[author][root].anchoredAt == 0) return false;

        return MerkleProof.verifyCalldata(proof, root, leafOf(author, kind, contentId));
    }

    /// @inheritdoc IKnowledgeRegistry
    function verifyJointly(
        JointAnchor calldata joint,
        Batch calldata batch,
        bytes32[] calldata batchProof,
        RecordKind kind,
        ContentId contentId,
        bytes32[] calldata proof
    ) external view returns (bool) {
        bytes32 id = jointDigest(joint);
        if (jointlyAnchoredAt[id] == 0 || !nodes.isMember(batch.author, joint.epoch)) return false;
        uint32 index = nodes.indexOf(batch.author, joint.epoch);
        // A joint anchor has one bit for a seat, which is for its agent's batch: its operator could prove a second one under it.
        if (nodes.node(index).agent != batch.author) return false;
        if (jointAuthors[id][index >> 8] & (1 << (index & 0xff)) == 0) return false;

        return _isAtIndex(joint.root, index, batchDigest(batch), batchProof)
            && MerkleProof.verifyCalldata(proof, batch.root, leafOf(batch.author, kind, contentId));
    }

    /// @inheritdoc IKnowledgeRegistry
    function batchDigest(Batch calldata batch) public view returns (bytes32) {
        // A batch is as many words as the fields that are hashed.
        return _hashTypedDataV4(keccak256(abi.encode(BATCH_TYPEHASH, batch)));
    }

    /// @inheritdoc IKnowledgeRegistry
    function jointDigest(JointAnchor calldata joint) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(JOINT_ANCHOR_TYPEHASH, joint)));
    }

    /// @inheritdoc IKnowledgeRegistry
    function leafOf(address author, RecordKind kind, ContentId contentId) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(LEAF_DOMAIN, author, kind, contentId))));
    }

    function _anchor(address author, bytes32 root, uint64 count, ContentId manifest) private returns (uint64 sequence) {
        if (root == bytes32(0) || count == 0 || manifest.isZero()) revert KnowledgeRegistryEmptyAnchor();
        if (!nodes.isCurrentMember(author)) revert KnowledgeRegistryNotMember(author);
        Anchor storage anchor_ = _anchors[author][root];
        if (anchor_.anchoredAt != 0) revert KnowledgeRegistryAnchorExists(author, root);

        sequence = ++sequenceOf[author];
        _anchors[author][root] = Anchor({anchoredAt: uint48(block.timestamp), sequence: sequence, count: count});

        emit Anchored(author, root, sequence, count, manifest);
    }

    /// @dev Those of `authors` that the joint anchor does not have; reverts if it has all. Looked up before the pairings, so
    /// that a claim that somebody else has brought costs its sender little.
    function _withoutAnchored(bytes32 id, uint256[] calldata authors) private view returns (uint256[] memory added) {
        added = authors;
        uint256 left = 0;
        for (uint256 word = 0; word < added.length; ++word) {
            if (added[word] != 0) added[word] &= ~jointAuthors[id][word];
            left |= added[word];
        }
        if (left == 0) revert KnowledgeRegistryNothingNew(id);
        return added.trim();
    }

    /// @dev Whether `leaf` is at `index` of the tree. The root is the hash of the tree's depth and of its topmost node, so one
    /// root has one depth; the bits of the index, from the lowest, say on which side of each pair the path comes up. From the
    /// root down every step is then determined, and no root has two leaves at one index. Leaves are digests of 66 bytes and
    /// pairs are 64, so that no pair passes for a leaf.
    function _isAtIndex(bytes32 root, uint256 index, bytes32 leaf, bytes32[] calldata proof) private pure returns (bool) {
        uint256 depth = proof.length;
        if (depth > MAX_DEPTH || index >> depth != 0) return false;
        bytes32 node = leaf;
        for (uint256 level = 0; level < depth; ++level) {
            node = index >> level & 1 == 0
                ? Hashes.efficientKeccak256(node, proof[level])
                : Hashes.efficientKeccak256(proof[level], node);
        }
        return Hashes.efficientKeccak256(bytes32(depth), node) == root;
    }
}
