import { join } from "node:path";
import { getBytes } from "ethers";
import { expect, onTestFinished, vi } from "vitest";
import { leaderOrder } from "../../../src/agent/aggregation/leaderSchedule.js";
import { AttestationExchange } from "../../../src/agent/attestations/exchange.js";
import { encodeAttestation } from "../../../src/agent/attestations/message.js";
import { signAttestation } from "../../../src/agent/attestations/sign.js";
import { type Attestation, partOf, type Statement } from "../../../src/agent/attestations/statement.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { readChainView } from "../../../src/agent/chainView.js";
import type { Client, IssuedDirective } from "../../../src/client/index.js";
import { messageOf } from "../../../src/errors.js";
import type { Address, ContentId, Hex, Order } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger, type Logger } from "../../../src/utils/logger.js";
import { TestClock } from "../../harness/clock.js";
import { createTestDao, restartOrder } from "../../harness/dao.js";
import type { DeployWitanOptions } from "../../harness/deploy.js";
import { NEVER_MS, patience } from "../ballots/electorate.js";
import { Hub } from "../ballots/hub.js";
import { bls, temporaryFolder } from "../ballots/roll.js";

export { NEVER_MS, patience };

vi.setConfig({ testTimeout: 3 * patience.timeout });
const LOOK_MS = 100;

/** What a node says of a directive. */
export type Said = Pick<Statement, "report" | "outcome">;

export const outcomeOf = (name: number): ContentId => `0x${name.toString(16).padStart(2, "0").repeat(32)}`;
export const ready: Said = { report: "ready", outcome: null };
export const done: Said = { report: "done", outcome: outcomeOf(1) };
export const failed: Said = { report: "failed", outcome: outcomeOf(2) };

export interface SeatOptions {
  /** What the node's client does otherwise. */
  readonly client?: Partial<Client>;
  readonly stragglersMs?: number;
  readonly blsSecret?: Uint8Array;
  /** How it signs, where that is faulty. */
  readonly library?: typeof bls;
}

export type Committee = Awaited<ReturnType<typeof createCommittee>>;

