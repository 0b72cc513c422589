import type { Client } from "../../client/index.js";
import { isPastRetention, RetentionParameters, type RetentionRules, retentionRules } from "../../policy/index.js";
import {
  type BlockHeader,
  encodeName,
  type FinalityRule,
  readFinalHeader,
  readHeader,
} from "../../ports/chain/index.js";
import { type ContentId, type RecordKind, RecordKinds } from "../../records/index.js";
import { createLruCache } from "../../utils/lruCache.js";
import { RetentionHolds } from "./retentionHolds.js";

/** Times of blocks that are remembered: enough for a search and for the anchors that expire in one tick. */
const MAX_TIMES = 4_096;
/** Expired records stay in a node's index for a week more, as their blocks do on its disk: a vote may keep them after all. */
const FORGET_AFTER_SECONDS = 7 * 86_400;

/** The rules of retention as of a final block: the same on every node that reads the same block. */
export interface RetentionTerms {
  readonly rules: RetentionRules;
  /** The chain's time at that block, in seconds. */
  readonly now: number;
  /** The newest block whose records of a kind are past their retention; -1 if no block is. */
  readonly lastPastBlock: Readonly<Record<RecordKind, number>>;
  /** The newest block all of whose records, of any kind, are past their retention; -1 if no block is. */
  readonly lastAllPastBlock: number;
  /** The newest block whose states expired so long ago that nodes forget them; -1 if no block is. */
  readonly lastForgottenBlock: number;
  /** The records for which `isPast` is true that are on hold: they stay, whatever their age. */
  readHolds(isPast: (contentId: ContentId) => boolean): Promise<ReadonlySet<ContentId>>;
  /** When a block was made, in seconds by the chain. */
  timeOf(block: number): Promise<number>;
}

export interface RetentionReader {
  /** As they were read last; before the first reading the defaults. */
  readonly rules: RetentionRules;
  /** @throws ChainError; then nothing may be unpinned. */
  read(): Promise<RetentionTerms>;
}

export interface ChainRetentionReaderDependencies {
  readonly client: Client;
  readonly finality: FinalityRule;
  /** Unless a vote says otherwise. */
  readonly replicas: RetentionRules["replicas"];
}

const NONE_PAST = { State: -1, Model: -1, Incident: -1, Outcome: -1 } as const;

/** Reads the terms from the chain: the parameters once for each final block, and a few headers. */
export class ChainRetentionReader implements RetentionReader {
  readonly #dependencies: ChainRetentionReaderDependencies;
  readonly #holds: RetentionHolds;
  readonly #times = createLruCache<number, number>(MAX_TIMES);
  #final: BlockHeader | undefined;
  #rules: RetentionRules;
  #lastPastBlock: Readonly<Record<RecordKind, number>> = NONE_PAST;
  #lastForgottenBlock = -1;

  constructor(dependencies: ChainRetentionReaderDependencies) {
    this.#dependencies = dependencies;
    this.#holds = new RetentionHolds(dependencies.client);
    this.#rules = retentionRules(new Map(), dependencies.replicas);
  }

  get rules(): RetentionRules {
    return this.#rules;
  }

  async read(): Promise<RetentionTerms> {
    await this.#refresh();
    const final = this.#final;
    const lastPastBlock = this.#lastPastBlock;
    return {
      rules: this.#rules,
      now: final?.time ?? 0,
      lastPastBlock,
      lastAllPastBlock: Math.min(...Object.values(lastPastBlock)),
      lastForgottenBlock: this.#lastForgottenBlock,
      readHolds: (isPast) => this.#holds.read(isPast, final?.number),
      timeOf: (block) => this.#timeOf(block),
    };
  }

  /** Reads the newest final block, unless an endpoint that lags behind gives an older one. */
  async #refresh(): Promise<void> {
    const { client, finality } = this.#dependencies;
    const final = await readFinalHeader(client.chain, finality);
    if (final === undefined || final.number < client.chain.deployedAtBlock) return;
    if (this.#final !== undefined && final.number <= this.#final.number) return;
    const rules = await this.#rulesAt(final.number);
    const lastPastBlock = await this.#searchPastBlocks(rules, final);
    this.#lastForgottenBlock = await this.#searchForgotten(rules, final);
    this.#lastPastBlock = lastPastBlock;
    this.#rules = rules;
    this.#final = final;
  }

  async #rulesAt(blockTag: number): Promise<RetentionRules> {
    const { client, replicas } = this.#dependencies;
    const { parameters } = client.chain.contracts;
    const values = await Promise.all(
      RetentionParameters.map((name) =>
        client.chain.read(() => parameters.tryParameter(encodeName(name), { blockTag })),
      ),
    );
    const voted = RetentionParameters.flatMap((name, i) => {
      const { set, value } = values[i] ?? { set: false, value: 0n };
      return set ? [[name, value] as const] : [];
    });
    return retentionRules(new Map(voted), replicas);
  }

  async #searchPastBlocks(
    rules: RetentionRules,
    { number, time: now }: BlockHeader,
  ): Promise<Record<RecordKind, number>> {
    const { deployedAtBlock } = this.#dependencies.client.chain;
    const found: Record<RecordKind, number> = { ...NONE_PAST };
    for (const kind of RecordKinds) {
      if (!Number.isFinite(rules.retain[kind])) continue;
      // A block that is past stays past while the rule is the same.
      const known = rules.retain[kind] === this.#rules.retain[kind] ? this.#lastPastBlock[kind] : -1;
      const isPast = async (block: number) =>
        isPastRetention({ kind, anchoredAt: await this.#timeOf(block) }, now, rules);
      const last = await searchNewest(Math.max(known, deployedAtBlock - 1), number, isPast);
      found[kind] = last < deployedAtBlock ? -1 : last;
    }
    return found;
  }

  async #searchForgotten(rules: RetentionRules, { number, time }: BlockHeader): Promise<number> {
    const { deployedAtBlock } = this.#dependencies.client.chain;
    if (!Number.isFinite(rules.retain.State)) return -1;
    const known = rules.retain.State === this.#rules.retain.State ? this.#lastForgottenBlock : -1;
    const isForgotten = async (block: number) => {
      const anchored = { kind: "State", anchoredAt: await this.#timeOf(block) } as const;
      return isPastRetention(anchored, time - FORGET_AFTER_SECONDS, rules);
    };
    const last = await searchNewest(Math.max(known, deployedAtBlock - 1), number, isForgotten);
    return last < deployedAtBlock ? -1 : last;
  }

  async #timeOf(block: number): Promise<number> {
    const known = this.#times.get(block);
    if (known !== undefined) return known;
    const header = await readHeader(this.#dependencies.client.chain, block);
    if (header === undefined) throw new RangeError(`There is no block ${block}.`);
    this.#times.set(block, header.time);
    return header.time;
  }
}

/**
 * Finds the newest block above `before` and up to `last` for which `holds` is true; `before` if it is true for no block. It must be
 * true for all blocks below one for which it is. An exponential search: few readings if the result is near `before`.
 */
async function searchNewest(before: number, last: number, holds: (block: number) => Promise<boolean>): Promise<number> {
  let low = before;
  let high = last + 1;
  for (let step = 1; low + step < high; step *= 2) {
    if (await holds(low + step)) low += step;
    else high = low + step;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
