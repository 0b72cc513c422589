// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Bitmap} from "../../libraries/Bitmap.sol";
import {SignerCounts, Signers} from "../../types/Signers.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTally} from "../ProposalTally.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} that counts one vote a node. Whether a node may vote, and under which index, follows
/// from the proposal's frozen epoch; that it has voted is one bit at that index, whatever path its ballot took.
abstract contract GovernorBallots is GovernorTracks {
    using Bitmap for uint256[];

    uint256 private constant WEIGHT = 1;
    uint8 internal constant AGAINST = uint8(GovernorCountingSimple.VoteType.Against);
    uint8 internal constant FOR = uint8(GovernorCountingSimple.VoteType.For);
    uint8 internal constant ABSTAIN = uint8(GovernorCountingSimple.VoteType.Abstain);

    /// @dev Which of 256 consecutive indices have voted. In a struct, so that its slot is computed once per ballot.
    struct VotedWord {
        uint256 bits;
    }

    mapping(uint256 proposalId => mapping(uint256 position => VotedWord)) private _voted;

    /// @inheritdoc IGovernor
    // solhint-disable-next-line func-name-mixedcase
    function COUNTING_MODE() public pure virtual override returns (string memory) {
        return "support=bravo&quorum=for";
    }

    /// @inheritdoc IGovernor
    function hasVoted(uint256 proposalId, address account) public view virtual override returns (bool) {
        try nodes.indexOf(account, _tallies[proposalId].epoch()) returns (uint32 index) {
            return hasIndexVoted(proposalId, index);
        } catch {
            return false;
        }
    }

    /// @inheritdoc INodeGovernor
    function hasIndexVoted(uint256 proposalId, uint32 index) public view virtual returns (bool) {
        return votedBits(proposalId, index >> 8) & (1 << (index & 0xff)) != 0;
    }

    /// @inheritdoc INodeGovernor
    function votedBits(uint256 proposalId, uint256 position) public view virtual returns (uint256) {
        return _voted[proposalId][position].bits;
    }

    /// @inheritdoc INodeGovernor
    function proposalVotes(uint256 proposalId)
        public
        view
        virtual
        returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes)
    {
        ProposalTally tally = _tallies[proposalId];
        return (tally.againstVotes(), tally.forVotes(), tally.abstainVotes());
    }

    /// @dev Differs from {Governor-_castVote} in that the voter's weight is not looked up at the proposal's snapshot:
    /// the frozen epoch says who is a member, and every member weighs the same.
    function _castVote(uint256 proposalId, address account, uint8 support, string memory reason, bytes memory params)
        internal
        virtual
        override
        returns (uint256)
    {
        ProposalTally tally = _openTally(proposalId);

        _count(proposalId, tally, account, support);

        if (params.length == 0) {
            emit VoteCast(account, proposalId, support, WEIGHT, reason);
        } else {
            emit VoteCastWithParams(account, proposalId, support, WEIGHT, reason, params);
        }

        _tallyUpdated(proposalId);

        return WEIGHT;
    }

    /// @dev See {Governor-_countVote}. For extensions of this contract: {_castVote} does not call it.
    function _countVote(
        uint256 proposalId,
        address account,
        uint8 support,
        uint256, /* totalWeight */
        bytes memory /* params */
    ) internal virtual override returns (uint256) {
        _count(proposalId, _tallies[proposalId], account, support);
        return WEIGHT;
    }

    /// @dev The tally; reverts unless ballots count now.
    function _openTally(uint256 proposalId) internal view returns (ProposalTally tally) {
        tally = _tallies[proposalId];
        if (!_isVoteOpen(tally)) {
            _validateStateBitmap(proposalId, _encodeStateBitmap(ProposalState.Active));
        }
    }

    /// @dev Counts many votes. The caller has had the registry check that `signers` are members of the tally's epoch, each in
    /// one set, and `counts` in number, and none of them has voted.
    function _countAll(uint256 proposalId, ProposalTally tally, Signers memory signers, SignerCounts memory counts)
        internal
    {
        if (tally.isClaim() && (counts.againstCount | counts.abstainCount) != 0) revert GovernorClaimOfFact(proposalId);
        uint256 words = _wordsOf(signers);
        for (uint256 i = 0; i < words; ++i) {
            uint256 voting = signers.forBits.at(i) | signers.againstBits.at(i) | signers.abstainBits.at(i);
            if (voting != 0) _voted[proposalId][i].bits |= voting;
        }
        _store(proposalId, tally, tally.countedAll(counts));

        emit BallotsCounted(proposalId, signers.forBits, signers.againstBits, signers.abstainBits);

        _tallyUpdated(proposalId);
    }

    /// @dev The signers who have not voted, and whether any has; reverts if all have. It is `signers` that is returned,
    /// changed, to save the gas of a copy.
    function _withoutCounted(uint256 proposalId, Signers memory signers)
        internal
        view
        returns (Signers memory fresh, bool skipped)
    {
        fresh = signers;
        uint256 left = 0;
        uint256 words = _wordsOf(signers);
        for (uint256 i = 0; i < words; ++i) {
            uint256 voting = signers.forBits.at(i) | signers.againstBits.at(i) | signers.abstainBits.at(i);
            if (voting == 0) continue;
            uint256 voted = _voted[proposalId][i].bits;
            left |= voting & ~voted;
            if (voting & voted == 0) continue;
            skipped = true;
            signers.forBits.drop(i, voted);
            signers.againstBits.drop(i, voted);
            signers.abstainBits.drop(i, voted);
        }
        if (left == 0) revert GovernorNothingNew(proposalId);
        if (skipped) {
            signers.forBits.trim();
            signers.againstBits.trim();
            signers.abstainBits.trim();
        }
    }

    /// @dev Who has voted, of the indices below `bound`.
    function _votedWords(uint256 proposalId, uint256 bound) internal view returns (uint256[] memory words) {
        words = new uint256[](Bitmap.wordsFor(bound));
        for (uint256 i = 0; i < words.length; ++i) words[i] = _voted[proposalId][i].bits;
    }

    function _wordsOf(Signers memory signers) private pure returns (uint256) {
        return Math.max(signers.forBits.length, Math.max(signers.againstBits.length, signers.abstainBits.length));
    }

    /// @dev The index under which `account` votes; turns the registry's error into this contract's own.
    function _indexOf(address account, uint32 epoch) internal view returns (uint32) {
        try nodes.indexOf(account, epoch) returns (uint32 found) {
            return found;
        } catch {
            revert GovernorNotMember(account, epoch);
        }
    }

    /// @dev Writes the tally with more votes than `before`. Extensions may change it first.
    function _store(uint256 proposalId, ProposalTally, /* before */ ProposalTally tally) internal virtual {
        _tallies[proposalId] = tally;
    }

    /// @dev Whether ballots count now. Once the fast path has closed a tally, no later ballot can reopen it. A suspension ends the
    /// claims that were opened before it: they count seats that are silent.
    function _isVoteOpen(ProposalTally tally) internal view returns (bool) {
        uint256 currentTimepoint = clock();
        if (tally.opensAt() >= currentTimepoint || tally.closesAt() < currentTimepoint || tally.isCanceled()) return false;

        uint256 fastPathFor = tally.fastPathFor();
        if (fastPathFor != 0 && tally.forVotes() >= fastPathFor) return false;

        return !tally.isClaim() || tally.presence() >= nodes.newestSuspension();
    }

    /// @dev `tally` is the one in storage, so that each ballot reads it once.
    function _count(uint256 proposalId, ProposalTally tally, address account, uint8 support) private {
        if (support > ABSTAIN) revert GovernorInvalidVoteType();

        if (support != FOR && tally.isClaim()) revert GovernorClaimOfFact(proposalId);

        _markVoted(proposalId, account, tally);
        _store(proposalId, tally, tally.counted(support));
    }

    function _markVoted(uint256 proposalId, address account, ProposalTally tally) private {
        uint32 index = _indexOf(account, tally.epoch());
        uint32 presence = tally.presence();
        if (presence != 0 && !_presences.isCounted(index, presence, tally.isCareful())) revert GovernorNotCounted(index);
        VotedWord storage word = _voted[proposalId][index >> 8];
        uint256 bits = word.bits;
        uint256 bit = 1 << (index & 0xff);
        if (bits & bit != 0) revert GovernorAlreadyCastVote(account);

        word.bits = bits | bit;
    }
}
