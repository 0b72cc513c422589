// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor, IERC6372} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodePresence} from "../../nodes/INodePresence.sol";
import {INodeRegistry} from "../../nodes/INodeRegistry.sol";
import {INodeGovernor} from "../INodeGovernor.sol";

/// @dev Extension of {Governor} whose voters are the members of an {INodeRegistry}: one seat, one vote, no token.
abstract contract GovernorCommittee is Governor, INodeGovernor {
    /// @notice The registry of the voters.
    INodeRegistry public immutable nodes;

    /// @dev Which of them are counted.
    INodePresence internal immutable _presences;

    constructor(INodeRegistry nodes_) {
        nodes = nodes_;
        _presences = nodes_.presences();
    }

    /// @notice What standard tools ask for votes: the registry answers as a token would.
    function token() external view returns (address) {
        return address(nodes);
    }

    /// @inheritdoc IERC6372
    /// @dev Seconds, so that durations mean the same on every chain.
    function clock() public view virtual override(Governor, IERC6372) returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @inheritdoc IERC6372
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public view virtual override(Governor, IERC6372) returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc IGovernor
    /// @dev Only members may propose.
    function proposalThreshold() public view virtual override(Governor, IGovernor) returns (uint256) {
        return 1;
    }

    /// @dev 1 for a member at `timepoint`, else 0. For standard tools and the proposal threshold; ballots are checked
    /// against the proposal's frozen epoch.
    function _getVotes(address account, uint256 timepoint, bytes memory /* params */ )
        internal
        view
        virtual
        override
        returns (uint256)
    {
        _checkPast(timepoint);
        return nodes.isMember(account, nodes.epochAt(uint48(timepoint))) ? 1 : 0;
    }

    /// @dev A node may still join in the present second.
    function _checkPast(uint256 timepoint) private view {
        if (timepoint >= clock()) revert GovernorFutureLookup(timepoint, clock());
    }
}
