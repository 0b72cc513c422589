// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} that counts one vote a node. Whether a node may vote, and under which index, follows
/// from the proposal's frozen epoch; that it has voted is one bit at that index, whatever path its ballot took.
abstract contract GovernorBallots is GovernorTracks {
    uint256 private constant WEIGHT = 1;

    mapping(uint256 proposalId => mapping(uint256 word => uint256 voted)) private _voted;

    /// @inheritdoc IGovernor
    // solhint-disable-next-line func-name-mixedcase
    function COUNTING_MODE() public pure virtual override returns (string memory) {
        return "support=bravo&quorum=for,abstain";
    }

    /// @inheritdoc IGovernor
    function hasVoted(uint256 proposalId, address account) public view virtual override returns (bool) {
        uint32 epoch = _slots[proposalId].epoch;
        return _nodes.isMember(account, epoch) && hasIndexVoted(proposalId, _nodes.indexOf(account, epoch));
    }

    /// @inheritdoc INodeGovernor
    function hasIndexVoted(uint256 proposalId, uint32 index) public view virtual returns (bool) {
        return _voted[proposalId][index >> 8] & (1 << (index & 0xff)) != 0;
    }

    /// @inheritdoc INodeGovernor
    function proposalVotes(uint256 proposalId)
        public
        view
        virtual
        returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes)
    {
        ProposalSlot storage slot = _slots[proposalId];
        return (slot.againstVotes, slot.forVotes, slot.abstainVotes);
    }

    /// @dev Differs from {Governor-_castVote} in that the voter's weight is not looked up at the proposal's snapshot:
    /// the frozen epoch says who is a member, and every member weighs the same.
    function _castVote(uint256 proposalId, address account, uint8 support, string memory reason, bytes memory params)
        internal
        virtual
        override
        returns (uint256)
    {
        _validateStateBitmap(proposalId, _encodeStateBitmap(ProposalState.Active));

        _countVote(proposalId, account, support, WEIGHT, params);

        if (params.length == 0) {
            emit VoteCast(account, proposalId, support, WEIGHT, reason);
        } else {
            emit VoteCastWithParams(account, proposalId, support, WEIGHT, reason, params);
        }

        _tallyUpdated(proposalId);

        return WEIGHT;
    }

    /// @dev See {Governor-_countVote}.
    function _countVote(
        uint256 proposalId,
        address account,
        uint8 support,
        uint256, /* totalWeight */
        bytes memory /* params */
    ) internal virtual override returns (uint256) {
        ProposalSlot storage slot = _slots[proposalId];

        _markVoted(proposalId, account, slot.epoch);

        if (support == uint8(GovernorCountingSimple.VoteType.For)) slot.forVotes += uint24(WEIGHT);
        else if (support == uint8(GovernorCountingSimple.VoteType.Against)) slot.againstVotes += uint24(WEIGHT);
        else if (support == uint8(GovernorCountingSimple.VoteType.Abstain)) slot.abstainVotes += uint24(WEIGHT);
        else revert GovernorInvalidVoteType();

        return WEIGHT;
    }

    function _markVoted(uint256 proposalId, address account, uint32 epoch) private {
        uint32 index;
        try _nodes.indexOf(account, epoch) returns (uint32 found) {
            index = found;
        } catch {
            revert GovernorNotMember(account, epoch);
        }

        uint256 voted = _voted[proposalId][index >> 8];
        uint256 bit = 1 << (index & 0xff);
        if (voted & bit != 0) revert GovernorAlreadyCastVote(account);

        _voted[proposalId][index >> 8] = voted | bit;
    }
}
