// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {NodeCommittees} from "./NodeCommittees.sol";

/// @title Who has which seat, with which agent
/// @dev A membership check reads one slot, of an operator's account as of an agent's. All storage is declared here and in what this
/// inherits, so that {NodeChanges} finds it where {NodeRegistry} has it.
abstract contract NodeSeats is NodeCommittees, EIP712 {
    /// @dev For a seat that changed operators: the operator who has it after this one, and the epoch from which on this one had it.
    struct Tenure {
        address successor;
        uint32 since;
    }

    /// @dev Of an agent whose account is not its operator's, `latest` has this bit, and what follows `removedAt` is the operator.
    uint32 internal constant AGENT = 1 << 31;

    bytes32 private constant SET_AGENT_TYPEHASH = keccak256(
        "SetAgent(address operator,address agent,bytes32 keyHash,bytes32 peerIdHash,uint32 nonce,uint48 deadline)"
    );
    bytes32 private constant CHANGE_OPERATOR_TYPEHASH =
        keccak256("ChangeOperator(address from,address to,uint32 nonce,uint48 deadline)");

    /// @dev Of operators and, with {AGENT}, of agents: no account is both, but for operators with one key for both.
    mapping(address account => Seat) internal _accounts;
    mapping(address operator => Tenure) internal _tenures;
    mapping(bytes32 keyHash => bool) internal _keyKnown;
    /// @dev The operator who took a peer id first.
    mapping(bytes32 peerIdHash => address operator) internal _peerIds;

    constructor() EIP712("NodeRegistry", "1") {}

    /// @dev The index + 1 under which the operator or agent is a member in `epoch_`, or 0.
    function _find(address account, uint32 epoch_) internal view returns (uint32 indexPlusOne) {
        _checkEpoch(epoch_);
        Seat storage entry = _accounts[account];
        (uint32 latest, uint32 admittedAt, uint32 removedAt) = (entry.latest, entry.admittedAt, entry.removedAt);
        // Epochs count from 1, so what was never admitted is in none.
        if (admittedAt == 0) return 0;
        indexPlusOne = latest & ~AGENT;
        if (admittedAt <= epoch_ && (removedAt == 0 || epoch_ < removedAt)) return indexPlusOne;
        // Before its newest agent a seat may have had others.
        if (latest & AGENT != 0 || epoch_ >= admittedAt || epoch_ < _tenures[account].since) return 0;

        while (indexPlusOne != 0 && !_isIn(indexPlusOne - 1, epoch_)) indexPlusOne = _marks[indexPlusOne - 1].predecessor;
    }

    /// @dev The operator who has the seat now that `operator` had.
    function _presentOperatorOf(address operator) internal view returns (address present) {
        present = operator;
        for (address next = operator; next != address(0); next = _tenures[present].successor) present = next;
    }

    /// @dev The operator of an account that is or was an agent; of any other, the account itself.
    function _operatorOf(address account) internal view returns (address operator) {
        Seat storage entry = _accounts[account];
        if (entry.latest & AGENT == 0) return account;
        assembly ("memory-safe") {
            operator := shr(96, sload(entry.slot))
        }
    }

    function _isOperator(address account) internal view returns (bool) {
        return _accounts[account].latest & AGENT == 0;
    }

    /// @dev Of an operator or an agent: whether it is in the newest committee.
    function _isActive(Seat storage entry) internal view returns (bool) {
        return entry.latest != 0 && entry.removedAt == 0;
    }

    /// @dev The seat, which this operator must have.
    function _seatOf(address operator) internal view returns (Seat storage seat_) {
        seat_ = _accounts[operator];
        if (!_isOperator(operator) || !seat_.seated) revert NodeRegistryNotSeated(operator);
    }

    function _operatorDigest(address from, address to, uint32 nonce, uint48 deadline) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHANGE_OPERATOR_TYPEHASH, from, to, nonce, deadline)));
    }

    function _agentDigest(
        address operator,
        address agent,
        bytes32 keyHash,
        bytes32 peerIdHash,
        uint32 nonce,
        uint48 deadline
    ) internal view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(SET_AGENT_TYPEHASH, operator, agent, keyHash, peerIdHash, nonce, deadline))
        );
    }
}
