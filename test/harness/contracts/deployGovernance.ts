import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";
import type {
  DirectiveRegistry,
  ModelRegistry,
  NodeGovernor,
  NodeRegistry,
  NodeTimelock,
  ParameterRegistry,
} from "../../../src/ports/chain/bindings/index.js";
import { WINDOW_SECONDS } from "../../../src/records/index.js";
import { consentTo } from "./consents.js";
import { admissionOf } from "./eip2537.js";

export const { ethers, networkHelpers } = await network.create();

export const Track = { emergency: 0n, operations: 1n, membership: 2n, constitution: 3n } as const;

const MINUTE = 60n;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

/** Shares, in 60,000ths. */
export const Share = { third: 20_000n, half: 30_000n, twoThirds: 40_000n, threeQuarters: 45_000n } as const;

/**
 * The rules of each track: those that are deployed by default, but that Operations asks for two thirds, so that of five
 * nodes a majority does not end the vote.
 */
export const DEFAULT_TRACKS = [
  rules({ fastPath: true }),
  rules({
    votingDelay: MINUTE,
    votingPeriod: DAY,
    quorum: Share.third,
    approval: Share.twoThirds,
    fastPath: true,
    timelock: 10n * MINUTE,
    expiry: 7n * DAY,
  }),
  rules({
    votingDelay: HOUR,
    votingPeriod: 3n * DAY,
    quorum: Share.half,
    approval: Share.threeQuarters,
    timelock: DAY,
    expiry: 30n * DAY,
  }),
  rules({
    votingDelay: DAY,
    votingPeriod: 7n * DAY,
    quorum: Share.half,
    approval: Share.threeQuarters,
    timelock: 2n * DAY,
    expiry: 30n * DAY,
  }),
] as const;

export interface Rules {
  votingDelay: bigint;
  votingPeriod: bigint;
  quorum: bigint;
  approval: bigint;
  fastPath: boolean;
  timelock: bigint;
  expiry: bigint;
  openLimit: bigint;
}

/** A track's rules, with defaults for those that are not given. */
export function rules(some: Partial<Rules> = {}): Rules {
  return {
    votingDelay: 0n,
    votingPeriod: HOUR,
    quorum: Share.third,
    approval: Share.half,
    fastPath: false,
    timelock: 0n,
    expiry: DAY,
    openLimit: 4n,
    ...some,
  };
}

/** The rules of all tracks, these where the bounds of the track allow them. */
export function tracksWith(some: Partial<Rules>): Rules[] {
  const own = rules(some);
  const atLeast = (share: bigint, floor: bigint) => (share > floor ? share : floor);
  const [quorum, approval] = [atLeast(own.quorum, Share.half), atLeast(own.approval, Share.twoThirds)];
  const careful = { ...own, quorum, approval };
  return [{ ...own, votingDelay: 0n, timelock: 0n, fastPath: true }, own, careful, careful];
}

/** All contracts, wired as in production: no account but the guardian has a privilege. */
export interface GovernanceContracts {
  nodes: NodeRegistry;
  models: ModelRegistry;
  parameters: ParameterRegistry;
  directives: DirectiveRegistry;
  timelock: NodeTimelock;
  governor: NodeGovernor;
  /** The nodes' operators; `operators[i]` has index i. */
  operators: HardhatEthersSigner[];
  guardian: HardhatEthersSigner;
  stranger: HardhatEthersSigner;
  guardianExpiry: bigint;
}

export interface GovernanceOptions {
  /** How many nodes there are; at most 16. */
  size?: number;
  /** Lets the founder, the first account, admit nodes still, as many as it likes. */
  genesisOpen?: boolean;
  tracks?: readonly Rules[];
}

