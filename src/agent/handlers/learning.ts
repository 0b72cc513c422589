import type { Client } from "../../client/index.js";
import {
  coordinateRounds,
  decodeWeights,
  type EndedRound,
  type LearningTask,
  participate,
  type RoundChannel,
  type RoundModel,
  type Samples,
  type Shard,
} from "../../engines/learning/index.js";
import type { ModelTest } from "../../policy/index.js";
import type { Address, Hex, Model, OrderOf } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { leaderRank } from "../aggregation/leaders/leaderSchedule.js";
import type { QueuedRecord } from "../outbox/state.js";
import type { DirectiveContext, DirectiveHandler, ExecutionResult, OutcomeCheck } from "./handler.js";

export interface LearningHandlerOptions {
  readonly self: Address;
  readonly task: LearningTask;
  readonly client: Client;
  readonly clock: Clock;
  readonly channel: RoundChannel;
  readonly shard: () => Promise<Shard>;
  readonly testSamples: () => Promise<Samples>;
  /** Stores a model's record and resolves once it is anchored. */
  readonly anchorModel: (model: Model) => Promise<QueuedRecord>;
  readonly dir: string;
  /** A coordinator that sent nothing for this long counts as gone, in milliseconds. */
  readonly silenceMs: number;
  readonly logger: Logger;
}

const MAX_MODEL_BYTES = 64 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 20_000;

/** Runs federated rounds: one node coordinates, every node trains, and each checks the models that result. */
export function createLearningHandler(options: LearningHandlerOptions): DirectiveHandler {
  const { self, task, client, clock, channel, dir, logger } = options;
  /** When a coordinator was last heard, and when this node began to listen: by directive, in monotonic time. */
  const heardAt = new Map<string, number>();
  const listeningSince = new Map<string, number>();
  const listening: RoundChannel = {
    publish: (message) => channel.publish(message),
    async *messages(signal) {
      for await (const received of channel.messages(signal)) {
        if (received.message.type === "start" && !sameHex(received.from, self))
          heardAt.set(received.message.directive, clock.monotonic());
        yield received;
      }
    },
  };

  return {
    kinds: ["StartRound"],
    concerns: (order) => roundOrder(order).task === task.name,
    hasLeader: (directiveId) => {
      const now = clock.monotonic();
      if (now - (listeningSince.get(directiveId) ?? now) < options.silenceMs / 2) return true;
      return now - (heardAt.get(directiveId) ?? Number.NEGATIVE_INFINITY) < options.silenceMs;
    },
    async assist({ directiveId, order, signal }) {
      const committee = await client.listNodes().then((nodes) => nodes.map(({ agent }) => agent));
      const startedAt = clock.monotonic();
      if (!listeningSince.has(directiveId)) listeningSince.set(directiveId, startedAt);
      await participate({
        self,
        directive: directiveId,
        order: roundOrder(order),
        task,
        samples: async () => (await options.shard()).train,
        channel: listening,
        store: client.content,
        dir,
        signal,
        // A node cannot make others train before its turn to coordinate.
        mayCoordinate: (node) => {
          const rank = leaderRank(directiveId, committee, node);
          return rank >= 0 && clock.monotonic() - startedAt >= (rank - 1) * options.silenceMs;
        },
        onEvent: (event, detail) => logger.info(event, { directive: directiveId, ...detail }),
      });
    },
    async execute({ directiveId, order, signal }: DirectiveContext): Promise<ExecutionResult> {
      const startedAt = clock.monotonic();
      const rounds = roundOrder(order);
      const ended = await coordinateRounds({
        directive: directiveId,
        order: rounds,
        task,
        participants: (await client.listNodes()).map(({ agent }) => agent),
        testSamples: options.testSamples,
        channel,
        store: client.content,
        dir,
        base: await baseWeights(rounds.base),
        onModel: async (round, model, parents) => {
          const record = await options.anchorModel(modelRecord(task, round, model, parents, rounds.base));
          logger.info("a round has ended", { round, accuracy: model.evaluation.accuracy, model: record.contentId });
          return record.contentId;
        },
        signal,
      });
      const durationMs = Math.round(clock.monotonic() - startedAt);
      logger.info("a series of rounds has ended", { directive: directiveId, durationMs });
      return resultOf(ended);
    },
    async verify({ directiveId, order }: DirectiveContext, outcome): Promise<OutcomeCheck> {
      const { rounds, timeoutSeconds } = roundOrder(order);
      if (outcome.result === "failed") {
        if (outcome.produced.length > 0) return { holds: false, why: "a failure names models" };
        // No round fails before its time is over: an earlier word of it is no word of what was seen.
        const listenedMs = clock.monotonic() - (listeningSince.get(directiveId) ?? clock.monotonic());
        const waited = listenedMs >= timeoutSeconds * 1_000;
        return { holds: waited, why: waited ? "no round made a model" : "a round may still end with a model" };
      }
      if (outcome.produced.length === 0 || outcome.produced.length > rounds)
        return { holds: false, why: "models are missing" };
      for (const contentId of outcome.produced) {
        const { value } = await client.fetchRecord({ contentId, kind: "Model" });
        await fetchWeights(value);
      }
      return { holds: true, why: `${outcome.produced.length} models are anchored and their weights are here` };
    },
  };

  async function baseWeights(base: Hex | null): Promise<string | null> {
    if (base === null) return null;
    const { value } = await client.fetchRecord({ contentId: base, kind: "Model" });
    return value.weights.cid;
  }

  async function fetchWeights({ weights: { bytes, cid, sha256 } }: Model) {
    const limits = { maxBytes: Math.min(bytes, MAX_MODEL_BYTES), timeoutMs: FETCH_TIMEOUT_MS, sha256 };
    return decodeWeights(await client.content.getFile(cid, limits), task.shapes);
  }
}

