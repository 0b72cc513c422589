import { join } from "node:path";
import type { Address, Hex } from "../../records/index.js";
import { Journal } from "../../utils/journal.js";
import { sleep } from "../../utils/sleep.js";
import { LearningError } from "./errors.js";
import { fedAvg } from "./fedavg.js";
import {
  FETCH_TIMEOUT_MS,
  MAX_WEIGHT_BYTES,
  type RoundChannel,
  type RoundMessage,
  type StartRoundOrder,
  type WeightStore,
} from "./messages.js";
import type { Samples } from "./mnist.js";
import type { Evaluation, LearningTask } from "./task.js";
import { decodeWeights, distance, encodeWeights, type Weights } from "./weights.js";

/** How a round ended: all reported, enough did, too few did, or it was called off. */
export type RoundEnding = "committed" | "degraded" | "failed" | "cancelled";

export interface Contribution {
  readonly node: Address;
  readonly samples: number;
  readonly update: string;
}

/** A model that a round has made. */
export interface RoundModel {
  readonly cid: string;
  readonly bytes: number;
  readonly sha256: Hex;
  readonly contributors: readonly Contribution[];
  readonly evaluation: Evaluation;
}

/** A round that has ended; `record` names what was made of its model. */
export interface EndedRound {
  readonly round: number;
  readonly ending: RoundEnding;
  readonly participants: readonly Address[];
  readonly model: RoundModel | null;
  readonly record: Hex | null;
  /** Updates that were not taken, and why. */
  readonly refused: readonly { readonly node: Address; readonly reason: string }[];
}

export interface CoordinateOptions {
  readonly directive: Hex;
  readonly order: StartRoundOrder;
  readonly task: LearningTask;
  /** The committee; fixed for each round when it starts. */
  readonly participants: readonly Address[];
  readonly testSamples: () => Promise<Samples>;
  readonly channel: RoundChannel;
  readonly store: WeightStore;
  readonly dir: string;
  /** The weights to begin with; null: from the order's seed. */
  readonly base: string | null;
  /** Stores and anchors what a round has made; resolves with the record's id. Called again after a crash. */
  readonly onModel: (round: number, model: RoundModel, parents: readonly Hex[]) => Promise<Hex>;
  readonly signal: AbortSignal;
  readonly announceEveryMs?: number;
}

/** Gossip keeps nothing for those who were away: what holds is said again. */
const ANNOUNCE_EVERY_MS = 2_000;

/**
 * Runs the rounds of one order, one after another: fixed participants, a timeout, federated averaging, an explicit
 * ending. Each ended round is on disk before the next begins; after a crash it goes on with the first that is not.
 */
export async function coordinateRounds(options: CoordinateOptions): Promise<EndedRound[]> {
  const { directive, order, channel, signal } = options;
  const { journal, entries } = await Journal.open<EndedRound>(join(options.dir, `rounds-${directive}.jsonl`));
  const ended = [...entries];
  try {
    for (let round = order.firstRound + ended.length; round < order.firstRound + order.rounds; round++) {
      const result = await runRound(options, round, ended);
      if (result.ending === "cancelled") {
        signal.throwIfAborted();
        break;
      }
      await journal.append(result);
      ended.push(result);
    }
    await channel.publish({ type: "finished", directive });
    return ended;
  } finally {
    await journal.close();
  }
}

async function runRound(options: CoordinateOptions, round: number, ended: readonly EndedRound[]): Promise<EndedRound> {
  const { directive, order, task, channel, store, signal } = options;
  const participants = [...options.participants].sort();
  const last = ended.findLast(({ model }) => model !== null);
  const base = last?.model?.cid ?? options.base;
  const start = { type: "start", directive, round, base, participants } as const;
  const from = base === null ? task.init(order.seed) : await fetchWeights(options, base);

  const ending = new AbortController();
  const limit = setTimeout(() => ending.abort(), order.timeoutSeconds * 1_000);
  const stop = () => ending.abort();
  signal.addEventListener("abort", stop, { once: true });
  const updates = new Map<Address, { weights: Weights; samples: number; cid: string }>();
  const refused: { node: Address; reason: string }[] = [];
  try {
    const announcing = announce(channel, start, options.announceEveryMs ?? ANNOUNCE_EVERY_MS, ending.signal);
    for await (const { from: author, message } of channel.messages(ending.signal)) {
      if (message.type !== "update" || message.directive !== directive) continue;
      if (message.round !== round || message.base !== base) continue;
      const node = participants.find((each) => each.toLowerCase() === author.toLowerCase());
      const taken = node && updates.get(node);
      if (node === undefined || taken?.cid === message.cid || refused.some((each) => each.node === author)) continue;
      try {
        if (taken) throw new LearningError("bad-weights", "a second, different update");
        updates.set(node, { ...(await checkUpdate(options, from, message)), cid: message.cid });
      } catch (error) {
        refused.push({ node: author, reason: error instanceof Error ? error.message : String(error) });
      }
      if (updates.size + new Set(refused.map((each) => each.node)).size >= participants.length) break;
    }
    ending.abort();
    await announcing;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener("abort", stop);
  }
  const end = (how: RoundEnding, model: RoundModel | null, record: Hex | null): EndedRound => ({
    round,
    ending: how,
    participants,
    model,
    record,
    refused,
  });
  if (signal.aborted) return end("cancelled", null, null);
  if (updates.size < order.minParticipants) return end("failed", null, null);

  // In the order of the addresses: whoever averages the same updates makes the same model.
  const taken = participants.flatMap((node) => {
    const update = updates.get(node);
    return update ? [{ node, ...update }] : [];
  });
  const weights = fedAvg(taken);
  const file = await store.putFile([encodeWeights(weights, task.shapes)]);
  const model: RoundModel = {
    ...file,
    contributors: taken.map(({ node, samples, cid }) => ({ node, samples, update: cid })),
    evaluation: await task.evaluate(weights, await options.testSamples()),
  };
  const record = await options.onModel(round, model, last?.record ? [last.record] : []);
  return end(updates.size === participants.length ? "committed" : "degraded", model, record);
}

async function checkUpdate(
  options: CoordinateOptions,
  from: Weights,
  { cid, sha256, samples }: Extract<RoundMessage, { type: "update" }>,
): Promise<{ weights: Weights; samples: number }> {
  if (!Number.isSafeInteger(samples) || samples < 1) throw new LearningError("bad-weights", `${samples} samples`);
  const weights = await fetchWeights(options, cid, sha256);
  const far = distance(weights, from);
  if (far > options.task.maxDistance) {
    throw new LearningError("over-norm", `The update is ${far.toFixed(1)} from where the round began.`);
  }
  return { weights, samples };
}

async function fetchWeights({ store, task }: CoordinateOptions, cid: string, sha256?: Hex): Promise<Weights> {
  const limits = { maxBytes: MAX_WEIGHT_BYTES, timeoutMs: FETCH_TIMEOUT_MS };
  return decodeWeights(await store.getFile(cid, sha256 === undefined ? limits : { ...limits, sha256 }), task.shapes);
}

async function announce(
  channel: RoundChannel,
  start: RoundMessage,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await channel.publish(start);
    await Promise.race([
      sleep(everyMs),
      new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true })),
    ]);
  }
}
