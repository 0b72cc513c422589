// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {GovernorCommittee} from "./GovernorCommittee.sol";

/// @dev Extension of {Governor} whose signed ballots carry no nonce: a ballot binds the chain, the contract, the
/// proposal and the support, and a node's one vote cannot be cast twice. So ballots on many proposals can be signed at
/// once and submitted in any order, by anybody. Keys sign by EIP-712, contracts by ERC-1271.
///
/// NOTE: `BALLOT_TYPEHASH`, `EXTENDED_BALLOT_TYPEHASH` and `nonces` of {Governor} stay readable and are not used.
abstract contract GovernorBallotSignatures is GovernorCommittee {
    /// @notice The EIP-712 type of a ballot.
    bytes32 public constant NONCELESS_BALLOT_TYPEHASH = keccak256("Ballot(uint256 proposalId,uint8 support)");
    /// @notice The EIP-712 type of a ballot with a reason and parameters.
    bytes32 public constant NONCELESS_EXTENDED_BALLOT_TYPEHASH =
        keccak256("ExtendedBallot(uint256 proposalId,uint8 support,string reason,bytes params)");

    /// @dev See {Governor-_validateVoteSig}.
    function _validateVoteSig(uint256 proposalId, uint8 support, address voter, bytes memory signature)
        internal
        virtual
        override
        returns (bool)
    {
        bytes32 ballot = keccak256(abi.encode(NONCELESS_BALLOT_TYPEHASH, proposalId, support));
        return SignatureChecker.isValidSignatureNow(voter, _hashTypedDataV4(ballot), signature);
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
