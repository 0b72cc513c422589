// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The sha2-256 digest of a record's block. As text it is a CIDv1; on chain it is the digest alone.
type ContentId is bytes32;

using {equals as ==, notEquals as !=, isZero} for ContentId global;

function equals(ContentId a, ContentId b) pure returns (bool) {
    return ContentId.unwrap(a) == ContentId.unwrap(b);
}

function notEquals(ContentId a, ContentId b) pure returns (bool) {
    return ContentId.unwrap(a) != ContentId.unwrap(b);
}

function isZero(ContentId id) pure returns (bool) {
    return ContentId.unwrap(id) == bytes32(0);
}
