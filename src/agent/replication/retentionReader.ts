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
import { RetentionHolds } from "./retentionHolds.js";

/** Times of blocks that are remembered: those of a search, and of the anchors that are let go of just now. */
const MAX_TIMES = 4_096;

/** What holds for keeping records, as of a block that is final: the same on every node that reads the same block. */
export interface RetentionTerms {
  readonly rules: RetentionRules;
  /** The chain's time at that block, in seconds. */
  readonly now: number;
  /** The newest block whose records of a kind are past their time; -1 where there is none. */
  readonly pastBlock: Readonly<Record<RecordKind, number>>;
  /** The newest block of which nothing but what is exempt is kept, whatever an anchor holds; -1 where there is none. */
  readonly allPastBlock: number;
  /** What is kept whatever its age, of what is past its time as `isPast` says. */
  exempt(isPast: (contentId: ContentId) => boolean): Promise<ReadonlySet<ContentId>>;
  /** When a block was made, in seconds by the chain. */
  timeOf(block: number): Promise<number>;
}

export interface RetentionReader {
  /** As they were read last; the defaults before. */
  readonly rules: RetentionRules;
  /** @throws ChainError: then nobody may let go of anything. */
  read(): Promise<RetentionTerms>;
}

export interface ChainRetentionReaderParameters {
  readonly client: Client;
  readonly finality: FinalityRule;
  /** Where no vote says otherwise. */
  readonly replicas: RetentionRules["replicas"];
}

const NONE_PAST = { State: -1, Model: -1, Incident: -1, Outcome: -1 } as const;

/** Reads the terms from the chain: the parameters once for each final block, and a few headers. */
export class ChainRetentionReader implements RetentionReader {
  readonly #parameters: ChainRetentionReaderParameters;
  readonly #exemptions: RetentionHolds;
  readonly #times = new Map<number, number>();
  #final: BlockHeader | undefined;
  #rules: RetentionRules;
  #pastBlock: Readonly<Record<RecordKind, number>> = NONE_PAST;

  constructor(parameters: ChainRetentionReaderParameters) {
    this.#parameters = parameters;
    this.#exemptions = new RetentionHolds(parameters.client);
    this.#rules = retentionRules(new Map(), parameters.replicas);
  }

  get rules(): RetentionRules {
    return this.#rules;
  }

  async read(): Promise<RetentionTerms> {
    await this.#follow();
    const final = this.#final;
    const pastBlock = this.#pastBlock;
    return {
      rules: this.#rules,
      now: final?.time ?? 0,
      pastBlock,
      allPastBlock: Math.min(...Object.values(pastBlock)),
      exempt: (isPast) => this.#exemptions.read(isPast, final?.number),
      timeOf: (block) => this.#timeOf(block),
    };
  }

  /** Takes in the newest final block. An endpoint that is behind others takes nothing back. */
  async #follow(): Promise<void> {
    const { client, finality } = this.#parameters;
    const final = await readFinalHeader(client.chain, finality);
    if (final === undefined || final.number < client.chain.deployedAtBlock) return;
    if (this.#final !== undefined && final.number <= this.#final.number) return;
    const rules = await this.#rulesAt(final.number);
    this.#pastBlock = await this.#searched(rules, final);
    this.#rules = rules;
    this.#final = final;
  }

  async #rulesAt(blockTag: number): Promise<RetentionRules> {
    const { client, replicas } = this.#parameters;
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

  async #searched(rules: RetentionRules, { number, time: now }: BlockHeader): Promise<Record<RecordKind, number>> {
    const { deployedAtBlock } = this.#parameters.client.chain;
    const found: Record<RecordKind, number> = { ...NONE_PAST };
    for (const kind of RecordKinds) {
      if (!Number.isFinite(rules.retain[kind])) continue;
      // What is past stays past, as long as the rule is the same.
      const known = rules.retain[kind] === this.#rules.retain[kind] ? this.#pastBlock[kind] : -1;
      const isPast = async (block: number) =>
        isPastRetention({ kind, anchoredAt: await this.#timeOf(block) }, now, rules);
      const last = await newestOf(Math.max(known, deployedAtBlock - 1), number, isPast);
      found[kind] = last < deployedAtBlock ? -1 : last;
    }
    return found;
  }

  async #timeOf(block: number): Promise<number> {
    const known = this.#times.get(block);
    if (known !== undefined) return known;
    const header = await readHeader(this.#parameters.client.chain, block);
    if (header === undefined) throw new RangeError(`There is no block ${block}.`);
    this.#times.set(block, header.time);
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= MAX_TIMES) break;
      this.#times.delete(oldest);
    }
    return header.time;
  }
}

/**
 * The newest block above `before` and up to `last` for which `holds`, where it holds for all below it; `before` where there
 * is none. By steps that double, then by halving: near where it was found before, it is found again with a few looks.
 */
async function newestOf(before: number, last: number, holds: (block: number) => Promise<boolean>): Promise<number> {
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
