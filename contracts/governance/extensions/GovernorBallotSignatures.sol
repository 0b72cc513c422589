// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SignerCounts, Signers} from "../../types/Signers.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTally} from "../ProposalTally.sol";
import {GovernorBallots} from "./GovernorBallots.sol";

/// @dev Extension of {Governor} whose signed ballots carry no nonce: a ballot binds the chain, the contract, the
/// proposal and the support, and no node can vote twice. So ballots on many proposals can be signed at once and
/// submitted in any order, by anybody: one at a time (EIP-712, or ERC-1271 for contracts), as a list, or aggregated into
/// one signature of the nodes' BLS keys.
///
/// NOTE: `BALLOT_TYPEHASH`, `EXTENDED_BALLOT_TYPEHASH` and `nonces` of {Governor} remain readable but are unused.
abstract contract GovernorBallotSignatures is GovernorBallots {
    /// @notice The EIP-712 type of a ballot.
    bytes32 public constant NONCELESS_BALLOT_TYPEHASH = keccak256("Ballot(uint256 proposalId,uint8 support)");
    /// @notice The EIP-712 type of a ballot with a reason and parameters.
    bytes32 public constant NONCELESS_EXTENDED_BALLOT_TYPEHASH =
        keccak256("ExtendedBallot(uint256 proposalId,uint8 support,string reason,bytes params)");

    uint8 private constant AGAINST = 0;
    uint8 private constant FOR = 1;
    uint8 private constant ABSTAIN = 2;

    /// @inheritdoc INodeGovernor
    function castVotesByAggregate(uint256 proposalId, Signers calldata signers, bytes calldata signature)
        external
        virtual
    {
        _castVotesByAggregate(proposalId, signers, signature);
    }

    /// @inheritdoc INodeGovernor
    function castVotesBySig(uint256 proposalId, bytes calldata ballots) external virtual {
        ProposalTally tally = _activeTally(proposalId);
        // In the order of `support`, of which 0 is Against: the registry's first two sets are exchanged below.
        bytes32[3] memory digests =
            [ballotDigest(proposalId, AGAINST), ballotDigest(proposalId, FOR), ballotDigest(proposalId, ABSTAIN)];
        (Signers memory bySupport, SignerCounts memory counted) = nodes.recoverSigners(tally.epoch(), digests, ballots);
        (bySupport.forBits, bySupport.againstBits) = (bySupport.againstBits, bySupport.forBits);
        (counted.forCount, counted.againstCount) = (counted.againstCount, counted.forCount);
        _countAll(proposalId, tally, bySupport, counted);
    }

    /// @inheritdoc INodeGovernor
    function ballotDigest(uint256 proposalId, uint8 support) public view virtual returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(NONCELESS_BALLOT_TYPEHASH, proposalId, support)));
    }

    function _castVotesByAggregate(uint256 proposalId, Signers calldata signers, bytes calldata signature) internal {
        ProposalTally tally = _activeTally(proposalId);
        // An abstention is a signature over both digests. A digest that nobody signed is not computed, to save gas.
        bool anyOther = signers.againstBits.length + signers.abstainBits.length != 0;
        SignerCounts memory counts = nodes.checkAggregate(
            tally.epoch(),
            signers,
            ballotDigest(proposalId, FOR),
            anyOther ? ballotDigest(proposalId, AGAINST) : bytes32(0),
            signature
        );
        _countAll(proposalId, tally, signers, counts);
    }

    /// @dev See {Governor-_validateVoteSig}.
    function _validateVoteSig(uint256 proposalId, uint8 support, address voter, bytes memory signature)
        internal
        virtual
        override
        returns (bool)
    {
        return SignatureChecker.isValidSignatureNow(voter, ballotDigest(proposalId, support), signature);
    }

    /// @dev See {Governor-_validateExtendedVoteSig}.
    function _validateExtendedVoteSig(
        uint256 proposalId,
        uint8 support,
        address voter,
        string memory reason,
        bytes memory params,
        bytes memory signature
    ) internal virtual override returns (bool) {
        bytes32 ballot = keccak256(
            abi.encode(
                NONCELESS_EXTENDED_BALLOT_TYPEHASH, proposalId, support, keccak256(bytes(reason)), keccak256(params)
            )
        );
        return SignatureChecker.isValidSignatureNow(voter, _hashTypedDataV4(ballot), signature);
    }
}
