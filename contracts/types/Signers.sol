// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bitmap} from "../libraries/Bitmap.sol";

using {count} for Signers global;

/// @notice The committee members who signed For, Against and Abstain: three sets of indices, encoded as {Bitmap} says, that
/// share no index. The signers of a statement that can only be agreed to, such as a report, are in `forBits` alone.
struct Signers {
    uint256[] forBits;
    uint256[] againstBits;
    uint256[] abstainBits;
}

/// @notice The number of members in each set.
struct SignerCounts {
    uint24 forCount;
    uint24 againstCount;
    uint24 abstainCount;
}

/// @notice The number of members in each set.
function count(Signers memory signers) pure returns (SignerCounts memory) {
    return SignerCounts({
        forCount: uint24(Bitmap.countAll(signers.forBits)),
        againstCount: uint24(Bitmap.countAll(signers.againstBits)),
        abstainCount: uint24(Bitmap.countAll(signers.abstainBits))
    });
}
