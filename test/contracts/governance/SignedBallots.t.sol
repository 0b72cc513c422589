// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {OwnedWallet} from "../peers/OwnedWallet.sol";
import {InvariantTest} from "../Vm.sol";
import {GovernanceTest} from "./GovernanceTest.sol";
import {SignedBallotsHandler} from "./SignedBallotsHandler.sol";

/// @notice A ballot counts for the one who signed it, on the motion that it names.
contract SignedBallots is InvariantTest, GovernanceTest {
    SignedBallotsHandler private handler;

    function setUp() external {
        vm.warp(1_000_000);
        _build(4, _everywhere(_rules()));
        INodeRegistry.Admission[] memory wallets = new INodeRegistry.Admission[](1);
        for (uint256 i = 0; i < 2; ++i) {
            address wallet = address(new OwnedWallet(_operator(4)));
            wallets[0] = Admissions.agentOf(registry, wallet, wallet, _secret(4 + i));
            wallets[0] = Admissions.consented(registry, wallets[0], _secret(4), 0);
            vm.prank(address(timelock));
            registry.admit(wallets);
            vm.warp(block.timestamp + 30 days);
        }
        handler = new SignedBallotsHandler(governor);
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 24
    /// hardhat-config: invariant.depth = 40
    function invariant_NoBallotCountsForANodeThatDidNotSignThisMotion() external view {
        require(bytes(handler.violation()).length == 0, handler.violation());
        for (uint256 i = 0; i < handler.MOTIONS(); ++i) {
            uint256 id = handler.motions(i);
            (uint256 against, uint256 pro, uint256 abstain) = governor.proposalVotes(id);
            require(against + pro + abstain <= governor.proposalRules(id).committeeSize, "more ballots than seats");
            require(governor.votedBits(id, 0) >> handler.SIZE() == 0, "a ballot of a seat that is not");
        }
    }

    /// @dev Two seats, one owner: what it signs for one says nothing about the other.
    function test_OneSignatureVotesForOneOfTwoWallets() external {
        uint256 id = handler.motions(0);
        bytes memory signature = _sign(_secret(4), governor.ballotDigest(id, 1, 4));
        bytes memory own = abi.encodePacked(uint32(4), uint8(1), uint16(65), signature);
        bytes memory other = abi.encodePacked(uint32(5), uint8(1), uint16(65), signature);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NodeRegistryInvalidSignatureOf.selector, 5));
        governor.castVotesBySig(id, bytes.concat(own, other));
        address wallet = registry.node(5).operator;
        (bool taken,) =
            address(governor).call(abi.encodeCall(governor.castVoteBySig, (id, 1, wallet, signature)));
        require(!taken, "it voted for the other wallet");

        governor.castVotesBySig(id, own);
        require(governor.votedBits(id, 0) == 1 << 4, "other seats than its own");
    }

    /// @dev The list takes what {castVoteBySig} takes: a contract's signature, and a key's of 64 and of 65 bytes.
    function test_ListsTakeTheSignaturesOfAllAccounts() external {
        uint256 id = handler.motions(0);
        bytes memory ofKey = _sign(_secret(1), governor.ballotDigest(id, 1, 1));
        bytes memory ofContract = _sign(_secret(4), governor.ballotDigest(id, 0, 5));
        governor.castVotesBySig(
            id,
            bytes.concat(
                _batchEntry(id, 0, _secret(0), 1),
                abi.encodePacked(uint32(1), uint8(1), uint16(65), ofKey),
                abi.encodePacked(uint32(5), uint8(0), uint16(65), ofContract)
            )
        );
        (uint256 against, uint256 pro,) = governor.proposalVotes(id);
        require(against == 1 && pro == 2, "another tally");
    }
}
