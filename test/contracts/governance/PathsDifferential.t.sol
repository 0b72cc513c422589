// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {TrackRules} from "../../../contracts/types/Track.sol";
import {DifferentialTest} from "./DifferentialTest.sol";

/// @notice Whatever path ballots take to our governor, and however many come together: OpenZeppelin's, which gets the
/// same ballots one at a time, counts the same and ends alike. A single ballot that comes again is refused; among others it
/// is skipped, whatever it says.
contract PathsDifferential is DifferentialTest {
    uint256 private constant MAX_SIZE = 12;

    uint256 private size;
    /// @dev A vote that ended early within ballots that came together: those after the deciding one count with us alone.
    bool private endedWithin;

    function setUp() external {
        _admitInTurn(MAX_SIZE);
    }

    /// hardhat-config: fuzz.runs = 400
    function testFuzz_EveryPathCountsLikeOpenZeppelin(uint256 seed_) external {
        seed = seed_;
        size = _random(1, MAX_SIZE);
        _warpToSize(size);
        TrackRules memory rules = _randomRules();
        _openBoth(rules);
        // Now and then too early.
        if (_random(0, 9) != 0) vm.warp(governor.proposalSnapshot(ourId) + 1);

        uint256 bias = _random(0, 3);
        uint256 rounds = _random(1, size + 3);
        for (uint256 i = 0; i < rounds; ++i) {
            _bring(_random(0, 3), bias);
            _compare();
            if (_random(0, 3) == 0) vm.warp(block.timestamp + _random(0, rules.votingPeriod / rounds));
        }
        _finish();
    }

    /// @dev Some ballots, often of nodes that have voted already, to ours by one path and to the peer one by one.
    function _bring(uint256 path, uint256 bias) private {
        uint256[3] memory sets = _randomSets(path < 2 ? 1 : _random(1, size), bias);
        uint256 all = sets[0] | sets[1] | sets[2];
        bool twice = path > 1 && _random(0, 9) == 0;
        bool countable = !twice && _countable(all);

        bool counted = path < 2 ? _single(path, sets, all) : path == 2 ? _batch(sets, twice) : _together(sets, twice);
        require(counted == countable, "counted or refused against the rule");
        if (counted) _bringToPeer(sets);
        for (uint256 i = 0; i < MAX_SIZE; ++i) {
            if (endedWithin) continue;
            require(governor.hasVoted(ourId, _operator(i)) == peer.hasVoted(peerId, _operator(i)), "who has voted");
        }
    }

    /// @dev Whether the vote is open, these are members, and any of them has not voted, as the peer knows it.
    function _countable(uint256 all) private view returns (bool fresh) {
        if (peer.state(peerId) != IGovernor.ProposalState.Active || all >> size != 0) return false;
        for (uint256 i = 0; i < size; ++i) {
            if (all >> i & 1 == 1 && !peer.hasVoted(peerId, _operator(i))) fresh = true;
        }
    }

    function _single(uint256 path, uint256[3] memory sets, uint256 all) private returns (bool counted) {
        uint8 support = sets[0] != 0 ? 0 : sets[1] != 0 ? 1 : 2;
        uint256 index = 0;
        while (all >> index & 1 == 0) ++index;
        if (path == 0) {
            vm.prank(_operator(index));
            (counted,) = address(governor).call(abi.encodeCall(IGovernor.castVote, (ourId, support)));
        } else {
            bytes memory signature = _sign(_secret(index), governor.ballotDigest(ourId, support, uint32(index)));
            (counted,) = address(governor).call(
                abi.encodeCall(IGovernor.castVoteBySig, (ourId, support, _operator(index), signature))
            );
        }
    }

    function _batch(uint256[3] memory sets, bool twice) private returns (bool counted) {
        bytes memory batch = "";
        for (uint32 i = 0; i < MAX_SIZE; ++i) {
            for (uint8 support = 0; support < 3; ++support) {
                if (sets[support] >> i & 1 == 0) continue;
                batch = bytes.concat(batch, _batchEntry(ourId, i, _secret(i), support));
                if (twice) batch = bytes.concat(batch, _batchEntry(ourId, i, _secret(i), (support + 1) % 3));
                twice = false;
            }
        }
        (counted,) = address(governor).call(abi.encodeCall(INodeGovernor.castVotesBySig, (ourId, batch)));
    }

    /// @dev Twice: one node in two sets, who has signed for both.
    function _together(uint256[3] memory sets, bool twice) private returns (bool counted) {
        uint256 all = sets[0] | sets[1] | sets[2];
        uint256 lowest = all & (~all + 1);
        uint256[3] memory claimed = [sets[0], sets[1], sets[2]];
        if (twice) {
            for (uint256 i = 0; i < 2; ++i) claimed[(seed + i) % 3] |= lowest;
        }
        (Signers memory signers, bytes memory signature) = _aggregate(ourId, claimed[1], claimed[0], claimed[2]);
        (counted,) = address(governor).call(
            abi.encodeCall(INodeGovernor.castVotesByAggregate, (ourId, signers, signature))
        );
    }

    /// @dev One at a time. For comes last: then an early end leaves out nothing but votes For.
    function _bringToPeer(uint256[3] memory sets) private {
        uint8[3] memory order = [0, 2, 1];
        for (uint256 k = 0; k < 3; ++k) {
            for (uint256 i = 0; i < size; ++i) {
                if (sets[order[k]] >> i & 1 == 0 || peer.hasVoted(peerId, _operator(i))) continue;
                if (peer.state(peerId) != IGovernor.ProposalState.Active) {
                    require(order[k] == 1, "the peer ended before its votes For");
                    endedWithin = true;
                    return;
                }
                vm.prank(_operator(i));
                peer.castVote(peerId, order[k]);
            }
        }
    }

    function _compare() private view {
        require(governor.state(ourId) == peer.state(peerId), "states differ");
        (uint256 against, uint256 pro, uint256 abstain) = governor.proposalVotes(ourId);
        (uint256 peerAgainst, uint256 peerPro, uint256 peerAbstain) = peer.proposalVotes(peerId);
        require(against * 1e18 == peerAgainst, "votes Against differ");
        require(abstain * 1e18 == peerAbstain, "abstentions differ");
        require(endedWithin ? pro * 1e18 > peerPro : pro * 1e18 == peerPro, "votes For differ");

        uint256 voted = 0;
        for (uint32 i = 0; i < MAX_SIZE; ++i) {
            if (governor.hasIndexVoted(ourId, i)) ++voted;
        }
        require(voted == against + pro + abstain, "another tally than bits");
    }

    function _finish() private {
        _queueBoth();
        vm.warp(governor.proposalDeadline(ourId) + 1);
        _compare();
        _queueBoth();
        uint256 eta = governor.proposalEta(ourId);
        require((eta == 0) == (peer.proposalEta(peerId) == 0), "one is queued and the other is not");
        if (eta > block.timestamp) vm.warp(eta);
        _executeBoth();
        _compare();
    }

    /// @dev Up to `count` nodes, at least one, each in the set of one support; rarely one that is not of the committee.
    function _randomSets(uint256 count, uint256 bias) private returns (uint256[3] memory sets) {
        uint256 taken = 0;
        uint256 highest = size < MAX_SIZE && _random(0, 15) == 0 ? size : size - 1;
        for (uint256 i = 0; i < count; ++i) {
            uint256 bit = 1 << _random(0, highest);
            if (taken & bit != 0) continue;
            taken |= bit;
            sets[bias < 3 && _random(0, 2) != 0 ? bias : _random(0, 2)] |= bit;
        }
    }
}
