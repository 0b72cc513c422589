// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {NodeTimelock} from "../NodeTimelock.sol";
import {GovernorTracks} from "./GovernorTracks.sol";

/// @dev Extension of {Governor} that executes proposals through a {NodeTimelock}, each after the delay that was
/// frozen at its opening. Differs from OpenZeppelin's GovernorTimelockControl in three ways: the delay is the proposal's,
/// the timelock can never be replaced, and the governor must be its only proposer, canceller and executor, so that
/// the governor knows the state of every operation without storing its id.
abstract contract GovernorTimelock is GovernorTracks {
    /// @notice Queues and executes passed proposals.
    NodeTimelock public immutable timelock;

    constructor(NodeTimelock timelock_) {
        timelock = timelock_;
    }

    /// @inheritdoc IGovernor
    function proposalNeedsQueuing(uint256) public view virtual override(Governor, IGovernor) returns (bool) {
        return true;
    }

    /// @notice Not offered: nothing but the timelock ever acts for the governor, so that no vote can give up its roles.
    function relay(address, uint256, bytes calldata) public payable virtual override {
        revert GovernorDisabled();
    }

    /// @dev See {Governor-_queueOperations}.
    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal virtual override returns (uint48) {
        uint256 delay = _rulesOf(_tallies[proposalId]).timelock;

        timelock.scheduleBatch(targets, values, calldatas, 0, _timelockSalt(descriptionHash), delay);

        return uint48(block.timestamp + delay);
    }

    /// @dev See {Governor-_executeOperations}.
    function _executeOperations(
        uint256, /* proposalId */
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal virtual override {
        timelock.executeBatch{value: msg.value}(targets, values, calldatas, 0, _timelockSalt(descriptionHash));
    }

    /// @dev See {Governor-_cancel}. A queued proposal is cancelled in the timelock too.
    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal virtual override returns (uint256 proposalId) {
        proposalId = super._cancel(targets, values, calldatas, descriptionHash);

        if (proposalEta(proposalId) != 0) {
            bytes32 salt = _timelockSalt(descriptionHash);
            timelock.cancel(timelock.hashOperationBatch(targets, values, calldatas, 0, salt));
        }
    }

    /// @dev See {Governor-_executor}.
    function _executor() internal view virtual override returns (address) {
        return address(timelock);
    }

    /// @dev As in OpenZeppelin's GovernorTimelockControl: the governor's address separates governors that share a
    /// timelock.
    function _timelockSalt(bytes32 descriptionHash) private view returns (bytes32) {
        return bytes20(address(this)) ^ descriptionHash;
    }
}
