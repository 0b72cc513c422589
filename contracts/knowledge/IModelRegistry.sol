// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../types/ContentId.sol";

/// @title The models that the DAO has accepted, and their lineage
interface IModelRegistry {
    /// @param model The ContentId of the `Model` record.
    /// @param parent The model that was accepted before, or zero for the first.
    event ModelAccepted(
        bytes32 indexed name, ContentId indexed model, ContentId indexed parent, uint64 round, uint64 version
    );

    struct AcceptedModel {
        ContentId model;
        ContentId parent;
        uint64 round;
        uint64 version;
        uint48 acceptedAt;
    }

    error ModelRegistryUnauthorized(address caller);
    error ModelRegistryEmptyModel();
    error ModelRegistryAlreadyAccepted(bytes32 name, ContentId model);
    error ModelRegistryStaleParent(bytes32 name, ContentId parent, ContentId accepted);
    error ModelRegistryUnknownVersion(bytes32 name, uint64 version);

    /// @notice Accepts `model` as the next version of `name`; `parent` must be the model accepted now. Only the timelock
    /// may call it.
    function accept(bytes32 name, ContentId model, ContentId parent, uint64 round) external;

    /// @notice The newest accepted model, all zero if it does not exist.
    function accepted(bytes32 name) external view returns (AcceptedModel memory);

    /// @notice Version `version` of `name`; the first is 1.
    function acceptedVersion(bytes32 name, uint64 version) external view returns (AcceptedModel memory);
}
