// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {TrackRules} from "../../../contracts/types/Track.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {PeerToken} from "../peers/PeerToken.sol";
import {RuledGovernor} from "../peers/RuledGovernor.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice Our governor and OpenZeppelin's, under the same rules, with the same proposal before the same voters. All that
/// is random follows from one seed.
abstract contract DifferentialTest is GovernanceTest {
    uint256 private constant GENESIS = 1_000_000;
    /// @dev A node joins at each multiple, so that the clock chooses how many there are; the voting delay is shorter.
    uint256 private constant JOIN_INTERVAL = 10_000;
    address private constant TARGET = address(0xbeef);
    string private constant WHY = "because";

    PeerToken private token;
    RuledGovernor internal peer;
    uint256 internal seed;
    uint256 internal ourId;
    uint256 internal peerId;

    /// @dev Admits so many nodes, one after another.
    function _admitInTurn(uint256 maxSize) internal {
        registry = new NodeRegistry(address(0x71), address(this));
        token = new PeerToken();
        for (uint256 i = 0; i < maxSize; ++i) {
            vm.warp(GENESIS + JOIN_INTERVAL * i);
            INodeRegistry.Admission[] memory admissions = new INodeRegistry.Admission[](1);
            admissions[0] = Admissions.make(_operator(i), _secret(i));
            registry.admit(admissions);
            token.admit(_operator(i));
        }
    }

    /// @dev Goes to the time at which there are `size` nodes.
    function _warpToSize(uint256 size) internal {
        vm.warp(GENESIS + JOIN_INTERVAL * (size - 1) + JOIN_INTERVAL / 2);
    }

    /// @dev Deploys both governors, and has node 0 open the proposal under each.
    function _openBoth(TrackRules memory rules) internal {
        TimelockController ours = new TimelockController(0, new address[](0), new address[](0), address(this));
        TimelockController theirs =
            new TimelockController(rules.timelock, new address[](0), new address[](0), address(this));
        governor = new NodeGovernor(
            registry, ours, address(1), address(2), address(3), address(0), 0, _everywhere(rules)
        );
        peer = new RuledGovernor(token, theirs, rules);
        _handOver(ours, address(governor));
        _handOver(theirs, address(peer));

        ourId = _propose(governor, _operator(0), TARGET, "", WHY);
        peerId = _propose(peer, _operator(0), TARGET, "", WHY);
    }

    function _queueBoth() internal {
        require(_try(governor, true) == _try(peer, true), "one queues and the other does not");
    }

    function _executeBoth() internal {
        require(_try(governor, false) == _try(peer, false), "one executes and the other does not");
    }

    function _try(IGovernor governor_, bool queue) private returns (bool done) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(TARGET, "");
        bytes32 why = keccak256(bytes(WHY));
        bytes memory data = queue
            ? abi.encodeCall(IGovernor.queue, (targets, values, calldatas, why))
            : abi.encodeCall(IGovernor.execute, (targets, values, calldatas, why));
        (done,) = address(governor_).call(data);
    }

    /// @dev Rules without a fast path.
    function _randomRules(uint256 leastPeriod) internal returns (TrackRules memory rules) {
        rules = TrackRules({
            votingDelay: uint32(_random(0, 1) * _random(0, 1000)),
            votingPeriod: uint32(_random(leastPeriod, 5000)),
            quorum: uint16(_random(0, 10_000)),
            approval: uint16(_random(0, 10_000)),
            fastPath: 0,
            timelock: uint32(_random(0, 1) * _random(0, 5000)),
            expiry: uint32(_random(1, 5000)),
            openLimit: 1
        });
    }

    /// @dev No fast path, or one that is as high as the quorum at least: OpenZeppelin's super quorum does not ask for it.
    function _randomFastPath(uint256 quorum) internal returns (uint16 fastPath) {
        uint256 least = quorum < 5000 ? 5000 : quorum;
        if (_random(0, 1) == 0) fastPath = uint16(_random(least, 10_000));
    }

    function _random(uint256 low, uint256 high) internal returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return _bound(seed, low, high);
    }
}
