// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Who of a committee signed which of two messages: three sets of indices, as {Bitmap} has them, that share no
/// index. For ballots the first message is For and the second Against, and an abstention is a signature over both.
struct Signers {
    uint256[] first;
    uint256[] second;
    uint256[] both;
}

/// @notice How many there are in each set.
struct SignerCounts {
    uint24 first;
    uint24 second;
    uint24 both;
}
