// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {Directive, Directives} from "../types/Directive.sol";
import {Signers} from "../types/Signers.sol";
import {IDirectiveRegistry} from "./IDirectiveRegistry.sol";

/// @title Directives, and the nodes' reports on them
/// @dev A directive's committee is that of the second before its issue: no change of membership in the block of the issue
/// affects it. A node's reports are bits under its index in that committee, 256 nodes to a slot.
contract DirectiveRegistry is IDirectiveRegistry, EIP712 {
    using Bitmap for uint256[];
    using Directives for Directive;

    /// @dev Which of 256 consecutive indices have reported what.
    struct Marks {
        uint256 ready;
        uint256 done;
        uint256 failed;
    }

    /// @dev How many nodes attested a result, and a hash chain of their sets in the order of the transactions: so who they are
    /// can be shown when it matters, for no slot more.
    struct Support {
        uint32 count;
        uint224 history;
    }

    /// @notice The EIP-712 type of a report.
    bytes32 public constant REPORT_TYPEHASH = keccak256("Report(bytes32 directiveId,uint8 report,bytes32 outcome)");
    /// @notice The most records that a directive may cite.
    uint256 public constant MAX_EVIDENCE = Directives.MAX_EVIDENCE;

    /// @notice The only account that may issue directives.
    address public immutable timelock;
    /// @notice The registry of the committees.
    INodeRegistry public immutable nodes;

    mapping(bytes32 directiveId => Issued) private _issued;
    mapping(bytes32 directiveId => mapping(uint256 word => Marks)) private _marks;
    mapping(bytes32 directiveId => mapping(Report => mapping(ContentId outcome => Support))) private _support;

    /// @inheritdoc IDirectiveRegistry
    mapping(bytes32 subject => bytes32 directiveId) public lastIssued;

    constructor(address timelock_, INodeRegistry nodes_) EIP712("DirectiveRegistry", "1") {
        timelock = timelock_;
        nodes = nodes_;
    }

    /// @inheritdoc IDirectiveRegistry
    function issue(Directive calldata directive) external returns (bytes32 id) {
        if (msg.sender != timelock) revert DirectiveRegistryUnauthorized(msg.sender);
        _validate(directive);
        id = directiveId(directive);
        if (_issued[id].issuedAt != 0) revert DirectiveRegistryAlreadyIssued(id);
        _replaceBase(directive, id);

        uint48 issuedAt = uint48(block.timestamp);
        uint48 activeAt = issuedAt + directive.delay;
        uint48 deadline = activeAt + directive.window;
        (uint32 epoch, uint32 size) = nodes.committeeAt(issuedAt - 1);
        Issued storage issued_ = _issued[id];
        issued_.kind = directive.kind;
        issued_.issuedAt = issuedAt;
        issued_.activeAt = activeAt;
        issued_.deadline = deadline;
        issued_.epoch = epoch;
        issued_.committeeSize = size;

        emit DirectiveIssued(id, directive.kind, directive.subject, directive, activeAt, deadline, epoch);
    }

    /// @inheritdoc IDirectiveRegistry
    function report(bytes32 id, Report report_, ContentId outcome) external {
        Issued storage issued_ = _get(id);
        _checkReport(id, issued_, report_, outcome);

        uint32 index = _indexOf(msg.sender, issued_.epoch);
        (uint256 word, uint256 bit) = (index >> 8, 1 << (index & 0xff));
        Marks storage marks = _marks[id][word];
        if (_reported(marks, report_) & bit != 0) {
            revert DirectiveRegistryAlreadyReported(id, msg.sender, _reportAt(id, index));
        }
        _mark(marks, report_, bit);
        emit DirectiveReported(id, msg.sender, report_, outcome);

        if (report_ == Report.Ready) return;
        uint256[] memory bits = new uint256[](word + 1);
        bits[word] = bit;
        _attest(id, issued_, report_, outcome, bits);
    }

    /// @inheritdoc IDirectiveRegistry
    function reportByAggregate(
        bytes32 id,
        Report report_,
        ContentId outcome,
        uint256[] calldata bits,
        bytes calldata signature
    ) external {
        Issued storage issued_ = _get(id);
        _checkReport(id, issued_, report_, outcome);

        uint256[] memory fresh = _withoutReported(id, report_, bits);
        _verify(issued_.epoch, bits, reportDigest(id, report_, outcome), signature);

        for (uint256 word = 0; word < fresh.length; ++word) {
            if (fresh[word] != 0) _mark(_marks[id][word], report_, fresh[word]);
        }
        emit ReportsCounted(id, report_, outcome, fresh);

        if (report_ != Report.Ready) _attest(id, issued_, report_, outcome, fresh);
    }

    /// @inheritdoc IDirectiveRegistry
    function enact(bytes32 id, Report report_, ContentId outcome, uint256[][] calldata attested) external {
        Issued storage issued_ = _get(id);
        _checkReport(id, issued_, report_, outcome);
        if (issued_.enacted != Report.None || report_ == Report.Ready) revert DirectiveRegistryNothingNew(id);

        uint256[] memory departed = nodes.departedSince(issued_.epoch);
        Support storage support = _support[id][report_][outcome];
        uint256 lost = attested.length == 0
            ? _lostAtMost(id, report_, departed)
            : _lost(id, support.history, attested, departed);
        uint32 needed_ = _thresholdWithout(issued_, departed);
        uint256 attesting = Math.saturatingSub(support.count, lost);
        if (attesting < needed_) revert DirectiveRegistryTooFew(id, uint32(attesting), needed_);
        _enact(id, issued_, report_, outcome, uint32(attesting));
    }

    /// @inheritdoc IDirectiveRegistry
    function issued(bytes32 id) external view returns (Issued memory) {
        return _get(id);
    }

    /// @inheritdoc IDirectiveRegistry
    function status(bytes32 id) external view returns (Status) {
        Issued storage issued_ = _issued[id];
        if (issued_.issuedAt == 0) return Status.Unknown;
        if (issued_.enacted == Report.Done) return Status.Done;
        if (issued_.enacted == Report.Failed) return Status.Failed;
        return block.timestamp > issued_.deadline ? Status.Lapsed : Status.Issued;
    }

    /// @inheritdoc IDirectiveRegistry
    function attestations(bytes32 id, Report report_, ContentId outcome) external view returns (uint32) {
        return _support[id][report_][outcome].count;
    }

    /// @inheritdoc IDirectiveRegistry
    function needed(bytes32 id) external view returns (uint32) {
        Issued storage issued_ = _get(id);
        return _thresholdWithout(issued_, nodes.departedSince(issued_.epoch));
    }

    /// @inheritdoc IDirectiveRegistry
    function reportOf(bytes32 id, address node) external view returns (Report) {
        uint32 epoch = _get(id).epoch;
        return nodes.isMember(node, epoch) ? _reportAt(id, nodes.indexOf(node, epoch)) : Report.None;
    }

    /// @inheritdoc IDirectiveRegistry
    function reportDigest(bytes32 id, Report report_, ContentId outcome) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REPORT_TYPEHASH, id, report_, outcome)));
    }

    /// @inheritdoc IDirectiveRegistry
    function threshold(uint32 size) public pure returns (uint32) {
        return size / 2 + 1;
    }

    /// @inheritdoc IDirectiveRegistry
    function directiveId(Directive calldata directive) public pure returns (bytes32) {
        Directive memory copy = directive;
        return copy.id();
    }

    function _checkReport(bytes32 id, Issued storage issued_, Report report_, ContentId outcome) private view {
        if (report_ == Report.None || (report_ == Report.Ready) != outcome.isZero()) {
            revert DirectiveRegistryInvalidReport(report_, outcome);
        }
        if (block.timestamp > issued_.deadline) revert DirectiveRegistryLapsed(id, issued_.deadline);
        if (report_ != Report.Ready && block.timestamp < issued_.activeAt) {
            revert DirectiveRegistryNotActive(id, issued_.activeAt);
        }
    }

    /// @dev Also reports of suspended nodes are taken: whether they count is seen when they are counted.
    function _verify(uint32 epoch, uint256[] calldata bits, bytes32 digest, bytes calldata signature) private view {
        Signers memory signers;
        signers.forBits = bits;
        nodes.checkAggregate(epoch, 0, false, signers, digest, bytes32(0), signature);
    }

    /// @dev Those of `bits` that may still make this report; reverts if none may.
    function _withoutReported(bytes32 id, Report report_, uint256[] calldata bits)
        private
        view
        returns (uint256[] memory fresh)
    {
        fresh = new uint256[](bits.length);
        uint256 left = 0;
        for (uint256 word = 0; word < bits.length; ++word) {
            if (bits[word] == 0) continue;
            fresh[word] = bits[word] & ~_reported(_marks[id][word], report_);
            left |= fresh[word];
        }
        if (left == 0) revert DirectiveRegistryNothingNew(id);
        fresh.trim();
    }

    /// @dev The nodes that may not make this report any more: each reports `Ready` at most once and first, then `Done` or
    /// `Failed` at most once.
    function _reported(Marks storage marks, Report report_) private view returns (uint256 bits) {
        bits = marks.done | marks.failed;
        if (report_ == Report.Ready) bits |= marks.ready;
    }

    function _mark(Marks storage marks, Report report_, uint256 bits) private {
        if (report_ == Report.Ready) marks.ready |= bits;
        else if (report_ == Report.Done) marks.done |= bits;
        else marks.failed |= bits;
    }

    function _reportAt(bytes32 id, uint32 index) private view returns (Report) {
        Marks storage marks = _marks[id][index >> 8];
        uint256 bit = 1 << (index & 0xff);
        if (marks.done & bit != 0) return Report.Done;
        if (marks.failed & bit != 0) return Report.Failed;
        return marks.ready & bit != 0 ? Report.Ready : Report.None;
    }

    /// @dev Every node attests at most once, so that among those present no second result can reach more than half.
    function _attest(bytes32 id, Issued storage issued_, Report report_, ContentId outcome, uint256[] memory bits)
        private
    {
        Support storage support = _support[id][report_][outcome];
        (uint32 count, uint224 history) = (support.count + uint32(bits.countAll()), support.history);
        (support.count, support.history) = (count, _chained(history, bits));
        if (issued_.enacted != Report.None) return;

        uint256[] memory departed = nodes.departedSince(issued_.epoch);
        count = uint32(Math.saturatingSub(count, _lostAtMost(id, report_, departed)));
        if (count >= _thresholdWithout(issued_, departed)) _enact(id, issued_, report_, outcome, count);
    }

    function _enact(bytes32 id, Issued storage issued_, Report report_, ContentId outcome, uint32 attesting) private {
        issued_.enacted = report_;
        issued_.outcome = outcome;

        emit DirectiveEnacted(id, report_, outcome, attesting);
    }

    /// @dev The attestations that enact a directive now.
    function _thresholdWithout(Issued storage issued_, uint256[] memory departed) private view returns (uint32) {
        return threshold(uint32(issued_.committeeSize - departed.countAll()));
    }

    /// @dev How many of `departed` made this report, whatever their outcome: at least as many as attested one of them.
    function _lostAtMost(bytes32 id, Report report_, uint256[] memory departed) private view returns (uint256 lost) {
        for (uint256 word = 0; word < departed.length; ++word) {
            if (departed[word] == 0) continue;
            Marks storage marks = _marks[id][word];
            lost += Bitmap.count((report_ == Report.Done ? marks.done : marks.failed) & departed[word]);
        }
    }

    /// @dev How many of `departed` are in `attested`, which must be the sets of `history` in their order.
    function _lost(bytes32 id, uint224 history, uint256[][] calldata attested, uint256[] memory departed)
        private
        pure
        returns (uint256 lost)
    {
        uint224 chain = 0;
        for (uint256 i = 0; i < attested.length; ++i) {
            uint256[] memory bits = attested[i];
            chain = _chained(chain, bits);
            for (uint256 word = 0; word < bits.length; ++word) lost += Bitmap.count(bits[word] & departed.at(word));
        }
        if (chain != history) revert DirectiveRegistryOtherHistory(id);
    }

    function _chained(uint224 history, uint256[] memory bits) private pure returns (uint224) {
        return uint224(uint256(keccak256(abi.encode(history, bits))));
    }

    /// @dev Compare and set: an order is issued on the state of its subject that its voters saw, or not at all.
    function _replaceBase(Directive calldata directive, bytes32 id) private {
        if (!Directives.hasBase(directive.kind)) {
            if (directive.base != bytes32(0)) revert DirectiveRegistryInvalidDirective();
            return;
        }

        bytes32 last = lastIssued[directive.subject];
        if (directive.base != last) revert DirectiveRegistryStaleBase(directive.subject, directive.base, last);
        lastIssued[directive.subject] = id;
    }

    /// @dev Turns the node registry's error into this contract's own.
    function _indexOf(address node, uint32 epoch) private view returns (uint32) {
        try nodes.indexOf(node, epoch) returns (uint32 index) {
            return index;
        } catch {
            revert DirectiveRegistryNotMember(node, epoch);
        }
    }

    function _get(bytes32 id) private view returns (Issued storage issued_) {
        issued_ = _issued[id];
        if (issued_.issuedAt == 0) revert DirectiveRegistryUnknownDirective(id);
    }

    function _validate(Directive calldata directive) private pure {
        ContentId[] calldata evidence = directive.evidence;
        if (directive.window == 0 || directive.payload.isZero() || evidence.length > MAX_EVIDENCE) {
            revert DirectiveRegistryInvalidDirective();
        }

        bytes32 previous = bytes32(0);
        for (uint256 i = 0; i < evidence.length; ++i) {
            bytes32 current = ContentId.unwrap(evidence[i]);
            if (current <= previous) revert DirectiveRegistryInvalidDirective();
            previous = current;
        }
    }
}
