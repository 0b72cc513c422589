// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";
import {NodeSeats} from "./NodeSeats.sol";

/// @title Votes, as the tools of token governance read them
/// @notice The reading side of ERC-5805, so that the registry answers as the governor's token: a seat has one vote, which is its
/// operator's. The agent's account has none here, or the seat would be counted twice.
abstract contract NodeVotes is NodeSeats {
    /// @notice The answer may still change: several committees may follow each other in one second.
    error ERC5805FutureLookup(uint256 timepoint, uint48 clock);

    /// @notice Seconds: ERC-6372.
    function clock() public view returns (uint48) {
        return Time.timestamp();
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    function getVotes(address account) external view returns (uint256) {
        return _isOperator(account) && _isActive(_accounts[account]) ? 1 : 0;
    }

    /// @notice The votes of an operator at the end of a second that has passed.
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        uint48 past = _past(timepoint);
        return _isOperator(account) && _find(account, _epochAt(past)) != 0 ? 1 : 0;
    }

    /// @notice The number of seats in the committee at the end of a second that has passed.
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        return _committees[_epochAt(_past(timepoint))].size;
    }

    /// @notice Every operator votes for itself.
    function delegates(address account) external pure returns (address) {
        return account;
    }

    function _past(uint256 timepoint) private view returns (uint48) {
        if (timepoint >= clock()) revert ERC5805FutureLookup(timepoint, clock());
        return uint48(timepoint);
    }
}
