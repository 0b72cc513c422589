import { join } from "node:path";
import type { Address, Hex } from "../../records/index.js";
import { Journal } from "../../utils/journal.js";
import {
  FETCH_TIMEOUT_MS,
  MAX_WEIGHT_BYTES,
  type RoundChannel,
  type RoundMessage,
  type StartRoundOrder,
  type WeightStore,
} from "./messages.js";
import type { Samples } from "./mnist.js";
import type { LearningTask } from "./task.js";
import { decodeWeights, encodeWeights } from "./weights.js";

type Update = Extract<RoundMessage, { type: "update" }>;

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
  /** Told what the participant does; and of starts that it cannot follow. */
  readonly onEvent?: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** Trains in each round of one directive that names this node, until the coordinator says that there are no more. */
export async function participate(options: ParticipateOptions): Promise<void> {
  const { self, directive, channel, signal, onEvent = () => undefined } = options;
  const { journal, entries } = await Journal.open<Update>(join(options.dir, `updates-${directive}.jsonl`));
  const known = new Map(entries.map((update) => [keyOf(update), update]));
  try {
    for await (const { message } of channel.messages(signal)) {
      if (message.directive !== directive) continue;
      if (message.type === "finished") return;
      if (message.type !== "start" || !message.participants.some((each) => same(each, self))) continue;
      const key = keyOf(message);
      try {
        const update = known.get(key) ?? (await train(message));
        if (!known.has(key)) {
          await journal.append(update);
          known.set(key, update);
        }
        await channel.publish(update);
      } catch (error) {
        if (signal.aborted) return;
        onEvent("a round could not be followed", { round: message.round, reason: String(error) });
      }
    }
  } finally {
    await journal.close();
  }

  async function train({ round, base }: Extract<RoundMessage, { type: "start" }>): Promise<Update> {
    const { order, store, task } = options;
    onEvent("training", { round, base });
    const weights =
      base === null
        ? task.init(order.seed)
        : decodeWeights(
            await store.getFile(base, { maxBytes: MAX_WEIGHT_BYTES, timeoutMs: FETCH_TIMEOUT_MS }),
            task.shapes,
          );
    const samples = await options.samples();
    const { localEpochs: epochs, learningRate, batchSize } = order;
    const seed = order.seed + round;
    const trained = await task.train(weights, samples, { epochs, learningRate, batchSize, seed, signal });
    const { cid, sha256 } = await store.putFile([encodeWeights(trained, task.shapes)]);
    onEvent("trained", { round, cid });
    return { type: "update", directive, round, base, cid, sha256, samples: samples.labels.length };
  }
}

function keyOf({ round, base }: { readonly round: number; readonly base: string | null }): string {
  return `${round} ${base}`;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
