// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {NodeChanges} from "../../../contracts/nodes/NodeChanges.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";

/// @notice Deploys a registry with the code that makes its changes.
library Registries {
    function deploy(address timelock, address founder) internal returns (NodeRegistry) {
        return new NodeRegistry(timelock, founder, address(new NodeChanges(timelock)));
    }
}
