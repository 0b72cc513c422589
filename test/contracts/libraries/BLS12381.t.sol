// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BLS12381} from "../../../contracts/libraries/BLS12381.sol";
import {VmTest} from "../Vm.sol";
import {Admissions} from "../nodes/Admissions.sol";
import {Signing} from "../nodes/Signing.sol";
import {BLS12381Harness} from "./BLS12381Harness.sol";

contract BLS12381Fuzz is VmTest {
    uint256 private constant GROUP_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes private constant DOMAIN = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

    BLS12381Harness private library_;

    function setUp() external {
        library_ = new BLS12381Harness();
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_AddsInAnyOrderAndTakesAwayWhatItAdded(uint256 a, uint256 b) external view {
        bytes memory left = Admissions.keyOf(_bound(a, 1, GROUP_ORDER - 1));
        bytes memory right = Admissions.keyOf(_bound(b, 1, GROUP_ORDER - 1));
        bytes memory sum = library_.add(left, right);
        require(keccak256(sum) == keccak256(library_.add(right, left)), "addition does not commute");
        require(keccak256(library_.add(sum, library_.negate(right))) == keccak256(left), "negation does not undo");
        require(library_.isCanonical(library_.negate(left)), "a negation that is not canonical");
        require(library_.isInfinity(library_.add(left, library_.negate(left))), "not infinity");
        require(library_.isInfinity(library_.negate(new bytes(128))), "infinity negated");
    }

    function test_RefusesPointsOfAWrongLengthOffTheCurveOrAtInfinity() external {
        bytes memory key = Admissions.keyOf(3);
        bytes memory message = "whatever";
        bytes memory signature = Signing.signUnder(3, message, DOMAIN);
        require(library_.verify(key, message, signature, DOMAIN), "a good signature");
        require(!library_.verify(key, message, hex"00", DOMAIN), "a short signature");
        require(!library_.verify(new bytes(128), message, signature, DOMAIN), "infinity as key");
        require(!library_.verify(key, message, new bytes(256), DOMAIN), "infinity as signature");

        bytes memory off = new bytes(128);
        off[127] = 0x01;
        vm.expectRevert(abi.encodeWithSelector(BLS12381.BLS12381PrecompileFailed.selector, 0x0b));
        library_.add{gas: 1_000_000}(key, off);
    }

    function test_CallsAnElementCanonicalBelowTheModulus() external view {
        bytes memory modulus =
            hex"000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
        require(!library_.isCanonical(modulus), "the modulus");
        modulus[63] = 0xaa;
        require(library_.isCanonical(modulus), "the modulus less one");
        modulus[15] = 0x01;
        require(!library_.isCanonical(modulus), "bits above 384");
        require(!library_.isCanonical("") && !library_.isCanonical(hex"00"), "no element");
    }
}
