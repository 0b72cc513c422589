// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice More nodes than one word of the bitmap has bits.
contract NodeGovernorWords is GovernanceTest {
    uint256 private constant SIZE = 260;

    function setUp() external {
        _build(SIZE, _everywhere(_rules()));
    }

    function test_NodesOfDifferentWordsDoNotShareABit() external {
        uint256 id = _propose(governor, _operator(0), address(1), "", "because");
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(_operator(3));
        governor.castVote(id, 1);

        require(!governor.hasVoted(id, _operator(259)), "node 259 has voted with node 3");
        vm.prank(_operator(259));
        governor.castVote(id, 0);

        require(governor.hasIndexVoted(id, 3) && governor.hasIndexVoted(id, 259), "a ballot left no mark");
        (uint256 against, uint256 pro,) = governor.proposalVotes(id);
        require(against == 1 && pro == 1, "a ballot was not counted");
        address voter = _operator(259);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorAlreadyCastVote.selector, voter));
        vm.prank(voter);
        governor.castVote(id, 1);
    }
}
