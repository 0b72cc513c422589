import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { id, ZeroAddress } from "ethers";

/**
 * Nodes that one transaction admits: a module is fixed before it meets a chain, so this leaves room for a fork that makes
 * admissions more than twice as dear, below the 16.7 M gas of EIP-7825.
 */
export const NODES_PER_BATCH = 30;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Shares of 60,000. */
const THIRD = 20_000;
const HALF = 30_000;
const THREE_QUARTERS = 45_000;

/** The rules of `docs/`: durations in seconds, shares in 60,000ths; each track can be overridden by its parameter. */
export const DEFAULT_TRACKS = {
  emergency: {
    votingDelay: 0,
    votingPeriod: HOUR,
    quorum: THIRD,
    approval: HALF,
    fastPath: true,
    timelock: 0,
    expiry: DAY,
    openLimit: 8,
  },
  operations: {
    votingDelay: MINUTE,
    votingPeriod: DAY,
    quorum: THIRD,
    approval: HALF,
    fastPath: true,
    timelock: 10 * MINUTE,
    expiry: 7 * DAY,
    openLimit: 8,
  },
  membership: {
    votingDelay: HOUR,
    votingPeriod: 3 * DAY,
    quorum: HALF,
    approval: THREE_QUARTERS,
    fastPath: false,
    timelock: DAY,
    expiry: 30 * DAY,
    openLimit: 4,
  },
  constitution: {
    votingDelay: DAY,
    votingPeriod: 7 * DAY,
    quorum: HALF,
    approval: THREE_QUARTERS,
    fastPath: false,
    timelock: 2 * DAY,
    expiry: 30 * DAY,
    openLimit: 2,
  },
};

/** The admission of one node; see `INodeRegistry.Admission`. */
export type GenesisNode = {
  operator: string;
  agent: string;
  key: string;
  possession: string;
  peerId: string;
  deadline: number;
  consent: string;
};

/** The name of the parameter that holds the batch `i` of genesis nodes: `genesis`, `genesis2`, `genesis3`, ... */
function genesisName(i: number): string {
  return i === 0 ? "genesis" : `genesis${i + 1}`;
}

/** The number of batches that these nodes need, and the parameters of {@link genesisModule} that hold them. */
export function genesisOf(
  nodes: readonly GenesisNode[],
  perBatch = NODES_PER_BATCH,
): {
  batches: number;
  parameters: Record<string, GenesisNode[]>;
} {
  const batches = Math.max(1, Math.ceil(nodes.length / perBatch));
  const batch = (i: number) => nodes.slice(i * perBatch, (i + 1) * perBatch);
  return {
    batches,
    parameters: Object.fromEntries(Array.from({ length: batches }, (_, i) => [genesisName(i), batch(i)])),
  };
}

/**
 * The module that deploys a DAO and leaves its deployer one role, to admit the nodes of genesis: the governor is the timelock's
 * only proposer, executor and canceller, and the timelock its own only admin. The operators then sign their consents, which
 * name the chain and the registry, and {@link genesisModule} admits their nodes.
 *
 * Parameters: `guardian` and `guardianExpiry` (seconds; none by default), `emergency`, `operations`, `membership`, `constitution`
 * (track rules).
 *
 * @example
 * const { nodes, governor } = await ignition.deploy(witanModule, { parameters: { Witan: {} } });
 */
export const witanModule = buildModule("Witan", (m) => {
  const deployer = m.getAccount(0);
  const guardian = m.getParameter("guardian", ZeroAddress);
  const guardianExpiry = m.getParameter("guardianExpiry", 0);
  const tracks = [
    m.getParameter("emergency", DEFAULT_TRACKS.emergency),
    m.getParameter("operations", DEFAULT_TRACKS.operations),
    m.getParameter("membership", DEFAULT_TRACKS.membership),
    m.getParameter("constitution", DEFAULT_TRACKS.constitution),
  ];

  const timelock = m.contract("NodeTimelock", [deployer]);
  const changes = m.contract("NodeChanges", [timelock]);
  const nodes = m.contract("NodeRegistry", [timelock, deployer, changes]);
  const presences = m.contractAt("NodePresence", m.staticCall(nodes, "presences"));
  const hosts = m.contract("HostRegistry", [nodes]);
  const knowledge = m.contract("KnowledgeRegistry", [nodes]);
  const models = m.contract("ModelRegistry", [timelock]);
  const parameters = m.contract("ParameterRegistry", [timelock]);
  const publishers = m.contractAt("PublisherRegistry", m.staticCall(parameters, "publishers"));
  const directives = m.contract("DirectiveRegistry", [timelock, nodes]);
  const governor = m.contract("NodeGovernor", [
    nodes,
    timelock,
    directives,
    models,
    parameters,
    guardian,
    guardianExpiry,
    tracks,
  ]);

  const granted = ["PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"].map((role) =>
    m.call(timelock, "grantRole", [id(role), governor], { id: `grant_${role}` }),
  );
  m.call(timelock, "renounceRole", [`0x${"00".repeat(32)}`, deployer], { after: granted });

  return { timelock, nodes, presences, hosts, knowledge, models, parameters, publishers, directives, governor };
});

/**
 * The module that admits the nodes of genesis and closes it, after which the deployer has no role.
 *
 * Parameters: `registry` (the NodeRegistry's address) and `genesis` (admissions; further batches in `genesis2`, `genesis3`, ...).
 *
 * @param batches Transactions that the nodes are admitted in, as {@link genesisOf} says.
 *
 * @example
 * const { batches, parameters } = genesisOf(nodes);
 * await ignition.deploy(genesisModule(batches), { parameters: { Genesis: { registry, ...parameters } } });
 */
export function genesisModule(batches = 1) {
  return buildModule("Genesis", (m) => {
    const nodes = m.contractAt("NodeRegistry", m.getParameter<string>("registry"));
    const admitted = Array.from({ length: batches }, (_, i) => genesisName(i)).map((name, i, names) =>
      m.call(nodes, "admit", [m.getParameter(name)], { id: `admit_${names[i]}` }),
    );
    m.call(nodes, "closeGenesis", [], { after: admitted });
    return { nodes };
  });
}

export default witanModule;
