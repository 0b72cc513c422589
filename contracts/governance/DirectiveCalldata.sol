// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDirectiveRegistry} from "../directives/IDirectiveRegistry.sol";
import {ContentId} from "../types/ContentId.sol";
import {DirectiveKind} from "../types/Directive.sol";

/// @title Reads unchecked `issue(Directive)` calldata
/// @notice Reads only the one canonical ABI encoding: no gaps, no trailing bytes, no dirty bits. So no directive can be
/// encoded to look like another.
/// @dev The layout, in words after the selector: the offset of the directive (0x20), its eight head words (kind,
/// subject, payload, delay, window, salt, base, offset of the evidence), the number of ContentIds, the ContentIds.
library DirectiveCalldata {
    uint256 private constant SELECTOR = 4;
    uint256 private constant DIRECTIVE_OFFSET = 0x20;
    uint256 private constant EVIDENCE_OFFSET = 0x100;
    uint256 private constant KIND_AT = SELECTOR + DIRECTIVE_OFFSET;
    uint256 private constant DELAY_AT = KIND_AT + 0x60;
    uint256 private constant WINDOW_AT = KIND_AT + 0x80;
    uint256 private constant SALT_AT = KIND_AT + 0xa0;
    uint256 private constant EVIDENCE_OFFSET_AT = KIND_AT + 0xe0;
    uint256 private constant COUNT_AT = KIND_AT + EVIDENCE_OFFSET;
    uint256 private constant EVIDENCE_AT = COUNT_AT + 0x20;

    /// @notice The first four bytes, or zero if there are fewer.
    function selector(bytes memory data) internal pure returns (bytes4) {
        return data.length < SELECTOR ? bytes4(0) : bytes4(_word(data, 0));
    }

    /// @notice Whether `data` calls `issue`, readable or not.
    function isIssue(bytes memory data) internal pure returns (bool) {
        return selector(data) == IDirectiveRegistry.issue.selector;
    }

    /// @notice The directive's kind and the number of its ContentIds, if `data` is canonical.
    function tryRead(bytes memory data) internal pure returns (bool readable, DirectiveKind kind, uint256 count) {
        if (!isIssue(data) || data.length < EVIDENCE_AT) return (false, kind, 0);

        uint256 rawKind = uint256(_word(data, KIND_AT));
        count = uint256(_word(data, COUNT_AT));
        readable = uint256(_word(data, SELECTOR)) == DIRECTIVE_OFFSET
            && uint256(_word(data, EVIDENCE_OFFSET_AT)) == EVIDENCE_OFFSET
            && rawKind <= uint256(type(DirectiveKind).max)
            && uint256(_word(data, DELAY_AT) | _word(data, WINDOW_AT)) <= type(uint32).max
            && (data.length - EVIDENCE_AT) % 0x20 == 0 && count == (data.length - EVIDENCE_AT) / 0x20;

        return readable ? (true, DirectiveKind(rawKind), count) : (false, kind, 0);
    }

    /// @notice The directive's salt, if {tryRead} could read it.
    function salt(bytes memory data) internal pure returns (bytes32) {
        return _word(data, SALT_AT);
    }

    /// @notice The ContentId at `position`, which must be less than the count that {tryRead} gave.
    function evidenceAt(bytes memory data, uint256 position) internal pure returns (ContentId) {
        return ContentId.wrap(_word(data, EVIDENCE_AT + 0x20 * position));
    }

    /// @dev Without a bounds check, which callers make. The word of a selector may reach past the end, but only its first
    /// four bytes are used.
    function _word(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), offset))
        }
    }
}
