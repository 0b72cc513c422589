// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KeyStore} from "../libraries/KeyStore.sol";
import {INodeChanges} from "./INodeChanges.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {NodeAdmissions} from "./NodeAdmissions.sol";
import {NodeState} from "./NodeState.sol";

/// @title Changes of the seats and the committees
/// @notice The code of {NodeRegistry} that writes: who may make a change, and what it does to the seats and to the next
/// committee. The registry runs it by delegatecall, since a contract's code has a limit of size.
/// @dev Called directly it changes its own storage alone, which no contract reads.
contract NodeChanges is NodeAdmissions {
    using KeyStore for KeyStore.Store;

    /// @notice The least time between two agents of a seat: what a stolen operator's key, or a hostile operator, can do to the
    /// number of epochs and keys.
    uint256 public constant AGENT_PERIOD = 1 days;

    /// @dev In events, in place of the index of an agent that a seat does not have.
    uint32 private constant NO_INDEX = type(uint32).max;

    constructor(address timelock_) NodeState(timelock_) {}

    /// @inheritdoc INodeChanges
    /// @dev Before the first admission there is nobody who could vote, so that it is not bounded.
    function admit(Admission[] calldata admissions) external {
        if (msg.sender != timelock) _checkFounder();
        if (admissions.length == 0) revert NodeRegistryEmptyBatch();

        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        if (opening == 1 || msg.sender == founder) _openGenesis(opening);
        else _countChanges(next, admissions.length, 0);
        uint32 first = next.indexBound;
        Batch memory batch = _newBatch(admissions.length);
        for (uint256 i = 0; i < admissions.length; ++i) {
            _admit(batch, i, first + uint32(i), opening, admissions[i]);
        }
        _checkPossession(batch);
        next.size += uint32(admissions.length);
        next.indexBound += uint32(admissions.length);

        _keys.append(first, opening, batch.entries);
        _open(opening, next, _withKeys(total, batch.keys));
    }

    /// @inheritdoc INodeChanges
    function setAgent(address agent, bytes calldata key, bytes calldata possession, bytes calldata peerId) external {
        Admission memory admission;
        (admission.operator, admission.agent) = (msg.sender, agent);
        (admission.key, admission.possession, admission.peerId) = (key, possession, peerId);
        _setAgent(admission, 0);
    }

    /// @inheritdoc INodeChanges
    function setAgentBySig(Admission calldata admission) external {
        uint32 nonce = _seatOf(admission.operator).nonce;
        bytes32 consented = _setAgent(admission, nonce);
        _checkConsent(admission.operator, consented, admission.deadline, admission.consent);
    }

    /// @inheritdoc INodeChanges
    function revokeAgent() external {
        if (!_isActive(_seatOf(msg.sender))) revert NodeRegistryNotMember(msg.sender, epoch);
        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        if (next.size == 1) revert NodeRegistryLastNode();

        (uint32 index, bytes memory key) = _retire(msg.sender, opening);
        next.size -= 1;
        emit AgentRevoked(index, msg.sender, opening);
        _open(opening, next, _withoutKey(total, key));
    }

    /// @inheritdoc INodeChanges
    function remove(address[] calldata operators) external onlyTimelock {
        if (operators.length == 0) revert NodeRegistryEmptyBatch();

        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        _countChanges(next, 0, operators.length);
        for (uint256 i = 0; i < operators.length; ++i) {
            address operator = _presentOperatorOf(operators[i]);
            Seat storage seat_ = _seatOf(operator);
            uint32 index = NO_INDEX;
            if (_isActive(seat_)) {
                bytes memory key;
                (index, key) = _retire(operator, opening);
                total = _withoutKey(total, key);
                next.size -= 1;
            }
            seat_.seated = false;
            emit NodeRemoved(index, operator, opening);
        }
        if (next.size == 0) revert NodeRegistryLastNode();

        _open(opening, next, total);
    }

    /// @inheritdoc INodeChanges
    function changeOperator(
        address from,
        address to,
        uint48 deadline,
        bytes calldata fromConsent,
        bytes calldata toConsent
    ) external onlyTimelock {
        bytes32 consented = _operatorDigest(from, to, _seatOf(from).nonce, deadline);
        if (to == address(0)) revert NodeRegistryInvalidOperator(to);
        _checkFresh(to);
        _checkConsent(from, consented, deadline, fromConsent);
        _checkConsent(to, consented, deadline, toConsent);

        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        _handOver(from, to, opening);
        emit OperatorChanged(from, to, opening);
        _open(opening, next, total);
    }

    /// @inheritdoc INodeChanges
    /// @dev Not before the first admission: without members nobody could vote the first node in.
    function closeGenesis() external {
        if (msg.sender != timelock || founder == address(0)) _checkFounder();
        if (epoch == 0) revert NodeRegistryEmptyBatch();

        founder = address(0);

        emit GenesisClosed(_committees[epoch].size);
    }

    function _admit(Batch memory batch, uint256 i, uint32 index, uint32 opening, Admission memory admission) private {
        address operator = admission.operator;
        if (operator == address(0)) revert NodeRegistryInvalidOperator(operator);
        _checkFresh(operator);
        bytes32 consented = _take(batch, i, admission, 0);
        _checkConsent(operator, consented, admission.deadline, admission.consent);
        _seatAgent(operator, admission.agent, index, opening);
        emit NodeAdmitted(index, operator, admission.agent, opening, admission.key, admission.peerId);
    }

    /// @dev Gives a seat another agent; returns what its operator signs for it.
    function _setAgent(Admission memory admission, uint32 nonce) private returns (bytes32 consented) {
        address operator = admission.operator;
        Seat storage seat_ = _seatOf(operator);
        uint48 allowedAt = seat_.agentSetAt + uint48(AGENT_PERIOD);
        if (block.timestamp < allowedAt) revert NodeRegistryTooEarly(allowedAt);

        (uint32 opening, Committee memory next, bytes memory total) = _nextEpoch();
        uint32 oldIndex = NO_INDEX;
        if (_isActive(seat_)) {
            bytes memory key;
            (oldIndex, key) = _retire(operator, opening);
            total = _withoutKey(total, key);
        } else {
            next.size += 1;
        }
        uint32 newIndex = next.indexBound++;
        Batch memory batch = _newBatch(1);
        consented = _take(batch, 0, admission, nonce);
        _checkPossession(batch);
        _marks[newIndex].predecessor = seat_.latest;
        if (presence != 0) INodeRegistry(address(this)).presences().takeOver(seat_.latest - 1, newIndex);
        _seatAgent(operator, admission.agent, newIndex, opening);
        _keys.append(newIndex, opening, batch.entries);
        _emitAgentSet(oldIndex, newIndex, opening, admission);
        _open(opening, next, _withKeys(total, batch.keys));
    }

    function _emitAgentSet(uint32 oldIndex, uint32 newIndex, uint32 opening, Admission memory admission) private {
        emit AgentSet(
            oldIndex, newIndex, admission.operator, admission.agent, opening, admission.key, admission.peerId
        );
    }

    /// @dev Once genesis is closed the founder is the zero address, which cannot call.
    function _checkFounder() private view {
        if (msg.sender != founder || msg.sender == address(0)) revert NodeRegistryUnauthorized(msg.sender);
    }
}
