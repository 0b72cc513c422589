// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Changes of the seats and the committees
/// @notice What a seat is, who may change it, and what each change says. {INodeRegistry} has the rest.
interface INodeChanges {
    /// @param operator The account that the seat is known by.
    /// @param agent The account that acts on the machine; the operator's own, if it wants one key for both.
    /// @param key BLS12-381 public key in G1, EIP-2537 encoding, 128 bytes.
    /// @param possession Proof that somebody holds the key's secret, for this operator: a point R and a scalar s, 160 bytes,
    /// with s·G = R + c·key where c is {possessionChallenge}.
    /// @param peerId The libp2p peer id's bytes.
    /// @param deadline The last second at which the consent is valid.
    /// @param consent The operator's signature of {agentDigest} with the seat's nonce, zero for a new seat.
    struct Admission {
        address operator;
        address agent;
        bytes key;
        bytes possession;
        bytes peerId;
        uint48 deadline;
        bytes consent;
    }

    /// @notice An agent under its index: its seat's operator when it was last in use, and the epochs from which on it is in the
    /// committees and out of them. `predecessor` is the seat's index before, plus 1, or 0.
    struct Node {
        address operator;
        address agent;
        uint32 admittedAt;
        uint32 removedAt;
        uint32 predecessor;
    }

    /// @notice A seat. One storage slot.
    /// @param latest The index of its newest agent, plus 1; 0 if the account never was an operator.
    /// @param admittedAt The epoch from which on that agent and this operator are in the committees.
    /// @param removedAt The epoch from which on they are not: the agent was revoked, the seat removed, or its operator changed.
    /// @param nonce Grows with every change; consents name it.
    /// @param agentSetAt When its agent was set, in seconds.
    /// @param seated Whether this operator has the seat still, be it without an agent.
    struct Seat {
        uint32 latest;
        uint32 admittedAt;
        uint32 removedAt;
        uint32 nonce;
        uint48 agentSetAt;
        bool seated;
    }

    /// @notice A committee: when its epoch opened, its number of nodes, the first index not yet assigned, and how many seats
    /// votes had admitted and removed by then.
    struct Committee {
        uint48 openedAt;
        uint32 size;
        uint32 indexBound;
        uint32 admitted;
        uint32 removed;
    }

    event NodeAdmitted(
        uint32 indexed index,
        address indexed operator,
        address indexed agent,
        uint32 epoch,
        bytes key,
        bytes peerId
    );
    /// @notice `oldIndex` is the largest number if the seat had no agent.
    event AgentSet(
        uint32 indexed oldIndex,
        uint32 indexed newIndex,
        address indexed operator,
        address agent,
        uint32 epoch,
        bytes key,
        bytes peerId
    );
    event AgentRevoked(uint32 indexed index, address indexed operator, uint32 epoch);
    /// @notice `index` is the largest number if the seat had no agent.
    event NodeRemoved(uint32 indexed index, address indexed operator, uint32 epoch);
    event OperatorChanged(address indexed oldOperator, address indexed newOperator, uint32 epoch);
    event EpochOpened(uint32 indexed epoch, uint32 size, uint32 indexBound);
    event GenesisClosed(uint32 size);

    error NodeRegistryUnauthorized(address caller);
    error NodeRegistryEmptyBatch();
    error NodeRegistryInvalidOperator(address operator);
    /// @notice The account is an operator or an agent, or was one.
    error NodeRegistryDuplicateAccount(address account);
    error NodeRegistryDuplicateKey(bytes32 keyHash);
    error NodeRegistryInvalidKey(bytes32 keyHash);
    error NodeRegistryInvalidPossession(address operator);
    error NodeRegistryInvalidPeerId(uint256 length);
    /// @notice The peer id is or was another seat's.
    error NodeRegistryDuplicatePeerId(bytes32 peerIdHash);
    /// @notice The operator did not sign this, with the nonce that its seat has now.
    error NodeRegistryInvalidConsent(address operator);
    error NodeRegistryExpiredConsent(uint48 deadline);
    /// @notice The account has no seat.
    error NodeRegistryNotSeated(address operator);
    /// @notice The seat's agent was set less than a day ago.
    error NodeRegistryTooEarly(uint48 allowedAt);
    /// @notice In 30 days at most `limit` seats are admitted, and as many removed.
    error NodeRegistryTooManyChanges(uint256 limit);
    error NodeRegistryUnknownNode(uint32 index);
    error NodeRegistryNotMember(address operator, uint32 epoch);
    error NodeRegistryLastNode();
    error NodeRegistryUnknownEpoch(uint32 epoch);

    /// @notice Admits seats with their agents; opens one epoch. Only the timelock may call it, for at most a tenth of the
    /// committee of 30 days ago (or of genesis, if that is younger), and at least one, in any 30 days; and the founder until
    /// genesis is closed, without a bound. Every operator consents.
    function admit(Admission[] calldata admissions) external;

    /// @notice Gives the caller's seat another agent, or one again after {revokeAgent}; opens one epoch. Once a day.
    function setAgent(address agent, bytes calldata key, bytes calldata possession, bytes calldata peerId) external;

    /// @notice {setAgent} for an operator who signed it. Anybody may call it.
    function setAgentBySig(Admission calldata admission) external;

    /// @notice Takes the agent out of the caller's seat, at any time; opens one epoch. The seat is not counted until it has an
    /// agent again. The committee never becomes empty.
    function revokeAgent() external;

    /// @notice Removes seats; opens one epoch. Only the timelock may call it, within the bound that {admit} has. An operator
    /// who gave its seat to another is followed there. The committee never becomes empty.
    function remove(address[] calldata operators) external;

    /// @notice Gives a seat to another operator, with its agent; opens one epoch. Only the timelock may call it, and both
    /// operators sign {operatorDigest}.
    function changeOperator(
        address from,
        address to,
        uint48 deadline,
        bytes calldata fromConsent,
        bytes calldata toConsent
    ) external;

    /// @notice Ends the founder's power for ever.
    function closeGenesis() external;

    function timelock() external view returns (address);

    /// @notice The account that may admit nodes until genesis is closed; zero after.
    function founder() external view returns (address);

    /// @notice The newest epoch; 0 before the first admission.
    function epoch() external view returns (uint32);

    /// @notice The number of the newest presence ({INodePresence}).
    function presence() external view returns (uint32);

    /// @notice The newest presence that was opened by a suspension; 0 if there was none.
    function newestSuspension() external view returns (uint32);

    /// @notice Whether the chain has the precompiles that aggregated signatures need (EIP-2537). Without them keys are
    /// stored unchecked, and {checkAggregate} reverts.
    function aggregates() external view returns (bool);
}
