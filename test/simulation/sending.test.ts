/**
 * One account's transactions through fee spikes, pools that forget, answers that are lost, reorganisations and kills.
 *
 * Found:
 * - A call that keeps its nonce for good is carried out at most once by the chain's own rule, whatever else goes wrong. To give a
 *   stuck nonce to another call loses that property in a reorganisation.
 * - Fees that are bumped by exactly a pool's percentage are refused for ever: pools compare strictly, after rounding.
 * - A refused bump must count for the next one, or the same fees are refused each time.
 * - After a reorganisation the bytes have to be sent again: pools forget some, and all later nonces wait behind the gap.
 */
import { Transaction, type TransactionLike } from "ethers";
import { describe, expect, it } from "vitest";
import { ChainError } from "../../src/ports/chain/index.js";
import { AccountSender } from "../../src/ports/chain/transactions/account/accountSender.js";
import { type SentEntry, SentTransactions } from "../../src/ports/chain/transactions/sentTransactions.js";
import { seedOf, shortOrLong } from "../harness/soak.js";
import { VirtualClock } from "../harness/virtualClock.js";
import { type MempoolFaults, SimulatedMempool } from "./mempool.js";
import { SeededRandom } from "./random.js";

const GWEI = 1_000_000_000n;
const CAP_GWEI = 200n;
const BLOCK_MS = 12_000;
const CALLS = 12;
const NO_FAULTS: MempoolFaults = { lost: 0, unreachable: 0, dropped: 0, reorganised: 0, full: 0 };
const BAD_DAY: MempoolFaults = { lost: 0.05, unreachable: 0.05, dropped: 0.1, reorganised: 0.04, full: 0.1 };

interface Scenario {
  readonly seed: number;
  readonly faults: MempoolFaults;
  /** Of blocks after which the process is killed. */
  readonly kills: number;
  /** By how much fees rise at times. */
  readonly spike: bigint;
}

interface Report {
  /** How often each call was carried out, in the end. */
  readonly counts: readonly number[];
  /** Calls that were acknowledged with the hash of a transaction that the chain does not hold in the end. */
  readonly untrue: number;
  readonly highestOffer: bigint;
}

/** One process: it ends wherever it is when it is killed. What it wrote by then is there for the next one. */
class Process {
  #isKilled = false;

  constructor(
    readonly chain: SimulatedMempool,
    readonly disk: SentEntry[],
    readonly clock: VirtualClock,
  ) {}

  kill(): void {
    this.#isKilled = true;
  }

  /** Work of this process: it never goes on once that is killed. */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isKilled) return new Promise(() => undefined);
    const done = work();
    await Promise.allSettled([done]);
    return this.#isKilled ? new Promise(() => undefined) : done;
  }

  sender(): AccountSender {
    const { chain, clock, disk } = this;
    const journal = {
      append: (entry: SentEntry) => this.#run(async () => void disk.push(entry)),
      replace: (entries: readonly SentEntry[]) => this.#run(async () => void disk.splice(0, disk.length, ...entries)),
      close: async () => undefined,
    };
    return new AccountSender({
      rpc: { send: (method, params) => this.#run(() => ask(chain, method, params as unknown[])) },
      account: "0x00000000000000000000000000000000000000aa",
      chainId: 1,
      sign: (transaction) => this.#run(async () => signed(transaction)),
      sent: new SentTransactions(journal, [...disk]),
      clock,
      pollMs: 3_000,
      maxFee: CAP_GWEI * GWEI,
      tip: "pending",
      timeoutMs: 120_000,
    });
  }
}

async function ask(chain: SimulatedMempool, method: string, params: unknown[]): Promise<unknown> {
  try {
    return await chain.send(method, params);
  } catch (error) {
    if (error instanceof Error && "isLost" in error) throw new ChainError("rpc-unreachable", error.message);
    throw error;
  }
}

