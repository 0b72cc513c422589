// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";

/// @notice Drives a registry in random directions, as its timelock, as its founder, as operators, and as any account. Operators,
/// agents and secrets come from small pools, so that duplicates are tried all the time.
contract NodeRegistryHandler is VmTest {
    uint256 public constant OPERATORS = 12;
    uint256 private constant SECRETS = 24;
    uint256 private constant AGENTS = 20;

    /// @dev Not immutable: a runner of tests finds a contract by its code.
    NodeRegistry public registry;
    address public timelock;
    address public founder;
    /// @notice Changes made by an account without the right to.
    uint256 public intrusions;

    constructor(NodeRegistry registry_) {
        registry = registry_;
        timelock = registry_.timelock();
        founder = registry_.founder();
    }

    function operatorAt(uint256 i) public pure returns (address) {
        return vm.addr(_operatorSecret(i));
    }

    function admit(uint256 operator, uint256 agent, uint256 secret, uint256 more, bool asFounder) external {
        INodeRegistry.Admission[] memory batch = new INodeRegistry.Admission[](1 + more % 3);
        for (uint256 i = 0; i < batch.length; ++i) {
            batch[i] = _agent(operator + i, agent + i, secret + i);
            batch[i] = Admissions.consented(registry, batch[i], _operatorSecret(operator + i), 0);
        }
        bool open = registry.founder() != address(0);
        if (_call(asFounder ? founder : timelock, abi.encodeCall(INodeChanges.admit, (batch)))) {
            if (asFounder && !open) ++intrusions;
        }
    }

    function remove(uint256 first, uint256 second, bool both) external {
        address[] memory operators = new address[](both ? 2 : 1);
        operators[0] = operatorAt(first);
        if (both) operators[1] = operatorAt(second);
        _call(timelock, abi.encodeCall(INodeChanges.remove, (operators)));
    }

    function setAgent(uint256 operator, uint256 agent, uint256 secret, bool bySignature) external {
        INodeRegistry.Admission memory wanted = _agent(operator, agent, secret);
        bytes memory data =
            abi.encodeCall(INodeChanges.setAgent, (wanted.agent, wanted.key, wanted.possession, wanted.peerId));
        if (bySignature) {
            uint32 nonce = registry.seat(wanted.operator).nonce;
            wanted = Admissions.consented(registry, wanted, _operatorSecret(operator), nonce);
            data = abi.encodeCall(INodeChanges.setAgentBySig, (wanted));
        }
        _call(bySignature ? address(0xca11) : wanted.operator, data);
    }

    function revokeAgent(uint256 operator) external {
        _call(operatorAt(operator), abi.encodeCall(INodeChanges.revokeAgent, ()));
    }

    function changeOperator(uint256 from, uint256 to) external {
        _call(timelock, _handOver(from, to));
    }

    function closeGenesis(address caller) external {
        bool may = caller == timelock || caller == registry.founder();
        if (_call(caller, abi.encodeCall(INodeChanges.closeGenesis, ())) && !may) ++intrusions;
    }

    /// @notice Every privileged call, by any account: operators, the founder after genesis, addresses of the fuzzer.
    function meddle(address caller, uint256 operator, uint256 agent, uint256 secret) external {
        if (operator % 3 == 0) caller = operatorAt(operator);
        if (operator % 7 == 0) caller = founder;
        if (caller == timelock || caller == address(0)) return;

        address[] memory operators = new address[](1);
        operators[0] = operatorAt(agent);
        INodeRegistry.Admission[] memory batch = new INodeRegistry.Admission[](1);
        batch[0] = _agent(operator, agent, secret);
        batch[0] = Admissions.consented(registry, batch[0], _operatorSecret(operator), 0);
        // Signed by another operator.
        INodeRegistry.Admission memory stolen = _agent(operator, agent, secret);
        uint32 nonce = registry.seat(stolen.operator).nonce;
        stolen = Admissions.consented(registry, stolen, _operatorSecret(operator + 1), nonce);

        bool done = _call(caller, abi.encodeCall(INodeChanges.remove, (operators)));
        done = _call(caller, _handOver(operator, agent)) || done;
        done = _call(caller, abi.encodeCall(INodeChanges.setAgentBySig, (stolen))) || done;
        if (caller != registry.founder()) done = _call(caller, abi.encodeCall(INodeChanges.admit, (batch))) || done;
        if (done) ++intrusions;
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 20 days);
    }

    /// @dev The operator's own account is among its agents.
    function _agent(uint256 operator, uint256 agent, uint256 secret)
        private
        view
        returns (INodeRegistry.Admission memory)
    {
        address account = agent % 4 == 0 ? operatorAt(operator) : address(uint160(0x2000 + agent % AGENTS));
        return Admissions.agentOf(registry, operatorAt(operator), account, 1 + secret % SECRETS);
    }

    function _handOver(uint256 from, uint256 to) private view returns (bytes memory) {
        bytes32 digest = registry.operatorDigest(
            operatorAt(from), operatorAt(to), registry.seat(operatorAt(from)).nonce, type(uint48).max
        );
        return abi.encodeCall(
            INodeChanges.changeOperator,
            (
                operatorAt(from),
                operatorAt(to),
                type(uint48).max,
                Admissions.sign(_operatorSecret(from), digest),
                Admissions.sign(_operatorSecret(to), digest)
            )
        );
    }

    function _operatorSecret(uint256 i) private pure returns (uint256) {
        return 0x1000 + i % OPERATORS;
    }

    /// @dev Reverts are expected. A precompile that refuses a point keeps the gas it was given, hence the limit.
    function _call(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(registry).call{gas: 3_000_000}(data);
    }
}