export async function deployGovernance({
  size = 5,
  genesisOpen = false,
  tracks = DEFAULT_TRACKS,
}: GovernanceOptions = {}): Promise<GovernanceContracts> {
  const [deployer, guardian, stranger, ...others] = await ethers.getSigners();
  if (!deployer || !guardian || !stranger) throw new Error("the network has too few accounts");
  const operators = others.slice(0, size);
  const guardianExpiry = BigInt(await networkHelpers.time.latest()) + 180n * DAY;

  const timelock = await deployTimelock(deployer);
  const changes = await deploy("NodeChanges", [timelock]);
  const nodes = await deploy<NodeRegistry>("NodeRegistry", [timelock, deployer, changes]);
  consentTo(await nodes.getAddress());
  const models = await deploy<ModelRegistry>("ModelRegistry", [timelock]);
  const parameters = await deploy<ParameterRegistry>("ParameterRegistry", [timelock]);
  const directives = await deploy<DirectiveRegistry>("DirectiveRegistry", [timelock, nodes]);
  const governor = await deploy<NodeGovernor>("NodeGovernor", [
    nodes,
    timelock,
    directives,
    models,
    parameters,
    guardian,
    guardianExpiry,
    tracks,
  ]);

  await nodes.admit(operators.map((operator, i) => admissionOf(operator.address, `key ${i}`)));
  if (!genesisOpen) await nodes.closeGenesis();
  await handOver(timelock, await governor.getAddress(), deployer);
  // A day later every seat may set its next agent. A proposal takes the committee of the second before it.
  await networkHelpers.time.increase(DAY);
  await beginWindow();

  return { nodes, models, parameters, directives, timelock, governor, operators, guardian, stranger, guardianExpiry };
}

/** The contracts with five nodes and the default tracks, reverted to the state after deployment. */
export async function freshGovernance(): Promise<GovernanceContracts> {
  return consenting(await networkHelpers.loadFixture(defaultGovernance));
}

/** The same before genesis is closed, so that the first account may admit nodes. */
export async function openGenesis(): Promise<GovernanceContracts> {
  return consenting(await networkHelpers.loadFixture(governanceAtGenesis));
}

/** From now on consents are for this registry, though another may have been deployed since. */
async function consenting(contracts: GovernanceContracts): Promise<GovernanceContracts> {
  consentTo(await contracts.nodes.getAddress());
  await beginWindow();
  return contracts;
}

/** The restarts of a test are of one window: the chain's time goes on while other tests run. */
async function beginWindow(): Promise<void> {
  await networkHelpers.mine();
  const now = await networkHelpers.time.latest();
  await networkHelpers.time.increaseTo((Math.floor(now / WINDOW_SECONDS) + 1) * WINDOW_SECONDS + 1);
}

async function governanceAtGenesis(): Promise<GovernanceContracts> {
  return deployGovernance({ genesisOpen: true });
}

async function defaultGovernance(): Promise<GovernanceContracts> {
  return deployGovernance();
}

/** A timelock whose administrator is still `deployer`. */
export async function deployTimelock(deployer: HardhatEthersSigner): Promise<NodeTimelock> {
  return deploy<NodeTimelock>("NodeTimelock", [deployer]);
}

/** Impersonates the timelock, to make a call that otherwise needs a passed vote. */
export async function timelockSigner({
  timelock,
}: Pick<GovernanceContracts, "timelock">): Promise<HardhatEthersSigner> {
  const address = await timelock.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, ethers.parseEther("10"));
  return ethers.getSigner(address);
}

/** Makes `governor` the only proposer, canceller and executor, and takes the deployer's power away. */
export async function handOver(timelock: NodeTimelock, governor: string, deployer: HardhatEthersSigner): Promise<void> {
  await timelock.grantRole(await timelock.PROPOSER_ROLE(), governor);
  await timelock.grantRole(await timelock.CANCELLER_ROLE(), governor);
  await timelock.grantRole(await timelock.EXECUTOR_ROLE(), governor);
  await timelock.renounceRole(await timelock.DEFAULT_ADMIN_ROLE(), deployer);
}

/** Deploys by name from the first account. */
export async function deploy<T>(name: string, args: unknown[]): Promise<T> {
  return (await ethers.deployContract(name, args)) as unknown as T;
}
