// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TrackRules} from "../../../contracts/types/Track.sol";
import {DifferentialTest} from "./DifferentialTest.sol";

/// @notice Whatever the committee, the rules, the ballots and the times, votes that are extended among them: our governor and OpenZeppelin's end alike.
contract NodeGovernorDifferential is DifferentialTest {
    uint256 private constant MAX_SIZE = 24;

    function setUp() external {
        _admitInTurn(MAX_SIZE);
    }

    /// hardhat-config: fuzz.runs = 2500
    function testFuzz_EndsLikeOpenZeppelin(uint256 seed_) external {
        seed = seed_;
        uint256 size = _random(1, MAX_SIZE);
        _warpToSize(size);
        TrackRules memory rules = _randomRules();
        _openBoth(rules);
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
            _queueBoth();
        } else if (dice == 1) {
            _executeBoth();
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
        _queueBoth();
        _compare();
        vm.warp(block.timestamp + _random(0, 2 * uint256(rules.timelock)));
        _executeBoth();
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

    function _compare() private view {
        require(governor.state(ourId) == peer.state(peerId), "states differ");
        (uint256 against, uint256 pro, uint256 abstain) = governor.proposalVotes(ourId);
        (uint256 peerAgainst, uint256 peerPro, uint256 peerAbstain) = peer.proposalVotes(peerId);
        require(against * 1e18 == peerAgainst, "votes Against differ");
        require(pro * 1e18 == peerPro, "votes For differ");
        require(abstain * 1e18 == peerAbstain, "abstentions differ");
        require(governor.proposalDeadline(ourId) == peer.proposalDeadline(peerId), "deadlines differ");
        require(governor.proposalEta(ourId) == peer.proposalEta(peerId), "times of execution differ");
    }
}
