// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPublisherRegistry} from "./IPublisherRegistry.sol";

/// @title Who may publish releases that nodes run without asking people
/// @dev A contract of its own, which {ParameterRegistry} creates.
contract PublisherRegistry is IPublisherRegistry {
    /// @notice The only account that may admit and revoke publishers.
    address public immutable timelock;

    /// @inheritdoc IPublisherRegistry
    mapping(bytes32 publisher => bool) public isAdmitted;

    constructor(address timelock_) {
        timelock = timelock_;
    }

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert PublisherRegistryUnauthorized(msg.sender);
        _;
    }

    /// @inheritdoc IPublisherRegistry
    function admit(bytes32 publisher) external onlyTimelock {
        if (publisher == bytes32(0)) revert PublisherRegistryEmptyPublisher();
        if (isAdmitted[publisher]) revert PublisherRegistryAlreadyAdmitted(publisher);

        isAdmitted[publisher] = true;

        emit PublisherAdmitted(publisher);
    }

    /// @inheritdoc IPublisherRegistry
    function revoke(bytes32 publisher) external onlyTimelock {
        if (!isAdmitted[publisher]) revert PublisherRegistryNotAdmitted(publisher);

        isAdmitted[publisher] = false;

        emit PublisherRevoked(publisher);
    }
}
