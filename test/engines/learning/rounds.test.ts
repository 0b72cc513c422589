import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { decodeWeights, encodeWeights, type RoundMessage } from "../../../src/engines/learning/index.js";
import type { Hex } from "../../../src/records/index.js";
import { COORDINATOR, eventually, hostile, listening, mesh, sendAll, type Update, updateOf } from "./roundMesh.js";
import { addressOf, directive, temporaryFolder, toy } from "./world.js";

describe("a federated round", () => {
  it("is committed when all have answered, each round starting from the model before", async () => {
    const { hub, join, coordinate, models, trained } = mesh();
    const participants = [join(0), join(1), join(2)];
    const rounds = await coordinate(3);

    expect(rounds.map(({ round, ending }) => [round, ending])).toEqual([
      [1, "committed"],
      [2, "committed"],
      [3, "committed"],
    ]);
    expect(rounds.map(({ record }) => record)).toEqual(models);
    expect(new Set(models).size).toBe(3);
    expect(rounds[2]?.model?.evaluation).toMatchObject({ samples: 90, accuracy: expect.any(Number) });
    expect(rounds[2]?.model?.evaluation.accuracy).toBeGreaterThan(0.9);
    expect(rounds[0]?.model?.contributors.map(({ node, samples }) => [node, samples])).toEqual(
      [0, 1, 2].map((i) => [addressOf(i), 60]),
    );
    const starts = hub.said.flatMap(({ message }) => (message.type === "start" ? [message] : []));
    expect(new Set(starts.map(({ base }) => base))).toEqual(
      new Set([null, rounds[0]?.model?.cid, rounds[1]?.model?.cid]),
    );
    await Promise.all(participants);
    expect(trained.filter((event) => event.includes("trained")).sort()).toEqual(
      [0, 1, 2].flatMap((node) => [1, 2, 3].map((round) => `${node} trained ${round}`)),
    );
  });

  it("makes the same models again from the same nodes, whatever the order of their answers", async () => {
    const first = mesh();
    for (const index of [0, 1, 2]) first.join(index);
    await first.coordinate(3);
    const second = mesh();
    for (const index of [2, 0, 1]) second.join(index);
    await second.coordinate(3, { participants: [2, 0, 1].map(addressOf) });
    expect(second.models).toEqual(first.models);
  });

  it("is degraded at the timeout when enough have answered, and failed when too few have", async () => {
    const degraded = mesh({ rounds: 1, timeoutSeconds: 1 });
    for (const index of [0, 1]) degraded.join(index);
    const [round] = await degraded.coordinate(3);
    expect(round).toMatchObject({ ending: "degraded", refused: [] });
    expect(round?.model?.contributors).toHaveLength(2);

    const failed = mesh({ rounds: 1, timeoutSeconds: 1 });
    failed.join(0);
    expect(await failed.coordinate(3)).toMatchObject([{ ending: "failed", model: null, record: null }]);
    expect(failed.models).toEqual([]);
    expect(failed.hub.said.some(({ message }) => message.type === "end" && message.ending === "failed")).toBe(true);
  });

  it("goes on from the last model after a round that failed", async () => {
    const { hub, join, coordinate, stopped } = mesh({ rounds: 3, timeoutSeconds: 1 });
    join(0);
    // The second node is away in round 2.
    const away = new AbortController();
    join(1, { signal: AbortSignal.any([away.signal, stopped.signal]) });
    hub.listen(({ message }) => {
      if (message.type === "end" && message.round === 1) away.abort();
      if (message.type === "end" && message.round === 2) join(1, { dir: `${temporaryFolder()}/again` });
    });
    const rounds = await coordinate(2);
    expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "failed", "committed"]);
    const third = hub.said.find(({ message }) => message.type === "start" && message.round === 3);
    expect(third?.message).toMatchObject({ base: rounds[0]?.model?.cid });
  });

  it("is called off by the signal, and run again by the next call", async () => {
    const { hub, join, coordinate } = mesh();
    const stop = new AbortController();
    hub.listen(({ message }) => {
      if (message.type === "end" && message.round === 1) stop.abort(new Error("the agent stops"));
    });
    for (const index of [0, 1]) join(index);
    await expect(coordinate(2, { signal: stop.signal })).rejects.toThrow("the agent stops");
    const rounds = await coordinate(2);
    expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "committed", "committed"]);
    expect(hub.said.some(({ message }) => message.type === "end" && message.ending === "cancelled")).toBe(true);
  });

  it("starts from the model that is given, which must be of the task's shapes", async () => {
    const { store, join, coordinate, hub } = mesh({ rounds: 1 });
    const { cid } = await store.putFile([encodeWeights(toy.init(5), toy.shapes)]);
    for (const index of [0, 1]) join(index);
    await coordinate(2, { base: cid });
    expect(hub.said[0]?.message).toMatchObject({ type: "start", base: cid });
    const other = await store.putFile([new Uint8Array([1, 2, 3])]);
    await expect(coordinate(2, { base: other.cid, dir: `${temporaryFolder()}/x` })).rejects.toThrow();
  });
});

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
    const { hub, store, join, coordinate } = mesh({ rounds: 1, timeoutSeconds: 3 });
    for (const index of [0, 1]) join(index);
    const put = async (start: RoundMessage & { type: "start" }, bytes: Uint8Array) =>
      updateOf(start, await store.putFile([bytes]).then(({ cid, sha256 }) => ({ cid, sha256 })));
    hub.listen(({ message }) => {
      if (message.type !== "start") return;
      void answer(message, (bytes) => put(message, bytes)).then((all) => sendAll(hub, addressOf(2), all));
    });
    const [round] = await coordinate(3);
    expect(round?.ending).toBe("degraded");
    expect(round?.model?.contributors.map(({ node }) => node)).toEqual([addressOf(0), addressOf(1)]);
    expect(round?.refused).toEqual([{ node: addressOf(2), reason: expect.stringMatching(reason) }]);
  });

  it("a second, different update, and keeps the first", async () => {
    const { hub, store, join, coordinate } = mesh({ rounds: 1 });
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
    const { hub, store, join, coordinate } = mesh({ rounds: 1 });
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
    const { store, join, coordinate } = mesh({ rounds: 1 });
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

describe("a participant", () => {
  it("trains once for a round and base, and answers from its journal after a crash", async () => {
    const { hub, join, trained, root } = mesh({ rounds: 1 });
    const stop = new AbortController();
    const first = join(0, { signal: stop.signal });
    const start = { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] };
    const updates = () => hub.said.filter(({ message }) => message.type === "update");
    await listening(hub);
    hub.send(COORDINATOR, start);
    await eventually(updates).toHaveLength(1);
    stop.abort();
    await first;
    join(0);
    await eventually(() => {
      hub.send(COORDINATOR, start);
      return updates().length;
    }).toBeGreaterThan(2);
    expect(new Set(updates().map(({ message }) => JSON.stringify(message))).size).toBe(1);
    expect(trained.filter((event) => event === "0 training 1")).toHaveLength(1);
    expect((await readFile(`${root}/node-0/updates-${directive}.jsonl`, "utf8")).trim().split("\n")).toHaveLength(1);
  });

  it("does not train for rounds that were not ordered, for others, or for whom it must not follow", async () => {
    const { hub, join, trained } = mesh({ rounds: 1 });
    const done = join(0, { mayCoordinate: (node) => node === COORDINATOR });
    const start = { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] };
    await listening(hub);
    hub.send(COORDINATOR, { ...start, round: 0 });
    hub.send(COORDINATOR, { ...start, round: 2 });
    hub.send(COORDINATOR, { ...start, participants: [addressOf(4)] });
    hub.send(COORDINATOR, { ...start, directive: `0x${"ee".repeat(32)}` });
    hub.send(addressOf(7), start);
    hub.send(addressOf(7), { type: "finished", directive });
    hub.send(COORDINATOR, { type: "finished", directive });
    await done;
    expect(trained).toEqual([]);
  });

  it("bounds what a coordinator that makes up bases can make it train", async () => {
    const { hub, join, store, trained } = mesh({ rounds: 1, localEpochs: 1 });
    join(0);
    for (let seed = 0; seed < 8; seed++) {
      const { cid } = await store.putFile([encodeWeights(toy.init(seed), toy.shapes)]);
      const before = trained.length;
      const said = () =>
        hub.send(COORDINATOR, { type: "start", directive, round: 1, base: cid, participants: [addressOf(0)] });
      if (seed < 4)
        await eventually(() => {
          said();
          return trained.length;
        }).toBe(before + 2);
      else said();
    }
    expect(trained.filter((event) => event.includes("trained"))).toHaveLength(4);
  });

  it("stops training when the round ends or the next one starts, and leaves when nobody coordinates", async () => {
    const { hub, join, trained } = mesh({ rounds: 3, localEpochs: 1_000 });
    const done = join(0, { silenceMs: 300 });
    const start = { type: "start", directive, round: 1, base: null, participants: [addressOf(0)] };
    await listening(hub);
    hub.send(COORDINATOR, start);
    await eventually(() => trained).toContain("0 training 1");
    hub.send(COORDINATOR, { type: "end", directive, round: 1, ending: "failed", model: null });
    await eventually(() => {
      hub.send(COORDINATOR, { ...start, round: 2 });
      return trained;
    }).toContain("0 training 2");
    await eventually(() => {
      hub.send(COORDINATOR, { ...start, round: 3 });
      return trained;
    }).toContain("0 training 3");
    await done;
    expect(trained.some((event) => event.includes("trained"))).toBe(false);
  });

  it("tells why it cannot follow, and follows when it can", async () => {
    const { hub, join, trained, store } = mesh({ rounds: 1 });
    join(0);
    const base = await store.putFile([encodeWeights(toy.init(1), toy.shapes)]);
    const start = { type: "start", directive, round: 1, participants: [addressOf(0)] };
    await listening(hub);
    hub.send(COORDINATOR, { ...start, base: "f".repeat(64) });
    await eventually(() => trained).toContain("0 a round could not be followed 1");
    await eventually(() => {
      hub.send(COORDINATOR, { ...start, base: base.cid });
      return trained;
    }).toContain("0 trained 1");
  });
});

