// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {ParameterRegistry} from "../../../contracts/directives/ParameterRegistry.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {NodeTimelock} from "../../../contracts/governance/NodeTimelock.sol";
import {ProposalReader} from "../../../contracts/governance/ProposalReader.sol";
import {ModelRegistry} from "../../../contracts/knowledge/ModelRegistry.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {Directives} from "../../../contracts/types/Directive.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {Track, TrackRules} from "../../../contracts/types/Track.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {Signing} from "../nodes/Signing.sol";
import {VmTest} from "../Vm.sol";
import {TrackTable} from "./TrackTable.sol";
import {Registries} from "../nodes/Registries.sol";

/// @notice The contracts of governance, wired as in production, with nodes whose keys the test has.
abstract contract GovernanceTest is VmTest {
    address internal constant GUARDIAN = address(0x6a);

    NodeRegistry internal registry;
    NodeTimelock internal timelock;
    DirectiveRegistry internal directives;
    ModelRegistry internal models;
    ParameterRegistry internal parameters;
    NodeGovernor internal governor;

    /// @dev Deploys everything with nodes 0 to `size - 1`, and moves one second on.
    function _build(uint256 size, TrackRules[4] memory tracks) internal {
        timelock = new NodeTimelock(address(this));
        registry = Registries.deploy(address(timelock), address(this));
        directives = new DirectiveRegistry(address(timelock), registry);
        models = new ModelRegistry(address(timelock));
        parameters = new ParameterRegistry(address(timelock));
        governor = new NodeGovernor(
            registry,
            timelock,
            address(directives),
            address(models),
            address(parameters),
            GUARDIAN,
            uint48(block.timestamp + 180 days),
            tracks
        );
        _handOver(timelock, address(governor));

        INodeRegistry.Admission[] memory genesis = new INodeRegistry.Admission[](size);
        for (uint256 i = 0; i < size; ++i) genesis[i] = Admissions.make(registry, _secret(i), _secret(i));
        registry.admit(genesis);
        registry.closeGenesis();
        vm.warp(block.timestamp + 1);
    }

    /// @dev Uses contracts that are deployed already.
    function _adopt(NodeGovernor governor_) internal {
        governor = governor_;
        timelock = governor_.timelock();
        registry = NodeRegistry(address(governor_.nodes()));
        ProposalReader reader = governor_.reader();
        directives = DirectiveRegistry(reader.directives());
        models = ModelRegistry(reader.models());
        parameters = ParameterRegistry(reader.parameters());
    }

    function _handOver(TimelockController timelock_, address governor_) internal {
        timelock_.grantRole(timelock_.PROPOSER_ROLE(), governor_);
        timelock_.grantRole(timelock_.CANCELLER_ROLE(), governor_);
        timelock_.grantRole(timelock_.EXECUTOR_ROLE(), governor_);
        timelock_.renounceRole(timelock_.DEFAULT_ADMIN_ROLE(), address(this));
    }

    function _secret(uint256 i) internal pure returns (uint256) {
        return 1000 + i;
    }

    function _operator(uint256 i) internal pure returns (address) {
        return vm.addr(_secret(i));
    }

    /// @dev One call through the timelock, as a proposal.
    function _motion(address target, bytes memory data)
        internal
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        targets = new address[](1);
        values = new uint256[](1);
        calldatas = new bytes[](1);
        (targets[0], calldatas[0]) = (target, data);
    }

    /// @dev The id of a proposal of one call, opened or not.
    function _motionId(address target, bytes memory data, string memory why) internal view returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(target, data);
        return governor.hashProposal(targets, values, calldatas, keccak256(bytes(why)));
    }

    function _propose(IGovernor governor_, address proposer, address target, bytes memory data, string memory why)
        internal
        returns (uint256)
    {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(target, data);
        vm.prank(proposer);
        return governor_.propose(targets, values, calldatas, why);
    }

    function _queue(IGovernor governor_, address target, bytes memory data, string memory why) internal {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(target, data);
        governor_.queue(targets, values, calldatas, keccak256(bytes(why)));
    }

    function _execute(IGovernor governor_, address target, bytes memory data, string memory why) internal {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _motion(target, data);
        governor_.execute(targets, values, calldatas, keccak256(bytes(why)));
    }

    /// @dev Opened by node 0, voted For by nodes 0 to `voters - 1`, carried out.
    function _carry(uint256 voters, address target, bytes memory data, string memory why) internal {
        uint256 id = _propose(governor, _operator(0), target, data, why);
        vm.warp(governor.proposalSnapshot(id) + 1);
        for (uint256 i = 0; i < voters; ++i) {
            vm.prank(_operator(i));
            governor.castVote(id, 1);
        }
        vm.warp(governor.proposalDeadline(id) + 1);
        _queue(governor, target, data, why);
        vm.warp(governor.proposalEta(id));
        _execute(governor, target, data, why);
    }

    /// @dev Nodes `from` to `to`, the last not included.
    function _vote(uint256 id, uint256 from, uint256 to, uint8 support) internal {
        for (uint256 i = from; i < to; ++i) {
            vm.prank(_operator(i));
            governor.castVote(id, support);
        }
    }

    /// @dev The salt of an order that is opened now, its first attempt.
    function _saltNow() internal view returns (bytes32) {
        return Directives.saltOf(uint64(block.timestamp / Directives.WINDOW), 0);
    }

    /// @dev The same rules on all tracks, as far as the bounds of each allow.
    function _everywhere(TrackRules memory rules) internal pure returns (TrackRules[4] memory tracks) {
        for (uint8 i = 0; i < 4; ++i) tracks[i] = TrackTable.fit(Track(i), rules);
    }

    function _rules() internal pure returns (TrackRules memory) {
        return TrackRules({
            votingDelay: 60,
            votingPeriod: 1 days,
            quorum: 20_000,
            approval: 30_000,
            fastPath: false,
            timelock: 600,
            expiry: 7 days,
            openLimit: 4
        });
    }

    function _ballotDigest(address governor_, uint256 chainId, uint256 proposalId, uint8 support, uint32 index)
        internal
        pure
        returns (bytes32)
    {
        bytes32 typehash = keccak256("Ballot(uint256 proposalId,uint8 support,uint32 index)");
        bytes32 ballot = keccak256(abi.encode(typehash, proposalId, support, index));
        return _typedDigest(governor_, chainId, ballot);
    }

    function _extendedBallotDigest(
        uint256 proposalId,
        uint8 support,
        uint32 index,
        string memory reason,
        bytes memory params
    ) internal view returns (bytes32) {
        bytes32 typehash =
            keccak256("ExtendedBallot(uint256 proposalId,uint8 support,uint32 index,string reason,bytes params)");
        bytes32 ballot =
            keccak256(abi.encode(typehash, proposalId, support, index, keccak256(bytes(reason)), keccak256(params)));
        return _typedDigest(address(governor), block.chainid, ballot);
    }

    function _typedDigest(address governor_, uint256 chainId, bytes32 structHash) private pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("NodeGovernor"),
                keccak256("1"),
                chainId,
                governor_
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    /// @dev One word of nodes each. What they sign together is what the sum of their secrets signs.
    function _aggregate(uint256 id, uint256 forWord, uint256 againstWord, uint256 abstainWord)
        internal
        view
        returns (Signers memory signers, bytes memory signature)
    {
        signers = Signers(Signing.bitmap(forWord), Signing.bitmap(againstWord), Signing.bitmap(abstainWord));
        uint256 abstaining = _sumOfSecrets(abstainWord);
        uint256 first = addmod(_sumOfSecrets(forWord), abstaining, Signing.ORDER);
        uint256 second = addmod(_sumOfSecrets(againstWord), abstaining, Signing.ORDER);
        signature = Signing.add(
            Signing.sign(first, governor.aggregateBallotDigest(id, 1)),
            Signing.sign(second, governor.aggregateBallotDigest(id, 0))
        );
    }

    /// @dev The sum of the secrets of nodes whose index is the number of their secret.
    function _sumOfSecrets(uint256 word) internal pure returns (uint256 sum) {
        for (uint256 i = 0; i < 256; ++i) {
            if (word >> i & 1 == 1) sum = addmod(sum, _secret(i), Signing.ORDER);
        }
    }

    /// @dev An entry of {INodeGovernor-castVotesBySig}.
    function _batchEntry(uint256 id, uint32 index, uint256 secret, uint8 support) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, governor.ballotDigest(id, support, index));
        return abi.encodePacked(index, support, uint16(64), r, bytes32(uint256(s) | (uint256(v - 27) << 255)));
    }

    function _sign(uint256 secret, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }
}
