import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionReceipt } from "ethers";
import { type INodeGovernor, ProposalReader__factory } from "../../../src/ports/chain/bindings/index.js";
import { DirectiveKinds, directiveSalt, hasBase, WINDOW_SECONDS } from "../../../src/records/index.js";
import { ethers, type GovernanceContracts, networkHelpers } from "./deployGovernance.js";

export const Support = { against: 0, for: 1, abstain: 2 } as const;
export const State = {
  pending: 0n,
  active: 1n,
  canceled: 2n,
  defeated: 3n,
  succeeded: 4n,
  queued: 5n,
  expired: 6n,
  executed: 7n,
} as const;

/** The numbers of the directive kinds on chain. */
export const Kind = {
  Deploy: 0,
  Scale: 1,
  Rollback: 2,
  Restart: 3,
  StartRound: 4,
  AcceptModel: 5,
  Admit: 6,
  Ban: 7,
  ChangeOperator: 8,
  SetParameter: 9,
  SetFlag: 10,
  SetTrack: 11,
  Experiment: 12,
  Suspend: 13,
  AdmitPublisher: 14,
  RevokePublisher: 15,
} as const;

/** One call that a proposal would make through the timelock. */
export interface Call {
  target: string;
  data: string;
}

/** A directive as the contracts take it. */
interface DirectiveFields {
  kind: number;
  subject: string;
  payload: string;
  delay: number;
  window: number;
  salt: string;
  base: string;
  evidence: string[];
}

/** A directive; fields that are not given get defaults. */
export type DirectiveWords = Pick<DirectiveFields, "kind"> & Partial<DirectiveFields>;

export function directiveOf(words: DirectiveWords): DirectiveFields {
  return {
    // Not the subject of today: another hash has other zero bytes, and the gas snapshot would change with it.
    subject: ethers.id("workload/web-3"),
    payload: ethers.id("payload"),
    delay: 0,
    window: 3600,
    salt: ethers.ZeroHash,
    base: ethers.ZeroHash,
    evidence: [],
    ...words,
  };
}

/** Whether orders of the kind with this number name a base. */
export function namesBase(kind: number): boolean {
  const name = DirectiveKinds[kind];
  return name !== undefined && hasBase(name);
}

/** The salt of the motion number `attempt` that is opened now on a track without a voting delay. */
export async function saltNow(attempt = 0): Promise<string> {
  return directiveSalt(Math.floor((await networkHelpers.time.latest()) / WINDOW_SECONDS), attempt);
}

/** The call that issues a directive, by default on the newest base and with the salt of the motion number `attempt`. */
export async function issueCall(
  { directives, governor }: GovernanceContracts,
  words: DirectiveWords,
  attempt = 0,
): Promise<Call> {
  const target = await directives.getAddress();
  const encode = (directive: DirectiveFields) => directives.interface.encodeFunctionData("issue", [directive]);
  const directive = directiveOf({ salt: directiveSalt(0, attempt), ...words });
  if (words.base === undefined && namesBase(words.kind)) {
    directive.base = await directives.lastIssued(directive.subject);
  }
  if (words.salt === undefined) {
    const { votingDelay } = await governor.trackRules(await trackOf({ governor }, { target, data: encode(directive) }));
    if (votingDelay === 0n) directive.salt = await saltNow(attempt);
  }
  return { target, data: encode(directive) };
}

/** The track that decides on calls. */
export async function trackOf({ governor }: Pick<GovernanceContracts, "governor">, ...calls: Call[]): Promise<bigint> {
  return ProposalReader__factory.connect(await governor.reader(), ethers.provider).trackOf(
    calls.map(({ target }) => target),
    calls.map(({ data }) => data),
  );
}

/** The id of the directive that a call issues. */
export function directiveIdOf({ data }: Pick<Call, "data">): string {
  return ethers.keccak256(ethers.dataSlice(data, 4));
}

/** A call on the operations track whose effect is easy to read: it sets a flag. */
export async function flagCall({ parameters }: GovernanceContracts, name = "learning.enabled"): Promise<Call> {
  const data = parameters.interface.encodeFunctionData("setFlag", [ethers.encodeBytes32String(name), true]);
  return { target: await parameters.getAddress(), data };
}

/**
 * One proposal from opening to execution, in the manner of OpenZeppelin's GovernorHelper: propose, wait, vote, queue,
 * execute.
 *
 * @example
 * const proposal = new GovernanceHelper(contracts.governor, [await issueCall(contracts, { kind: Kind.Restart })]);
 * await proposal.propose(contracts.operators[0]);
 */
export class GovernanceHelper {
  readonly governor: INodeGovernor;
  readonly targets: string[];
  readonly values: bigint[];
  readonly calldatas: string[];
  readonly description: string;
  id = 0n;

