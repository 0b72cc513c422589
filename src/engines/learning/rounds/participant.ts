import { join } from "node:path";
import { messageOf } from "../../../errors.js";
import type { Address, Hex } from "../../../records/index.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { Journal } from "../../../utils/journal.js";
import { sameHex } from "../../../utils/sameHex.js";
import type { Samples } from "../models/mnist.js";
import { encodeWeights } from "../models/weights.js";
import type { LearningTask } from "../task.js";
import { fetchWeights } from "./collect.js";
import {
  messagesAbout,
  parseUpdate,
  type RoundChannel,
  type StartMessage,
  type StartRoundOrder,
  type UpdateMessage,
  type WeightStore,
} from "./messages.js";

export interface ParticipateParameters {
  readonly self: Address;
  readonly directive: Hex;
  readonly order: StartRoundOrder;
  readonly task: LearningTask;
  /** Called when the samples are needed: a node that is not a participant need not load them. */
  readonly samples: () => Promise<Samples>;
  readonly channel: RoundChannel;
  readonly store: WeightStore;
  /** The folder of the journal of updates, so that an update is not trained again after a crash. */
  readonly dir: string;
  readonly signal: AbortSignal;
  /** Whether to follow a node's announcements; every node's by default. */
  readonly mayCoordinate?: (node: Address) => boolean;
  /** Without an announcement for this long there is no coordinator: the call ends, and may be made again. */
  readonly silenceMs?: number;
  readonly clock?: Clock;
  /** Called for each step of the participant, and for announcements that it cannot follow. */
  readonly onEvent?: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** A coordinator announces every few seconds, except while it tests, stores and anchors a model. */
const DEFAULT_SILENCE_MS = 120_000;
/** Trainings for each round of the order: one, and one more for each takeover by another coordinator. */
const MAX_TRAININGS_A_ROUND = 4;

/** The training in progress. */
interface RunningTraining {
  readonly from: Address;
  readonly round: number;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/**
 * Takes part in the rounds of one directive: answers each announcement that names this node with its update, which it
 * trains once for each round and base, crashes included. Returns when the coordinator has finished, when there is no
 * coordinator any more, or when the signal aborts.
 */
export async function participate(options: ParticipateParameters): Promise<void> {
  const { self, directive, order, channel, signal, mayCoordinate = () => true, onEvent = () => undefined } = options;
  const { clock = systemClock, silenceMs = DEFAULT_SILENCE_MS } = options;
  const path = join(options.dir, `updates-${directive}.jsonl`);
  const { damage, entries, journal } = await Journal.openOrSalvage(path, parseUpdate);
  // What cannot be read is trained again.
  if (damage !== undefined) onEvent("a journal is damaged", { reason: damage.shortMessage });
  const known = new Map(entries.map((update) => [keyOf(update), update]));
  const silent = new AbortController();
  let cancelSilence = clock.after(silenceMs, () => silent.abort());
  let coordinator: Address | undefined;
  let training: RunningTraining | undefined;
  try {
    for await (const { from, message } of messagesAbout(directive, channel, AbortSignal.any([signal, silent.signal]))) {
      if (message.type === "update" || !mayCoordinate(from)) continue;
      if (message.type === "finished") {
        if (coordinator !== undefined && sameHex(coordinator, from)) return;
      } else if (message.type === "end") {
        if (training && training.round === message.round && sameHex(training.from, from)) training.stop.abort();
      } else {
        coordinator = from;
        cancelSilence();
        cancelSilence = clock.after(silenceMs, () => silent.abort());
        await follow(from, message);
      }
    }
  } finally {
    cancelSilence();
    training?.stop.abort();
    await training?.done;
    await journal.close();
  }

  async function follow(from: Address, start: StartMessage): Promise<void> {
    const { round, participants } = start;
    const asked = participants.some((each) => sameHex(each, self));
    if (!asked || round < order.firstRound || round >= order.firstRound + order.rounds) return;
    const update = known.get(keyOf(start));
    if (update) return await send(update);
    // A later round of the same coordinator: this node missed the end of the one before.
    if (training && sameHex(training.from, from) && round > training.round) training.stop.abort();
    if (training || known.size >= MAX_TRAININGS_A_ROUND * order.rounds) return;
    const stop = new AbortController();
    const done = answer(start, AbortSignal.any([signal, stop.signal])).finally(() => {
      training = undefined;
    });
    training = { from, round, stop, done };
  }

  /** Never rejects: an error is reported, and the next announcement starts another attempt. */
  async function answer(start: StartMessage, stop: AbortSignal): Promise<void> {
    try {
      const update = await train(start, stop);
      await journal.append(update);
      known.set(keyOf(update), update);
      await send(update);
    } catch (error) {
      if (!stop.aborted) onEvent("a round could not be followed", { round: start.round, reason: messageOf(error) });
    }
  }

  async function send(update: UpdateMessage): Promise<void> {
    try {
      await channel.publish(update);
    } catch (error) {
      onEvent("an update could not be sent", { round: update.round, reason: messageOf(error) });
    }
  }

  async function train({ round, base }: StartMessage, stop: AbortSignal): Promise<UpdateMessage> {
    const { store, task } = options;
    onEvent("training", { round, base });
    const weights = base === null ? task.init(order.seed) : await fetchWeights(store, task, base);
    const samples = await options.samples();
    const { localEpochs: epochs, learningRate, batchSize } = order;
    const seed = order.seed + round;
    const trained = await task.train(weights, samples, { epochs, learningRate, batchSize, seed, signal: stop });
    const { cid, sha256 } = await store.putFile([encodeWeights(trained, task.shapes)], { keep: "update" });
    onEvent("trained", { round, cid });
    return { type: "update", directive, round, base, cid, sha256, samples: samples.labels.length };
  }
}

function keyOf({ round, base }: { readonly round: number; readonly base: string | null }): string {
  return `${round} ${base}`;
}
