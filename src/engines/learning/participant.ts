import { join } from "node:path";
import { messageOf } from "../../errors.js";
import type { Address, Hex } from "../../records/index.js";
import { Journal } from "../../utils/journal.js";
import { sameHex } from "../../utils/sameHex.js";
import { fetchWeights } from "./collect.js";
import {
  messagesAbout,
  type RoundChannel,
  type StartMessage,
  type StartRoundOrder,
  type UpdateMessage,
  type WeightStore,
} from "./messages.js";
import type { Samples } from "./mnist.js";
import type { LearningTask } from "./task.js";
import { encodeWeights } from "./weights.js";

export interface ParticipateOptions {
  readonly self: Address;
  readonly directive: Hex;
  readonly order: StartRoundOrder;
  readonly task: LearningTask;
  /** Given when they are needed: a node that is not asked need not load them. */
  readonly samples: () => Promise<Samples>;
  readonly channel: RoundChannel;
  readonly store: WeightStore;
  /** For the journal of updates: what was trained is not trained again after a crash. */
  readonly dir: string;
  readonly signal: AbortSignal;
  /** Whose starts are followed; anybody's by default. */
  readonly mayCoordinate?: (node: Address) => boolean;
  /** Without a start for this long nobody coordinates: the call ends, and may be made again. */
  readonly silenceMs?: number;
  /** Told what the participant does; and of starts that it cannot follow. */
  readonly onEvent?: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** A coordinator announces every few seconds, but for the time that it takes to test, store and anchor a model. */
const DEFAULT_SILENCE_MS = 120_000;
/** Trainings for each round of the order: one, and one more for each time that another coordinator takes over. */
const MAX_TRAININGS_A_ROUND = 4;

/** The training that runs now. */
interface Training {
  readonly from: Address;
  readonly round: number;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/**
 * Trains in each round of one directive that names this node, and answers each announcement with its update, which it
 * trains once for each round and base, over crashes too. Returns when the coordinator says that there are no more
 * rounds, when nobody coordinates, or when the signal aborts.
 */
export async function participate(options: ParticipateOptions): Promise<void> {
  const { self, directive, order, channel, signal, mayCoordinate = () => true, onEvent = () => undefined } = options;
  const { journal, entries } = await Journal.open<UpdateMessage>(join(options.dir, `updates-${directive}.jsonl`));
  const known = new Map(entries.map((update) => [keyOf(update), update]));
  const silent = new AbortController();
  let silence = setTimeout(() => silent.abort(), options.silenceMs ?? DEFAULT_SILENCE_MS);
  let leader: Address | undefined;
  let training: Training | undefined;
  try {
    for await (const { from, message } of messagesAbout(directive, channel, AbortSignal.any([signal, silent.signal]))) {
      if (message.type === "update" || !mayCoordinate(from)) continue;
      if (message.type === "finished") {
        if (leader !== undefined && sameHex(leader, from)) return;
      } else if (message.type === "end") {
        if (training && training.round === message.round && sameHex(training.from, from)) training.stop.abort();
      } else {
        leader = from;
        clearTimeout(silence);
        silence = setTimeout(() => silent.abort(), options.silenceMs ?? DEFAULT_SILENCE_MS);
        await follow(from, message);
      }
    }
  } finally {
    clearTimeout(silence);
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
    // A later round of the same coordinator: the end of the one before was missed.
    if (training && sameHex(training.from, from) && round > training.round) training.stop.abort();
    if (training || known.size >= MAX_TRAININGS_A_ROUND * order.rounds) return;
    const stop = new AbortController();
    const done = answer(start, AbortSignal.any([signal, stop.signal])).finally(() => {
      training = undefined;
    });
    training = { from, round, stop, done };
  }

  /** Never rejects: what goes wrong is told, and tried again at the next announcement. */
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
