// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Who may publish releases that nodes run without asking people
/// @dev A publisher is the keccak256 of an Ed25519 public key of 32 bytes.
interface IPublisherRegistry {
    event PublisherAdmitted(bytes32 indexed publisher);
    event PublisherRevoked(bytes32 indexed publisher);

    error PublisherRegistryUnauthorized(address caller);
    error PublisherRegistryEmptyPublisher();
    error PublisherRegistryAlreadyAdmitted(bytes32 publisher);
    error PublisherRegistryNotAdmitted(bytes32 publisher);

    /// @notice Admits a publisher. Only the timelock may call it.
    function admit(bytes32 publisher) external;

    /// @notice Revokes a publisher, at once and for all releases that it has signed. Only the timelock may call it.
    function revoke(bytes32 publisher) external;

    /// @notice Whether the publisher is admitted now.
    function isAdmitted(bytes32 publisher) external view returns (bool);
}
