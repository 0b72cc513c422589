// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DirectiveRegistry} from "../../../contracts/directives/DirectiveRegistry.sol";
import {IDirectiveRegistry} from "../../../contracts/directives/IDirectiveRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {Directive, DirectiveKind} from "../../../contracts/types/Directive.sol";
import {Committee} from "../nodes/Committee.sol";

/// @notice Issues orders on few subjects, on the newest base, on older ones, on none and on those of other subjects.
contract BaseHandler is Committee {
    uint256 public constant SUBJECTS = 2;

    DirectiveRegistry public immutable directives;

    Directive[] private _orders;
    bytes32[] private _ids;

    constructor() {
        _assemble(1);
        directives = new DirectiveRegistry(TIMELOCK, registry);
    }

    function orders() external view returns (Directive[] memory) {
        return _orders;
    }

    function subjectAt(uint256 i) public pure returns (bytes32) {
        return bytes32(1 + i % SUBJECTS);
    }

    function issue(uint8 kind, uint256 subject, uint256 base, uint8 salt) external {
        Directive memory directive = Directive({
            kind: DirectiveKind(kind % (uint256(type(DirectiveKind).max) + 1)),
            subject: subjectAt(subject),
            payload: ContentId.wrap(bytes32(uint256(1))),
            delay: 0,
            window: 1,
            salt: bytes32(uint256(salt)),
            base: _baseOf(subject, base),
            evidence: new ContentId[](0)
        });
        vm.prank(TIMELOCK);
        (bool done,) = address(directives).call(abi.encodeCall(IDirectiveRegistry.issue, (directive)));
        if (!done) return;
        _orders.push(directive);
        _ids.push(directives.directiveId(directive));
    }

    function _baseOf(uint256 subject, uint256 base) private view returns (bytes32) {
        if (base % 4 == 0) return 0;
        if (base % 4 == 1 && _ids.length != 0) return _ids[(base >> 8) % _ids.length];
        if (base % 32 == 2) return bytes32(base);
        return directives.lastIssued(subjectAt(subject));
    }
}
