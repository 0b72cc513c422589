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

/// @notice Whatever the committee, the rules, the ballots and the times: our governor and OpenZeppelin's end alike.
contract NodeGovernorDifferential is GovernanceTest {
    uint256 private constant MAX_SIZE = 24;
    uint256 private constant GENESIS = 1_000_000;
    /// @dev A node joins at each multiple, so that the clock chooses how many there are; the voting delay is shorter.
    uint256 private constant JOIN_INTERVAL = 10_000;
    address private constant TARGET = address(0xbeef);
    string private constant WHY = "because";

    PeerToken private token;
    RuledGovernor private peer;
    uint256 private seed;
    uint256 private ourId;
    uint256 private peerId;

    function setUp() external {
        registry = new NodeRegistry(address(0x71), address(this));
        token = new PeerToken();
        for (uint256 i = 0; i < MAX_SIZE; ++i) {
            vm.warp(GENESIS + JOIN_INTERVAL * i);
            INodeRegistry.Admission[] memory admissions = new INodeRegistry.Admission[](1);
            admissions[0] = Admissions.make(_operator(i), _secret(i));
            registry.admit(admissions);
            token.admit(_operator(i));
        }
    }

    /// hardhat-config: fuzz.runs = 2500
    function testFuzz_EndsLikeOpenZeppelin(uint256 seed_) external {
        seed = seed_;
        uint256 size = _random(1, MAX_SIZE);
        vm.warp(GENESIS + JOIN_INTERVAL * (size - 1) + JOIN_INTERVAL / 2);
        TrackRules memory rules = _randomRules();
        _deployBoth(rules);

        ourId = _propose(governor, _operator(0), TARGET, "", WHY);
        peerId = _propose(peer, _operator(0), TARGET, "", WHY);
        _compare();

        // Mostly early enough for the vote to be a vote, sometimes far too late.
        uint256 pace = 1 + (uint256(rules.votingDelay) + rules.votingPeriod) / _random(1, 2 * size + 4);
        uint256 bias = _random(0, 2);
        for (uint256 i = 0; i < size + 8; ++i) {
            vm.warp(block.timestamp + _random(0, pace));
            _compare();
            _act(size, bias);
            _compare();
        }
        _finish(rules);
    }

    function _act(uint256 size, uint256 bias) private {
        uint256 dice = _random(0, 19);
        if (dice == 0) {
            require(_try(governor, true) == _try(peer, true), "one queues and the other does not");
        } else if (dice == 1) {
            require(_try(governor, false) == _try(peer, false), "one executes and the other does not");
        } else {
            uint8 support = uint8(dice < 10 ? bias : _random(0, 3));
            _vote(_operator(_random(0, size - 1)), support);
        }
    }

    /// @dev Most often tries to carry the decision out in time, else looks on while it expires.
    function _finish(TrackRules memory rules) private {
        uint256 late = _random(0, 1) * _random(0, uint256(rules.timelock) + rules.expiry);
        vm.warp(governor.proposalDeadline(ourId) + 1 + late);
        _compare();
        require(_try(governor, true) == _try(peer, true), "one queues and the other does not");
        _compare();
        vm.warp(block.timestamp + _random(0, 2 * uint256(rules.timelock)));
        require(_try(governor, false) == _try(peer, false), "one executes and the other does not");
        _compare();
        vm.warp(governor.proposalExpiry(ourId) + _random(0, 1));
        _compare();
    }

    function _vote(address voter, uint8 support) private {
        vm.prank(voter);
        (bool ours,) = address(governor).call(abi.encodeCall(IGovernor.castVote, (ourId, support)));
        vm.prank(voter);
        (bool theirs,) = address(peer).call(abi.encodeCall(IGovernor.castVote, (peerId, support)));
        require(ours == theirs, "one counts a ballot that the other refuses");
        require(governor.hasVoted(ourId, voter) == peer.hasVoted(peerId, voter), "one forgets who has voted");
    }

    function _try(IGovernor governor_, bool queue) private returns (bool done) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(TARGET, "");
        bytes32 why = keccak256(bytes(WHY));
        bytes memory data = queue
            ? abi.encodeCall(IGovernor.queue, (targets, values, calldatas, why))
            : abi.encodeCall(IGovernor.execute, (targets, values, calldatas, why));
        (done,) = address(governor_).call(data);
    }

    function _compare() private view {
        require(governor.state(ourId) == peer.state(peerId), "states differ");
        (uint256 against, uint256 pro, uint256 abstain) = governor.proposalVotes(ourId);
        (uint256 peerAgainst, uint256 peerPro, uint256 peerAbstain) = peer.proposalVotes(peerId);
        require(against * 1e18 == peerAgainst, "votes Against differ");
        require(pro * 1e18 == peerPro, "votes For differ");
        require(abstain * 1e18 == peerAbstain, "abstentions differ");
        require(governor.proposalEta(ourId) == peer.proposalEta(peerId), "times of execution differ");
    }

    function _deployBoth(TrackRules memory rules) private {
        TimelockController ours = new TimelockController(0, new address[](0), new address[](0), address(this));
        TimelockController theirs =
            new TimelockController(rules.timelock, new address[](0), new address[](0), address(this));
        governor = new NodeGovernor(
            registry, ours, address(1), address(2), address(3), address(0), 0, _everywhere(rules)
        );
        peer = new RuledGovernor(token, theirs, rules);
        _handOver(ours, address(governor));
        _handOver(theirs, address(peer));
    }

    /// @dev OpenZeppelin's super quorum does not ask for the quorum, so the fast path is at least as high here.
    function _randomRules() private returns (TrackRules memory rules) {
        rules = TrackRules({
            votingDelay: uint32(_random(0, 1) * _random(0, 1000)),
            votingPeriod: uint32(_random(1, 5000)),
            quorum: uint16(_random(0, 10_000)),
            approval: uint16(_random(0, 10_000)),
            fastPath: 0,
            timelock: uint32(_random(0, 1) * _random(0, 5000)),
            expiry: uint32(_random(1, 5000)),
            openLimit: 1
        });
        if (_random(0, 2) == 0) rules.quorum = uint16(_random(1, 4) * 2500);
        if (_random(0, 2) == 0) rules.approval = 5000;
        uint256 least = rules.quorum < 5000 ? 5000 : rules.quorum;
        if (_random(0, 1) == 0) rules.fastPath = uint16(_random(least, 10_000));
    }

    function _random(uint256 low, uint256 high) private returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return _bound(seed, low, high);
    }
}
