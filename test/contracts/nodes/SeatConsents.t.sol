// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {OwnedWallet} from "../peers/OwnedWallet.sol";
import {Admissions} from "./Admissions.sol";
import {SeatTest} from "./SeatTest.sol";
import {Registries} from "./Registries.sol";

/// @notice Nothing enters a seat that its operator has not signed, for this seat, once, here and in time.
contract SeatConsents is SeatTest {
    address private constant RELAY = address(0xca11);

    function setUp() external {
        _found();
    }

    function test_AVoteAdmitsNobodyWhoseOperatorDidNotSign() external {
        INodeRegistry.Admission memory admission = _unsigned(SIZE, _agent(SIZE));
        _refuseAdmission(admission, _invalid(SIZE));
        admission.consent = new bytes(65);
        _refuseAdmission(admission, _invalid(SIZE));
        // The agent's own key and a hostile member's do not speak for the operator.
        _refuseAdmission(_signed(admission, 0x2000 + SIZE), _invalid(SIZE));
        _refuseAdmission(_signed(admission, _operatorSecret(1)), _invalid(SIZE));
        _admit(_signed(admission, _operatorSecret(SIZE)));
        require(registry.isMember(_agent(SIZE), registry.epoch()), "what the operator signed was refused");
    }

    function test_AHostileMemberTakesNobodysSeat() external {
        // Its own key, with a proof that it can make for any operator.
        INodeRegistry.Admission memory stolen = _unsigned(2, vm.addr(0xbad));
        _refuse(_signed(stolen, _operatorSecret(1)), _invalid(2));
        _refuse(_signed(stolen, 0x2002), _invalid(2));
        vm.prank(_operator(1));
        vm.expectRevert(
            _error(INodeChanges.NodeRegistryInvalidPossession.selector, _operator(1))
        );
        registry.setAgent(stolen.agent, stolen.key, stolen.possession, stolen.peerId);
        // The agent of the seat itself cannot replace or revoke itself.
        stolen.operator = _agent(2);
        vm.expectRevert(_notSeated(_agent(2)));
        _setAgent(stolen);
        vm.prank(_agent(2));
        vm.expectRevert(_notSeated(_agent(2)));
        registry.revokeAgent();
        require(registry.indexOf(_operator(2), registry.epoch()) == 2, "the seat has moved");
    }

    function test_AConsentBindsAgentKeyAndPeerId() external {
        INodeRegistry.Admission memory honest = _signed(_unsigned(1, vm.addr(0x3001)), _operatorSecret(1));
        INodeRegistry.Admission memory other = _unsigned(1, vm.addr(0x3002));
        INodeRegistry.Admission memory forged = _signed(honest, _operatorSecret(1));
        (address agent, bytes memory peerId) = (forged.agent, forged.peerId);
        forged.agent = other.agent;
        _refuse(forged, _invalid(1));
        (forged.agent, forged.peerId) = (agent, other.peerId);
        _refuse(forged, _invalid(1));
        (forged.peerId, forged.key, forged.possession) = (peerId, other.key, other.possession);
        _refuse(forged, _invalid(1));
    }

    function test_AConsentServesOnceAndFallsWithAnyOtherChange() external {
        INodeRegistry.Admission memory first = _signed(_unsigned(1, vm.addr(0x3001)), _operatorSecret(1));
        INodeRegistry.Admission memory second = _signed(_unsigned(1, vm.addr(0x3002)), _operatorSecret(1));
        INodeRegistry.Admission memory third = _signed(_unsigned(2, vm.addr(0x3003)), _operatorSecret(2));
        vm.prank(RELAY);
        registry.setAgentBySig(first);
        require(registry.node(SIZE).agent == first.agent, "what the operator signed was refused");
        vm.warp(block.timestamp + 1 days);
        _refuse(second, _invalid(1));
        // A revoked agent is not set again by what its operator had signed before.
        _revoke(2);
        _refuse(third, _invalid(2));
    }

    function test_AnAdmissionsConsentSetsNoAgentLater() external {
        INodeRegistry.Admission memory admission = _newcomer(SIZE);
        INodeRegistry.Admission memory other = _newcomer(SIZE);
        other.agent = vm.addr(0x3001);
        other = _signed(other, _operatorSecret(SIZE));
        _admit(admission);
        vm.warp(block.timestamp + 1 days);
        _refuse(other, _invalid(SIZE));
    }

    function test_AConsentEndsAtItsDeadline() external {
        INodeRegistry.Admission memory admission = _unsigned(SIZE, _agent(SIZE));
        admission.deadline = uint48(block.timestamp);
        admission = _signed(admission, _operatorSecret(SIZE));
        vm.warp(block.timestamp + 1);
        bytes memory expired =
            abi.encodeWithSelector(INodeChanges.NodeRegistryExpiredConsent.selector, admission.deadline);
        _refuseAdmission(admission, expired);
        vm.warp(block.timestamp - 1);
        _admit(admission);
    }

    function test_AConsentOfAnotherRegistryOrChainIsWorthNothing() external {
        NodeRegistry other = Registries.deploy(TIMELOCK, address(this));
        INodeRegistry.Admission memory admission = _unsigned(SIZE, _agent(SIZE));
        _refuseAdmission(Admissions.consented(other, admission, _operatorSecret(SIZE), 0), _invalid(SIZE));

        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        admission = _signed(admission, _operatorSecret(SIZE));
        vm.chainId(chain);
        _refuseAdmission(admission, _invalid(SIZE));
    }

    function test_AProofOfPossessionOfAnotherRegistryOrChainIsWorthNothing() external {
        NodeRegistry other = Registries.deploy(TIMELOCK, address(this));
        bytes memory refusal = _error(INodeChanges.NodeRegistryInvalidPossession.selector, _operator(SIZE));
        INodeRegistry.Admission memory admission = _newcomer(SIZE);
        admission.possession = Admissions.possessionOf(other, admission.operator, admission.key, SIZE + 1);
        _refuseAdmission(admission, refusal);

        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        admission.possession = Admissions.possessionOf(registry, admission.operator, admission.key, SIZE + 1);
        vm.chainId(chain);
        _refuseAdmission(admission, refusal);
        admission.possession = Admissions.possessionOf(registry, admission.operator, admission.key, SIZE + 1);
        _admit(admission);
    }

    function test_ContractsAndDelegatedAccountsConsentToo() external {
        // ERC-1271: the wallet's owner signs.
        OwnedWallet wallet = new OwnedWallet(vm.addr(0xa11));
        INodeRegistry.Admission memory admission =
            Admissions.agentOf(registry, address(wallet), vm.addr(0x3001), 101);
        bytes memory refusal = _error(INodeChanges.NodeRegistryInvalidConsent.selector, address(wallet));
        _refuseAdmission(_signed(admission, 0xa12), refusal);
        _admit(_signed(admission, 0xa11));

        // EIP-7702: its own key and its code's owner both sign for it.
        vm.etch(_operator(1), abi.encodePacked(hex"ef0100", address(wallet)));
        registry.setAgentBySig(_signed(_unsigned(1, vm.addr(0x3002)), 0xa11));
        vm.warp(block.timestamp + 1 days);
        registry.setAgentBySig(_signed(_unsigned(1, vm.addr(0x3003)), _operatorSecret(1)));
        require(registry.isCurrentMember(vm.addr(0x3003)), "a delegated account's key does not sign");
    }

    function _refuseAdmission(INodeRegistry.Admission memory admission, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(TIMELOCK);
        registry.admit{gas: 3_000_000}(_batch(admission));
    }

    function _refuse(INodeRegistry.Admission memory admission, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(RELAY);
        registry.setAgentBySig{gas: 3_000_000}(admission);
    }

    function _invalid(uint256 i) private pure returns (bytes memory) {
        return _error(INodeChanges.NodeRegistryInvalidConsent.selector, _operator(i));
    }

    function _notSeated(address account) private pure returns (bytes memory) {
        return _error(INodeChanges.NodeRegistryNotSeated.selector, account);
    }
}
