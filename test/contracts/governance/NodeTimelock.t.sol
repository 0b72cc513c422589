// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {NodeTimelock} from "../../../contracts/governance/NodeTimelock.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice The roles and the delay of the timelock after its deployment.
contract NodeTimelockTest is GovernanceTest {
    address private constant STRANGER = address(0x57);

    function setUp() external {
        _build(3, _everywhere(_rules()));
    }

    function test_NoVoteChangesTheDelayOrTheRoles() external {
        bytes[5] memory calls = [
            abi.encodeCall(timelock.updateDelay, (40 days)),
            abi.encodeCall(timelock.grantRole, (timelock.PROPOSER_ROLE(), STRANGER)),
            abi.encodeCall(timelock.grantRole, (timelock.DEFAULT_ADMIN_ROLE(), STRANGER)),
            abi.encodeCall(timelock.revokeRole, (timelock.PROPOSER_ROLE(), address(governor))),
            abi.encodeCall(timelock.renounceRole, (timelock.DEFAULT_ADMIN_ROLE(), address(timelock)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            string memory why = string(abi.encodePacked("call ", i));
            uint256 id = _passAndQueue(address(timelock), calls[i], why);
            vm.expectRevert(NodeTimelock.NodeTimelockSealed.selector);
            _execute(governor, address(timelock), calls[i], why);
            require(governor.state(id) == IGovernor.ProposalState.Queued, "it was executed");
        }
        require(timelock.getMinDelay() == 0, "another delay");
        _checkRoles();
    }

    function test_NoVoteActsAsTheGovernor() external {
        bytes memory give = abi.encodeCall(timelock.renounceRole, (timelock.PROPOSER_ROLE(), address(governor)));
        bytes memory relayed = abi.encodeCall(governor.relay, (address(timelock), 0, give));
        _passAndQueue(address(governor), relayed, "relay");
        vm.expectRevert(INodeGovernor.GovernorDisabled.selector);
        _execute(governor, address(governor), relayed, "relay");
        _checkRoles();
    }

    function test_TheGovernorCannotGiveUpItsRoles() external {
        bytes32[3] memory roles = [timelock.PROPOSER_ROLE(), timelock.CANCELLER_ROLE(), timelock.EXECUTOR_ROLE()];
        for (uint256 i = 0; i < roles.length; ++i) {
            vm.prank(address(governor));
            vm.expectRevert(NodeTimelock.NodeTimelockSealed.selector);
            timelock.renounceRole(roles[i], address(governor));
        }
    }

    function test_TheDeployerIsNobodyOnceItHasRenounced() external {
        bytes32 proposer = timelock.PROPOSER_ROLE();
        require(!timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(this)), "it is still the admin");
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), timelock.DEFAULT_ADMIN_ROLE()
            )
        );
        timelock.grantRole(proposer, address(this));
    }

    function _checkRoles() private view {
        require(timelock.hasRole(timelock.PROPOSER_ROLE(), address(governor)), "the governor proposes no more");
        require(!timelock.hasRole(timelock.PROPOSER_ROLE(), STRANGER), "a stranger proposes");
        require(!timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), STRANGER), "a stranger is the admin");
    }

    function _passAndQueue(address target, bytes memory data, string memory why) private returns (uint256 id) {
        id = _propose(governor, _operator(0), target, data, why);
        vm.warp(governor.proposalSnapshot(id) + 1);
        _vote(id, 0, 3, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        _queue(governor, target, data, why);
        vm.warp(governor.proposalEta(id));
    }
}
