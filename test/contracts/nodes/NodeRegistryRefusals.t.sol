// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";

/// @notice The errors of the registry.
contract NodeRegistryRefusals is VmTest {
    address private constant TIMELOCK = address(0x71);
    address private constant FOUNDER = address(0xf0);

    NodeRegistry private registry;

    function setUp() external {
        registry = new NodeRegistry(TIMELOCK, FOUNDER);
        INodeRegistry.Admission[] memory genesis = _batch(Admissions.make(address(0xa1), 1));
        vm.prank(FOUNDER);
        registry.admit(genesis);
    }

    function test_TellsWhatBindsAPossessionProof() external view {
        bytes memory key = registry.keyOf(0);
        bytes memory proof = Admissions.possessionOf(address(0xa1), key, 1);
        bytes memory commitment = new bytes(128);
        for (uint256 i = 0; i < 128; ++i) commitment[i] = proof[i];
        uint256 order = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
        uint256 expected =
            uint256(keccak256(bytes.concat("witan/possession/1", bytes20(address(0xa1)), key, commitment))) % order;
        require(registry.possessionChallenge(address(0xa1), key, proof) == expected, "challenge");
    }

    function test_ClosesGenesisOnceAndNotOverNobody() external {
        NodeRegistry empty = new NodeRegistry(TIMELOCK, FOUNDER);
        vm.expectRevert(INodeRegistry.NodeRegistryEmptyBatch.selector);
        vm.prank(FOUNDER);
        empty.closeGenesis();

        vm.prank(FOUNDER);
        registry.closeGenesis();
        require(registry.founder() == address(0), "founder");
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryUnauthorized.selector, FOUNDER));
        vm.prank(FOUNDER);
        registry.closeGenesis();
    }

    /// @dev The founder's slot is zero after genesis; the zero address must not become the founder by that.
    function test_RefusesTheZeroAddressAfterGenesis() external {
        vm.prank(FOUNDER);
        registry.closeGenesis();
        INodeRegistry.Admission[] memory batch = _batch(Admissions.make(address(0xa2), 2));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryUnauthorized.selector, address(0)));
        vm.prank(address(0));
        registry.admit(batch);
    }

    function test_RefusesEmptyBatches() external {
        vm.startPrank(TIMELOCK);
        vm.expectRevert(INodeRegistry.NodeRegistryEmptyBatch.selector);
        registry.admit(new INodeRegistry.Admission[](0));
        vm.expectRevert(INodeRegistry.NodeRegistryEmptyBatch.selector);
        registry.remove(new uint32[](0));
        vm.stopPrank();
    }

    function test_RefusesNobodyAsOperatorAndPeerIdsOutOfBounds() external {
        INodeRegistry.Admission[] memory batch = _batch(Admissions.make(address(0), 2));
        vm.startPrank(TIMELOCK);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidOperator.selector, address(0)));
        registry.admit(batch);
        batch[0].peerId = new bytes(65);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidPeerId.selector, 65));
        registry.admit(batch);
        vm.stopPrank();
    }

    function test_KnowsNoNodeAndNoEpochToCome() external {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryUnknownNode.selector, 1));
        registry.node(1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryUnknownNode.selector, 1));
        registry.keyOf(1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryUnknownEpoch.selector, 2));
        registry.isMember(address(0xa1), 2);
    }

    function _batch(INodeRegistry.Admission memory admission)
        private
        pure
        returns (INodeRegistry.Admission[] memory batch)
    {
        batch = new INodeRegistry.Admission[](1);
        batch[0] = admission;
    }
}
