// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {IHostRegistry} from "./IHostRegistry.sol";

/// @title Which hosts run replicas, and what each says about itself
contract HostRegistry is IHostRegistry {
    /// @dev The changes of one day, which is counted from 1970.
    struct Changes {
        uint48 day;
        uint8 count;
    }

    /// @inheritdoc IHostRegistry
    uint256 public constant MAX_DESCRIPTOR_BYTES = 1024;
    /// @inheritdoc IHostRegistry
    uint256 public constant MAX_CHANGES = 24;

    /// @notice The registry of the committees.
    INodeRegistry public immutable nodes;

    /// @inheritdoc IHostRegistry
    mapping(address operator => ContentId) public descriptorOf;
    mapping(address operator => Changes) private _changes;

    constructor(INodeRegistry nodes_) {
        nodes = nodes_;
    }

    /// @inheritdoc IHostRegistry
    function describe(bytes calldata descriptor) external {
        if (descriptor.length > MAX_DESCRIPTOR_BYTES) {
            revert HostRegistryTooLong(descriptor.length, MAX_DESCRIPTOR_BYTES);
        }
        if (!nodes.isCurrentMember(msg.sender)) revert HostRegistryNotMember(msg.sender);
        address operator = nodes.operatorOf(msg.sender);
        ContentId id = ContentId.wrap(descriptor.length == 0 ? bytes32(0) : sha256(descriptor));
        if (descriptorOf[operator] == id) revert HostRegistryUnchanged(operator, id);
        _count(operator);

        descriptorOf[operator] = id;

        emit HostDescribed(operator, id, descriptor);
    }

    function _count(address operator) private {
        uint48 today = uint48(block.timestamp / 1 days);
        Changes storage changes = _changes[operator];
        (uint48 day, uint8 count) = (changes.day, changes.count);
        if (day != today) count = 0;
        if (count == MAX_CHANGES) revert HostRegistryTooOften(operator, (today + 1) * 1 days);

        (changes.day, changes.count) = (today, count + 1);
    }
}
