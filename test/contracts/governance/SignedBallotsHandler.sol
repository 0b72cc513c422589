// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {INodeGovernor} from "../../../contracts/governance/INodeGovernor.sol";
import {NodeGovernor} from "../../../contracts/governance/NodeGovernor.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {Signers} from "../../../contracts/types/Signers.sol";
import {Signing} from "../nodes/Signing.sol";
import {GovernanceTest} from "./GovernanceTest.sol";

/// @notice Nodes sign ballots now and then; anybody submits claims made of them by every path, most of them partly false: with
/// ballots on other motions, of other voters, of wallets with the same owner, and of nodes that signed nothing.
contract SignedBallotsHandler is GovernanceTest {
    uint256 public constant SIZE = 6;
    uint256 public constant MOTIONS = 3;
    /// @dev The last two nodes are wallets of one owner.
    uint256 private constant FIRST_WALLET = 4;

    uint256[] public motions;
    string public violation;
    /// @notice Ballots that counted, so that a run shows that it did something.
    uint256 public counted;

    /// @dev Who signed what: for accounts one support each, for BLS keys For and Against.
    mapping(uint256 id => mapping(uint8 support => uint256 bits)) private _byAccount;
    mapping(uint256 id => mapping(uint8 support => uint256 bits)) private _byKey;

    constructor(NodeGovernor governor_) {
        _adopt(governor_);
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory flag = abi.encodeCall(parameters.setFlag, (bytes32(i + 1), true));
            motions.push(_propose(governor, _operator(0), address(parameters), flag, "flag"));
        }
        ContentId payload = ContentId.wrap(bytes32("payload"));
        Directive memory restart =
            Directive(DirectiveKind.Restart, "web", payload, 0, 3600, _saltNow(), 0, new ContentId[](0));
        bytes memory issue = abi.encodeCall(IDirectiveRegistry.issue, (restart));
        motions.push(_propose(governor, _operator(0), address(directives), issue, "restart"));
        vm.warp(block.timestamp + 61);
    }

    /// @notice A node signs with its account or its key, sometimes what contradicts an earlier ballot.
    function sign(uint256 motion, uint256 who, uint8 support, bool withKey) external {
        uint256 id = motions[motion % MOTIONS];
        uint256 bit = 1 << who % SIZE;
        // Mostly For, on which claims of fact end.
        uint8 choice = support % 5 > 2 ? 1 : support % 5;
        if (!withKey) _byAccount[id][choice] |= bit;
        if (withKey && choice != 0) _byKey[id][1] |= bit;
        if (withKey && choice != 1) _byKey[id][0] |= bit;
    }

    /// @notice An aggregate of what there is, for this claim or for another.
    function aggregate(uint256 motion, uint256[3] memory sets, uint8 how) external {
        uint256 id = motions[motion % MOTIONS];
        (uint256 a, uint256 b) = (_byKey[id][1], _byKey[id][0]);
        uint256[3] memory honest = [b & ~a, a & ~b, a & b];
        for (uint256 i = 0; i < 3; ++i) sets[i] = honest[i] & (how % 4 == 3 ? type(uint256).max : sets[i]);
        // A node more than have signed, or one in another set.
        if (how % 4 == 1) sets[(how >> 2) % 3] ^= 1 << (how >> 4) % SIZE;
        // Signed by those who did on another motion.
        uint256 source = how % 4 == 2 ? motions[(motion + 1) % MOTIONS] : id;
        Signers memory signers = Signers(Signing.bitmap(sets[1]), Signing.bitmap(sets[0]), Signing.bitmap(sets[2]));
        bytes memory signature = Signing.add(
            Signing.sign(_sumOfSecrets((sets[1] | sets[2]) & _byKey[source][1]), governor.aggregateBallotDigest(source, 1)),
            Signing.sign(_sumOfSecrets((sets[0] | sets[2]) & _byKey[source][0]), governor.aggregateBallotDigest(source, 0))
        );
        _submit(id, abi.encodeCall(INodeGovernor.castVotesByAggregate, (id, signers, signature)), true);
    }

    /// @notice A list of accounts' ballots, with one that is not what it says.
    function list(uint256 motion, uint256 word, uint256 choices, uint8 how) external {
        uint256 id = motions[motion % MOTIONS];
        bytes memory entries = "";
        for (uint32 i = 0; i < SIZE; ++i) {
            if (word >> i & 1 == 0) continue;
            uint8 support = uint8(choices >> (8 * i)) % 3;
            for (uint8 k = 0; k < 3 && _byAccount[id][support] >> i & 1 == 0; ++k) support = (support + 1) % 3;
            bool signed = _byAccount[id][support] >> i & 1 == 1;
            if (!signed && how % 2 == 0) continue;
            bytes memory signature = signed ? _signature(id, support, i) : _otherSignature(id, i, how);
            entries = bytes.concat(entries, abi.encodePacked(i, support, uint16(signature.length), signature));
        }
        _submit(id, abi.encodeCall(INodeGovernor.castVotesBySig, (id, entries)), false);
    }

    /// @notice One ballot by signature, with a true one or another.
    function single(uint256 motion, uint256 who, uint8 support, uint8 how) external {
        uint256 id = motions[motion % MOTIONS];
        uint32 index = uint32(who % SIZE);
        support %= 3;
        bool signed = _byAccount[id][support] >> index & 1 == 1;
        bytes memory signature = signed ? _signature(id, support, index) : _otherSignature(id, index, how);
        address voter = registry.node(index).operator;
        _submit(id, abi.encodeCall(IGovernor.castVoteBySig, (id, support, voter, signature)), false);
    }

    /// @dev What counted meanwhile was signed for this motion, with this support, by this voter.
    function _submit(uint256 id, bytes memory data, bool withKey) private {
        uint256 before = governor.votedBits(id, 0);
        uint256[3] memory votes = _votes(id);
        (bool done,) = address(governor).call(data);
        uint256 fresh = governor.votedBits(id, 0) & ~before;
        if (!done) {
            if (fresh != 0) violation = "counted by a call that failed";
            return;
        }

        uint256[3] memory now_ = _votes(id);
        uint256 total = 0;
        for (uint8 support = 0; support < 3; ++support) {
            uint256 more = now_[support] - votes[support];
            total += more;
            if (more > _count(fresh & _signedFor(id, support, withKey))) violation = "more of a support than signed it";
        }
        if (total != _count(fresh)) violation = "another number than bits";
        uint256 signed =
            _signedFor(id, 0, withKey) | _signedFor(id, 1, withKey) | _signedFor(id, 2, withKey);
        if (fresh & ~signed != 0) violation = "counted for who did not sign this motion";
        counted += total;
    }

    function _signedFor(uint256 id, uint8 support, bool withKey) private view returns (uint256) {
        if (!withKey) return _byAccount[id][support];
        return support == 2 ? _byKey[id][0] & _byKey[id][1] : _byKey[id][support];
    }

    function _votes(uint256 id) private view returns (uint256[3] memory votes) {
        (votes[0], votes[1], votes[2]) = governor.proposalVotes(id);
    }

    function _signature(uint256 id, uint8 support, uint32 index) private view returns (bytes memory) {
        uint256 owner = index < FIRST_WALLET ? index : FIRST_WALLET;
        return _sign(_secret(owner), governor.ballotDigest(id, support, index));
    }

    /// @dev What a node has signed on another motion, what another node has signed, that of the other wallet of its owner,
    /// or what nobody has.
    function _otherSignature(uint256 id, uint32 index, uint8 how) private view returns (bytes memory) {
        uint256 other = motions[how % MOTIONS] == id ? motions[(how + 1) % MOTIONS] : motions[how % MOTIONS];
        if (how % 8 < 2) return _signature(other, 1, index);
        if (how % 8 < 4) return _signature(id, 1, (index + 1) % uint32(SIZE));
        if (how % 8 < 6 && index >= FIRST_WALLET) return _signature(id, 1, index ^ 1);
        return abi.encodePacked(keccak256(abi.encode(id, index, how)), bytes32(uint256(1)), uint8(27));
    }

    function _count(uint256 word) private pure returns (uint256 count) {
        for (uint256 i = 0; i < SIZE; ++i) count += word >> i & 1;
    }
}
