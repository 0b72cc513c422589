import { keccak256, Transaction } from "ethers";
import type { SeededRandom } from "./random.js";

/** How nodes of different clients say the same; {@link SimulatedMempool} picks one at random for each refusal. */
const WORDS = {
  known: ["already known", "Known transaction: 0x1", "transaction already imported", "AlreadyKnown"],
  "nonce-used": ["nonce too low: next nonce 5, tx nonce 4", "Nonce too low", "OldNonce, Current nonce: 5"],
  outbid: [
    "replacement transaction underpriced",
    "could not replace existing tx",
    "ReplacementNotAllowed",
    "Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 3 is necessary to replace the existing one.",
  ],
  underpriced: [
    "transaction underpriced: tip needed 2, tip permitted 1",
    "underpriced",
    "FeeTooLow, MaxFeePerGas too low.",
  ],
  "insufficient-funds": ["insufficient funds for gas * price + value", "Upfront cost exceeds account balance"],
  "pool-full": ["txpool is full", "pending sub-pool is full"],
} as const;

const GWEI = 1_000_000_000n;

interface Waiting {
  readonly raw: string;
  readonly hash: string;
  readonly nonce: number;
  readonly max: bigint;
  readonly tip: bigint;
  readonly data: string;
  readonly cost: bigint;
}

/** Shares, 0 to 1, of what goes wrong. */
export interface MempoolFaults {
  /** Of requests whose answer is lost after they took effect. */
  readonly lost: number;
  /** Of requests that do not arrive. */
  readonly unreachable: number;
  /** Of waiting transactions that a pool forgets in a block's time. */
  readonly dropped: number;
  /** Of blocks after which one or two blocks leave the chain; half of their transactions are forgotten with them. */
  readonly reorganised: number;
  /** Of accepted transactions that a full pool refuses. */
  readonly full: number;
}

/** A chain with one account, as its JSON-RPC shows it: a pool with its rules for replacements, blocks, and a base fee. */
export class SimulatedMempool {
  readonly #random: SeededRandom;
  readonly #pool = new Map<number, Waiting>();
  /** By block: what it holds. */
  #blocks: Waiting[][] = [[]];
  /** In wei; set by the simulation. */
  base = GWEI;
  /** What a block's author asks above the base fee, in wei. */
  tip = GWEI;
  balance = 10n ** 24n;
  faults: MempoolFaults;
  /** The highest fee that was ever offered, in wei. */
  highestOffer = 0n;

  constructor(random: SeededRandom, faults: MempoolFaults) {
    this.#random = random;
    this.faults = faults;
  }

  /** What the chain holds, in order: the data of its transactions. */
  get mined(): string[] {
    return this.#blocks.flat().map(({ data }) => data);
  }

  hasMined(hash: string): boolean {
    return this.#blocks.flat().some((each) => each.hash === hash);
  }

  async send(method: string, params: unknown[]): Promise<unknown> {
    const unreachable = () => Object.assign(new Error("fetch failed"), { isLost: true });
    if (this.#random.chance(this.faults.unreachable)) throw unreachable();
    const answer = this.#answer(method, params);
    if (this.#random.chance(this.faults.lost)) throw unreachable();
    return answer;
  }

  /** A block is made; pools forget, and blocks leave the chain. */
  makeBlock(): void {
    for (const nonce of [...this.#pool.keys()]) if (this.#random.chance(this.faults.dropped)) this.#pool.delete(nonce);
    if (this.#random.chance(this.faults.reorganised)) this.#reorganise(this.#random.integer(1, 2));
    const block: Waiting[] = [];
    for (let next = this.#count(); this.#isTaken(this.#pool.get(next)); next++) {
      block.push(this.#pool.get(next) as Waiting);
      this.#pool.delete(next);
    }
    this.#blocks.push(block);
  }

  #reorganise(depth: number): void {
    const gone = this.#blocks.splice(Math.max(1, this.#blocks.length - depth)).flat();
    for (const each of gone) if (this.#random.chance(0.5)) this.#pool.set(each.nonce, each);
    // The other branch is longer.
    while (gone.length > 0 && depth-- > 0) this.#blocks.push([]);
  }

  #isTaken(waiting: Waiting | undefined): boolean {
    return waiting !== undefined && waiting.max >= this.base + this.tip && waiting.tip >= this.tip;
  }

  #count(): number {
    return this.#blocks.flat().length;
  }

  #answer(method: string, [first, second]: unknown[]): unknown {
    const hex = (value: bigint | number) => `0x${value.toString(16)}`;
    switch (method) {
      case "eth_getBlockByNumber":
        return { hash: `0x${"11".repeat(32)}`, number: hex(this.#blocks.length - 1), baseFeePerGas: hex(this.base) };
      case "eth_maxPriorityFeePerGas":
        return hex(this.tip);
      case "eth_getBalance":
        return hex(this.balance);
      case "eth_getTransactionCount": {
        let next = this.#count();
        while (second === "pending" && this.#pool.has(next)) next++;
        return hex(next);
      }
      case "eth_getTransactionReceipt":
        return this.#receipt(String(first));
      case "eth_getTransactionByHash":
        return this.hasMined(String(first)) || this.#isWaiting(String(first)) ? { hash: first } : null;
      case "eth_sendRawTransaction":
        return this.#accept(String(first));
      default:
        throw new Error(`The method ${method} is not simulated.`);
    }
  }

  #isWaiting(hash: string): boolean {
    return [...this.#pool.values()].some((each) => each.hash === hash);
  }

  #receipt(hash: string): unknown {
    const number = this.#blocks.findIndex((block) => block.some((each) => each.hash === hash));
    // Some nodes have a receipt for what waits: it names no block.
    if (number < 0)
      return this.#isWaiting(hash) && this.#random.chance(0.5) ? { transactionHash: hash, blockNumber: null } : null;
    return {
      transactionHash: hash,
      blockNumber: `0x${number.toString(16)}`,
      status: "0x1",
      gasUsed: "0x5208",
      logs: [],
    };
  }

  #accept(raw: string): string {
    const { data, gasLimit, maxFeePerGas, maxPriorityFeePerGas, nonce, value } = Transaction.from(raw);
    const max = maxFeePerGas ?? 0n;
    const tip = maxPriorityFeePerGas ?? 0n;
    const given: Waiting = { raw, hash: keccak256(raw), nonce, max, tip, data, cost: gasLimit * max + value };
    if (max > this.highestOffer) this.highestOffer = max;
    const there = this.#pool.get(nonce);
    if (there?.hash === given.hash) this.#refuse("known");
    if (nonce < this.#count()) this.#refuse("nonce-used");
    if (given.cost > this.balance) this.#refuse("insufficient-funds");
    // A busy pool asks for a part of the base fee, and everybody for a tip.
    if (tip < GWEI / 2n || max < this.base / 4n) this.#refuse("underpriced");
    if (there !== undefined && (max * 100n <= there.max * 110n || tip * 100n <= there.tip * 110n))
      this.#refuse("outbid");
    if (this.#random.chance(this.faults.full)) this.#refuse("pool-full");
    this.#pool.set(nonce, given);
    return given.hash;
  }

  #refuse(why: keyof typeof WORDS): never {
    throw new Error(this.#random.pick(WORDS[why]));
  }
}
