// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../types/ContentId.sol";

/// @title Which hosts run replicas, and what each says about itself
/// @dev A host is the machine of one node. Its descriptor is a block that holds its labels, its addresses and its slots. The chain
/// stores the block's ContentId, and the event holds the block itself: where replicas are placed must not depend on whether a
/// node can fetch a block of a host that is away. A seat keeps its host when it changes agents: the machine stays. It loses it
/// when it changes operators, and the new operator describes its own.
interface IHostRegistry {
    /// `descriptor` is empty for a host that withdraws.
    event HostDescribed(address indexed operator, ContentId indexed id, bytes descriptor);

    error HostRegistryNotMember(address account);
    error HostRegistryUnchanged(address operator, ContentId id);
    error HostRegistryTooLong(uint256 length, uint256 most);
    error HostRegistryTooOften(address operator, uint48 from);

    /// @notice Says what the caller's host is. An operator or an agent of the newest committee may call it, {MAX_CHANGES} times a
    /// day of UTC. Whether the descriptor makes sense is for its readers to check.
    /// @param descriptor At most {MAX_DESCRIPTOR_BYTES}. Empty withdraws the host: no replica is placed on it.
    function describe(bytes calldata descriptor) external;

    /// @notice The ContentId of the newest descriptor of an operator's host; zero if it has none. Whether the operator still has
    /// a seat the NodeRegistry says.
    function descriptorOf(address operator) external view returns (ContentId);

    /// @notice The most bytes of a descriptor: every node reads those of all hosts.
    function MAX_DESCRIPTOR_BYTES() external view returns (uint256);

    /// @notice How often a host may be described in one day: every node keeps all descriptors that ever were.
    function MAX_CHANGES() external view returns (uint256);
}
