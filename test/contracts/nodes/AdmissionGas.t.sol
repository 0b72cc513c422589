// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {INodeChanges} from "../../../contracts/nodes/INodeChanges.sol";
import {INodeRegistry} from "../../../contracts/nodes/INodeRegistry.sol";
import {NodeRegistry} from "../../../contracts/nodes/NodeRegistry.sol";
import {SeatTest} from "./SeatTest.sol";
import {Registries} from "./Registries.sol";

/// @notice What an admission costs, with the transaction and its calldata (EIP-2028).
contract AdmissionGas is SeatTest {
    uint256 private constant BATCH = 100;
    /// @dev EIP-7825.
    uint256 private constant TRANSACTION_CAP = 1 << 24;

    event log_named_uint(string key, uint256 val);

    INodeRegistry.Admission[] private _genesis;

    function setUp() external {
        registry = Registries.deploy(TIMELOCK, address(this));
        registry.admit(_batch(_real(BATCH)));
        for (uint256 i = 0; i < BATCH; ++i) _genesis.push(_real(i));
    }

    /// @dev With a peer id as libp2p makes them.
    function _real(uint256 i) private returns (INodeRegistry.Admission memory admission) {
        admission = _unsigned(i, _agent(i));
        admission.peerId = abi.encodePacked(hex"002408011220", keccak256(abi.encode(i)));
        admission.deadline = uint48(block.timestamp + 1 days);
        return _signed(admission, _operatorSecret(i));
    }

    function test_AHundredNodesWithTwoKeysEachFitIntoATransaction() external {
        bytes memory data = abi.encodeCall(INodeChanges.admit, (_genesis));
        uint256 used = 21_000;
        for (uint256 i = 0; i < data.length; ++i) used += data[i] == 0 ? 4 : 16;
        emit log_named_uint("calldata", used / BATCH);
        uint256 before = gasleft();
        (bool done,) = address(registry).call(data);
        used += before - gasleft();
        emit log_named_uint("gas a node", used / BATCH);
        require(done, "refused");
        // With what counts the lines it is a little more than the gas snapshot says.
        require(used <= TRANSACTION_CAP, "more than a transaction may use");
    }
}
