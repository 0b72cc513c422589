// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";
import {Registries} from "./Registries.sol";

/// @notice A registry of {SIZE} seats, each with an operator's key pair and another for its agent, after genesis.
abstract contract SeatTest is VmTest {
    address internal constant TIMELOCK = address(0x71);
    uint32 internal constant SIZE = 4;

    NodeRegistry internal registry;
    /// @dev The secret of the last agent's BLS key.
    uint256 private _lastKey;

    function _found() internal {
        vm.warp(1_000 days);
        registry = Registries.deploy(TIMELOCK, address(this));
        INodeRegistry.Admission[] memory genesis = new INodeRegistry.Admission[](SIZE);
        for (uint256 i = 0; i < SIZE; ++i) genesis[i] = _newcomer(i);
        registry.admit(genesis);
        registry.closeGenesis();
        vm.warp(block.timestamp + 40 days);
    }

    function _operatorSecret(uint256 i) internal pure returns (uint256) {
        return 0x1000 + i;
    }

    function _operator(uint256 i) internal pure returns (address) {
        return vm.addr(_operatorSecret(i));
    }

    function _agent(uint256 i) internal pure returns (address) {
        return vm.addr(0x2000 + i);
    }

    /// @dev With consent, for a seat that does not exist yet.
    function _newcomer(uint256 i) internal returns (INodeRegistry.Admission memory) {
        return _signed(_unsigned(i, _agent(i)), _operatorSecret(i));
    }

    /// @dev A new key for this seat and account, without consent.
    function _unsigned(uint256 i, address agent) internal returns (INodeRegistry.Admission memory) {
        return Admissions.agentOf(registry, _operator(i), agent, ++_lastKey);
    }

    /// @dev By this key pair, under the seat's nonce.
    function _signed(INodeRegistry.Admission memory admission, uint256 signer)
        internal
        view
        returns (INodeRegistry.Admission memory)
    {
        return Admissions.consented(registry, admission, signer, registry.seat(admission.operator).nonce);
    }

    function _batch(INodeRegistry.Admission memory admission)
        internal
        pure
        returns (INodeRegistry.Admission[] memory batch)
    {
        batch = new INodeRegistry.Admission[](1);
        batch[0] = admission;
    }

    function _admit(INodeRegistry.Admission memory admission) internal {
        vm.prank(TIMELOCK);
        registry.admit(_batch(admission));
    }

    function _setAgent(INodeRegistry.Admission memory admission) internal {
        vm.prank(admission.operator);
        registry.setAgent(admission.agent, admission.key, admission.possession, admission.peerId);
    }

    function _revoke(uint256 i) internal {
        vm.prank(_operator(i));
        registry.revokeAgent();
    }

    function _remove(address operator) internal {
        address[] memory operators = new address[](1);
        operators[0] = operator;
        vm.prank(TIMELOCK);
        registry.remove(operators);
    }

    /// @dev Both have signed it.
    function _changeOperator(uint256 from, uint256 to) internal {
        bytes32 digest = registry.operatorDigest(
            _operator(from), _operator(to), registry.seat(_operator(from)).nonce, type(uint48).max
        );
        vm.prank(TIMELOCK);
        registry.changeOperator(
            _operator(from),
            _operator(to),
            type(uint48).max,
            Admissions.sign(_operatorSecret(from), digest),
            Admissions.sign(_operatorSecret(to), digest)
        );
    }

    function _error(bytes4 selector, address account) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, account);
    }
}
