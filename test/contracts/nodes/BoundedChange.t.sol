// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {InvariantTest} from "../Vm.sol";
import {SeatTest} from "./SeatTest.sol";
import {Registries} from "./Registries.sol";

/// @notice Votes that pass one after another, as many as there can be, and what they changed when.
contract BoundedChangeHandler is SeatTest {
    uint32 private constant GENESIS = 24;

    struct Change {
        uint256 at;
        uint256 admitted;
        uint256 removed;
        uint256 size;
    }

    Change[] public changes;
    uint256 private _newest;
    uint256 private _oldest;

    constructor() {
        vm.warp(1_000 days);
        registry = Registries.deploy(TIMELOCK, address(this));
        INodeRegistry.Admission[] memory genesis = new INodeRegistry.Admission[](GENESIS);
        for (uint256 i = 0; i < GENESIS; ++i) genesis[i] = _newcomer(i);
        registry.admit(genesis);
        registry.closeGenesis();
        _newest = GENESIS;
        _record(0, 0);
    }

    function admit(uint256 count) external {
        INodeRegistry.Admission[] memory batch = new INodeRegistry.Admission[](1 + count % 3);
        for (uint256 i = 0; i < batch.length; ++i) batch[i] = _newcomer(_newest + i);
        vm.prank(TIMELOCK);
        registry.admit(batch);
        _newest += batch.length;
        _record(batch.length, 0);
    }

    function remove(uint256 count) external {
        address[] memory operators = new address[](1 + count % 3);
        for (uint256 i = 0; i < operators.length; ++i) operators[i] = _operator(_oldest + i);
        vm.prank(TIMELOCK);
        registry.remove(operators);
        _oldest += operators.length;
        _record(0, operators.length);
    }

    /// @notice Changes that are no votes'.
    function rotate(uint256 who) external {
        _setAgent(_unsigned(_oldest + who % 20, vm.addr(0x9000 + changes.length)));
        _record(0, 0);
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 20 days);
    }

    function total() external view returns (uint256) {
        return changes.length;
    }

    function _record(uint256 admitted, uint256 removed) private {
        changes.push(Change(block.timestamp, admitted, removed, registry.committee(registry.epoch()).size));
    }
}

/// @notice A majority of Membership changes no more than a tenth of the committee in 30 days.
contract BoundedChange is InvariantTest, SeatTest {
    BoundedChangeHandler private handler;

    function setUp() external {
        handler = new BoundedChangeHandler();
        _target(address(handler));
        _found();
    }

    /// hardhat-config: invariant.runs = 24
    /// hardhat-config: invariant.depth = 60
    function invariant_BoundedChangeOfTheCommitteeInAMonth() external view {
        uint256 count = handler.total();
        for (uint256 last = 0; last < count; ++last) {
            (uint256 end, uint256 more, uint256 fewer,) = handler.changes(last);
            (uint256 admitted, uint256 removed, uint256 before) = _monthBefore(last, end);
            uint256 limit = before < 20 ? 1 : before / 10;
            require(more == 0 || admitted <= limit, "a month admitted more than a tenth");
            require(fewer == 0 || removed <= limit, "a month removed more than a tenth");
        }
    }

    /// @dev What votes changed in the 30 days that end with a change, and the size that the committee had before.
    function _monthBefore(uint256 last, uint256 end)
        private
        view
        returns (uint256 admitted, uint256 removed, uint256 before)
    {
        for (uint256 i = 0; i <= last; ++i) {
            (uint256 at, uint256 more, uint256 fewer, uint256 size) = handler.changes(i);
            if (i == 0 || at + 30 days <= end) before = size;
            if (at + 30 days > end) (admitted, removed) = (admitted + more, removed + fewer);
        }
    }

    function test_OneSeatAMonthIsAlwaysPossible() external {
        _admit(_newcomer(SIZE));
        _remove(_operator(0));
        bytes memory tooMany = abi.encodeWithSelector(INodeChanges.NodeRegistryTooManyChanges.selector, 1);
        INodeRegistry.Admission memory next = _newcomer(SIZE + 1);
        vm.warp(block.timestamp + 30 days - 1);
        vm.expectRevert(tooMany);
        _admit(next);
        vm.expectRevert(tooMany);
        _remove(_operator(1));
        vm.warp(block.timestamp + 1);
        _admit(next);
        _remove(_operator(1));
    }

    function test_AYoungCommitteeIsMeasuredFromGenesisAndTheFounderIsFree() external {
        registry = Registries.deploy(TIMELOCK, address(this));
        INodeRegistry.Admission[] memory genesis = new INodeRegistry.Admission[](20);
        for (uint256 i = 0; i < 20; ++i) genesis[i] = _newcomer(i);
        registry.admit(genesis);
        registry.admit(_batch(_newcomer(20)));
        registry.admit(_batch(_newcomer(21)));
        registry.closeGenesis();
        _admit(_newcomer(22));
        _admit(_newcomer(23));
        INodeRegistry.Admission memory next = _newcomer(24);
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryTooManyChanges.selector, 2));
        _admit(next);
    }

    /// @dev Eight of fifteen removed the other seven at once.
    function test_AMajorityDoesNotRemoveTheRestAtOnce() external {
        address[] memory others = new address[](SIZE - 1);
        for (uint256 i = 0; i < others.length; ++i) others[i] = _operator(i);
        vm.prank(TIMELOCK);
        vm.expectRevert(abi.encodeWithSelector(INodeChanges.NodeRegistryTooManyChanges.selector, 1));
        registry.remove(others);
    }
}
