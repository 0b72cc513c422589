// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ProposalTallies, ProposalTally} from "../../../contracts/governance/ProposalTally.sol";
import {SignerCounts} from "../../../contracts/types/Signers.sol";
import {Track} from "../../../contracts/types/Track.sol";
import {VmTest} from "../Vm.sol";

/// @notice The fields of the one word keep out of each other.
contract ProposalTallyTest is VmTest {
    uint256 private constant MOST = (1 << 20) - 1;

    struct Frozen {
        uint32 epoch;
        uint32 presence;
        uint256 neededFor;
        uint256 fastPathFor;
        uint40 opensAt;
        uint24 period;
        Track track;
        uint24 version;
    }

    function testFuzz_KeepsEveryFieldWhateverTheOthersAre(
        uint256 word,
        uint256 needs,
        uint256 against,
        uint256 pro,
        uint256 abstain
    ) external pure {
        Frozen memory frozen = Frozen({
            epoch: uint32(word),
            presence: uint32(word >> 32),
            neededFor: needs & MOST,
            fastPathFor: needs >> 128 & MOST,
            opensAt: uint40(word >> 64),
            period: uint24(word >> 104),
            track: Track(word >> 128 & 3),
            version: uint24(word >> 130)
        });
        SignerCounts memory counts =
            SignerCounts(uint24(pro % MOST), uint24(against % MOST), uint24(abstain % MOST));
        ProposalTally tally = _open(frozen).countedAll(counts).counted(0).counted(1).counted(2);
        _check(tally, frozen, counts);
        require(tally.closesAt() == uint256(frozen.opensAt) + frozen.period && !tally.isCanceled(), "closes at");

        tally = tally.extended(uint256(frozen.opensAt) + frozen.period / 2);
        _check(tally, frozen, counts);
        require(tally.closesAt() == uint256(frozen.opensAt) + frozen.period / 2, "closes earlier");

        tally = tally.canceled();
        _check(tally, frozen, counts);
        require(tally.isCanceled(), "canceled");
    }

    /// @dev Rules change by votes: no number of them that votes could reach stops a proposal from being opened.
    function test_HoldsMoreVersionsOfRulesThanVotesCouldUseUp() external pure {
        Frozen memory frozen;
        (frozen.track, frozen.version) = (Track.Constitution, type(uint24).max);
        require(_open(frozen).version() == 16_777_215, "the version");
        require(_open(frozen).track() == Track.Constitution, "the track");
    }

    function _open(Frozen memory frozen) private pure returns (ProposalTally) {
        return ProposalTallies.asked(frozen.epoch, frozen.presence, frozen.track).opened(
            frozen.neededFor, frozen.fastPathFor, frozen.opensAt, frozen.period, frozen.version
        );
    }

    function _check(ProposalTally tally, Frozen memory frozen, SignerCounts memory counts) private pure {
        require(tally.epoch() == frozen.epoch && tally.presence() == frozen.presence, "the committee");
        require(tally.neededFor() == frozen.neededFor && tally.fastPathFor() == frozen.fastPathFor, "the needs");
        require(tally.againstVotes() == uint256(counts.againstCount) + 1, "votes Against");
        require(tally.forVotes() == uint256(counts.forCount) + 1, "votes For");
        require(tally.abstainVotes() == uint256(counts.abstainCount) + 1, "abstentions");
        require(tally.opensAt() == frozen.opensAt, "opens at");
        require(tally.track() == frozen.track && tally.version() == frozen.version, "the rules");
        require(tally.isClaim() == (frozen.track == Track.Emergency), "the claim");
    }
}
