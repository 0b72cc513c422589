// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";
import {Registries} from "./Registries.sol";

/// @notice The errors of the registry.
contract NodeRegistryRefusals is VmTest {
    address private constant TIMELOCK = address(0x71);
    address private constant FOUNDER = address(0xf0);

    /// @dev The secret of the first operator.
    uint256 private constant OWNER = 0xa1;

    NodeRegistry private registry;

    function setUp() external {
        registry = Registries.deploy(TIMELOCK, FOUNDER);
        INodeRegistry.Admission[] memory genesis = _batch(Admissions.make(registry, OWNER, 1));
        vm.prank(FOUNDER);
        registry.admit(genesis);
    }

    function test_TellsWhatBindsAPossessionProof() external view {
        bytes memory key = registry.keyOf(0);
        address operator = vm.addr(OWNER);
        bytes memory proof = Admissions.possessionOf(registry, operator, key, 1);
        bytes memory commitment = new bytes(128);
        for (uint256 i = 0; i < 128; ++i) commitment[i] = proof[i];
        uint256 order = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
        bytes memory where = abi.encodePacked("witan/possession/2", block.chainid, address(registry));
        uint256 expected = uint256(keccak256(bytes.concat(where, bytes20(operator), key, commitment))) % order;
        require(registry.possessionChallenge(operator, key, proof) == expected, "challenge");
    }

    function test_ClosesGenesisOnceAndNotOverNobody() external {
        NodeRegistry empty = Registries.deploy(TIMELOCK, FOUNDER);
        vm.expectRevert(INodeChanges.NodeRegistryEmptyBatch.selector);
        vm.prank(FOUNDER);
        empty.closeGenesis();

        vm.prank(FOUNDER);
        registry.closeGenesis();
        require(registry.founder() == address(0), "founder");
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryUnauthorized.selector, FOUNDER));
        vm.prank(FOUNDER);
        registry.closeGenesis();
    }

    /// @dev The founder's slot is zero after genesis; the zero address must not become the founder by that.
    function test_RefusesTheZeroAddressAfterGenesis() external {
        vm.prank(FOUNDER);
        registry.closeGenesis();
        INodeRegistry.Admission[] memory batch = _batch(Admissions.make(registry, 0xa2, 2));
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryUnauthorized.selector, address(0)));
        vm.prank(address(0));
        registry.admit(batch);
    }

    function test_RefusesEmptyBatches() external {
        vm.startPrank(TIMELOCK);
        vm.expectRevert(INodeChanges.NodeRegistryEmptyBatch.selector);
        registry.admit(new INodeRegistry.Admission[](0));
        vm.expectRevert(INodeChanges.NodeRegistryEmptyBatch.selector);
        registry.remove(new address[](0));
        vm.stopPrank();
    }

    function test_RefusesNobodyAsOperatorAndPeerIdsOutOfBounds() external {
        INodeRegistry.Admission[] memory batch = _batch(Admissions.make(registry, 0xa2, 2));
        vm.startPrank(TIMELOCK);
        bytes memory nobody = abi.encodeWithSelector(INodeChanges.NodeRegistryInvalidOperator.selector, address(0));
        address operator = batch[0].operator;
        batch[0].operator = address(0);
        vm.expectRevert(nobody);
        registry.admit(batch);
        (batch[0].operator, batch[0].agent) = (operator, address(0));
        vm.expectRevert(nobody);
        registry.admit(batch);
        batch[0].agent = operator;
        batch[0].peerId = new bytes(65);
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryInvalidPeerId.selector, 65));
        registry.admit(batch);
        vm.stopPrank();
    }

    function test_KnowsNoNodeAndNoEpochToCome() external {
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryUnknownNode.selector, 1));
        registry.node(1);
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryUnknownNode.selector, 1));
        registry.keyOf(1);
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryUnknownEpoch.selector, 2));
        registry.isMember(vm.addr(OWNER), 2);
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
