// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Executes what the governor decides, after the delay of its track
/// @notice OpenZeppelin's TimelockController whose roles and delay no vote can change: with either, a vote could end
/// governance or give it away. The deployer grants the governor its roles and renounces its own.
contract NodeTimelock is TimelockController {
    /// @notice Roles are granted by the deployer alone, and never given up.
    error NodeTimelockSealed();

    /// @dev The minimum delay is zero: the governor delays each operation as its track says.
    constructor(address deployer) TimelockController(0, new address[](0), new address[](0), deployer) {}

    /// @dev No delay but those of the tracks.
    function updateDelay(uint256) public pure override {
        revert NodeTimelockSealed();
    }

    function grantRole(bytes32 role, address account) public override {
        if (msg.sender == address(this)) revert NodeTimelockSealed();
        super.grantRole(role, account);
    }

    function revokeRole(bytes32 role, address account) public override {
        if (msg.sender == address(this)) revert NodeTimelockSealed();
        super.revokeRole(role, account);
    }

    /// @dev For the deployer's own role alone.
    function renounceRole(bytes32 role, address account) public override {
        if (role != DEFAULT_ADMIN_ROLE || msg.sender == address(this)) revert NodeTimelockSealed();
        super.renounceRole(role, account);
    }
}
