import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import { leaderOrder } from "../../../src/agent/aggregation/leaderSchedule.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { BallotExchange, type BallotExchangeDependencies } from "../../../src/agent/ballots/exchange.js";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import { signNodeBallot } from "../../../src/agent/ballots/sign.js";
import { readChainView } from "../../../src/agent/chainView.js";
import { type Client, type NodeBallot, type Proposal, type Support, Supports } from "../../../src/client/index.js";
import { messageOf } from "../../../src/errors.js";
import { indicesOf } from "../../../src/ports/chain/bitset.js";
import type { Address, Order, Track, TrackRules } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger, type Logger } from "../../../src/utils/logger.js";
import { TestClock } from "../../harness/clock.js";
import { createTestDao, restartOrder } from "../../harness/dao.js";
import { type DeployWitanOptions, shortTracks } from "../../harness/deploy.js";
import { Hub } from "./hub.js";
import { bls, temporaryFolder } from "./roll.js";

/** How long a story may take on a busy machine. */
export const patience = { timeout: 60_000, interval: 100 };
vi.setConfig({ testTimeout: 3 * patience.timeout });
/** Nobody waits this long: what decides nothing stays where it is. */
export const NEVER_MS = 3_600_000;
const LOOK_MS = 100;

/** Restarts are decided at leisure, and to the end: nothing ends before its deadline, a day later. */
export function unhurried(change: Partial<TrackRules> = {}): Record<Track, TrackRules> {
  return { ...shortTracks, emergency: { ...shortTracks.emergency, votingPeriod: 86_400, fastPath: 0, ...change } };
}

export interface SeatOptions extends Partial<Pick<BallotExchangeDependencies, "gossip" | "refusePeer">> {
  /** What the node's client does otherwise. */
  readonly client?: Partial<Client>;
  readonly stragglersMs?: number;
  readonly blsSecret?: Uint8Array;
}

export type Electorate = Awaited<ReturnType<typeof createElectorate>>;

