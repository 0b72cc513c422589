// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ProposalTally} from "../ProposalTally.sol";
import {GovernorBallots} from "./GovernorBallots.sol";

/// @dev Extension of {Governor} that gives the others time to answer when enough nodes vote For at the last moment (the idea
/// of OpenZeppelin's GovernorPreventLateQuorum): the vote stays open for a quarter of its period after that moment.
/// Claims of fact need no answer.
abstract contract GovernorLateQuorum is GovernorBallots {
    function _store(uint256 proposalId, ProposalTally before, ProposalTally tally) internal virtual override {
        uint256 needed = tally.neededFor();
        if (before.forVotes() < needed && tally.forVotes() >= needed && !tally.isClaim()) {
            uint256 closesAt = tally.closesAt();
            uint256 later;
            unchecked {
                // Not extended yet, so that this is the track's period. Reading the rules would cost more.
                later = block.timestamp + (closesAt - tally.opensAt()) / 4;
            }
            if (later > closesAt) {
                tally = tally.extended(later);
                emit ProposalExtended(proposalId, uint64(later));
            }
        }
        super._store(proposalId, before, tally);
    }
}
