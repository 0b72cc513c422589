// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IParameterRegistry} from "./IParameterRegistry.sol";
import {IPublisherRegistry} from "./IPublisherRegistry.sol";
import {PublisherRegistry} from "./PublisherRegistry.sol";

/// @title Parameters and flags decided by vote
contract ParameterRegistry is IParameterRegistry {
    struct Parameter {
        bool set;
        uint256 value;
    }

    /// @notice The only account that may set parameters and flags.
    address public immutable timelock;
    /// @inheritdoc IParameterRegistry
    IPublisherRegistry public immutable publishers;

    mapping(bytes32 name => Parameter) private _parameters;
    /// @inheritdoc IParameterRegistry
    mapping(bytes32 name => bool) public flag;

    constructor(address timelock_) {
        timelock = timelock_;
        publishers = new PublisherRegistry(timelock_);
    }

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert ParameterRegistryUnauthorized(msg.sender);
        _;
    }

    /// @inheritdoc IParameterRegistry
    function setParameter(bytes32 name, uint256 value) external onlyTimelock {
        if (name == bytes32(0)) revert ParameterRegistryEmptyName();

        uint256 oldValue = _parameters[name].value;
        _parameters[name] = Parameter({set: true, value: value});

        emit ParameterSet(name, oldValue, value);
    }

    /// @inheritdoc IParameterRegistry
    function setFlag(bytes32 name, bool value) external onlyTimelock {
        if (name == bytes32(0)) revert ParameterRegistryEmptyName();

        bool oldValue = flag[name];
        flag[name] = value;

        emit FlagSet(name, oldValue, value);
    }

    /// @inheritdoc IParameterRegistry
    function parameter(bytes32 name) external view returns (uint256) {
        if (!_parameters[name].set) revert ParameterRegistryUnset(name);
        return _parameters[name].value;
    }

    /// @inheritdoc IParameterRegistry
    function tryParameter(bytes32 name) external view returns (bool set, uint256 value) {
        Parameter storage stored = _parameters[name];
        return (stored.set, stored.value);
    }
}
