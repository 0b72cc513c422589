import { describe, expect, it, onTestFinished } from "vitest";
import { createLearningHandler } from "../../../src/agent/handlers/learning.js";
import type { Client } from "../../../src/client/index.js";
import type { Outcome } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { folderStore } from "../../engines/learning/folderStore.js";
import { RoundHub } from "../../engines/learning/roundHub.js";
import { addressOf, directive, toy, toyOrder, toySamples } from "../../engines/learning/toyTask.js";
import { TestClock } from "../../harness/clock.js";
import { temporaryFolder } from "../../harness/folder.js";

const SILENCE_MS = 10_000;
const HOUR = 3_600_000;
const nodes = [0, 1, 2].map(addressOf);

/** The handler of node 0 on a hub, at a time that the test sets; its content lies in a folder. */
function handling() {
  const hub = new RoundHub();
  const clock = new TestClock({
    now: () => 0,
    monotonic: () => 0,
    sleep: async () => undefined,
    after: () => () => undefined,
  });
  const stopping = new AbortController();
  const content = folderStore(temporaryFolder());
  const handler = createLearningHandler({
    self: addressOf(0),
    task: toy,
    client: { content, listNodes: async () => nodes.map((agent) => ({ agent })) } as unknown as Client,
    clock,
    channel: hub.channel(addressOf(0)),
    shard: async () => ({ train: toySamples(1), heldOut: toySamples(2), digits: [] }),
    testSamples: async () => toySamples(99),
    anchorModel: () => Promise.reject(new Error("nothing is anchored here")),
    dir: temporaryFolder(),
    silenceMs: SILENCE_MS,
    logger: createLogger("silent", () => undefined),
  });
  const context = { directiveId: directive, order: toyOrder, signal: stopping.signal };
  return {
    clock,
    handler,
    context,
    /** Listens until the test ends. */
    async assist() {
      const assisting = handler.assist?.(context);
      onTestFinished(async () => {
        stopping.abort();
        await assisting;
      });
      await expect.poll(() => hub.listeners, { timeout: 60_000, interval: 5 }).toBeGreaterThan(0);
    },
    /** Another node announces a round. */
    async announce(from = addressOf(1)) {
      hub.publish(from, { type: "start", directive, round: 1, base: null, participants: [addressOf(1), addressOf(2)] });
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe("whether another node leads a series of rounds", () => {
  it("is assumed before this node has listened for half the time of silence", async () => {
    const { assist, clock, handler } = handling();
    expect(handler.hasLeader?.(directive)).toBe(true);
    await assist();
    clock.pass(SILENCE_MS / 2 - 1);
    expect(handler.hasLeader?.(directive)).toBe(true);
    clock.pass(1);
    expect(handler.hasLeader?.(directive)).toBe(false);
  });

  it("follows from the last round that another announced, and not from its own", async () => {
    const { announce, assist, clock, handler } = handling();
    await assist();
    clock.pass(SILENCE_MS);
    await announce(addressOf(0));
    expect(handler.hasLeader?.(directive)).toBe(false);
    await announce();
    clock.pass(SILENCE_MS - 1);
    expect(handler.hasLeader?.(directive)).toBe(true);
    clock.pass(1);
    expect(handler.hasLeader?.(directive)).toBe(false);
  });

  it.each([-HOUR, HOUR])("does not change when the wall clock is stepped by %i ms", async (step) => {
    const { announce, assist, clock, handler } = handling();
    await assist();
    clock.pass(SILENCE_MS);
    await announce();
    clock.stepWall(step);
    expect(handler.hasLeader?.(directive)).toBe(true);
    clock.pass(SILENCE_MS);
    clock.stepWall(-2 * step);
    expect(handler.hasLeader?.(directive)).toBe(false);
  });
});

describe("an outcome of rounds", () => {
  const claim = (result: Outcome["result"], produced: Outcome["produced"]) => ({ result, produced }) as Outcome;

  it("does not hold if models are missing, or a failure names some", async () => {
    const { context, handler } = handling();
    expect(await handler.verify(context, claim("done", []))).toEqual({ holds: false, why: "models are missing" });
    expect(await handler.verify(context, claim("failed", ["0x01"]))).toMatchObject({ holds: false });
  });

  it("that all has failed is attested only by a node that has listened for the time of a round itself", async () => {
    const { assist, clock, context, handler } = handling();
    const holds = async () => (await handler.verify(context, claim("failed", []))).holds;
    clock.pass(toyOrder.timeoutSeconds * 1_000);
    expect(await holds()).toBe(false);
    await assist();
    clock.pass(toyOrder.timeoutSeconds * 1_000 - 1);
    expect(await holds()).toBe(false);
    clock.pass(1);
    expect(await holds()).toBe(true);
  });

  it("is about its own task alone", () => {
    const { handler } = handling();
    expect(handler.concerns?.(toyOrder)).toBe(true);
    expect(handler.concerns?.({ ...toyOrder, task: "another" })).toBe(false);
  });

  it("is of no other order", async () => {
    const { context, handler } = handling();
    const order = { kind: "SetFlag", name: "learning", value: true } as const;
    await expect(handler.execute({ ...context, order })).rejects.toThrow("SetFlag starts no round");
  });
});
