// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeVotes} from "../../../contracts/nodes/NodeVotes.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {Admissions} from "./Admissions.sol";
import {SeatTest} from "./SeatTest.sol";
import {Signing} from "./Signing.sol";

/// @notice What becomes of a seat when its agent or its operator changes.
contract Seats is SeatTest {
    function setUp() external {
        _found();
    }

    function test_AStolenMachineCostsAVoteUntilRevokedAndNeverTheSeat() external {
        uint32 before = registry.epoch();
        require(registry.isCurrentMember(_agent(2)), "the agent acts for the seat");
        _revoke(2);
        uint32 revoked = registry.epoch();
        require(!registry.isMember(_agent(2), revoked) && !registry.isCurrentMember(_agent(2)), "the thief still votes");
        require(registry.isMember(_agent(2), before), "the past has changed");
        Signers memory signers = Signers(Signing.bitmap(1 << 2), new uint256[](0), new uint256[](0));
        bytes memory signature = Signing.sign(3, keccak256("statement"));
        registry.checkAggregate(before, 0, false, signers, keccak256("statement"), 0, signature);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryNotMembers.selector, 0, 1 << 2));
        registry.checkAggregate(revoked, 0, false, signers, keccak256("statement"), 0, signature);

        require(registry.seat(_operator(2)).seated, "the seat is lost");
        _setAgent(_unsigned(2, vm.addr(0x3001)));
        require(registry.isCurrentMember(vm.addr(0x3001)) && registry.isCurrentMember(_operator(2)), "not back");
        require(!registry.isMember(_operator(2), revoked), "a member of an epoch without it");
        require(registry.node(SIZE).predecessor == 3, "another seat before");
    }

    function test_ASeatWithoutAnAgentIsNotCounted() external {
        vm.warp(block.timestamp + 1);
        _revoke(2);
        uint32 epoch = registry.epoch();
        require(registry.committee(epoch).size == SIZE - 1, "counted");
        require(registry.memberBits(epoch)[0] == 0xb, "in the bitmap");
        require(!registry.isCurrentMember(_operator(2)) && registry.getVotes(_operator(2)) == 0, "its operator votes");
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryNotMember.selector, _operator(2), epoch));
        _revoke(2);
        _revoke(1);
        _revoke(0);
        vm.expectRevert(INodeChanges.NodeRegistryLastNode.selector);
        _revoke(3);
    }

    function test_AnAgentIsSetOnceADay() external {
        _setAgent(_unsigned(1, vm.addr(0x3001)));
        uint48 allowedAt = uint48(block.timestamp + 1 days);
        bytes memory early = abi.encodeWithSelector(INodeChanges.NodeRegistryTooEarly.selector, allowedAt);
        INodeRegistry.Admission memory next = _unsigned(1, vm.addr(0x3002));
        vm.warp(allowedAt - 1);
        vm.expectRevert(early);
        _setAgent(next);
        _revoke(1);
        vm.expectRevert(early);
        _setAgent(next);
        vm.warp(allowedAt);
        _setAgent(next);
        require(registry.seat(_operator(1)).agentSetAt == allowedAt, "its time");
        require(registry.isCurrentMember(next.agent), "not set");
    }

    function test_ABanFollowsASeatThroughARotation() external {
        _setAgent(_unsigned(2, vm.addr(0x3001)));
        _remove(_operator(2));
        require(!registry.isCurrentMember(_operator(2)) && !registry.isCurrentMember(vm.addr(0x3001)), "it rotated away");
        require(registry.node(SIZE).removedAt == registry.epoch(), "the new agent stays");
        INodeRegistry.Admission memory again = _unsigned(2, vm.addr(0x3002));
        vm.warp(block.timestamp + 2 days);
        vm.expectRevert(_error(INodeChanges.NodeRegistryNotSeated.selector, _operator(2)));
        _setAgent(again);
    }

    function test_ABanReachesASeatWithoutAnAgent() external {
        _revoke(2);
        uint32 size = registry.committee(registry.epoch()).size;
        _remove(_operator(2));
        require(registry.committee(registry.epoch()).size == size, "removed twice from the committee");
        require(!registry.seat(_operator(2)).seated, "the seat stays");
    }

    function test_ABanFollowsASeatToItsNewOperators() external {
        _changeOperator(2, 7);
        _changeOperator(7, 8);
        _remove(_operator(2));
        require(!registry.seat(_operator(8)).seated && !registry.isCurrentMember(_agent(2)), "it changed hands");
    }

    function test_ASeatChangesItsOperatorWithBothSignaturesAndAVote() external {
        uint32 nonce = registry.seat(_operator(2)).nonce;
        bytes32 digest = registry.operatorDigest(_operator(2), _operator(7), nonce, type(uint48).max);
        bytes memory from = Admissions.sign(_operatorSecret(2), digest);
        bytes memory to = Admissions.sign(_operatorSecret(7), digest);
        _refuseChange(address(this), from, to, _error(INodeChanges.NodeRegistryUnauthorized.selector, address(this)));
        _refuseChange(TIMELOCK, to, to, _error(INodeChanges.NodeRegistryInvalidConsent.selector, _operator(2)));
        _refuseChange(TIMELOCK, from, from, _error(INodeChanges.NodeRegistryInvalidConsent.selector, _operator(7)));
        vm.warp(block.timestamp + 1);
        uint32 before = registry.epoch();
        _changeOperator(2, 7);

        uint32 epoch = registry.epoch();
        require(registry.indexOf(_operator(7), epoch) == 2 && registry.indexOf(_agent(2), epoch) == 2, "another index");
        require(!registry.isMember(_operator(2), epoch) && !registry.isMember(_operator(7), before), "both have it");
        require(registry.isMember(_operator(2), before) && registry.node(2).operator == _operator(7), "the past");
        vm.expectRevert(_error(INodeChanges.NodeRegistryNotSeated.selector, _operator(2)));
        _revoke(2);
        _refuseChange(TIMELOCK, from, to, _error(INodeChanges.NodeRegistryNotSeated.selector, _operator(2)));
        // The machine keeps its peer id, and what the seat had been through is kept.
        INodeRegistry.Admission memory next = _unsigned(7, vm.addr(0x3001));
        next.peerId = abi.encodePacked(_agent(2));
        vm.warp(block.timestamp + 1);
        _setAgent(next);
        require(registry.indexOf(_operator(7), epoch) == 2, "the new operator's past");
        require(registry.seat(_operator(7)).nonce > nonce, "consents of before are valid again");
    }

    function test_AnOperatorIsOfOneSeat() external {
        for (uint256 i = 1; i < 3; ++i) {
            vm.expectRevert(_error(INodeChanges.NodeRegistryDuplicateAccount.selector, _operator(i)));
            vm.prank(TIMELOCK);
            registry.changeOperator(_operator(2), _operator(i), type(uint48).max, "", "");
        }
    }

    function test_AccountsKeysAndPeerIdsAreTakenOnce() external {
        // Others' agents and operators, and one's own agent of before.
        address[3] memory accounts = [_agent(1), _operator(1), _agent(2)];
        for (uint256 i = 0; i < accounts.length; ++i) {
            INodeRegistry.Admission memory taken = _unsigned(2, accounts[i]);
            vm.expectRevert(_error(INodeChanges.NodeRegistryDuplicateAccount.selector, accounts[i]));
            _setAgent(taken);
        }
        INodeRegistry.Admission memory next = _unsigned(2, vm.addr(0x3001));
        bytes memory peerId = next.peerId;
        next.peerId = abi.encodePacked(_agent(1));
        vm.expectRevert(
            abi.encodeWithSelector(INodeChanges.NodeRegistryDuplicatePeerId.selector, keccak256(next.peerId))
        );
        _setAgent(next);
        next.peerId = peerId;
        bytes memory key = next.key;
        next.key = registry.keyOf(1);
        vm.expectRevert(
            abi.encodeWithSelector(INodeChanges.NodeRegistryDuplicateKey.selector, keccak256(next.key))
        );
        _setAgent(next);
        (next.key, next.peerId) = (key, abi.encodePacked(_agent(2)));
        _setAgent(next);
        // A newcomer cannot be an agent, nor have one that is an operator.
        INodeRegistry.Admission memory newcomer = _unsigned(9, _operator(1));
        vm.prank(TIMELOCK);
        vm.expectRevert(_error(INodeChanges.NodeRegistryDuplicateAccount.selector, _operator(1)));
        registry.admit(_batch(newcomer));
        newcomer.operator = _agent(1);
        vm.prank(TIMELOCK);
        vm.expectRevert(_error(INodeChanges.NodeRegistryDuplicateAccount.selector, _agent(1)));
        registry.admit(_batch(newcomer));
    }

    function test_OneKeyForBothAndBackAgain() external {
        uint32 own = registry.committee(registry.epoch()).indexBound;
        _setAgent(_unsigned(2, _operator(2)));
        require(!registry.isCurrentMember(_agent(2)) && registry.isCurrentMember(_operator(2)), "its own account");
        vm.warp(block.timestamp + 1 days);
        _setAgent(_unsigned(2, vm.addr(0x3001)));
        vm.warp(block.timestamp + 1 days);
        INodeRegistry.Admission memory again = _unsigned(2, _operator(2));
        again.peerId = abi.encodePacked(vm.addr(0x3001));
        _setAgent(again);
        require(registry.indexOf(_operator(2), registry.epoch()) == own + 2, "not the newest");
    }

    function test_AnOperatorsOwnAccountDoesNotStayTheAgentOfAnothersSeat() external {
        _setAgent(_unsigned(2, _operator(2)));
        bytes32 digest =
            registry.operatorDigest(_operator(2), _operator(7), registry.seat(_operator(2)).nonce, type(uint48).max);
        bytes memory from = Admissions.sign(_operatorSecret(2), digest);
        bytes memory to = Admissions.sign(_operatorSecret(7), digest);
        _refuseChange(
            TIMELOCK, from, to, _error(INodeChanges.NodeRegistryDuplicateAccount.selector, _operator(2))
        );
        // Without an agent, or with one of its own, the seat can change hands.
        _revoke(2);
        _changeOperator(2, 7);
        vm.warp(block.timestamp + 1 days);
        _setAgent(_unsigned(7, vm.addr(0x3001)));
        uint32 epoch = registry.epoch();
        require(registry.isMember(_operator(7), epoch) && !registry.isMember(_operator(2), epoch), "not handed over");
    }

    function test_VotesAreReadOnceASeatAndNeverOfTheFuture() external {
        uint256 before = block.timestamp;
        require(registry.clock() == before, "seconds");
        require(keccak256(bytes(registry.CLOCK_MODE())) == keccak256("mode=timestamp"), "mode");
        vm.warp(before + 10);
        _admit(_newcomer(SIZE));
        require(registry.getVotes(_operator(SIZE)) == 1 && registry.getVotes(_agent(SIZE)) == 0, "a seat has one vote");
        require(registry.delegates(_operator(0)) == _operator(0), "delegates");
        require(registry.getPastVotes(_operator(SIZE), before) == 0, "a newcomer's past");
        bytes memory future =
            abi.encodeWithSelector(NodeVotes.ERC5805FutureLookup.selector, before + 10, uint48(before + 10));
        vm.expectRevert(future);
        registry.getPastVotes(_operator(0), before + 10);
        vm.expectRevert(future);
        registry.getPastTotalSupply(before + 10);
        vm.warp(before + 11);
        require(registry.getPastVotes(_operator(SIZE), before + 10) == 1, "a member");
        require(
            registry.getPastTotalSupply(before) == SIZE && registry.getPastTotalSupply(before + 10) == SIZE + 1, "sum"
        );
    }

    function _refuseChange(address caller, bytes memory from, bytes memory to, bytes memory reason) private {
        vm.prank(caller);
        vm.expectRevert(reason);
        registry.changeOperator(_operator(2), _operator(7), type(uint48).max, from, to);
    }
}