describe("another coordinator", () => {
  it("on another node takes over with what the participants have at hand, and makes the same models", async () => {
    const { hub, root, join, coordinate, models, trained } = mesh();
    for (const index of [0, 1, 2]) join(index);
    const dead = new AbortController();
    hub.listen(({ message }) => {
      if (message.type === "start" && message.round === 3) dead.abort();
    });
    await coordinate(3, { signal: dead.signal }).catch(() => undefined);
    const rounds = await coordinate(3, { dir: `${root}/other`, channel: hub.channel(addressOf(1)) });
    expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "committed", "committed"]);
    expect(rounds.map(({ record }) => record).slice(0, 2)).toEqual(models.slice(0, 2));
    expect(trained.filter((event) => event.endsWith("trained 1"))).toHaveLength(3);
  });

  it("after a crash keeps the participants that were fixed, and the model that was averaged", async () => {
    const { join, coordinate, models, store } = mesh({ rounds: 2 });
    for (const index of [0, 1]) join(index);
    const crash = async (): Promise<Hex> => {
      throw new Error("killed before the record was anchored");
    };
    await expect(coordinate(2, { onModel: crash })).rejects.toThrow("killed");
    const rounds = await coordinate(4);
    expect(rounds.map(({ participants }) => participants)).toEqual([0, 1].map(() => [addressOf(0), addressOf(1)]));
    expect(models).toHaveLength(2);
    const last = rounds[1]?.model;
    expect(
      decodeWeights(await store.getFile(last?.cid ?? "", { maxBytes: 1e6, timeoutMs: 1_000 }), toy.shapes).size,
    ).toBe(4);
    expect(await coordinate(2)).toEqual(rounds);
    expect(models).toHaveLength(2);
  });
});
