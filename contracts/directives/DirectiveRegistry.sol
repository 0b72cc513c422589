// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeRegistry} from "../nodes/INodeRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {Directive, Directives} from "../types/Directive.sol";
import {IDirectiveRegistry} from "./IDirectiveRegistry.sol";

/// @title What was ordered, and whether the nodes did it
/// @dev The committee is the one that stood in the second before the issue: no change within the issue's own block can
/// touch it. A node's last report is two bits under its index in that committee, 128 nodes to a slot.
contract DirectiveRegistry is IDirectiveRegistry {
    using Directives for Directive;

    /// @notice As many records as a proposal may rest on.
    uint256 public constant MAX_EVIDENCE = 16;

    /// @notice The only account that may issue.
    address public immutable timelock;
    /// @notice Where the committees are asked.
    INodeRegistry public immutable nodes;

    mapping(bytes32 directiveId => Issued) private _issued;
    mapping(bytes32 directiveId => mapping(uint256 word => uint256)) private _reports;
    mapping(bytes32 directiveId => mapping(Report => mapping(ContentId outcome => uint32))) private _attestations;

    constructor(address timelock_, INodeRegistry nodes_) {
        timelock = timelock_;
        nodes = nodes_;
    }

    /// @inheritdoc IDirectiveRegistry
    function issue(Directive calldata directive) external returns (bytes32 id) {
        if (msg.sender != timelock) revert DirectiveRegistryUnauthorized(msg.sender);
        _validate(directive);
        id = directiveId(directive);
        if (_issued[id].issuedAt != 0) revert DirectiveRegistryAlreadyIssued(id);

        uint48 issuedAt = uint48(block.timestamp);
        uint48 activeAt = issuedAt + directive.delay;
        uint48 deadline = activeAt + directive.window;
        uint32 epoch = nodes.epochAt(issuedAt - 1);
        Issued storage issued_ = _issued[id];
        issued_.kind = directive.kind;
        issued_.issuedAt = issuedAt;
        issued_.activeAt = activeAt;
        issued_.deadline = deadline;
        issued_.epoch = epoch;
        issued_.committeeSize = nodes.committee(epoch).size;

        emit DirectiveIssued(id, directive.kind, directive.subject, directive, activeAt, deadline, epoch);
    }

    /// @inheritdoc IDirectiveRegistry
    function report(bytes32 id, Report report_, ContentId outcome) external {
        Issued storage issued_ = _get(id);
        if (report_ == Report.None || (report_ == Report.Ready) != outcome.isZero()) {
            revert DirectiveRegistryInvalidReport(report_, outcome);
        }
        if (block.timestamp > issued_.deadline) revert DirectiveRegistryLapsed(id, issued_.deadline);
        if (report_ != Report.Ready && block.timestamp < issued_.activeAt) {
            revert DirectiveRegistryNotActive(id, issued_.activeAt);
        }

        _record(id, issued_.epoch, report_);
        emit DirectiveReported(id, msg.sender, report_, outcome);

        if (report_ != Report.Ready) _attest(id, issued_, report_, outcome);
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
        return _attestations[id][report_][outcome];
    }

    /// @inheritdoc IDirectiveRegistry
    function reportOf(bytes32 id, address node) external view returns (Report) {
        uint32 epoch = _get(id).epoch;
        if (!nodes.isMember(node, epoch)) return Report.None;

        (uint256 word, uint256 shift) = _position(nodes.indexOf(node, epoch));
        return Report((_reports[id][word] >> shift) & 3);
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

    /// @dev Writes the caller's report. `Ready` comes first and once; `Done` or `Failed` ends a node's part.
    function _record(bytes32 id, uint32 epoch, Report report_) private {
        (uint256 word, uint256 shift) = _position(_indexOf(msg.sender, epoch));
        uint256 reports = _reports[id][word];
        Report last = Report((reports >> shift) & 3);
        if (last != Report.None && (last != Report.Ready || report_ == Report.Ready)) {
            revert DirectiveRegistryAlreadyReported(id, msg.sender, last);
        }

        _reports[id][word] = (reports & ~(uint256(3) << shift)) | (uint256(report_) << shift);
    }

    /// @dev Every node attests once at most, so no second result can reach more than half.
    function _attest(bytes32 id, Issued storage issued_, Report report_, ContentId outcome) private {
        uint32 count = ++_attestations[id][report_][outcome];
        if (count != threshold(issued_.committeeSize)) return;

        issued_.enacted = report_;
        issued_.outcome = outcome;

        emit DirectiveEnacted(id, report_, outcome, count);
    }

    /// @dev The registry says that a caller is none of the committee; in our words that is our error.
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

    function _position(uint32 index) private pure returns (uint256 word, uint256 shift) {
        return (index >> 7, (index & 0x7f) << 1);
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
