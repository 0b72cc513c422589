import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import {
  type CoordinateRoundsParameters,
  coordinateRounds,
  type ParticipateParameters,
  participate,
  type RoundMessage,
  type StartRoundOrder,
} from "../../../src/engines/learning/index.js";
import type { Address, Hex } from "../../../src/records/index.js";
import { temporaryFolder } from "../../harness/folder.js";
import { folderStore } from "./folderStore.js";
import { RoundHub } from "./roundHub.js";
import { addressOf, directive, toy, toyOrder, toySamples } from "./toyTask.js";

export type Update = Extract<RoundMessage, { type: "update" }>;
export const COORDINATOR = addressOf(0);

/** Nodes on one hub and one store, each with a folder of its own and samples of two of the three clouds. */
export function createTestRound(order: Partial<StartRoundOrder> = {}) {
  const hub = new RoundHub();
  const root = temporaryFolder();
  const store = folderStore(join(root, "store"));
  const stopped = new AbortController();
  const running: Promise<void>[] = [];
  onTestFinished(async () => {
    stopped.abort();
    await Promise.all(running);
  });
  const trained: string[] = [];
  const models: Hex[] = [];
  const whole: StartRoundOrder = { ...toyOrder, ...order };

  const join_ = (index: number, options: Partial<ParticipateParameters> = {}) => {
    const self = addressOf(index);
    const done = participate({
      self,
      directive,
      order: whole,
      task: toy,
      samples: async () => toySamples(index, 60, [index % 3, (index + 1) % 3]),
      channel: hub.channel(self),
      store,
      dir: join(root, `node-${index}`),
      signal: stopped.signal,
      onEvent: (event, { round }) => trained.push(`${index} ${event} ${round}`),
      ...options,
    });
    running.push(done);
    return done;
  };
  const coordinate = (participants: number, options: Partial<CoordinateRoundsParameters> = {}) =>
    coordinateRounds({
      directive,
      order: whole,
      task: toy,
      participants: Array.from({ length: participants }, (_, i) => addressOf(i)),
      testSamples: async () => toySamples(99, 90),
      channel: hub.channel(COORDINATOR),
      store,
      dir: join(root, "coordinator"),
      base: null,
      onModel: async (_round, { sha256 }) => {
        models.push(sha256);
        return sha256;
      },
      signal: stopped.signal,
      announceEveryMs: 20,
      ...options,
    });
  return { hub, root, store, stopped, trained, models, order: whole, join: join_, coordinate };
}

/** Answers each start with what `answer` makes of it, as a node that does not keep to the rules. */
export function hostile(
  hub: RoundHub,
  self: Address,
  answer: (start: RoundMessage & { type: "start" }) => readonly unknown[],
): void {
  const stop = hub.listen(({ message }) => {
    if (message?.type === "start") queueMicrotask(() => publishAll(hub, self, answer(message)));
  });
  onTestFinished(() => void stop());
}

export function publishAll(hub: RoundHub, self: Address, messages: readonly unknown[]): void {
  for (const each of messages) hub.publish(self, each);
}

export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 60_000, interval: 20 });
/** A message is published once: who is to receive it has to listen first. */
export const waitForListeners = (hub: RoundHub, count = 1) => eventually(() => hub.listeners).toBe(count);

export const updateOf = ({ round, base }: RoundMessage & { type: "start" }, rest: Partial<Update>): Update => ({
  type: "update",
  directive,
  round,
  base,
  cid: "0".repeat(64),
  sha256: `0x${"0".repeat(64)}`,
  samples: 10,
  ...rest,
});
