// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IModelRegistry} from "../../../contracts/knowledge/IModelRegistry.sol";
import {ModelRegistry} from "../../../contracts/knowledge/ModelRegistry.sol";
import {ContentId} from "../../../contracts/types/ContentId.sol";
import {InvariantTest, VmTest} from "../Vm.sol";

/// @notice Accepts models from a small pool, so that stale parents and models seen before are tried all the time.
contract ModelRegistryHandler is VmTest {
    bytes32 public constant NAME = "mnist";
    uint256 private constant MODELS = 12;

    ModelRegistry public immutable models;
    /// @notice Our books: what was accepted, in order.
    bytes32[] public lineage;
    uint256 public intrusions;

    constructor(ModelRegistry models_) {
        models = models_;
    }

    function accept(uint256 model, uint256 parent, bool rightParent, uint64 round, bool byTimelock, address caller)
        external
    {
        ContentId cited = rightParent ? models.accepted(NAME).model : ContentId.wrap(bytes32(parent % MODELS));
        if (byTimelock) caller = models.timelock();
        vm.prank(caller);
        (bool done,) = address(models).call(
            abi.encodeCall(IModelRegistry.accept, (NAME, ContentId.wrap(bytes32(model % MODELS)), cited, round))
        );
        if (!done) return;
        lineage.push(bytes32(model % MODELS));
        if (caller != models.timelock()) ++intrusions;
    }

    function length() external view returns (uint256) {
        return lineage.length;
    }
}

contract ModelRegistryInvariants is InvariantTest {
    ModelRegistryHandler private handler;

    function setUp() external {
        handler = new ModelRegistryHandler(new ModelRegistry(address(0x71)));
        _target(address(handler));
    }

    /// hardhat-config: invariant.runs = 32
    /// hardhat-config: invariant.depth = 60
    function invariant_TheLineageIsAChainWithoutCircles() external view {
        require(handler.intrusions() == 0, "somebody but the timelock has accepted");
        ModelRegistry models = handler.models();
        uint256 length = handler.length();
        require(models.accepted(handler.NAME()).version == length, "versions are not the models accepted");

        ContentId parent = ContentId.wrap(bytes32(0));
        for (uint256 i = 0; i < length; ++i) {
            IModelRegistry.AcceptedModel memory model = models.acceptedVersion(handler.NAME(), uint64(i + 1));
            require(ContentId.unwrap(model.model) == handler.lineage(i) && !model.model.isZero(), "another model");
            require(model.parent == parent && model.version == i + 1, "another parent");
            for (uint256 j = 0; j < i; ++j) require(handler.lineage(j) != handler.lineage(i), "a circle");
            parent = model.model;
        }
    }
}