/** Tests a model on this node's held-out data, beside the accepted model. */
export function createModelTest({
  task,
  client,
  shard,
}: Pick<LearningHandlerOptions, "task" | "client" | "shard">): (
  candidate: Model,
  accepted: Model | undefined,
) => Promise<ModelTest> {
  return async (candidate, accepted) => {
    const { heldOut } = await shard();
    const accuracy = async ({ weights: { bytes, cid, sha256 } }: Model) => {
      const limits = { maxBytes: Math.min(bytes, MAX_MODEL_BYTES), timeoutMs: FETCH_TIMEOUT_MS, sha256 };
      const weights = decodeWeights(await client.content.getFile(cid, limits), task.shapes);
      return (await task.evaluate(weights, heldOut)).accuracy;
    };
    return {
      candidateAccuracy: await accuracy(candidate),
      acceptedAccuracy: accepted === undefined ? null : await accuracy(accepted),
      samples: heldOut.labels.length,
    };
  };
}

function modelRecord(
  task: LearningTask,
  round: number,
  model: RoundModel,
  parents: readonly Hex[],
  base: Hex | null,
): Model {
  const { cid, bytes, sha256, contributors, evaluation } = model;
  return {
    schema: "witan/model/1",
    name: task.name,
    version: round,
    round,
    parents: parents.length > 0 || base === null ? [...parents] : [base],
    weights: { cid, bytes, sha256, format: "safetensors" },
    shapes: Object.fromEntries(Object.entries(task.shapes).map(([name, shape]) => [name, [...shape]])),
    samples: contributors.reduce((sum, { samples }) => sum + samples, 0),
    contributors: contributors.map((each) => ({ ...each })),
    aggregation: { rule: "fedavg" },
    privacy: null,
    evaluation: { dataset: `${task.name}-test`, ...evaluation },
  };
}

function resultOf(ended: readonly EndedRound[]): ExecutionResult {
  const produced = ended.flatMap(({ record }) => (record === null ? [] : [record]));
  return {
    result: produced.length > 0 ? "done" : "failed",
    detail: ended.map(({ round, ending, model, refused }) => ({
      subject: `round/${round}`,
      result: model === null ? ("failed" as const) : ("done" as const),
      note: `${ending}: ${model?.contributors.length ?? 0} updates, ${refused.length} refused`,
    })),
    produced,
  };
}

function roundOrder(order: DirectiveContext["order"]): OrderOf<"StartRound"> {
  if (order.kind !== "StartRound") throw new TypeError(`${order.kind} starts no round`);
  return order;
}
