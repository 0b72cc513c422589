// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures of any account
/// @notice A key pair's signature (64 bytes by EIP-2098, or 65), or what a contract accepts by ERC-1271. An account that has
/// delegated to code (EIP-7702) may sign either way, so the key is asked first.
library AccountSignatures {
    uint256 private constant COMPACT_LENGTH = 64;

    function isValid(address account, bytes32 digest, bytes memory signature) internal view returns (bool) {
        address signer;
        ECDSA.RecoverError failure;
        if (signature.length == COMPACT_LENGTH) {
            (bytes32 r, bytes32 vs) = abi.decode(signature, (bytes32, bytes32));
            (signer, failure,) = ECDSA.tryRecover(digest, r, vs);
        } else {
            (signer, failure,) = ECDSA.tryRecover(digest, signature);
        }
        if (failure == ECDSA.RecoverError.NoError && signer == account) return true;
        return account.code.length != 0 && SignatureChecker.isValidERC1271SignatureNow(account, digest, signature);
    }
}
