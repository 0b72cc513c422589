import { describe, expect, it } from "vitest";
import { encodeWeights, type RoundMessage } from "../../../../src/engines/learning/index.js";
import type { Hex } from "../../../../src/records/index.js";
import { TestClock } from "../../../harness/clock.js";
import { createTestRound, hostile, publishAll, type Update, updateOf } from "../testRound.js";
import { addressOf, directive, toy } from "../toyTask.js";

describe("a round refuses", () => {
  const weights = (change: (name: string, values: Float32Array) => void) => {
    const altered = toy.init(3);
    for (const [name, values] of altered) change(name, values);
    return encodeWeights(altered, toy.shapes);
  };
  const cases: [
    string,
    (start: RoundMessage & { type: "start" }, put: (bytes: Uint8Array) => Promise<Update>) => Promise<unknown[]>,
    RegExp,
  ][] = [
    [
      "numbers that are none",
      async (_, put) => [await put(weights((_name, values) => values.fill(Number.NaN, 0, 1)))],
      /value that is not finite/,
    ],
    [
      "weights too far from where the round began",
      async (_, put) => [await put(weights((_name, values) => values.fill(1e6)))],
      /from where the round began/,
    ],
    ["a file that is none of weights", async (_, put) => [await put(new Uint8Array(40))], /safetensors/],
    [
      "more samples than anybody has",
      async (_, put) => [{ ...(await put(encodeWeights(toy.init(3), toy.shapes))), samples: 1_000_000 }],
      /No node has/,
    ],
    [
      "a hash that is not the file's",
      async (_, put) => [{ ...(await put(encodeWeights(toy.init(3), toy.shapes))), sha256: `0x${"1".repeat(64)}` }],
      /is not/,
    ],
    ["a file that nobody has", async (start) => [updateOf(start, {})], /is not there/],
  ];

  it.each(cases)("%s, and goes on without its sender", async (_what, answer, reason) => {
    const { hub, store, join, coordinate } = createTestRound({ rounds: 1, timeoutSeconds: 8 });
    for (const index of [0, 1]) join(index);
    const put = async (start: RoundMessage & { type: "start" }, bytes: Uint8Array) =>
      updateOf(start, await store.putFile([bytes]).then(({ cid, sha256 }) => ({ cid, sha256 })));
    hub.listen(({ message }) => {
      if (message.type !== "start") return;
      void answer(message, (bytes) => put(message, bytes)).then((all) => publishAll(hub, addressOf(2), all));
    });
    const [round] = await coordinate(3);
    expect(round?.ending).toBe("degraded");
    expect(round?.model?.contributors.map(({ node }) => node)).toEqual([addressOf(0), addressOf(1)]);
    expect(round?.refused).toEqual([{ node: addressOf(2), reason: expect.stringMatching(reason) }]);
  });

  it("a second, different update, and keeps the first", async () => {
    const { hub, store, join, coordinate } = createTestRound({ rounds: 1 });
    join(0);
    const one = await store.putFile([encodeWeights(toy.init(3), toy.shapes)]);
    const two = await store.putFile([encodeWeights(toy.init(4), toy.shapes)]);
    hostile(hub, addressOf(1), (start) => [
      updateOf(start, { cid: one.cid, sha256: one.sha256 }),
      updateOf(start, { cid: two.cid, sha256: two.sha256 }),
    ]);
    const [round] = await coordinate(2);
    expect(round?.ending).toBe("committed");
    expect(round?.model?.contributors[1]).toEqual({ node: addressOf(1), samples: 10, update: one.cid });
    expect(round?.refused).toEqual([{ node: addressOf(1), reason: "a second, different update" }]);
  });

  it("whatever strangers say, and messages that are none", async () => {
    const { hub, store, join, coordinate } = createTestRound({ rounds: 1 });
    const valid = await store.putFile([encodeWeights(toy.init(3), toy.shapes)]);
    hostile(hub, addressOf(9), (start) => [
      updateOf(start, { cid: valid.cid, sha256: valid.sha256 }),
      null,
      "start",
      { type: "update", directive, round: "one" },
      { type: "end", directive, round: 1, ending: "nonsense", model: null },
      { ...updateOf(start, {}), extra: true },
      updateOf({ ...start, round: 7 }, {}),
    ]);
    for (const index of [0, 1]) join(index);
    const [round] = await coordinate(2);
    expect(round).toMatchObject({ ending: "committed", refused: [] });
    expect(round?.model?.contributors.map(({ node }) => node)).toEqual([addressOf(0), addressOf(1)]);
  });

  it("nothing for good that cannot be fetched yet: it is tried again when it is announced again", async () => {
    const { store, join, coordinate } = createTestRound({ rounds: 1 });
    let failures = 3;
    const flaky = {
      ...store,
      getFile: (...args: Parameters<typeof store.getFile>) =>
        store.getFile(
          failures-- > 0 ? "f".repeat(64) : args[0],
          failures >= 0 ? { ...args[1], sha256: `0x${"f".repeat(64)}` as Hex } : args[1],
        ),
    };
    for (const index of [0, 1]) join(index);
    expect(await coordinate(2, { store: flaky })).toMatchObject([{ ending: "committed", refused: [] }]);
  });
});

describe("the timeout of a round", () => {
  it.each([-3_600_000, 3_600_000])("does not follow a wall clock that steps by %i ms", async (step) => {
    const clock = new TestClock();
    const { hub, join, coordinate } = createTestRound({ rounds: 1 });
    hub.listen(({ message }) => message.type === "start" && clock.stepWall(step));
    for (const index of [0, 1]) join(index, { clock });
    expect(await coordinate(2, { clock })).toMatchObject([{ ending: "committed", refused: [] }]);

    const alone = createTestRound({ rounds: 1, timeoutSeconds: 1 });
    alone.hub.listen(({ message }) => message.type === "start" && clock.stepWall(step));
    alone.join(0, { clock });
    expect(await alone.coordinate(2, { clock })).toMatchObject([{ ending: "failed" }]);
  });
});
