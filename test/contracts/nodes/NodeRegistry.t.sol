// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "../../../contracts/libraries/BLS12381.sol";
import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {InvariantTest, VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";
import {NodeRegistryHandler} from "./NodeRegistryHandler.sol";
import {Registries} from "./Registries.sol";

/// @notice For any calls by any accounts in any order, each committee is consistent, and nobody has changed one without the right to.
contract NodeRegistryInvariants is InvariantTest {
    NodeRegistry private registry;
    NodeRegistryHandler private handler;

    function setUp() external {
        vm.warp(1_000 days);
        registry = Registries.deploy(address(0x71), address(0xf0));
        INodeRegistry.Admission[] memory genesis = new INodeRegistry.Admission[](2);
        for (uint256 i = 0; i < genesis.length; ++i) {
            genesis[i] = Admissions.make(registry, 0x1000 + i, i + 1);
        }
        vm.prank(address(0xf0));
        registry.admit(genesis);
        handler = new NodeRegistryHandler(registry);
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 16
    /// hardhat-config: invariant.depth = 40
    function invariant_CommitteesAreWhatTheySay() external view {
        require(handler.intrusions() == 0, "somebody without the right has changed the registry");

        uint32 newest = registry.epoch();
        for (uint32 epoch = 0; epoch <= newest; ++epoch) _checkCommittee(epoch);
        _checkKeysAreDistinct();
        _checkEpochAt(newest);
        for (uint256 i = 1; i < 60 days; i *= 4) _checkVotes(block.timestamp - i);
    }

    /// @dev Size, total key, agents and operators of the committee follow from its members, each of which counts once.
    function _checkCommittee(uint32 epoch) private view {
        INodeRegistry.Committee memory committee = registry.committee(epoch);
        require((epoch == 0) == (committee.size == 0), "a committee is empty");

        uint32 size = 0;
        bytes memory total = new bytes(128);
        for (uint32 index = 0; index < committee.indexBound; ++index) {
            INodeRegistry.Node memory node = registry.node(index);
            if (!registry.isIndexMember(index, epoch)) continue;
            ++size;
            BLS12381.addTo(total, registry.keyOf(index));
            // An agent with two members in one epoch would fail this for one of them.
            require(registry.indexOf(node.agent, epoch) == index, "an agent counts twice");
        }
        require(size == committee.size, "size is not the number of members");
        require(keccak256(total) == keccak256(registry.totalKey(epoch)), "total key is not the sum");

        uint256 operated = 0;
        for (uint256 i = 0; i < handler.OPERATORS(); ++i) {
            address operator = handler.operatorAt(i);
            if (registry.isMember(operator, epoch)) operated |= 1 << registry.indexOf(operator, epoch);
        }
        if (epoch != 0) require(operated == registry.memberBits(epoch)[0], "a seat that no operator has");
    }

    /// @dev The votes that tools read: one a seat, also after it changed its operator.
    function _checkVotes(uint256 timepoint) private view {
        uint256 votes = 0;
        uint256 current = 0;
        for (uint256 i = 0; i < handler.OPERATORS(); ++i) {
            votes += registry.getPastVotes(handler.operatorAt(i), timepoint);
            current += registry.getVotes(handler.operatorAt(i));
        }
        require(votes == registry.getPastTotalSupply(timepoint), "votes differ from their sum");
        require(current == registry.committee(registry.epoch()).size, "votes differ from the seats");
    }

    function _checkKeysAreDistinct() private view {
        uint32 bound = registry.committee(registry.epoch()).indexBound;
        for (uint32 i = 0; i < bound; ++i) {
            for (uint32 j = 0; j < i; ++j) {
                require(keccak256(registry.keyOf(i)) != keccak256(registry.keyOf(j)), "a key counts twice");
            }
        }
    }

    function _checkEpochAt(uint32 newest) private view {
        for (uint32 epoch = 1; epoch <= newest; ++epoch) {
            uint48 openedAt = registry.committee(epoch).openedAt;
            require(registry.epochAt(openedAt) >= epoch, "an open epoch is not found");
            require(registry.epochAt(openedAt - 1) < epoch, "an epoch is found before it opened");
        }
    }
}

contract NodeRegistryFuzz is VmTest {
    address private constant TIMELOCK = address(0x71);
    uint256 private constant GROUP_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    /// @dev The secret of an operator.
    uint256 private constant OWNER = 0xa1;

    NodeRegistry private registry;

    function setUp() external {
        registry = Registries.deploy(TIMELOCK, address(this));
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_AdmitsAnyHonestNode(address agent, uint256 secret) external {
        vm.assume(agent != address(0) && agent != vm.addr(OWNER));
        _admit(_consented(Admissions.agentOf(registry, vm.addr(OWNER), agent, _bound(secret, 1, GROUP_ORDER - 1))));

        require(registry.isMember(agent, 1) && registry.isMember(vm.addr(OWNER), 1), "not a member");
        require(keccak256(registry.totalKey(1)) == keccak256(registry.keyOf(0)), "total key of one");
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_RefusesAPossessionProofOfAnyOtherOperatorOrKey(address a, address b, uint256 s, uint256 t) external {
        s = _bound(s, 1, GROUP_ORDER - 1);
        t = _bound(t, 1, GROUP_ORDER - 1);
        vm.assume(a != b && s != t && b != address(0));
        INodeRegistry.Admission memory admission = Admissions.agentOf(registry, vm.addr(OWNER), b, s);
        if (a == admission.operator) a = b;
        admission = _consented(admission);

        admission.possession = Admissions.possessionOf(registry, a, admission.key, s);
        _refuse(admission, INodeChanges.NodeRegistryInvalidPossession.selector);
        admission.possession = Admissions.possessionOf(registry, admission.operator, admission.key, t);
        _refuse(admission, INodeChanges.NodeRegistryInvalidPossession.selector);
    }

    /// hardhat-config: fuzz.runs = 128
    function testFuzz_RefusesAnyOtherBytes(bytes calldata key, bytes calldata possession) external {
        INodeRegistry.Admission memory admission = Admissions.make(registry, OWNER, 5);
        bytes memory honest = admission.possession;
        admission.possession = possession;
        if (keccak256(possession) != keccak256(honest)) {
            _refuse(admission, INodeChanges.NodeRegistryInvalidPossession.selector);
        }
        admission.key = key;
        admission.possession = honest;
        if (key.length != 128) _refuse(admission, INodeChanges.NodeRegistryInvalidKey.selector);
    }

    /// @dev Secrets that cancel out are no attack, since both are known; the total is infinity and all goes on.
    function test_SurvivesATotalKeyAtInfinity() external {
        _admit(Admissions.make(registry, 0xa1, 5));
        _admit(Admissions.make(registry, 0xa2, GROUP_ORDER - 5));
        require(keccak256(registry.totalKey(2)) == keccak256(new bytes(128)), "not infinity");
        _admit(Admissions.make(registry, 0xa3, 7));
        require(keccak256(registry.totalKey(3)) == keccak256(registry.keyOf(2)), "infinity is not neutral");
    }

    function _admit(INodeRegistry.Admission memory admission) private {
        INodeRegistry.Admission[] memory batch = new INodeRegistry.Admission[](1);
        batch[0] = admission;
        registry.admit(batch);
    }

    /// @dev The consent binds the key, so that it is signed anew.
    function _consented(INodeRegistry.Admission memory admission) private view returns (INodeRegistry.Admission memory) {
        return Admissions.consented(registry, admission, OWNER, 0);
    }

    function _refuse(INodeRegistry.Admission memory admission, bytes4 expected) private {
        INodeRegistry.Admission[] memory batch = new INodeRegistry.Admission[](1);
        batch[0] = admission;
        vm.prank(TIMELOCK);
        // A precompile that refuses a point keeps the gas it was given: leave the test enough.
        try registry.admit{gas: 2_000_000}(batch) {
            revert("admitted");
        } catch (bytes memory reason) {
            require(bytes4(reason) == expected, "refused for another reason");
        }
    }
}
