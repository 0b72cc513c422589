// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Which seats are counted
/// @notice A node that is silent is suspended by a vote, and returns by a word of its own. Membership does not change: epochs,
/// indices, keys and ballots stay as they are. Each change opens a numbered presence, which remains readable for ever; in
/// presence 0 nobody is suspended.
/// @dev Sets are encoded as {Bitmap} says. `careful` asks for the lapsed seats, suspended for 30 days without a break, in place
/// of all suspended ones: so the tracks of members and rules count everybody who may still return.
interface INodePresence {
    /// @notice The seats `indices` are suspended from `presence` on.
    event Suspended(uint32 indexed presence, uint32[] indices);
    event Returned(uint32 indexed presence, uint32 indexed index);
    event Lapsed(uint32 indexed presence, uint32[] indices);

    /// @notice Each of the seats is suspended, gone, or has returned too recently, or too few would be left.
    error NodePresenceNothingToSuspend();
    /// @notice None of the seats has been suspended for 30 days without a break, or all of them have lapsed already.
    error NodePresenceNothingToLapse();
    error NodePresenceNotSuspended(uint32 index);
    error NodePresenceUnknownPresence(uint32 presence);
    /// @notice The block is not one of the last 256.
    error NodePresenceUnknownBlock(uint256 blockNumber);

    /// @notice Suspends those of `indices`, in this order, that are members, present and past their hold-off, as long as half of
    /// the seats are left. By the timelock alone. Claims of fact that were opened before are ended.
    function suspend(uint32[] calldata indices) external;

    /// @notice Ends the suspension of a seat whose agent's account has signed {returnDigest}; by anybody. It counts from the next
    /// second on.
    function returnBySig(uint32 index, uint256 blockNumber, bytes calldata signature) external;

    /// @notice Ends the suspension of the caller, who is the agent of a seat.
    function returnNow() external;

    /// @notice Marks those of `indices` that have been suspended for 30 days without a break; by anybody.
    function markLapsed(uint32[] calldata indices) external;

    /// @notice Called by the registry when the seat of agent `from` gets agent `to`. Copies the number of returns to the new index,
    /// which is not suspended; to replace the agent of a suspended seat counts as a return.
    function takeOver(uint32 from, uint32 to) external;

    /// @notice The newest presence that was open at `timepoint` (seconds).
    function presenceAt(uint48 timepoint) external view returns (uint32);

    function suspendedBits(uint32 presence_) external view returns (uint256[] memory);

    /// @notice Those of {suspendedBits} that are suspended for 30 days without a break, and marked.
    function lapsedBits(uint32 presence_) external view returns (uint256[] memory);

    /// @notice Whether the seat is suspended now.
    function isSuspended(uint32 index) external view returns (bool);

    /// @notice Whether `index`, a member, is counted in this presence.
    function isCounted(uint32 index, uint32 presence_, bool careful) external view returns (bool);

    /// @notice The number of a committee's seats that are counted.
    function countedOf(uint32 epoch_, uint32 presence_, bool careful) external view returns (uint32);

    /// @notice The seats of a committee that are counted.
    function countedBits(uint32 epoch_, uint32 presence_, bool careful) external view returns (uint256[] memory);

    /// @notice Those who are not counted, in `words` words.
    function uncountedBits(uint32 presence_, bool careful, uint256 words) external view returns (uint256[] memory);

    /// @notice Of the committee of `epoch_`, those that are suspended now or members no more; also a seat whose agent is another.
    function departedSince(uint32 epoch_) external view returns (uint256[] memory);

    /// @notice How often the seat has returned, and when it did last (seconds); its next suspension waits for {holdOffEnd}.
    function returnsOf(uint32 index) external view returns (uint8 suspensions, uint40 returnedAt);

    /// @notice Until this moment (seconds) the seat cannot be suspended again; 0 if it never returned.
    function holdOffEnd(uint32 index) external view returns (uint256);

    /// @notice The digest that an agent's account signs to return: EIP-712, domain `NodePresence` version `1`, type
    /// `Return(uint32 index,uint8 suspensions,uint256 blockNumber,bytes32 blockHash)`, with the number of {returnsOf}.
    function returnDigest(uint32 index, uint256 blockNumber) external view returns (bytes32);
}