/** Nodes that vote: real contracts, clients and exchanges over a mesh in memory. All of them are closed with the test. */
export async function createElectorate(options: DeployWitanOptions = {}) {
  const setting = await createTestDao(options);
  const dir = await temporaryFolder();
  const hub = new Hub();
  const seats = new Map<number, Seat>();
  const logs: { node: number; level: string; message: string; [field: string]: unknown }[] = [];
  const clock = new TestClock();
  onTestFinished(async () => {
    await stop(...seats.keys());
    setting.close();
    expect(hub.errors).toEqual([]);
  });

  const { witan } = setting;
  const governor = setting.client().chain.contracts.governor;
  const operatorOf = (index: number) => setting.client(index).account as Address;

  /** Gives nodes their place in the mesh and a folder; the same one each time. They look at nothing yet. */
  async function seat(indices: readonly number[], change: SeatOptions = {}): Promise<void> {
    for (const index of indices) {
      const client: Client = { ...setting.client(index), ...change.client };
      const logger = createLogger("info", (line) => logs.push(JSON.parse(line)), { node: index });
      const tasks = new BackgroundJobs(logger);
      const blsSecret = change.blsSecret ?? witan.blsKeys[index] ?? new Uint8Array();
      const exchange = await BallotExchange.open({
        dir: join(dir, `node-${index}`),
        nodes: [{ operator: operatorOf(index), client, blsSecret }],
        gossip: change.gossip ?? hub.peer(nameOf(index)),
        bls,
        clock,
        jobs: tasks,
        logger,
        stragglersMs: change.stragglersMs ?? NEVER_MS,
        refusePeer: change.refusePeer,
      });
      seats.set(index, new Seat(client, exchange, tasks, logger));
    }
  }

  async function stop(...indices: number[]): Promise<void> {
    await Promise.all(
      indices.map(async (index) => {
        await seats.get(index)?.stop();
        seats.delete(index);
      }),
    );
  }

  /** Opens a restart and waits until ballots count. */
  async function open(order: Order = restartOrder): Promise<Proposal> {
    const { proposalId } = await setting.client().openProposal({ order });
    await expect.poll(async () => (await setting.client().getProposal({ proposalId })).state, patience).toBe("Active");
    return setting.client().getProposal({ proposalId });
  }

  /** Has nodes send their ballots, by index. */
  async function vote(proposal: Proposal, ballots: Readonly<Record<number, Support>>): Promise<void> {
    for (const [index, support] of Object.entries(ballots)) {
      const reason = `node ${index} says ${support}`;
      await seatOf(Number(index)).exchange.cast(
        proposal,
        { proposalId: proposal.id, support, reason },
        operatorOf(Number(index)),
      );
    }
  }

  /** What a node would send, past every check of its own. */
  async function sign(proposalId: string, index: number, support: Support, blsSecret = witan.blsKeys[index]) {
    const node = {
      operator: operatorOf(index),
      client: setting.client(index),
      blsSecret: blsSecret ?? new Uint8Array(),
    };
    const aggregates = await setting.client().chain.contracts.nodes.aggregates();
    return signNodeBallot({ bls, aggregates, node, proposalId, index, support });
  }

  function seatOf(index: number): Seat {
    const found = seats.get(index);
    if (found === undefined) throw new Error(`node ${index} has no seat`);
    return found;
  }

  /** Who counts on chain and how, as its events tell; all that the contract says of it agrees. */
  async function counted(proposalId: string): Promise<Record<number, Support>> {
    const { chain } = setting.client();
    const events = await chain.events({ names: ["BallotsCounted", "VoteCast"] });
    const { epoch } = await governor.proposalRules(proposalId);
    const votes: { index: number; support: Support }[] = [];
    for (const { name, args } of events) {
      if (args.proposalId.toString() !== proposalId) continue;
      if (name === "VoteCast") {
        const index = Number(await chain.contracts.nodes.indexOf(args.voter, epoch));
        votes.push({ index, support: Supports[Number(args.support)] ?? "abstain" });
      } else {
        const bits = { for: args.forBits, against: args.againstBits, abstain: args.abstainBits };
        for (const support of Supports) for (const index of indicesOf(bits[support])) votes.push({ index, support });
      }
    }
    votes.sort((a, b) => a.index - b.index);
    // Nothing counts twice, and what events tell is what the contract keeps. Between two blocks they may differ.
    const numbers = votes.map(({ index }) => index);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(indicesOf([await governor.votedBits(proposalId, 0)])).toEqual(numbers);
    const tally = await governor.proposalVotes(proposalId);
    const count = (support: Support) => BigInt(votes.filter((each) => each.support === support).length);
    expect([...tally]).toEqual([count("against"), count("for"), count("abstain")]);
    return Object.fromEntries(votes.map(({ index, support }) => [index, support]));
  }

  /** All transactions with ballots on a proposal, in the order of the chain. */
  async function transactions(proposalId: string): Promise<{ by: number; method: string; failed: boolean }[]> {
    const send = (method: string, ...params: unknown[]) => witan.provider.request({ method, params });
    const operators = witan.operators.map(({ address }) => address.toLowerCase());
    const found: { by: number; method: string; failed: boolean }[] = [];
    for (
      let number = witan.deployment.deployedAtBlock;
      number <= (await setting.client().chain.blockNumber());
      number++
    ) {
      const block = (await send("eth_getBlockByNumber", `0x${number.toString(16)}`, true)) as RawBlock;
      for (const { from, hash, input, to } of block.transactions) {
        if (to?.toLowerCase() !== witan.deployment.contracts.NodeGovernor.toLowerCase()) continue;
        const call = governor.interface.parseTransaction({ data: input });
        if (!call?.name.startsWith("castVote") || String(call.args[0]) !== proposalId) continue;
        const { status } = (await send("eth_getTransactionReceipt", hash)) as { status: string };
        found.push({ by: operators.indexOf(from), method: call.name, failed: BigInt(status) === 0n });
      }
    }
    return found;
  }

  /** The transactions that brought what counts. Whoever comes second has mostly been told so before it pays. */
  async function brought(proposalId: string): Promise<{ by: number; method: string }[]> {
    const sent = await transactions(proposalId);
    expect(sent.filter(({ failed }) => failed).length).toBeLessThanOrEqual(1);
    return sent.filter(({ failed }) => !failed).map(({ by, method }) => ({ by, method }));
  }

  return {
    setting,
    hub,
    logs,
    operatorOf,
    seat,
    seatOf,
    stop,
    open,
    vote,
    sign,
    counted,
    transactions,
    brought,
    /** Who settles a proposal, the first in line first. */
    lineOf(proposalId: string): number[] {
      const operators = witan.operators.map(({ address }) => address as Address);
      const indices = new Map(operators.map((each, index) => [each.toLowerCase(), index]));
      return leaderOrder(`settle ${proposalId}`, operators).flatMap((each) => indices.get(each) ?? []);
    },
    /** Sends whatever bytes a node likes to its neighbours. */
    async say(index: number, ...ballots: readonly NodeBallot[]): Promise<void> {
      const topic = `witan/ballots/1/${witan.deployment.contracts.NodeGovernor.toLowerCase()}`;
      for (const ballot of ballots) await hub.peer(nameOf(index)).publish(topic, encodeBallot(ballot));
    },
    /** Has seated nodes look at the nodes on chain, but at no proposal: ballots spread, and nothing is settled. */
    async meet(): Promise<void> {
      for (const each of seats.values()) await each.look([]);
    },
    /** Has these nodes, or all that are seated, look at the chain again and again; resolves when each has once. */
    async run(...indices: number[]): Promise<void> {
      await Promise.all((indices.length === 0 ? [...seats.keys()] : indices).map((index) => seatOf(index).run()));
    },
    /** Waits until these nodes, or all that are seated, know the ballots of so many. */
    async heard(proposalId: string, count: number, ...indices: number[]): Promise<void> {
      const all = indices.length === 0 ? [...seats.keys()] : indices;
      const known = () => all.map((index) => seatOf(index).exchange.view(proposalId).known.length);
      await expect.poll(known, patience).toEqual(all.map(() => count));
    },
    clock,
    /** Moves the nodes' clocks on; the chain's time stays. */
    pass(milliseconds: number): void {
      clock.pass(milliseconds);
    },
    /** Waits until exactly these count. */
    async settles(proposalId: string, ballots: Readonly<Record<number, Support>>): Promise<void> {
      const bits = async () => indicesOf([await governor.votedBits(proposalId, 0)]);
      await expect.poll(bits, patience).toEqual(Object.keys(ballots).map(Number));
      expect(await counted(proposalId)).toEqual(ballots);
    },
  };
}

interface RawBlock {
  readonly transactions: readonly { from: string; to: string | null; input: string; hash: string }[];
}

/** One node: its exchange, and the loop that shows it the chain. */
class Seat {
  readonly exchange: BallotExchange;
  readonly #client: Client;
  readonly #tasks: BackgroundJobs;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(client: Client, exchange: BallotExchange, tasks: BackgroundJobs, logger: Logger) {
    this.#client = client;
    this.exchange = exchange;
    this.#tasks = tasks;
    this.#logger = logger;
  }

  /** One look, as of a cycle of the agent. */
  async look(proposals?: readonly Proposal[]): Promise<void> {
    const view = await readChainView(this.#client);
    await this.exchange.update({ ...view, proposals: proposals ?? view.proposals }, []);
  }

  async run(): Promise<void> {
    await this.look();
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.exchange.close();
    await this.#tasks.settled();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await systemClock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.look().catch((error: unknown) => this.#logger.warn("a look failed", { reason: messageOf(error) }));
    }
  }
}

function nameOf(index: number): string {
  return `node ${index}`;
}

/** All of these nodes say the same. */
export function all(indices: readonly number[], support: Support): Record<number, Support> {
  return Object.fromEntries(indices.map((index) => [index, support]));
}
