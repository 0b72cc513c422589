import { join } from "node:path";
import { messageOf } from "../../../errors.js";
import type { Address, Hex } from "../../../records/index.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { Journal } from "../../../utils/journal.js";
import type { Samples } from "../models/mnist.js";
import { encodeWeights } from "../models/weights.js";
import type { LearningTask, TaskMetrics } from "../task.js";
import { collectUpdates, fetchWeights, type RefusedUpdate } from "./collect.js";
import { fedAvg } from "./fedavg.js";
import type { RoundChannel, RoundEnding, RoundMessage, StartRoundOrder, WeightStore } from "./messages.js";

export interface Contribution {
  readonly node: Address;
  readonly samples: number;
  readonly update: string;
}

/** The model that a round produced. */
export interface RoundModel {
  readonly cid: string;
  readonly bytes: number;
  readonly sha256: Hex;
  readonly contributors: readonly Contribution[];
  readonly evaluation: TaskMetrics;
}

/** A round that has ended; `record` is the Model record of its model. */
export interface EndedRound {
  readonly round: number;
  readonly ending: RoundEnding;
  readonly participants: readonly Address[];
  readonly model: RoundModel | null;
  readonly record: Hex | null;
  /** Updates that were not accepted, and why. */
  readonly refused: readonly RefusedUpdate[];
}

export interface CoordinateRoundsParameters {
  readonly directive: Hex;
  readonly order: StartRoundOrder;
  readonly task: LearningTask;
  /** The committee; fixed when the first round starts. */
  readonly participants: readonly Address[];
  readonly testSamples: () => Promise<Samples>;
  readonly channel: RoundChannel;
  readonly store: WeightStore;
  readonly dir: string;
  /** The CID of the weights to start from; null to derive them from the order's seed. */
  readonly base: string | null;
  /** Stores and anchors a round's model, and resolves with its record's id. After a crash it may be called again with the same model. */
  readonly onModel: (round: number, model: RoundModel, parents: readonly Hex[]) => Promise<Hex>;
  /** Cancels the rounds: the open one ends as cancelled, is not journaled, and runs again at the next call. */
  readonly signal: AbortSignal;
  readonly announceEveryMs?: number;
  readonly clock?: Clock;
  /** Called for updates that are not accepted and messages that cannot be sent. */
  readonly onEvent?: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

const ANNOUNCE_EVERY_MS = 2_000;

/** A line of the coordinator's journal. */
type CoordinatorEntry =
  | { readonly step: "fixed"; readonly participants: readonly Address[] }
  /** The round's updates are averaged: its model no longer changes. */
  | { readonly step: "averaged"; readonly result: EndedRound }
  | { readonly step: "ended"; readonly result: EndedRound };

/**
 * Runs the rounds of one order, one after another: fixed participants, a timeout, federated averaging, an explicit
 * ending. Each starts from the model of the last round that produced one. After a crash another call on this node carries
 * on with the first round that has not ended; a call on another node runs all rounds again, for which the participants
 * send the updates that they have trained already.
 *
 * @returns the rounds that ended. Rejects with the signal's reason if that aborts, and with the errors of `onModel` and the
 * store; after either it may be called again.
 */
export async function coordinateRounds(options: CoordinateRoundsParameters): Promise<EndedRound[]> {
  const { directive, order } = options;
  const path = join(options.dir, `rounds-${directive}.jsonl`);
  const opened = await Journal.openOrSalvage(path, parseEntry);
  const { damage, journal } = opened;
  try {
    // Rounds are counted: with one missing, all run again, as they would on another node.
    const entries = damage === undefined ? opened.entries : [];
    if (damage !== undefined) {
      options.onEvent?.("a journal is damaged", { reason: damage.shortMessage });
      await journal.replace([]);
    }
    const fixed = entries.find((entry) => entry.step === "fixed");
    const participants = fixed ? fixed.participants : distinct(options.participants);
    if (!fixed) await journal.append({ step: "fixed", participants });
    const ended = entries.flatMap((entry) => (entry.step === "ended" ? [entry.result] : []));
    const averaged = entries.flatMap((entry) => (entry.step === "averaged" ? [entry.result] : []));

    for (let round = order.firstRound + ended.length; round < order.firstRound + order.rounds; round++) {
      const last = ended.findLast(({ model }) => model !== null);
      let result = averaged.find((each) => each.round === round);
      if (!result) {
        result = await runRound(options, round, participants, last?.model?.cid ?? options.base);
        if (result.ending !== "cancelled") await journal.append({ step: "averaged", result });
        await publish(options, endOf(directive, result));
        if (result.ending === "cancelled") throw options.signal.reason;
      }
      if (result.model) {
        const record = await options.onModel(round, result.model, last?.record ? [last.record] : []);
        result = { ...result, record };
      }
      await journal.append({ step: "ended", result });
      ended.push(result);
    }
    await publish(options, { type: "finished", directive });
    return ended;
  } finally {
    await journal.close();
  }
}

/** As far as it tells which step it is: throws for a line of another journal or version. */
function parseEntry(value: unknown): CoordinatorEntry {
  const entry = value as CoordinatorEntry | null;
  const isEntry = entry?.step === "fixed" ? Array.isArray(entry.participants) : entry?.result?.round !== undefined;
  if (entry === null || !isEntry) throw new TypeError("It is no step of a round.");
  return entry;
}

async function runRound(
  options: CoordinateRoundsParameters,
  round: number,
  participants: readonly Address[],
  base: string | null,
): Promise<EndedRound> {
  const { directive, order, task, channel, store, signal, onEvent = () => undefined } = options;
  const { updates, refused } = await collectUpdates({
    start: { type: "start", directive, round, base, participants },
    from: base === null ? task.init(order.seed) : await fetchWeights(store, task, base),
    task,
    channel,
    store,
    timeoutMs: order.timeoutSeconds * 1_000,
    announceEveryMs: options.announceEveryMs ?? ANNOUNCE_EVERY_MS,
    clock: options.clock ?? systemClock,
    signal,
    onEvent,
  });
  const result = { round, participants, refused, model: null, record: null };
  if (signal.aborted) return { ...result, ending: "cancelled" };
  if (updates.length === 0 || updates.length < order.minParticipants) return { ...result, ending: "failed" };

  // In the order of the participants, so that every coordinator gets the same model from the same updates.
  const weights = fedAvg(updates);
  const file = await store.putFile([encodeWeights(weights, task.shapes)], { keep: "model" });
  const model: RoundModel = {
    cid: file.cid,
    bytes: file.bytes,
    sha256: file.sha256,
    contributors: updates.map(({ node, samples, update }) => ({ node, samples, update })),
    evaluation: await task.evaluate(weights, await options.testSamples()),
  };
  return { ...result, model, ending: updates.length === participants.length ? "committed" : "degraded" };
}

function endOf(directive: Hex, { round, ending, model }: EndedRound): RoundMessage {
  return { type: "end", directive, round, ending, model: model?.cid ?? null };
}

/** Sends a message that the others can do without: a failure is reported, not thrown. */
async function publish({ channel, onEvent }: CoordinateRoundsParameters, message: RoundMessage): Promise<void> {
  try {
    await channel.publish(message);
  } catch (error) {
    onEvent?.("a message could not be sent", { type: message.type, reason: messageOf(error) });
  }
}

/** Each address once, in ascending order. */
function distinct(addresses: readonly Address[]): Address[] {
  const byName = new Map(addresses.map((address) => [address.toLowerCase(), address]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
}
