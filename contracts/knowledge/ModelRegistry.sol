// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../types/ContentId.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @title The models that the DAO has accepted, and their lineage
/// @dev A model's parent is the version before it, so it is not stored again.
contract ModelRegistry is IModelRegistry {
    struct Version {
        ContentId model;
        uint64 round;
        uint48 acceptedAt;
    }

    /// @notice The only account that may accept models.
    address public immutable timelock;

    mapping(bytes32 name => Version[]) private _versions;
    mapping(bytes32 name => mapping(ContentId model => bool)) private _wasAccepted;

    constructor(address timelock_) {
        timelock = timelock_;
    }

    /// @inheritdoc IModelRegistry
    /// @dev A model is accepted at most once, so that a lineage has no cycle.
    function accept(bytes32 name, ContentId model, ContentId parent, uint64 round) external {
        if (msg.sender != timelock) revert ModelRegistryUnauthorized(msg.sender);
        if (model.isZero()) revert ModelRegistryEmptyModel();
        if (_wasAccepted[name][model]) revert ModelRegistryAlreadyAccepted(name, model);
        ContentId current = _modelOf(name, _versions[name].length);
        if (parent != current) revert ModelRegistryStaleParent(name, parent, current);

        _versions[name].push(Version({model: model, round: round, acceptedAt: uint48(block.timestamp)}));
        _wasAccepted[name][model] = true;

        emit ModelAccepted(name, model, parent, round, uint64(_versions[name].length));
    }

    /// @inheritdoc IModelRegistry
    function accepted(bytes32 name) external view returns (AcceptedModel memory) {
        return _accepted(name, _versions[name].length);
    }

    /// @inheritdoc IModelRegistry
    function acceptedVersion(bytes32 name, uint64 version) external view returns (AcceptedModel memory) {
        if (version == 0 || version > _versions[name].length) revert ModelRegistryUnknownVersion(name, version);
        return _accepted(name, version);
    }

    function _accepted(bytes32 name, uint256 version) private view returns (AcceptedModel memory model) {
        if (version == 0) return model;

        Version storage stored = _versions[name][version - 1];
        return AcceptedModel({
            model: stored.model,
            parent: _modelOf(name, version - 1),
            round: stored.round,
            version: uint64(version),
            acceptedAt: stored.acceptedAt
        });
    }

    function _modelOf(bytes32 name, uint256 version) private view returns (ContentId) {
        return version == 0 ? ContentId.wrap(bytes32(0)) : _versions[name][version - 1].model;
    }
}
