// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "../../../contracts/libraries/BLS12381.sol";

/// @notice Opens the library's internal functions to tests.
contract BLS12381Harness {
    function isCanonical(bytes calldata point) external pure returns (bool) {
        return BLS12381.isCanonical(point);
    }

    function isInfinity(bytes calldata point) external pure returns (bool) {
        return BLS12381.isInfinity(point);
    }

    function add(bytes memory a, bytes memory b) external view returns (bytes memory) {
        BLS12381.addTo(a, b);
        return a;
    }

    function negate(bytes calldata a) external pure returns (bytes memory) {
        return BLS12381.negate(a);
    }

    function hashToG2(bytes calldata message, bytes calldata dst) external view returns (bytes memory) {
        return BLS12381.hashToG2(message, dst);
    }

    function verify(bytes calldata key, bytes calldata message, bytes calldata signature, bytes calldata dst)
        external
        view
        returns (bool)
    {
        bytes[] memory keys = new bytes[](1);
        bytes[] memory messages = new bytes[](1);
        (keys[0], messages[0]) = (key, message);
        return BLS12381.verify(keys, messages, signature, dst);
    }
}
