import { mkdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { encodeWeights } from "../../../../src/engines/learning/index.js";
import type { Clock } from "../../../../src/utils/clock.js";
import { TestClock } from "../../../harness/clock.js";
import { COORDINATOR, createTestRound, eventually, waitForListeners } from "../testRound.js";
import { addressOf, directive, toy } from "../toyTask.js";

describe("a participant", () => {
  it("trains once for a round and base, and answers from its journal after a crash", async () => {
    const { hub, join, trained, root } = createTestRound({ rounds: 1 });
    const stop = new AbortController();
    const first = join(0, { signal: stop.signal });
    const start = { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] };
    const updates = () => hub.published.filter(({ message }) => message.type === "update");
    await waitForListeners(hub);
    hub.publish(COORDINATOR, start);
    await eventually(updates).toHaveLength(1);
    stop.abort();
    await first;
    join(0);
    await eventually(() => {
      hub.publish(COORDINATOR, start);
      return updates().length;
    }).toBeGreaterThan(2);
    expect(new Set(updates().map(({ message }) => JSON.stringify(message))).size).toBe(1);
    expect(trained.filter((event) => event === "0 training 1")).toHaveLength(1);
    expect((await readFile(`${root}/node-0/updates-${directive}.jsonl`, "utf8")).trim().split("\n")).toHaveLength(1);
  });

  it("trains again what a damaged journal does not tell", async () => {
    const { hub, join, trained, root } = createTestRound({ rounds: 1 });
    await mkdir(`${root}/node-0`);
    await writeFile(`${root}/node-0/updates-${directive}.jsonl`, '{"of":"another version"}\n');
    join(0);
    await waitForListeners(hub);
    hub.publish(COORDINATOR, { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] });
    await eventually(() => hub.published.filter(({ message }) => message.type === "update")).toHaveLength(1);
    expect(trained[0]).toContain("a journal is damaged");
    expect(await readFile(`${root}/node-0/updates-${directive}.jsonl`, "utf8")).toMatch(/^\{"type":"update".*\}\n$/);
  });

  it("does not train for rounds that were not ordered, for others, or for whom it must not follow", async () => {
    const { hub, join, trained } = createTestRound({ rounds: 1 });
    const done = join(0, { mayCoordinate: (node) => node === COORDINATOR });
    const start = { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] };
    await waitForListeners(hub);
    hub.publish(COORDINATOR, { ...start, round: 0 });
    hub.publish(COORDINATOR, { ...start, round: 2 });
    hub.publish(COORDINATOR, { ...start, participants: [addressOf(4)] });
    hub.publish(COORDINATOR, { ...start, directive: `0x${"ee".repeat(32)}` });
    hub.publish(addressOf(7), start);
    hub.publish(addressOf(7), { type: "finished", directive });
    hub.publish(COORDINATOR, { type: "finished", directive });
    await done;
    expect(trained).toEqual([]);
  });

  it("bounds what a coordinator that makes up bases can make it train", async () => {
    const { hub, join, store, trained } = createTestRound({ rounds: 1, localEpochs: 1 });
    join(0);
    for (let seed = 0; seed < 8; seed++) {
      const { cid } = await store.putFile([encodeWeights(toy.init(seed), toy.shapes)]);
      const before = trained.length;
      const publishStart = () =>
        hub.publish(COORDINATOR, { type: "start", directive, round: 1, base: cid, participants: [addressOf(0)] });
      if (seed < 4)
        await eventually(() => {
          publishStart();
          return trained.length;
        }).toBe(before + 2);
      else publishStart();
    }
    expect(trained.filter((event) => event.includes("trained"))).toHaveLength(4);
  });

  it("stops training when the round ends or the next one starts, and leaves when nobody coordinates", async () => {
    const { hub, join, trained } = createTestRound({ rounds: 3, localEpochs: 1_000 });
    const done = join(0, { silenceMs: 300 });
    const start = { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] };
    await waitForListeners(hub);
    hub.publish(COORDINATOR, start);
    await eventually(() => trained).toContain("0 training 1");
    hub.publish(COORDINATOR, { type: "end", directive, round: 1, ending: "failed", model: null });
    await eventually(() => {
      hub.publish(COORDINATOR, { ...start, round: 2 });
      return trained;
    }).toContain("0 training 2");
    await eventually(() => {
      hub.publish(COORDINATOR, { ...start, round: 3 });
      return trained;
    }).toContain("0 training 3");
    await done;
    expect(trained.some((event) => event.includes("trained"))).toBe(false);
  });

  it("tells why it cannot follow, and follows when it can", async () => {
    const { hub, join, trained, store } = createTestRound({ rounds: 1 });
    join(0);
    const base = await store.putFile([encodeWeights(toy.init(1), toy.shapes)]);
    const start = { type: "start", directive, round: 1, participants: [addressOf(0)] };
    await waitForListeners(hub);
    hub.publish(COORDINATOR, { ...start, base: "f".repeat(64) });
    await eventually(() => trained).toContain("0 a round could not be followed 1");
    await eventually(() => {
      hub.publish(COORDINATOR, { ...start, base: base.cid });
      return trained;
    }).toContain("0 trained 1");
  });

  it.each([-3_600_000, 3_600_000])(
    "waits for a coordinator by a clock that does not follow a wall step of %i ms",
    async (step) => {
      const time = new TestClock();
      let cancelled = 0;
      const silences: (() => void)[] = [];
      const clock: Clock = {
        now: () => time.now(),
        monotonic: () => time.monotonic(),
        sleep: (milliseconds, signal) => time.sleep(milliseconds, signal),
        after: (milliseconds, work) => {
          expect(milliseconds).toBe(60_000);
          silences.push(work);
          return () => void cancelled++;
        },
      };
      const { hub, join, trained } = createTestRound({ rounds: 1 });
      const done = join(0, { clock, silenceMs: 60_000 });
      await waitForListeners(hub);
      time.stepWall(step);
      hub.publish(COORDINATOR, { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] });
      await eventually(() => trained).toContain("0 trained 1");
      // Only the announcement starts the wait anew; only its end ends the call.
      expect([silences.length, cancelled]).toEqual([2, 1]);
      silences[1]?.();
      await done;
    },
  );
});
