// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "./Admissions.sol";

/// @notice Drives a registry in random directions, as its timelock, as its founder, and as any account. Operators and
/// secrets come from small pools, so that duplicates are tried all the time.
contract NodeRegistryHandler is VmTest {
    uint256 private constant OPERATORS = 12;
    uint256 private constant SECRETS = 16;

    NodeRegistry public immutable registry;
    address public immutable timelock;
    address public immutable founder;
    /// @notice Changes made by an account without the right to.
    uint256 public intrusions;
    /// @notice Changes made, by kind.
    uint256 public admitted;
    uint256 public removed;
    uint256 public rotated;

    constructor(NodeRegistry registry_) {
        registry = registry_;
        timelock = registry_.timelock();
        founder = registry_.founder();
    }

    function operatorAt(uint256 i) public pure returns (address) {
        return address(uint160(0x1000 + i % OPERATORS));
    }

    function admit(uint256 operator, uint256 secret, uint256 more, bool asFounder) external {
        INodeRegistry.Admission[] memory batch = new INodeRegistry.Admission[](1 + more % 3);
        for (uint256 i = 0; i < batch.length; ++i) {
            batch[i] = Admissions.make(operatorAt(operator + i), 1 + (secret + i) % SECRETS);
        }
        address caller = asFounder ? founder : timelock;
        bool open = registry.founder() != address(0);
        if (_call(caller, abi.encodeCall(INodeRegistry.admit, (batch)))) {
            admitted += batch.length;
            if (asFounder && !open) ++intrusions;
        }
    }

    function remove(uint256 first, uint256 second, bool both) external {
        uint32 bound = registry.committee(registry.epoch()).indexBound;
        uint32[] memory indices = new uint32[](both ? 2 : 1);
        indices[0] = uint32(first % (bound + 1));
        if (both) indices[1] = uint32(second % (bound + 1));
        if (_call(timelock, abi.encodeCall(INodeRegistry.remove, (indices)))) removed += indices.length;
    }

    function rotateKey(uint256 index, uint256 secret) external {
        uint32 bound = registry.committee(registry.epoch()).indexBound;
        uint32 chosen = uint32(index % bound);
        secret = 1 + secret % SECRETS;
        bytes memory key = Admissions.keyOf(secret);
        bytes memory possession = Admissions.possessionOf(registry.node(chosen).operator, key, secret);
        if (_call(timelock, abi.encodeCall(INodeRegistry.rotateKey, (chosen, key, possession)))) ++rotated;
    }

    function closeGenesis(address caller) external {
        bool may = caller == timelock || caller == registry.founder();
        if (_call(caller, abi.encodeCall(INodeRegistry.closeGenesis, ())) && !may) ++intrusions;
    }

    /// @notice Every privileged call, by any account: nodes, the founder after genesis, addresses of the fuzzer.
    function meddle(address caller, uint256 operator, uint256 secret, uint256 index) external {
        if (operator % 3 == 0) caller = operatorAt(operator);
        if (operator % 7 == 0) caller = founder;
        if (caller == timelock || caller == address(0)) return;

        uint32[] memory indices = new uint32[](1);
        indices[0] = uint32(index % registry.committee(registry.epoch()).indexBound);
        secret = 1 + secret % SECRETS;
        bytes memory key = Admissions.keyOf(secret);
        bytes memory possession = Admissions.possessionOf(registry.node(indices[0]).operator, key, secret);
        INodeRegistry.Admission[] memory batch = new INodeRegistry.Admission[](1);
        batch[0] = Admissions.make(operatorAt(operator), secret);

        bool done = _call(caller, abi.encodeCall(INodeRegistry.remove, (indices)));
        done = _call(caller, abi.encodeCall(INodeRegistry.rotateKey, (indices[0], key, possession))) || done;
        if (caller != registry.founder()) done = _call(caller, abi.encodeCall(INodeRegistry.admit, (batch))) || done;
        if (done) ++intrusions;
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 1 days);
    }

    /// @dev Reverts are expected. A precompile that refuses a point keeps the gas it was given, hence the limit.
    function _call(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(registry).call{gas: 3_000_000}(data);
    }
}
