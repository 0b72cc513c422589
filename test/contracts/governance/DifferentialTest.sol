// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {NodeTimelock} from "../../../contracts/governance/NodeTimelock.sol";
import {IParameterRegistry} from "../../../contracts/directives/IParameterRegistry.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {PeerToken} from "../peers/PeerToken.sol";
import {RuledGovernor} from "../peers/RuledGovernor.sol";
import {GovernanceTest} from "./GovernanceTest.sol";
import {TrackTable} from "./TrackTable.sol";
import {Registries} from "../nodes/Registries.sol";

/// @notice Our governor and OpenZeppelin's, under the same rules, with the same proposal before the same voters. All that
/// is random follows from one seed.
abstract contract DifferentialTest is GovernanceTest {
    uint256 private constant GENESIS = 1_000_000;
    /// @dev A node joins at each multiple, so that the clock chooses how many there are; the voting delay is shorter.
    uint256 private constant JOIN_INTERVAL = 10_000;
    /// @dev A call of no contract. Of ours, the third is taken for the ParameterRegistry, whose flags are Operations.
    address private constant PARAMETERS = address(3);
    address private constant UNKNOWN = address(0xbeef);
    string private constant WHY = "because";

    bytes private constant CALL = abi.encodeCall(IParameterRegistry.setFlag, ("a", true));

    PeerToken private token;
    RuledGovernor internal peer;
    uint256 internal seed;
    Track internal track;
    uint256 internal ourId;
    uint256 internal peerId;

    /// @dev Admits so many nodes, one after another.
    function _admitInTurn(uint256 maxSize) internal {
        registry = Registries.deploy(address(0x71), address(this));
        token = new PeerToken();
        for (uint256 i = 0; i < maxSize; ++i) {
            vm.warp(GENESIS + JOIN_INTERVAL * i);
            INodeRegistry.Admission[] memory admissions = new INodeRegistry.Admission[](1);
            admissions[0] = Admissions.make(registry, _secret(i), _secret(i));
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
        NodeTimelock ours = new NodeTimelock(address(this));
        TimelockController theirs =
            new TimelockController(rules.timelock, new address[](0), new address[](0), address(this));
        governor = new NodeGovernor(
            registry, ours, address(1), address(2), PARAMETERS, address(0), 0, _everywhere(rules)
        );
        peer = new RuledGovernor(token, theirs, rules);
        _handOver(ours, address(governor));
        _handOver(theirs, address(peer));

        ourId = _propose(governor, _operator(0), _target(), CALL, WHY);
        peerId = _propose(peer, _operator(0), _target(), CALL, WHY);
        require(governor.proposalRules(ourId).track == track, "another track");
    }

    function _queueBoth() internal {
        require(_try(governor, true) == _try(peer, true), "one queues and the other does not");
    }

    function _executeBoth() internal {
        require(_try(governor, false) == _try(peer, false), "one executes and the other does not");
    }

    function _target() private view returns (address) {
        return track == Track.Operations ? PARAMETERS : UNKNOWN;
    }

    function _try(IGovernor governor_, bool queue) private returns (bool done) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(_target(), CALL);
        bytes32 why = keccak256(bytes(WHY));
        bytes memory data = queue
            ? abi.encodeCall(IGovernor.queue, (targets, values, calldatas, why))
            : abi.encodeCall(IGovernor.execute, (targets, values, calldatas, why));
        (done,) = address(governor_).call(data);
    }

    /// @dev Rules of Operations or of Constitution, often at their bounds, on which votes then end.
    function _randomRules() internal returns (TrackRules memory rules) {
        track = _random(0, 1) == 0 ? Track.Operations : Track.Constitution;
        (TrackRules memory least, TrackRules memory most) = (TrackTable.floor(track), TrackTable.ceiling(track));
        rules = TrackRules({
            votingDelay: uint32(_random(0, 1) * _random(0, 1000)),
            votingPeriod: uint32(_random(60, 5000)),
            quorum: uint16(_random(least.quorum, most.quorum)),
            approval: uint16(_random(least.approval, most.approval)),
            fastPath: _random(0, 1) == 0,
            timelock: uint32(_random(0, 1) * _random(0, 5000)),
            expiry: uint32(_random(60, 5000)),
            openLimit: 1
        });
        if (_random(0, 2) == 0) rules.quorum = uint16(_random(least.quorum / 10_000, 4) * 10_000);
        if (_random(0, 2) == 0) rules.approval = _random(0, 1) == 0 ? least.approval : most.approval;
    }

    function _random(uint256 low, uint256 high) internal returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return _bound(seed, low, high);
    }
}
