// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContentId} from "../types/ContentId.sol";
import {Directive, DirectiveKind} from "../types/Directive.sol";

/// @title Directives, and the nodes' reports on them
/// @notice The timelock issues directives; members of the committee at issue report on them. `Ready` says that a node has
/// fetched and checked what it needs. `Done` and `Failed` cite an `Outcome` record and are a node's last report; they
/// enact the directive once more than half of the committee, as far as it is still seated with the same agent, and present, has
/// attested the same result with the same outcome.
interface IDirectiveRegistry {
    enum Report {
        None,
        Ready,
        Done,
        Failed
    }

    enum Status {
        Unknown,
        Issued,
        Done,
        Failed,
        Lapsed
    }

    struct Issued {
        DirectiveKind kind;
        uint48 issuedAt;
        uint48 activeAt;
        uint48 deadline;
        uint32 epoch;
        uint32 committeeSize;
        Report enacted;
        ContentId outcome;
    }

    event DirectiveIssued(
        bytes32 indexed directiveId, DirectiveKind indexed kind, bytes32 indexed subject, Directive directive,
        uint48 activeAt, uint48 deadline, uint32 epoch
    );
    event DirectiveReported(
        bytes32 indexed directiveId, address indexed node, Report indexed report, ContentId outcome
    );
    /// @notice Emitted for reports that were counted together; `bits` are the indices of the nodes, 256 to a word.
    event ReportsCounted(bytes32 indexed directiveId, Report indexed report, ContentId outcome, uint256[] bits);
    event DirectiveEnacted(bytes32 indexed directiveId, Report indexed report, ContentId outcome, uint32 attestations);

    error DirectiveRegistryUnauthorized(address caller);
    error DirectiveRegistryAlreadyIssued(bytes32 directiveId);
    error DirectiveRegistryInvalidDirective();
    /// @notice Another order was issued on the subject since: `last`.
    error DirectiveRegistryStaleBase(bytes32 subject, bytes32 base, bytes32 last);
    error DirectiveRegistryUnknownDirective(bytes32 directiveId);
    error DirectiveRegistryNotMember(address caller, uint32 epoch);
    error DirectiveRegistryInvalidReport(Report report, ContentId outcome);
    error DirectiveRegistryAlreadyReported(bytes32 directiveId, address node, Report report);
    /// @notice All of these nodes have reported already.
    error DirectiveRegistryNothingNew(bytes32 directiveId);
    /// @notice Of those who are present, `attesting` have attested the result, of `needed`.
    error DirectiveRegistryTooFew(bytes32 directiveId, uint32 attesting, uint32 needed);
    /// @notice These are not the sets of nodes that attested the result, in their order.
    error DirectiveRegistryOtherHistory(bytes32 directiveId);
    error DirectiveRegistryNotActive(bytes32 directiveId, uint48 activeAt);
    error DirectiveRegistryLapsed(bytes32 directiveId, uint48 deadline);

    /// @notice Issues `directive`. Only the timelock may call it.
    function issue(Directive calldata directive) external returns (bytes32 directiveId);

    /// @notice Reports on a directive, as a member of the committee at its issue. `outcome` is zero for `Ready` only.
    function report(bytes32 directiveId, Report report_, ContentId outcome) external;

    /// @notice Counts the same report of many nodes, of those that have not made it; reverts if there are none, or if any of
    /// them has not signed. `bits` are their indices, `signature` is the sum of their BLS signatures over {reportDigest}.
    function reportByAggregate(
        bytes32 directiveId,
        Report report_,
        ContentId outcome,
        uint256[] calldata bits,
        bytes calldata signature
    ) external;

    /// @notice Enacts a directive, until its deadline, whose result enough nodes have attested since others left or fell silent;
    /// by anybody.
    /// @param attested Who attested it, a set for each transaction in their order: that of {ReportsCounted}, or of one node.
    /// If it is empty, all who departed after the same report are taken off, also those with another outcome.
    function enact(bytes32 directiveId, Report report_, ContentId outcome, uint256[][] calldata attested) external;

    /// @notice The digest that a node signs with its BLS key to make this report.
    function reportDigest(bytes32 directiveId, Report report_, ContentId outcome) external view returns (bytes32);

    /// @notice The last order on a workload or a replica, or the last suspension, by its subject: the base of the next. Zero if there
    /// was none.
    function lastIssued(bytes32 subject) external view returns (bytes32 directiveId);

    function issued(bytes32 directiveId) external view returns (Issued memory);

    function status(bytes32 directiveId) external view returns (Status);

    /// @notice The number of nodes that attested this final report with this outcome.
    function attestations(bytes32 directiveId, Report report_, ContentId outcome) external view returns (uint32);

    /// @notice Attestations, of nodes that are still seated with the same agent, and present, that enact the directive now.
    function needed(bytes32 directiveId) external view returns (uint32);

    /// @notice The last report of `node`.
    function reportOf(bytes32 directiveId, address node) external view returns (Report);

    /// @notice Attestations that enact a directive for a committee of `size` nodes: more than half.
    function threshold(uint32 size) external pure returns (uint32);

    function directiveId(Directive calldata directive) external pure returns (bytes32);
}
