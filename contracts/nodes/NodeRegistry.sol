// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {INodeChanges} from "./INodeChanges.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {NodeState} from "./NodeState.sol";
import {NodeViews} from "./NodeViews.sol";
import {NodeVotes} from "./NodeVotes.sol";

/// @title The nodes, and the committee of every epoch
/// @dev It answers and verifies by itself, and makes changes by the code of {NodeChanges}, on its own storage.
contract NodeRegistry is NodeViews, NodeVotes {
    /// @inheritdoc INodeRegistry
    address public immutable changes;

    /// @param timelock_ Admits and removes, by vote.
    /// @param founder_ Admits the first nodes.
    /// @param changes_ A {NodeChanges} with the same timelock. It is deployed by itself, so that each is compiled for what it
    /// does most; nobody should join a registry with other code there.
    constructor(address timelock_, address founder_, address changes_) NodeState(timelock_) {
        founder = founder_;
        changes = changes_;
    }

    /// @inheritdoc INodeChanges
    function admit(Admission[] calldata) external {
        _change();
    }

    /// @inheritdoc INodeChanges
    function setAgent(address, bytes calldata, bytes calldata, bytes calldata) external {
        _change();
    }

    /// @inheritdoc INodeChanges
    function setAgentBySig(Admission calldata) external {
        _change();
    }

    /// @inheritdoc INodeChanges
    function revokeAgent() external {
        _change();
    }

    /// @inheritdoc INodeChanges
    function remove(address[] calldata) external {
        _change();
    }

    /// @inheritdoc INodeChanges
    function changeOperator(address, address, uint48, bytes calldata, bytes calldata) external {
        _change();
    }

    /// @inheritdoc INodeChanges
    function closeGenesis() external {
        _change();
    }

    function _change() private {
        Address.functionDelegateCall(changes, msg.data);
    }
}
