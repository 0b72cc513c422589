// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccountSignatures} from "../libraries/AccountSignatures.sol";
import {KeyStore} from "../libraries/KeyStore.sol";
import {NodeSeats} from "./NodeSeats.sol";

/// @title How a seat gets an agent, loses it, and gets another operator
abstract contract NodeTenures is NodeSeats {
    using KeyStore for KeyStore.Store;

    /// @dev Writes the agent of a seat, a slot at a time: field by field it would take 3,000 gas more.
    function _seatAgent(address operator, address agent, uint32 index, uint32 opening) internal {
        uint256 latest = uint256(index) + 1;
        if (agent != operator) _writeAgent(agent, operator, latest, opening);
        Seat storage seat_ = _accounts[operator];
        assembly ("memory-safe") {
            // What is kept: the nonce, 32 bits from bit 96 on.
            let kept := and(sload(seat_.slot), shl(96, 0xffffffff))
            let set := or(or(latest, shl(32, and(opening, 0xffffffff))), or(shl(128, timestamp()), shl(176, 1)))
            sstore(seat_.slot, or(add(kept, shl(96, 1)), set))
        }
    }

    /// @dev Takes the agent of a seat out of the committees from `opening` on.
    function _retire(address operator, uint32 opening) internal returns (uint32 index, bytes memory key) {
        Seat storage seat_ = _accounts[operator];
        index = seat_.latest - 1;
        address agent;
        (agent, key,) = _keys.read(index);
        _markRemoved(index, opening);
        seat_.removedAt = opening;
        seat_.nonce += 1;
        if (agent != operator) _accounts[agent].removedAt = opening;
    }

    /// @dev Gives the seat of `from` to `to`. An account that serves the operator as agent too cannot stay the agent's alone, so
    /// that such a seat sets another agent first, or revokes it.
    function _handOver(address from, address to, uint32 opening) internal {
        Seat memory seat_ = _accounts[from];
        if (seat_.removedAt == 0) {
            (address agent, uint32 admittedAt) = _keys.agentAt(seat_.latest - 1);
            if (agent == from) revert NodeRegistryDuplicateAccount(agent);
            _writeAgent(agent, to, seat_.latest, admittedAt);
            _accounts[from].removedAt = opening;
        } else {
            seat_.removedAt = opening;
        }
        _accounts[from].seated = false;
        _tenures[from].successor = to;
        _tenures[to].since = opening;
        seat_.admittedAt = opening;
        seat_.nonce += 1;
        _accounts[to] = seat_;
    }

    /// @dev Reverts if the account is or was an operator or an agent.
    function _checkFresh(address account) internal view {
        if (_accounts[account].latest != 0) revert NodeRegistryDuplicateAccount(account);
    }

    /// @dev Reverts unless the operator signed `digest`.
    function _checkConsent(address operator, bytes32 digest, uint48 deadline, bytes memory consent) internal view {
        if (block.timestamp > deadline) revert NodeRegistryExpiredConsent(deadline);
        if (!AccountSignatures.isValid(operator, digest, consent)) revert NodeRegistryInvalidConsent(operator);
    }

    function _writeAgent(address agent, address operator, uint256 latest, uint32 admittedAt) private {
        if (latest >= AGENT) revert NodeRegistryUnknownNode(uint32(latest));
        Seat storage entry = _accounts[agent];
        assembly ("memory-safe") {
            sstore(
                entry.slot, or(or(latest, shl(31, 1)), or(shl(32, and(admittedAt, 0xffffffff)), shl(96, operator)))
            )
        }
    }
}
