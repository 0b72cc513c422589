// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "../../../contracts/libraries/BLS12381.sol";

/// @notice BLS signatures made inside the machine, for tests that hold the secrets.
library Signing {
    bytes internal constant DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    uint256 internal constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    /// @dev With a sum of secrets: the sum of what each would sign.
    function sign(uint256 secret, bytes32 digest) internal view returns (bytes memory) {
        return signUnder(secret, bytes.concat(digest), DOMAIN);
    }

    function signUnder(uint256 secret, bytes memory message, bytes memory domain)
        internal
        view
        returns (bytes memory signature)
    {
        bool ok;
        (ok, signature) = address(0x0e).staticcall(bytes.concat(BLS12381.hashToG2(message, domain), bytes32(secret)));
        require(ok && signature.length == 256, "G2MSM failed");
    }

    function add(bytes memory a, bytes memory b) internal view returns (bytes memory sum) {
        bool ok;
        (ok, sum) = address(0x0d).staticcall(bytes.concat(a, b));
        require(ok && sum.length == 256, "G2ADD failed");
    }

    /// @dev A set as the registry wants it: no zero word at the end.
    function bitmap(uint256 word) internal pure returns (uint256[] memory bits) {
        bits = new uint256[](word == 0 ? 0 : 1);
        if (word != 0) bits[0] = word;
    }
}
