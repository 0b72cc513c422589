// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IKnowledgeRegistry} from "../../../contracts/knowledge/IKnowledgeRegistry.sol";
import {KnowledgeRegistry} from "../../../contracts/knowledge/KnowledgeRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {RecordKind} from "../../../contracts/types/RecordKind.sol";
import {Committee} from "../nodes/Committee.sol";
import {Signing} from "../nodes/Signing.sol";

/// @notice Batches of two nodes under one root, signed by any of a committee.
contract JointAnchorsFuzz is Committee {
    uint256 private constant SIZE = 4;
    ContentId private constant MANIFEST = ContentId.wrap("manifest");

    KnowledgeRegistry private knowledge;

    function setUp() external {
        _assemble(SIZE);
        knowledge = new KnowledgeRegistry(registry);
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_ProvesTheRecordsOfWhoeverSigned(uint256 authors, ContentId a, ContentId b) external {
        authors = 1 + authors % (2 ** SIZE - 1);
        IKnowledgeRegistry.Batch memory first = _batch(0, a);
        IKnowledgeRegistry.Batch memory second = _batch(1, b);
        (bytes32 left, bytes32 right) = (knowledge.batchDigest(first), knowledge.batchDigest(second));
        // Nodes 0 and 1: a tree of depth one.
        bytes32 root = keccak256(abi.encode(1, keccak256(abi.encode(left, right))));
        _anchor(root, authors);

        require(_proves(root, first, right, a) == (authors & 1 != 0), "first");
        require(_proves(root, second, left, b) == (authors & 2 != 0), "second");
        require(!_proves(root, first, left, a), "under a wrong sibling");
        require(a == b || !_proves(root, first, right, b), "another's record");
        first.count = 2;
        require(!_proves(root, first, right, a), "another count");
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_TakesFurtherAuthorsAndNoneTwice(uint256 early, uint256 late, bytes32 root) external {
        vm.assume(root != 0);
        early = 1 + early % (2 ** SIZE - 1);
        late = 1 + late % (2 ** SIZE - 1);
        _anchor(root, early);
        bytes32 id = knowledge.jointDigest(_joint(root));
        try knowledge.anchorJointly(_joint(root), Signing.bitmap(late), _sign(root, late)) {
            require(late & ~early != 0, "nothing was new");
        } catch {
            require(late & ~early == 0, "something was new");
        }
        require(knowledge.jointAuthors(id, 0) == early | late, "authors");
    }

    /// hardhat-config: fuzz.runs = 32
    function testFuzz_TakesNoSignatureOfOthers(uint256 authors, uint256 signers, bytes32 root) external {
        vm.assume(root != 0);
        authors = 1 + authors % (2 ** SIZE - 1);
        signers = 1 + signers % (2 ** SIZE - 1);
        // The keys of this committee are small numbers: what two and one sign together, three alone signs too.
        vm.assume(_secretOf(authors) != _secretOf(signers));
        bytes memory signature = _sign(root, signers);
        try knowledge.anchorJointly(_joint(root), Signing.bitmap(authors), signature) {
            require(false, "anchored");
        } catch {
            require(knowledge.jointlyAnchoredAt(knowledge.jointDigest(_joint(root))) == 0, "written");
        }
    }

    /// @dev A batch of one record: its root is the record's leaf.
    function _batch(uint256 author, ContentId record) private view returns (IKnowledgeRegistry.Batch memory) {
        bytes32 root = knowledge.leafOf(_operator(author), RecordKind.State, record);
        return IKnowledgeRegistry.Batch({author: _operator(author), root: root, count: 1, manifest: MANIFEST, deadline: 0});
    }

    function _proves(bytes32 root, IKnowledgeRegistry.Batch memory batch, bytes32 sibling, ContentId record)
        private
        view
        returns (bool)
    {
        bytes32[] memory batchProof = new bytes32[](1);
        batchProof[0] = sibling;
        return knowledge.verifyJointly(_joint(root), batch, batchProof, RecordKind.State, record, new bytes32[](0));
    }

    function _anchor(bytes32 root, uint256 authors) private {
        knowledge.anchorJointly(_joint(root), Signing.bitmap(authors), _sign(root, authors));
        require(knowledge.jointAuthors(knowledge.jointDigest(_joint(root)), 0) == authors, "authors");
    }

    function _sign(bytes32 root, uint256 signers) private view returns (bytes memory) {
        return Signing.sign(_secretOf(signers), knowledge.jointDigest(_joint(root)));
    }

    function _joint(bytes32 root) private view returns (IKnowledgeRegistry.JointAnchor memory) {
        uint48 deadline = uint48(block.timestamp + 1 days);
        return IKnowledgeRegistry.JointAnchor({epoch: 1, root: root, batches: 2, manifest: MANIFEST, deadline: deadline});
    }

    /// @dev The secret of node i is i + 1, and a sum of signatures is what the sum of the secrets signs.
    function _secretOf(uint256 signers) private pure returns (uint256 secret) {
        for (uint256 i = 0; i < SIZE; ++i) {
            if (signers >> i & 1 != 0) secret += i + 1;
        }
    }
}
