// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeGovernor} from "../INodeGovernor.sol";
import {GovernorCommittee} from "./GovernorCommittee.sol";

/// @dev Extension of {Governor} with a guardian who may cancel any proposal that is not executed, may do nothing else, and
/// whose power expires. Nobody else may cancel, not even the proposer: many nodes rely on the one proposal that the
/// first of them opened.
abstract contract GovernorGuardian is GovernorCommittee {
    /// @inheritdoc INodeGovernor
    address public immutable guardian;
    /// @inheritdoc INodeGovernor
    uint48 public immutable guardianExpiry;

    constructor(address guardian_, uint48 guardianExpiry_) {
        guardian = guardian_;
        guardianExpiry = guardianExpiry_;
    }

    /// @dev See {Governor-_validateCancel}; deliberately without a call to super, which lets the proposer cancel.
    function _validateCancel(uint256, /* proposalId */ address caller) internal view virtual override returns (bool) {
        return caller == guardian && clock() < guardianExpiry;
    }
}
