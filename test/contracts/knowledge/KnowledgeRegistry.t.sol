// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IKnowledgeRegistry} from "../../../contracts/knowledge/IKnowledgeRegistry.sol";
import {KnowledgeRegistry} from "../../../contracts/knowledge/KnowledgeRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {RecordKind} from "../../../contracts/types/RecordKind.sol";
import {InvariantTest} from "../Vm.sol";
import {Committee} from "../nodes/Committee.sol";

/// @notice Anchors roots from a small pool as members and as others, and records what should follow.
contract KnowledgeRegistryHandler is Committee {
    uint256 public constant AUTHORS = 4;
    uint256 public constant ROOTS = 10;

    KnowledgeRegistry public immutable knowledge;
    /// @notice Our books: the hash of each anchor as it was written, and the anchors of each author.
    mapping(address author => mapping(bytes32 root => bytes32)) public written;
    mapping(address author => uint64) public anchors;
    uint256 public overwritten;

    constructor() {
        // The last author is no member.
        _assemble(AUTHORS - 1);
        knowledge = new KnowledgeRegistry(registry);
    }

    function authorAt(uint256 i) public pure returns (address) {
        return _operator(i % AUTHORS);
    }

    function anchor(uint256 who, uint256 root, uint64 count, bytes32 manifest) external {
        address author = authorAt(who);
        bytes32 chosen = bytes32(root % ROOTS);
        vm.prank(author);
        (bool done,) = address(knowledge).call(
            abi.encodeCall(IKnowledgeRegistry.anchor, (chosen, count, ContentId.wrap(manifest)))
        );
        if (!done) return;
        if (written[author][chosen] != 0) ++overwritten;
        written[author][chosen] = keccak256(abi.encode(uint48(block.timestamp), ++anchors[author], count));
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 1 days);
    }
}

contract KnowledgeRegistryInvariants is InvariantTest {
    KnowledgeRegistryHandler private handler;

    function setUp() external {
        handler = new KnowledgeRegistryHandler();
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 32
    /// hardhat-config: invariant.depth = 60
    function invariant_AnchorsStayAsTheyWereWritten() external view {
        require(handler.overwritten() == 0, "an anchor was written twice");
        KnowledgeRegistry knowledge = handler.knowledge();
        for (uint256 i = 0; i < handler.AUTHORS(); ++i) {
            address author = handler.authorAt(i);
            uint64 found = 0;
            for (uint256 root = 0; root < handler.ROOTS(); ++root) {
                IKnowledgeRegistry.Anchor memory anchor = knowledge.anchorOf(author, bytes32(root));
                if (anchor.anchoredAt == 0) continue;
                ++found;
                require(handler.written(author, bytes32(root)) == keccak256(abi.encode(anchor)), "an anchor changed");
            }
            require(found == handler.anchors(author) && found == knowledge.sequenceOf(author), "a gap in the sequence");
            require(found == 0 || i + 1 < handler.AUTHORS(), "an anchor by no member");
        }
    }
}

contract KnowledgeRegistryFuzz is Committee {
    KnowledgeRegistry private knowledge;

    function setUp() external {
        _assemble(1);
        knowledge = new KnowledgeRegistry(registry);
    }

    /// @dev A tree of two leaves, built here by the rules that the interface states.
    function testFuzz_ProvesWhatIsInTheTreeAndNothingElse(ContentId a, ContentId b, ContentId other, uint8 kind) external {
        RecordKind recordKind = RecordKind(kind % 4);
        vm.assume(other != a && other != b);
        bytes32 left = _leaf(recordKind, a);
        bytes32 right = _leaf(recordKind, b);
        require(left == knowledge.leafOf(_operator(0), recordKind, a), "leaf");
        bytes32 root = left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
        vm.prank(_operator(0));
        knowledge.anchor(root, 2, ContentId.wrap("manifest"));

        bytes32[] memory proof = new bytes32[](1);
        proof[0] = right;
        require(knowledge.verify(_operator(0), root, recordKind, a, proof), "not proven");
        require(!knowledge.verify(_operator(0), root, recordKind, other, proof), "proves another");
        require(!knowledge.verify(_operator(1), root, recordKind, a, proof), "proves for another author");
        require(!knowledge.verify(_operator(0), left, recordKind, a, new bytes32[](0)), "proves without an anchor");
    }

    function testFuzz_AnchorsForMembersAlone(address caller, bytes32 root) external {
        vm.assume(caller != _operator(0) && root != 0);
        vm.expectRevert(abi.encodeWithSelector(IKnowledgeRegistry.KnowledgeRegistryNotMember.selector, caller));
        vm.prank(caller);
        knowledge.anchor(root, 1, ContentId.wrap("manifest"));
    }

    function _leaf(RecordKind kind, ContentId id) private pure returns (bytes32) {
        bytes32 domain = keccak256("witan/leaf/1");
        return keccak256(bytes.concat(keccak256(abi.encode(domain, _operator(0), uint8(kind), id))));
    }
}
