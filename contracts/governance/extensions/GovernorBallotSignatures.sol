// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccountSignatures} from "../../libraries/AccountSignatures.sol";
import {INodeRegistry} from "../../nodes/INodeRegistry.sol";
import {SignerCounts, Signers} from "../../types/Signers.sol";
import {INodeGovernor} from "../INodeGovernor.sol";
import {ProposalTally} from "../ProposalTally.sol";
import {GovernorBallots} from "./GovernorBallots.sol";

/// @dev Extension of {Governor} whose signed ballots carry no nonce: a ballot binds the chain, the contract, the
/// proposal, the support and the voter, and no node can vote twice. So ballots on many proposals can be signed at once and
/// submitted in any order, by anybody: one at a time or as a list (EIP-712, or ERC-1271 for contracts), or aggregated into
/// one signature of the nodes' BLS keys. Ballots that count already are skipped, so that nobody spoils a transaction by
/// submitting one of its ballots first.
///
/// NOTE: `BALLOT_TYPEHASH`, `EXTENDED_BALLOT_TYPEHASH` and `nonces` of {Governor} remain readable but are unused.
abstract contract GovernorBallotSignatures is GovernorBallots {
    /// @notice The EIP-712 type of a ballot that an account signs. `index` is the voter's: one account may act for several
    /// contracts that vote.
    bytes32 public constant NONCELESS_BALLOT_TYPEHASH =
        keccak256("Ballot(uint256 proposalId,uint8 support,uint32 index)");
    /// @notice The EIP-712 type of a ballot with a reason and parameters.
    bytes32 public constant NONCELESS_EXTENDED_BALLOT_TYPEHASH =
        keccak256("ExtendedBallot(uint256 proposalId,uint8 support,uint32 index,string reason,bytes params)");
    /// @notice The EIP-712 type of a ballot that a BLS key signs, for which it is itself the voter.
    bytes32 public constant AGGREGATE_BALLOT_TYPEHASH = keccak256("AggregateBallot(uint256 proposalId,uint8 support)");

    /// @inheritdoc INodeGovernor
    function castVotesByAggregate(uint256 proposalId, Signers calldata signers, bytes calldata signature)
        external
        virtual
    {
        _castVotesByAggregate(proposalId, signers, signature);
    }

    /// @inheritdoc INodeGovernor
    function castVotesBySig(uint256 proposalId, bytes calldata ballots) external virtual {
        ProposalTally tally = _openTally(proposalId);
        uint32 epoch = tally.epoch();
        uint256[] memory counted = _votedWords(proposalId, nodes.committee(epoch).indexBound);
        (Signers memory signers, SignerCounts memory counts) = nodes.recoverSigners(
            epoch,
            tally.presence(),
            tally.isCareful(),
            INodeRegistry.Statement(_domainSeparatorV4(), NONCELESS_BALLOT_TYPEHASH, proposalId),
            counted,
            ballots
        );
        if (uint256(counts.forCount) + counts.againstCount + counts.abstainCount == 0) {
            revert GovernorNothingNew(proposalId);
        }
        _countAll(proposalId, tally, signers, counts);
    }

    /// @inheritdoc INodeGovernor
    function ballotDigest(uint256 proposalId, uint8 support, uint32 index) public view virtual returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(NONCELESS_BALLOT_TYPEHASH, proposalId, support, index)));
    }

    /// @inheritdoc INodeGovernor
    function aggregateBallotDigest(uint256 proposalId, uint8 support) public view virtual returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(AGGREGATE_BALLOT_TYPEHASH, proposalId, support)));
    }

    /// @dev The whole aggregate is verified, even if some of its ballots count already. Whether any does not is looked up
    /// before, since the pairings cost most.
    function _castVotesByAggregate(uint256 proposalId, Signers calldata signers, bytes calldata signature) internal {
        ProposalTally tally = _openTally(proposalId);
        (Signers memory fresh, bool skipped) = _withoutCounted(proposalId, signers);
        SignerCounts memory counts = _verify(proposalId, tally, signers, signature);
        _countAll(proposalId, tally, fresh, skipped ? fresh.count() : counts);
    }

    /// @dev An abstention is a signature over both digests. A digest that nobody signed is not computed, to save gas.
    function _verify(uint256 proposalId, ProposalTally tally, Signers calldata signers, bytes calldata signature)
        private
        view
        returns (SignerCounts memory)
    {
        bytes32 other;
        if (signers.againstBits.length + signers.abstainBits.length != 0) {
            other = aggregateBallotDigest(proposalId, AGAINST);
        }
        bytes32 digest = aggregateBallotDigest(proposalId, FOR);
        return nodes.checkAggregate(
            tally.epoch(), tally.presence(), tally.isCareful(), signers, digest, other, signature
        );
    }

    /// @dev See {Governor-_validateVoteSig}.
    function _validateVoteSig(uint256 proposalId, uint8 support, address voter, bytes memory signature)
        internal
        virtual
        override
        returns (bool)
    {
        uint32 index = _indexOf(voter, _tallies[proposalId].epoch());
        return AccountSignatures.isValid(voter, ballotDigest(proposalId, support, index), signature);
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
                NONCELESS_EXTENDED_BALLOT_TYPEHASH,
                proposalId,
                support,
                _indexOf(voter, _tallies[proposalId].epoch()),
                keccak256(bytes(reason)),
                keccak256(params)
            )
        );
        return AccountSignatures.isValid(voter, _hashTypedDataV4(ballot), signature);
    }
}
