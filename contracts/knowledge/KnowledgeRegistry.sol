// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {RecordKind} from "../types/RecordKind.sol";
import {Signers} from "../types/Signers.sol";
import {IKnowledgeRegistry} from "./IKnowledgeRegistry.sol";

/// @title Anchors: proof of who recorded what, and when
contract KnowledgeRegistry is IKnowledgeRegistry, EIP712 {
    /// @notice The domain of every leaf.
    bytes32 public constant LEAF_DOMAIN = keccak256("witan/leaf/1");

    /// @notice The EIP-712 type of a batch.
    bytes32 public constant BATCH_TYPEHASH =
        keccak256("Batch(address author,bytes32 root,uint64 count,bytes32 manifest)");
    /// @notice The EIP-712 type of a joint anchor.
    bytes32 public constant JOINT_ANCHOR_TYPEHASH =
        keccak256("JointAnchor(uint32 epoch,bytes32 root,uint32 batches,bytes32 manifest,uint48 deadline)");

    /// @notice The registry of the authors' membership.
    INodeRegistry public immutable nodes;

    mapping(address author => mapping(bytes32 root => Anchor)) private _anchors;
    mapping(bytes32 root => JointAnchor) private _jointAnchors;
    /// @inheritdoc IKnowledgeRegistry
    mapping(bytes32 root => mapping(uint256 word => uint256)) public jointAuthors;
    /// @inheritdoc IKnowledgeRegistry
    mapping(address author => uint64) public sequenceOf;

    constructor(INodeRegistry nodes_) EIP712("KnowledgeRegistry", "1") {
        nodes = nodes_;
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchor(bytes32 root, uint64 count, ContentId manifest) external returns (uint64 sequence) {
        return _anchor(Batch({author: msg.sender, root: root, count: count, manifest: manifest}));
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchorBySig(Batch calldata batch, bytes calldata signature) external returns (uint64 sequence) {
        if (!SignatureChecker.isValidSignatureNow(batch.author, batchDigest(batch), signature)) {
            revert KnowledgeRegistryInvalidSignature(batch.author);
        }
        return _anchor(batch);
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchorJointly(
        uint32 epoch,
        bytes32 root,
        uint32 batches,
        ContentId manifest,
        uint48 deadline,
        uint256[] calldata authors,
        bytes calldata signature
    ) external {
        if (root == bytes32(0) || batches == 0 || manifest.isZero()) revert KnowledgeRegistryEmptyAnchor();
        if (block.timestamp > deadline) revert KnowledgeRegistryLapsed(deadline);
        if (epoch != nodes.epoch()) revert KnowledgeRegistryPastEpoch(epoch);
        if (_jointAnchors[root].anchoredAt != 0) revert KnowledgeRegistryJointAnchorExists(root);

        Signers memory signers;
        signers.forBits = authors;
        bytes32 digest = jointDigest(epoch, root, batches, manifest, deadline);
        nodes.checkAggregate(epoch, signers, digest, bytes32(0), signature);

        _jointAnchors[root] = JointAnchor({anchoredAt: uint48(block.timestamp), epoch: epoch, batches: batches});
        for (uint256 word = 0; word < authors.length; ++word) {
            if (authors[word] != 0) jointAuthors[root][word] = authors[word];
        }

        emit JointlyAnchored(root, epoch, batches, manifest, authors);
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchorOf(address author, bytes32 root) external view returns (Anchor memory) {
        return _anchors[author][root];
    }

    /// @inheritdoc IKnowledgeRegistry
    function jointAnchorOf(bytes32 root) external view returns (JointAnchor memory) {
        return _jointAnchors[root];
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
        bytes32 root,
        Batch calldata batch,
        bytes32[] calldata batchProof,
        RecordKind kind,
        ContentId contentId,
        bytes32[] calldata proof
    ) external view returns (bool) {
        uint32 epoch = _jointAnchors[root].epoch;
        if (epoch == 0 || !nodes.isMember(batch.author, epoch)) return false;
        uint32 index = nodes.indexOf(batch.author, epoch);
        if (jointAuthors[root][index >> 8] & (1 << (index & 0xff)) == 0) return false;

        return MerkleProof.verifyCalldata(batchProof, root, batchDigest(batch))
            && MerkleProof.verifyCalldata(proof, batch.root, leafOf(batch.author, kind, contentId));
    }

    /// @inheritdoc IKnowledgeRegistry
    function batchDigest(Batch memory batch) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(BATCH_TYPEHASH, batch.author, batch.root, batch.count, batch.manifest))
        );
    }

    /// @inheritdoc IKnowledgeRegistry
    function jointDigest(uint32 epoch, bytes32 root, uint32 batches, ContentId manifest, uint48 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(JOINT_ANCHOR_TYPEHASH, epoch, root, batches, manifest, deadline))
        );
    }

    /// @inheritdoc IKnowledgeRegistry
    function leafOf(address author, RecordKind kind, ContentId contentId) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(LEAF_DOMAIN, author, kind, contentId))));
    }

    function _anchor(Batch memory batch) private returns (uint64 sequence) {
        (address author, bytes32 root) = (batch.author, batch.root);
        if (root == bytes32(0) || batch.count == 0 || batch.manifest.isZero()) revert KnowledgeRegistryEmptyAnchor();
        if (!nodes.isCurrentMember(author)) revert KnowledgeRegistryNotMember(author);
        Anchor storage anchor_ = _anchors[author][root];
        if (anchor_.anchoredAt != 0) revert KnowledgeRegistryAnchorExists(author, root);

        sequence = ++sequenceOf[author];
        _anchors[author][root] =
            Anchor({anchoredAt: uint48(block.timestamp), sequence: sequence, count: batch.count});

        emit Anchored(author, root, sequence, batch.count, batch.manifest);
    }
}