/** Signed by nobody: the simulated chain looks at no signature. */
function signed(transaction: TransactionLike): string {
  const one = Transaction.from(transaction);
  one.signature = { r: `0x${"1".repeat(64)}`, s: `0x${"2".repeat(64)}`, v: 27 };
  return one.serialized;
}

async function run({ faults, kills, seed, spike }: Scenario): Promise<Report> {
  const random = new SeededRandom(seed);
  const clock = new VirtualClock();
  const chain = new SimulatedMempool(random, faults);
  const disk: SentEntry[] = [];
  const acknowledged = new Map<number, string>();
  const started = new Set<number>();
  let process = new Process(chain, disk, clock);

  /** What an agent does: one call after another, each again and again until it is acknowledged. */
  async function work(sender: AccountSender, alive: Process): Promise<void> {
    for (let call = 0; call < CALLS; call++) {
      if (acknowledged.has(call)) continue;
      // At different moments of calm days and bad ones.
      if (acknowledged.has(call - 1) && !started.has(call)) await clock.sleep(((seed + call * 7) % 11) * BLOCK_MS + 1);
      started.add(call);
      while (!acknowledged.has(call)) {
        try {
          const sent = await sender.begin(
            { to: `0x${"0".repeat(40)}`, value: 0n, data: dataOf(call) },
            async () => 100_000n,
          );
          const { transactionHash } = await sender.settle(sent);
          if (alive === process) acknowledged.set(call, transactionHash);
        } catch (error) {
          if (!(error instanceof Error)) throw error;
          await clock.sleep(30_000);
        }
      }
    }
  }

  void work(process.sender(), process);
  let calm = 0;
  for (let block = 0; block < 1_500 && calm < 60; block++) {
    await clock.pass(BLOCK_MS);
    const isSpike = block % 40 >= 15 && block % 40 < 25;
    chain.base = GWEI * (isSpike ? spike : 1n) + BigInt(random.integer(0, 200_000_000));
    // Within what nodes take for the same order of price, creeping up: only a bump by itself gets a transaction on.
    chain.tip = (GWEI * BigInt(10 + (block % 9))) / 10n;
    chain.makeBlock();
    if (acknowledged.size === CALLS - 1) chain.faults = NO_FAULTS;
    if (acknowledged.size === CALLS) calm += 1;
    if (calm === 0 && random.chance(kills)) {
      process.kill();
      process = new Process(chain, disk, clock);
      void work(process.sender(), process);
    }
  }
  const { mined, highestOffer } = chain;
  const counts = Array.from({ length: CALLS }, (_, call) => mined.filter((data) => data === dataOf(call)).length);
  const untrue = [...acknowledged.values()].filter((hash) => !chain.hasMined(hash)).length;
  return { counts, untrue, highestOffer };
}

function dataOf(call: number): string {
  return `0x${(call + 1).toString(16).padStart(8, "0")}`;
}

const seeds = Array.from({ length: shortOrLong(6, 200) }, (_, i) => seedOf(1) + i);
const once = Array.from({ length: CALLS }, () => 1);

describe("an account's transactions", () => {
  it.each([
    ["a spike of x50, below the cap", { spike: 50n, faults: NO_FAULTS, kills: 0 }],
    ["a spike far above the cap", { spike: 2_000n, faults: NO_FAULTS, kills: 0 }],
    ["kills at any instant", { spike: 50n, faults: NO_FAULTS, kills: 0.15 }],
    ["a bad day of all kinds", { spike: 50n, faults: BAD_DAY, kills: 0.05 }],
  ])("are each carried out once through %s, and none above the cap", async (_, scenario) => {
    for (const seed of seeds) {
      const { counts, highestOffer, untrue } = await run({ ...scenario, seed });
      expect({ seed, counts }).toEqual({ seed, counts: once });
      // After a reorganisation another version of the same transaction may be in a block.
      if (scenario.faults.reorganised === 0) expect(untrue).toBe(0);
      expect(highestOffer <= CAP_GWEI * GWEI).toBe(true);
    }
  });
});
