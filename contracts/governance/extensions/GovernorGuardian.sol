// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveCalldata} from "../DirectiveCalldata.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {GovernorCommittee} from "./GovernorCommittee.sol";

/// @dev Extension of {Governor} with a guardian who may cancel any proposal that is not executed, may do nothing else, and
/// whose power expires, by a vote even sooner. Nobody else may cancel, not even the proposer: many nodes rely on the
/// one proposal that the first of them opened.
abstract contract GovernorGuardian is GovernorCommittee {
    using DirectiveCalldata for bytes;

    /// @notice The longest that a guardian may have its power after deployment.
    uint48 public constant MAX_GUARDIAN_PERIOD = 180 days;

    /// @inheritdoc INodeGovernor
    address public guardian;
    /// @inheritdoc INodeGovernor
    uint48 public immutable guardianExpiry;

    constructor(address guardian_, uint48 guardianExpiry_) {
        uint48 latest = clock() + MAX_GUARDIAN_PERIOD;
        if (guardian_ != address(0) && guardianExpiry_ > latest) {
            revert GovernorInvalidGuardianExpiry(guardianExpiry_, latest);
        }
        guardian = guardian_;
        guardianExpiry = guardianExpiry_;
    }

    /// @inheritdoc INodeGovernor
    function dismissGuardian() external virtual onlyGovernance {
        emit GuardianDismissed(guardian);
        guardian = address(0);
    }

    /// @dev See {Governor-_cancel}. The guardian cannot stop a vote on nothing but its own dismissal.
    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal virtual override returns (uint256 proposalId) {
        bool isDismissal = targets.length == 1 && targets[0] == address(this)
            && calldatas[0].selector() == INodeGovernor.dismissGuardian.selector;
        if (isDismissal) revert GovernorCannotCancel(getProposalId(targets, values, calldatas, descriptionHash));

        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    /// @dev See {Governor-_validateCancel}; deliberately without a call to super, which lets the proposer cancel.
    function _validateCancel(uint256, /* proposalId */ address caller) internal view virtual override returns (bool) {
        return caller == guardian && clock() < guardianExpiry;
    }
}