/** Nodes that attest: real contracts, clients and exchanges over a mesh in memory. All of them are closed with the test. */
export async function createCommittee(options: DeployWitanOptions = {}) {
  const setting = await createTestDao(options);
  const { witan } = setting;
  const dir = await temporaryFolder();
  const hub = new Hub();
  const seats = new Map<number, Seat>();
  const logs: { node: number; level: string; message: string; [field: string]: unknown }[] = [];
  const refused: { by: number; peer: string }[] = [];
  const clock = new TestClock();
  onTestFinished(async () => {
    await stop(...seats.keys());
    setting.close();
    expect(hub.errors).toEqual([]);
  });

  const operatorOf = (index: number) => setting.client(index).account as Address;
  const journalOf = (index: number) => join(dir, `node-${index}`, "attestations.jsonl");
  const all = (indices: readonly number[]) => (indices.length === 0 ? [...seats.keys()] : indices);

  /** Gives nodes their place in the mesh and a journal; the same one each time. They look at nothing yet. */
  async function seat(indices: readonly number[], change: SeatOptions = {}): Promise<void> {
    for (const index of indices) {
      const client: Client = { ...setting.client(index), ...change.client };
      const logger = createLogger("info", (line) => logs.push(JSON.parse(line)), { node: index });
      const tasks = new BackgroundJobs(logger);
      const blsSecret = change.blsSecret ?? witan.blsKeys[index] ?? new Uint8Array();
      const exchange = await AttestationExchange.open({
        path: journalOf(index),
        node: { operator: operatorOf(index), client, blsSecret },
        gossip: hub.peer(nameOf(index)),
        bls: change.library ?? bls,
        clock,
        jobs: tasks,
        logger,
        stragglersMs: change.stragglersMs ?? NEVER_MS,
        refusePeer: (peer) => refused.push({ by: index, peer }),
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

  function seatOf(index: number): Seat {
    const found = seats.get(index);
    if (found === undefined) throw new Error(`node ${index} has no seat`);
    return found;
  }

  /** Has the nodes decide on an order, or a restart of this replica; it is issued and, without a delay, active. */
  async function issue(
    what: string | Order = "web-3",
    times: { delay?: number; window?: number } = {},
  ): Promise<IssuedDirective> {
    const order =
      typeof what === "string" ? ({ ...restartOrder, replica: what, instance: `${what}/1` } as Order) : what;
    const { proposalId } = await setting.client().openProposal({ order, ...times });
    const directiveId = await setting.carryOut(proposalId);
    return setting.client().getDirective({ directiveId });
  }

  /** Has nodes say so. */
  async function attest(directive: IssuedDirective, said: Said, ...indices: number[]): Promise<void> {
    for (const index of indices) await seatOf(index).exchange.attest(directive, said);
  }

  /** What a node would send, past every check of its own. */
  function sign(directiveId: Hex, index: number, said: Said, blsSecret = witan.blsKeys[index]): Attestation {
    const { addresses, chainId } = setting.client().chain;
    const context = { chainId, directives: addresses.DirectiveRegistry };
    const statement = { directiveId, ...said };
    return signAttestation({ bls, context, blsSecret: blsSecret ?? new Uint8Array(), index, statement });
  }

  /** All transactions with reports on a directive, in the order of the chain. */
  async function transactions(directiveId: Hex): Promise<{ by: number; method: string; failed: boolean }[]> {
    const send = (method: string, ...params: unknown[]) => witan.provider.request({ method, params });
    const { chain } = setting.client();
    const operators = witan.operators.map(({ address }) => address.toLowerCase());
    const found: { by: number; method: string; failed: boolean }[] = [];
    for (let number = witan.deployment.deployedAtBlock; number <= (await chain.blockNumber()); number++) {
      const block = (await send("eth_getBlockByNumber", `0x${number.toString(16)}`, true)) as RawBlock;
      for (const { from, hash, input, to } of block.transactions) {
        if (to?.toLowerCase() !== chain.addresses.DirectiveRegistry.toLowerCase()) continue;
        const call = chain.contracts.directives.interface.parseTransaction({ data: input });
        if (!call?.name.startsWith("report") || call.args[0] !== directiveId) continue;
        const { status } = (await send("eth_getTransactionReceipt", hash)) as { status: string };
        found.push({ by: operators.indexOf(from), method: call.name, failed: BigInt(status) === 0n });
      }
    }
    return found;
  }

  /** What counts of each node on chain, its last word; no node has ended its part twice. */
  async function counted(directiveId: Hex): Promise<Record<number, Said>> {
    const reports = await setting.client().listReports({ directiveId });
    const ends = reports.filter((said) => partOf(said) === "end").map(({ node }) => node);
    expect(new Set(ends).size).toBe(ends.length);
    const operators = witan.operators.map(({ address }) => address.toLowerCase());
    const said = reports.map(({ node, outcome, report }) => [
      operators.indexOf(node.toLowerCase()),
      { report, outcome },
    ]);
    return Object.fromEntries(said);
  }

  return {
    setting,
    hub,
    logs,
    refused,
    seat,
    seatOf,
    stop,
    issue,
    attest,
    sign,
    transactions,
    counted,
    journalOf,
    statusOf: async (directiveId: Hex) => (await setting.client().getDirective({ directiveId })).status,
    /** The transactions that brought what counts. Whoever comes second has mostly been told so before it pays. */
    async brought(directiveId: Hex): Promise<{ by: number; method: string }[]> {
      const sent = await transactions(directiveId);
      expect(sent.filter((each) => each.failed).length).toBeLessThanOrEqual(1);
      return sent.filter((each) => !each.failed).map(({ by, method }) => ({ by, method }));
    },
    /** Who settles what the nodes say of a directive's end, the first in line first. */
    lineOf(directiveId: Hex): number[] {
      const operators = witan.operators.map(({ address }) => address as Address);
      const indices = new Map(operators.map((each, index) => [each.toLowerCase(), index]));
      return leaderOrder(`attest ${directiveId}`, operators).flatMap((each) => indices.get(each) ?? []);
    },
    /** Sends whatever a node likes to its neighbours. */
    async say(index: number, ...messages: readonly (Attestation | Uint8Array)[]): Promise<void> {
      const topic = `witan/attestations/1/${witan.deployment.contracts.DirectiveRegistry.toLowerCase()}`;
      for (const message of messages) {
        const bytes = message instanceof Uint8Array ? message : encodeAttestation(message);
        await hub.peer(nameOf(index)).publish(topic, bytes);
      }
    },
    /** Has seated nodes look at the nodes on chain, but at no directive: they know of none until they hear of it. */
    async meet(): Promise<void> {
      for (const each of seats.values()) await each.look([]);
    },
    /** Has these nodes, or all that are seated, look at the chain once. */
    async look(...indices: number[]): Promise<void> {
      await Promise.all(all(indices).map((index) => seatOf(index).look()));
    },
    /** Has these nodes, or all that are seated, look at the chain again and again; resolves when each has once. */
    async run(...indices: number[]): Promise<void> {
      await Promise.all(all(indices).map((index) => seatOf(index).run()));
    },
    /** Waits until these nodes, or all that are seated, know so many attestations. */
    async heard(directive: IssuedDirective, count: number, ...indices: number[]): Promise<void> {
      const known = () => all(indices).map((index) => seatOf(index).exchange.heard(directive).length);
      await expect.poll(known, patience).toEqual(all(indices).map(() => count));
    },
    clock,
    /** Moves the nodes' clocks on; the chain's time stays. */
    pass(milliseconds: number): void {
      clock.pass(milliseconds);
    },
    /** Moves the chain on until so many seconds are left for a directive. */
    async leave(directive: IssuedDirective, seconds: number): Promise<void> {
      await witan.increaseTime(directive.deadline - (await setting.client().chain.now()) - seconds);
    },
    /** Waits until exactly these nodes count so. */
    async counts(directiveId: Hex, said: Readonly<Record<number, Said>>): Promise<void> {
      await expect.poll(() => counted(directiveId), patience).toEqual(said);
    },
  };
}

interface RawBlock {
  readonly transactions: readonly { from: string; to: string | null; input: string; hash: string }[];
}

/** One node: its exchange, and the loop that shows it the chain. */
class Seat {
  readonly exchange: AttestationExchange;
  readonly client: Client;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(client: Client, exchange: AttestationExchange, tasks: BackgroundJobs, logger: Logger) {
    this.client = client;
    this.exchange = exchange;
    this.tasks = tasks;
    this.logger = logger;
  }

  /** One look, as of a cycle of the agent. */
  async look(directives?: readonly IssuedDirective[]): Promise<void> {
    const view = await readChainView(this.client);
    await this.exchange.update({ ...view, directives: directives ?? view.directives });
  }

  async run(): Promise<void> {
    await this.look();
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.exchange.close();
    await this.tasks.settled();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await systemClock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.look().catch((error: unknown) => this.logger.warn("a look failed", { reason: messageOf(error) }));
    }
  }
}

function nameOf(index: number): string {
  return `node ${index}`;
}

/** All of these nodes say the same. */
export function all(indices: readonly number[], said: Said): Record<number, Said> {
  return Object.fromEntries(indices.map((index) => [index, said]));
}

/** The attestation with one bit of its signature turned. */
export function altered(attestation: Attestation): Attestation {
  const signature = getBytes(attestation.signature).slice();
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return { ...attestation, signature };
}