  constructor(governor: INodeGovernor, calls: Call[], description = "because") {
    this.governor = governor;
    this.targets = calls.map((call) => call.target);
    this.values = calls.map(() => 0n);
    this.calldatas = calls.map((call) => call.data);
    this.description = description;
  }

  /** Computes the id, so that ballots can be signed before anybody opens the proposal. */
  async withId(): Promise<this> {
    this.id = await this.governor.hashProposal(...this.operation());
    return this;
  }

  async propose(proposer: HardhatEthersSigner | undefined): Promise<ContractTransactionReceipt> {
    await this.withId();
    return mined(this.as(proposer).propose(this.targets, this.values, this.calldatas, this.description));
  }

  /** The id of the directive that its last call issues. */
  get directiveId(): string {
    return directiveIdOf({ data: this.calldatas.at(-1) ?? "0x" });
  }

  /** Waits until ballots count: the first second after the proposal's start. */
  async waitForStart(): Promise<void> {
    await increaseTimeTo((await this.governor.proposalSnapshot(this.id)) + 1n);
  }

  /** Opens the proposal and waits until ballots count. */
  async open(proposer: HardhatEthersSigner | undefined): Promise<this> {
    await this.propose(proposer);
    await this.waitForStart();
    return this;
  }

  /** Waits until ballots no longer count: the first second after the deadline. */
  async waitForEnd(): Promise<void> {
    await increaseTimeTo((await this.governor.proposalDeadline(this.id)) + 1n);
  }

  async waitForEta(): Promise<void> {
    await increaseTimeTo(await this.governor.proposalEta(this.id));
  }

  async waitForExpiry(): Promise<void> {
    await increaseTimeTo((await this.governor.proposalExpiry(this.id)) + 1n);
  }

  async vote(voter: HardhatEthersSigner | undefined, support: number): Promise<ContractTransactionReceipt> {
    return mined(this.as(voter).castVote(this.id, support));
  }

  /** Has each of `voters` vote in turn. */
  async voteAll(voters: HardhatEthersSigner[], support: number = Support.for): Promise<void> {
    for (const voter of voters) await this.vote(voter, support);
  }

  /** Opens the proposal and has each of `voters` vote For. */
  async pass(proposer: HardhatEthersSigner | undefined, voters: HardhatEthersSigner[]): Promise<this> {
    await this.open(proposer);
    await this.voteAll(voters);
    return this;
  }

  async queue(): Promise<ContractTransactionReceipt> {
    return mined(this.governor.queue(...this.operation()));
  }

  async execute(): Promise<ContractTransactionReceipt> {
    return mined(this.governor.execute(...this.operation()));
  }

  /** Queues the passed proposal, waits for its timelock and executes it. */
  async enact(): Promise<void> {
    await this.queue();
    await this.waitForEta();
    await this.execute();
  }

  async cancel(by: HardhatEthersSigner | undefined): Promise<ContractTransactionReceipt> {
    return mined(this.as(by).cancel(...this.operation()));
  }

  /** Opens, passes, queues and executes the proposal; `voters` vote For while it is active. */
  async carryOut(proposer: HardhatEthersSigner | undefined, voters: HardhatEthersSigner[]): Promise<void> {
    await this.open(proposer);
    for (const voter of voters) {
      if ((await this.state()) === State.active) await this.vote(voter, Support.for);
    }
    if ((await this.state()) === State.active) await this.waitForEnd();
    await this.enact();
  }

  async state(): Promise<bigint> {
    return this.governor.state(this.id);
  }

  /** The tally. */
  async votes(): Promise<{ for: bigint; against: bigint; abstain: bigint }> {
    const [against, pro, abstain] = await this.governor.proposalVotes(this.id);
    return { for: pro, against, abstain };
  }

  operation(): [string[], bigint[], string[], string] {
    return [this.targets, this.values, this.calldatas, ethers.id(this.description)];
  }

  private as(signer: HardhatEthersSigner | undefined): INodeGovernor {
    if (!signer) throw new Error("there is no such account");
    return this.governor.connect(signer);
  }
}

/** Moves the chain's time to `second`; does nothing if that has passed. */
export async function increaseTimeTo(second: bigint): Promise<void> {
  if (second > BigInt(await networkHelpers.time.latest())) await networkHelpers.time.increaseTo(second);
}

async function mined(
  sent: Promise<{ wait(): Promise<ContractTransactionReceipt | null> }>,
): Promise<ContractTransactionReceipt> {
  const receipt = await (await sent).wait();
  if (!receipt) throw new Error("the transaction was not mined");
  return receipt;
}
