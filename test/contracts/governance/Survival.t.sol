// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TrackRules} from "../../../contracts/types/Track.sol";
import {InvariantTest} from "../Vm.sol";
import {GovernanceTest} from "./GovernanceTest.sol";
import {SurvivalHandler} from "./SurvivalHandler.sol";

/// @notice Votes cannot end governance.
contract Survival is InvariantTest, GovernanceTest {
    SurvivalHandler private handler;

    function setUp() external {
        vm.warp(1_000_000);
        _build(3, _defaults());
        handler = new SurvivalHandler(governor);
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 24
    /// hardhat-config: invariant.depth = 12
    function invariant_FromAnySequenceOfVotesAUnanimousCommitteeRestoresTheDefaults() external {
        require(bytes(handler.violation()).length == 0, handler.violation());
        try handler.rehearse() {
            revert("the rehearsal stayed");
        } catch (bytes memory reason) {
            require(bytes4(reason) == SurvivalHandler.SurvivalRehearsed.selector, string(reason));
        }
    }

    /// @dev As `ignition/` deploys them.
    function _defaults() private pure returns (TrackRules[4] memory) {
        return [
            TrackRules(0, 1 hours, 20_000, 30_000, true, 0, 1 days, 8),
            TrackRules(1 minutes, 1 days, 20_000, 30_000, true, 10 minutes, 7 days, 8),
            TrackRules(1 hours, 3 days, 30_000, 45_000, false, 1 days, 30 days, 4),
            TrackRules(1 days, 7 days, 30_000, 45_000, false, 2 days, 30 days, 2)
        ];
    }
}
