// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bitmap} from "../../../contracts/libraries/Bitmap.sol";
import {VmTest} from "../Vm.sol";

contract BitmapFuzz is VmTest {
    function testFuzz_CountsBits(uint256 word) external pure {
        uint256 expected = 0;
        for (uint256 i = 0; i < 256; ++i) expected += (word >> i) & 1;
        require(Bitmap.count(word) == expected, "another count");
    }

    function test_CountsTheEnds() external pure {
        require(Bitmap.count(0) == 0 && Bitmap.count(type(uint256).max) == 256, "all or nothing");
        require(Bitmap.count(type(uint256).max - 1) == 255 && Bitmap.count(1 << 255) == 1, "one off");
    }

    function testFuzz_IsZeroPastItsEnd(uint256[] memory words, uint256 past) external pure {
        vm_assume(past <= type(uint256).max - words.length);
        require(Bitmap.at(words, words.length + past) == 0, "past the end");
        if (words.length != 0) require(Bitmap.at(words, words.length - 1) == words[words.length - 1], "the last");
    }

    function test_TakesOneEncodingOfASet() external {
        uint256[] memory words = new uint256[](2);
        words[0] = 7;
        vm.expectRevert(abi.encodeWithSelector(Bitmap.BitmapMalformed.selector, 2));
        this.check(words, 512);
        words[1] = 1;
        this.check(words, 257);
        vm.expectRevert(abi.encodeWithSelector(Bitmap.BitmapMalformed.selector, 2));
        this.check(words, 256);
        this.check(new uint256[](0), 0);
    }

    function check(uint256[] memory words, uint256 bound) external pure {
        Bitmap.check(words, bound);
    }

    function vm_assume(bool condition) private pure {
        vm.assume(condition);
    }
}
