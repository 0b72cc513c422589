// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {RecordKind} from "../types/RecordKind.sol";
import {IKnowledgeRegistry} from "./IKnowledgeRegistry.sol";

/// @title Who knew what, and when
contract KnowledgeRegistry is IKnowledgeRegistry {
    /// @notice The domain of every leaf.
    bytes32 public constant LEAF_DOMAIN = keccak256("witan/leaf/1");

    /// @notice Where the authors' membership is asked.
    INodeRegistry public immutable nodes;

    mapping(address author => mapping(bytes32 root => Anchor)) private _anchors;
    /// @inheritdoc IKnowledgeRegistry
    mapping(address author => uint64) public sequenceOf;

    constructor(INodeRegistry nodes_) {
        nodes = nodes_;
    }

    /// @inheritdoc IKnowledgeRegistry
    function anchor(bytes32 root, uint64 count, ContentId manifest) external returns (uint64 sequence) {
        if (root == bytes32(0) || count == 0 || manifest.isZero()) revert KnowledgeRegistryEmptyAnchor();
        if (!nodes.isMember(msg.sender, nodes.epoch())) revert KnowledgeRegistryNotMember(msg.sender);
        Anchor storage anchor_ = _anchors[msg.sender][root];
        if (anchor_.anchoredAt != 0) revert KnowledgeRegistryAnchorExists(msg.sender, root);

        sequence = ++sequenceOf[msg.sender];
        _anchors[msg.sender][root] = Anchor({anchoredAt: uint48(block.timestamp), sequence: sequence, count: count});

        emit Anchored(msg.sender, root, sequence, count, manifest);
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
    function leafOf(address author, RecordKind kind, ContentId contentId) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(LEAF_DOMAIN, author, kind, contentId))));
    }
}
