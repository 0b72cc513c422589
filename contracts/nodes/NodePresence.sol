// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {AccountSignatures} from "../libraries/AccountSignatures.sol";
import {Bitmap} from "../libraries/Bitmap.sol";
import {INodeChanges} from "./INodeChanges.sol";
import {INodePresence} from "./INodePresence.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title Which seats are counted
/// @dev A contract of its own, which the registry creates, since the registry's code has a limit of size; the number of the
/// newest presence is the registry's, and in presence 0 nothing of this is read. Which seats are suspended is a bit each, by
/// the presence from which on they are. A suspension writes nothing else: what is kept of a seat is written when it returns.
contract NodePresence is INodePresence, EIP712 {
    using Bitmap for uint256[];
    using Checkpoints for Checkpoints.Trace256;

    /// @dev How often a seat has returned, at most 255, and when it did last.
    struct Returns {
        uint8 suspensions;
        uint40 returnedAt;
    }

    /// @notice The registry of the seats.
    INodeRegistry public immutable nodes;

    /// @notice The EIP-712 type of an agent's word that it is back.
    bytes32 public constant RETURN_TYPEHASH =
        keccak256("Return(uint32 index,uint8 suspensions,uint256 blockNumber,bytes32 blockHash)");

    /// @dev A seat that is suspended for so long without a break can be marked as lapsed.
    uint256 private constant LAPSE = 30 days;
    /// @dev After the first return of a seat; twice as long after each later one.
    uint256 private constant FIRST_HOLD_OFF = 1 hours;
    uint256 private constant MAX_HOLD_OFF = 7 days;
    /// @dev From so many returns on, the hold-off is the longest.
    uint256 private constant LONGEST_FROM = 9;

    /// @dev Which of 256 consecutive indices are suspended, and which have lapsed, by the presence from which on they are.
    mapping(uint256 word => Checkpoints.Trace256) private _suspended;
    mapping(uint256 word => Checkpoints.Trace256) private _lapsed;
    /// @dev When each presence opened (seconds); the first of them is presence 1.
    uint40[] private _openings;
    mapping(uint32 index => Returns) private _returns;

    constructor(INodeRegistry nodes_) EIP712("NodePresence", "1") {
        nodes = nodes_;
    }

    /// @inheritdoc INodePresence
    function suspend(uint32[] calldata indices) external {
        if (msg.sender != nodes.timelock()) revert INodeChanges.NodeRegistryUnauthorized(msg.sender);
        uint256[] memory present = _members(nodes.epoch());
        uint256 size = present.countAll();
        present = _without(present, nodes.presence(), false);
        uint256[] memory added = new uint256[](present.length);
        // Half of the seats are left, rounded up.
        uint256 spare = Math.saturatingSub(2 * present.countAll(), size) / 2;

        uint32[] memory taken = new uint32[](indices.length);
        uint256 count = 0;
        for (uint256 i = 0; i < indices.length && count < spare; ++i) {
            (uint256 word, uint256 bit) = _placeOf(indices[i]);
            if ((present.at(word) & ~added.at(word)) & bit == 0 || holdOffEnd(indices[i]) > block.timestamp) continue;
            added[word] |= bit;
            taken[count++] = indices[i];
        }
        if (count == 0) revert NodePresenceNothingToSuspend();

        uint32 opening = _openPresence(true);
        _add(_suspended, opening, added);

        emit Suspended(opening, _shorten(taken, count));
    }

    /// @inheritdoc INodePresence
    function returnBySig(uint32 index, uint256 blockNumber, bytes calldata signature) external {
        if (!AccountSignatures.isValid(_accountOf(index), returnDigest(index, blockNumber), signature)) {
            revert INodeRegistry.NodeRegistryInvalidSignatureOf(index);
        }
        _return(index);
    }

    /// @inheritdoc INodePresence
    function returnNow() external {
        uint32 index = nodes.indexOf(msg.sender, nodes.epoch());
        if (_accountOf(index) != msg.sender) revert INodeChanges.NodeRegistryUnauthorized(msg.sender);
        _return(index);
    }

    /// @inheritdoc INodePresence
    /// @dev Without a break: it was suspended then, it is suspended now, and it has not returned since.
    function markLapsed(uint32[] calldata indices) external {
        if (block.timestamp < LAPSE) revert NodePresenceNothingToLapse();
        uint256 since = block.timestamp - LAPSE;
        uint256[] memory members = _members(nodes.epoch());
        uint32 then_ = presenceAt(uint48(since));
        uint256[] memory added = new uint256[](members.length);
        uint32[] memory taken = new uint32[](indices.length);
        uint256 count = 0;
        for (uint256 i = 0; i < indices.length; ++i) {
            (uint256 word, uint256 bit) = _placeOf(indices[i]);
            uint256 may = members.at(word) & _suspended[word].latest() & _suspended[word].upperLookup(then_)
                & ~_lapsed[word].latest();
            if (may & bit == 0 || added[word] & bit != 0 || _returns[indices[i]].returnedAt > since) continue;
            added[word] |= bit;
            taken[count++] = indices[i];
        }
        if (count == 0) revert NodePresenceNothingToLapse();

        uint32 opening = _openPresence(false);
        _add(_lapsed, opening, added);

        emit Lapsed(opening, _shorten(taken, count));
    }

    /// @inheritdoc INodePresence
    /// @dev If several presences opened within one second, the newest counts; so ask for a second that has passed.
    function presenceAt(uint48 timepoint) public view returns (uint32) {
        uint256 high = _openings.length;
        if (high == 0 || _openings[high - 1] <= timepoint) return uint32(high);

        // The number of those that opened by then.
        uint256 low = 0;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_openings[middle] > timepoint) high = middle;
            else low = middle + 1;
        }
        return uint32(low);
    }

    /// @inheritdoc INodePresence
    function suspendedBits(uint32 presence_) external view returns (uint256[] memory) {
        return uncountedBits(presence_, false, _members(nodes.epoch()).length).trim();
    }

    /// @inheritdoc INodePresence
    function lapsedBits(uint32 presence_) external view returns (uint256[] memory) {
        return uncountedBits(presence_, true, _members(nodes.epoch()).length).trim();
    }

    /// @inheritdoc INodePresence
    function isSuspended(uint32 index) public view returns (bool) {
        (uint256 word, uint256 bit) = _placeOf(index);
        return _suspended[word].latest() & bit != 0;
    }

    /// @inheritdoc INodePresence
    function isCounted(uint32 index, uint32 presence_, bool careful) external view returns (bool) {
        _checkPresence(presence_);
        (uint256 word, uint256 bit) = _placeOf(index);
        return (careful ? _lapsed : _suspended)[word].upperLookup(presence_) & bit == 0;
    }

    /// @inheritdoc INodePresence
    function countedBits(uint32 epoch_, uint32 presence_, bool careful) public view returns (uint256[] memory) {
        return _without(_members(epoch_), presence_, careful).trim();
    }

    /// @inheritdoc INodePresence
    function countedOf(uint32 epoch_, uint32 presence_, bool careful) external view returns (uint32) {
        return uint32(countedBits(epoch_, presence_, careful).countAll());
    }

    /// @inheritdoc INodePresence
    function departedSince(uint32 epoch_) external view returns (uint256[] memory departed) {
        departed = _members(epoch_);
        uint256[] memory now_ = _without(_members(nodes.epoch()), nodes.presence(), false);
        for (uint256 word = 0; word < departed.length; ++word) departed[word] &= ~now_.at(word);
        departed.trim();
    }

    /// @inheritdoc INodePresence
    function returnsOf(uint32 index) external view returns (uint8 suspensions, uint40 returnedAt) {
        Returns storage returns_ = _returns[index];
        return (returns_.suspensions, returns_.returnedAt);
    }

    /// @inheritdoc INodePresence
    function holdOffEnd(uint32 index) public view returns (uint256) {
        Returns memory returns_ = _returns[index];
        if (returns_.suspensions == 0) return 0;
        uint256 holdOff = returns_.suspensions < LONGEST_FROM
            ? FIRST_HOLD_OFF << (returns_.suspensions - 1)
            : MAX_HOLD_OFF;
        return returns_.returnedAt + holdOff;
    }

    /// @inheritdoc INodePresence
    function returnDigest(uint32 index, uint256 blockNumber) public view returns (bytes32) {
        bytes32 blockHash = blockhash(blockNumber);
        if (blockHash == 0) revert NodePresenceUnknownBlock(blockNumber);
        return _hashTypedDataV4(
            keccak256(abi.encode(RETURN_TYPEHASH, index, _returns[index].suspensions, blockNumber, blockHash))
        );
    }

    /// @inheritdoc INodePresence
    function takeOver(uint32 from, uint32 to) external {
        if (msg.sender != address(nodes)) revert INodeChanges.NodeRegistryUnauthorized(msg.sender);
        Returns memory returns_ = _returns[from];
        if (isSuspended(from)) returns_ = _oneMore(returns_);
        if (returns_.suspensions != 0) _returns[to] = returns_;
    }

    /// @inheritdoc INodePresence
    function uncountedBits(uint32 presence_, bool careful, uint256 words) public view returns (uint256[] memory bits) {
        _checkPresence(presence_);
        mapping(uint256 word => Checkpoints.Trace256) storage traces = careful ? _lapsed : _suspended;
        bits = new uint256[](words);
        for (uint256 word = 0; word < words; ++word) bits[word] = traces[word].upperLookup(presence_);
    }

    function _return(uint32 index) private {
        (uint256 word, uint256 bit) = _placeOf(index);
        if (_members(nodes.epoch()).at(word) & _suspended[word].latest() & bit == 0) revert NodePresenceNotSuspended(index);

        uint32 opening = _openPresence(false);
        _suspended[word].push(opening, _suspended[word].latest() ^ bit);
        uint256 lapsed = _lapsed[word].latest();
        if (lapsed & bit != 0) _lapsed[word].push(opening, lapsed ^ bit);
        _returns[index] = _oneMore(_returns[index]);

        emit Returned(opening, index);
    }

    function _openPresence(bool suspending) private returns (uint32 opening) {
        opening = nodes.openPresence(suspending);
        _openings.push(uint40(block.timestamp));
    }

    function _add(
        mapping(uint256 word => Checkpoints.Trace256) storage traces,
        uint32 opening,
        uint256[] memory added
    ) private {
        for (uint256 word = 0; word < added.length; ++word) {
            if (added[word] != 0) traces[word].push(opening, traces[word].latest() | added[word]);
        }
    }

    /// @dev `members` without those that are not counted, in place.
    function _without(uint256[] memory members, uint32 presence_, bool careful)
        private
        view
        returns (uint256[] memory)
    {
        uint256[] memory out = uncountedBits(presence_, careful, members.length);
        for (uint256 word = 0; word < out.length; ++word) members[word] &= ~out[word];
        return members;
    }

    function _oneMore(Returns memory returns_) private view returns (Returns memory) {
        uint8 suspensions = returns_.suspensions;
        return Returns(suspensions == type(uint8).max ? suspensions : suspensions + 1, uint40(block.timestamp));
    }

    /// @dev Reverts for a presence that has not opened: an answer must never change later.
    function _checkPresence(uint32 presence_) private view {
        if (presence_ > _openings.length) revert NodePresenceUnknownPresence(presence_);
    }

    function _members(uint32 epoch_) private view returns (uint256[] memory) {
        return nodes.memberBits(epoch_);
    }

    /// @dev The account of the agent with this index.
    function _accountOf(uint32 index) private view returns (address) {
        return nodes.node(index).agent;
    }

    function _placeOf(uint32 index) private pure returns (uint256 word, uint256 bit) {
        return (index >> 8, 1 << (index & 0xff));
    }

    function _shorten(uint32[] memory list, uint256 length) private pure returns (uint32[] memory) {
        assembly ("memory-safe") {
            mstore(list, length)
        }
        return list;
    }
}
