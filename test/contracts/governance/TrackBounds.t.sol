// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {ProposalReader} from "../../../contracts/governance/ProposalReader.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {VmTest} from "../Vm.sol";
import {TrackTable} from "./TrackTable.sol";
import {Registries} from "../nodes/Registries.sol";

/// @notice What a vote may make of a track's rules.
contract TrackBoundsTest is VmTest {
    uint256 private constant FAST_PATH = 4;

    ProposalReader private reader;

    function setUp() external {
        reader = new ProposalReader(address(1), address(2), address(3), Registries.deploy(address(4), address(0)));
    }

    function test_EveryRuleOfEveryTrackHasAFloorAndACeiling() external {
        for (uint8 i = 0; i < 4; ++i) {
            Track track = Track(i);
            (uint256[8] memory least, uint256[8] memory most) =
                (_words(TrackTable.floor(track)), _words(TrackTable.ceiling(track)));
            reader.checkRules(track, _rules(least));
            reader.checkRules(track, _rules(most));
            for (uint256 rule = 0; rule < 8; ++rule) {
                if (least[rule] != 0) _refuse(track, rule, least, least[rule] - 1);
                if (rule != FAST_PATH) _refuse(track, rule, most, most[rule] + 1);
            }
        }
    }

    /// @dev The numbers themselves, for those that a mistake would cost most.
    function test_NoVoteMakesAQuorumOfNobodyOrOfAllNorAVoteOfASecond() external {
        for (uint8 i = 0; i < 4; ++i) {
            uint256[8] memory least = _words(TrackTable.floor(Track(i)));
            _refuse(Track(i), 1, least, 1);
            _refuse(Track(i), 2, least, 19_999);
            _refuse(Track(i), 2, least, 60_000);
            _refuse(Track(i), 3, least, i < 2 ? 29_999 : 39_999);
            _refuse(Track(i), 3, least, 60_000);
            _refuse(Track(i), 5, least, 40 days);
            _refuse(Track(i), 6, least, 0);
            _refuse(Track(i), 7, least, 0);
        }
        _refuse(Track.Emergency, 0, _words(TrackTable.floor(Track.Emergency)), 1);
        _refuse(Track.Emergency, FAST_PATH, _words(TrackTable.floor(Track.Emergency)), 0);
        _refuse(Track.Emergency, 5, _words(TrackTable.floor(Track.Emergency)), 1);
    }

    /// hardhat-config: fuzz.runs = 500
    function testFuzz_TakesWhatIsWithinAndNothingElse(uint8 which, TrackRules memory rules, uint256 mended) external view {
        Track track = Track(which % 4);
        uint256[8] memory words = _words(rules);
        uint256[8] memory fitted = _words(TrackTable.fit(track, rules));
        for (uint256 rule = 0; rule < 8; ++rule) {
            // Most, since random rules are nearly always wrong in several ways.
            if (mended >> (4 * rule) & 0x0f != 0) words[rule] = fitted[rule];
        }
        bool taken = _takes(track, _rules(words));
        require(taken == TrackTable.allows(track, _rules(words)), "taken or refused against the table");
    }

    function _takes(Track track, TrackRules memory rules) private view returns (bool taken) {
        (taken,) = address(reader).staticcall(abi.encodeCall(ProposalReader.checkRules, (track, rules)));
    }

    function _refuse(Track track, uint256 rule, uint256[8] memory from, uint256 value) private {
        uint256 kept = from[rule];
        from[rule] = value;
        vm.expectRevert(abi.encodeWithSelector(INodeGovernor.GovernorInvalidTrack.selector, track, rule));
        reader.checkRules(track, _rules(from));
        from[rule] = kept;
    }

    function _words(TrackRules memory rules) private pure returns (uint256[8] memory) {
        return abi.decode(abi.encode(rules), (uint256[8]));
    }

    function _rules(uint256[8] memory words) private pure returns (TrackRules memory) {
        return abi.decode(abi.encode(words), (TrackRules));
    }
}
