// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPublisherRegistry} from "./IPublisherRegistry.sol";

/// @title Parameters and flags decided by vote
/// @dev Names are short strings in a bytes32, left-aligned, such as "learning.rounds".
interface IParameterRegistry {
    event ParameterSet(bytes32 indexed name, uint256 oldValue, uint256 newValue);
    event FlagSet(bytes32 indexed name, bool oldValue, bool newValue);

    error ParameterRegistryUnauthorized(address caller);
    error ParameterRegistryEmptyName();
    error ParameterRegistryUnset(bytes32 name);

    /// @notice The registry of publishers, which this contract creates.
    function publishers() external view returns (IPublisherRegistry);

    /// @notice Sets a parameter. Only the timelock may call it.
    function setParameter(bytes32 name, uint256 value) external;

    /// @notice Sets a flag. Only the timelock may call it.
    function setFlag(bytes32 name, bool value) external;

    /// @notice The parameter's value; reverts if it was never set.
    function parameter(bytes32 name) external view returns (uint256);

    /// @notice Whether the parameter was ever set, and its value.
    function tryParameter(bytes32 name) external view returns (bool set, uint256 value);

    /// @notice The flag; false if it was never set.
    function flag(bytes32 name) external view returns (bool);
}
