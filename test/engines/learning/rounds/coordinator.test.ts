import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { decodeWeights, encodeWeights } from "../../../../src/engines/learning/index.js";
import type { Hex } from "../../../../src/records/index.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { createTestRound } from "../testRound.js";
import { addressOf, directive, toy } from "../toyTask.js";

describe("a federated round", () => {
  it("is committed when all have answered, each round starting from the model before", async () => {
    const { hub, join, coordinate, models, trained } = createTestRound();
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
    const starts = hub.published.flatMap(({ message }) => (message.type === "start" ? [message] : []));
    expect(new Set(starts.map(({ base }) => base))).toEqual(
      new Set([null, rounds[0]?.model?.cid, rounds[1]?.model?.cid]),
    );
    await Promise.all(participants);
    expect(trained.filter((event) => event.includes("trained")).sort()).toEqual(
      [0, 1, 2].flatMap((node) => [1, 2, 3].map((round) => `${node} trained ${round}`)),
    );
  });

  it("makes the same models again from the same nodes, whatever the order of their answers", async () => {
    const first = createTestRound();
    for (const index of [0, 1, 2]) first.join(index);
    await first.coordinate(3);
    const second = createTestRound();
    for (const index of [2, 0, 1]) second.join(index);
    await second.coordinate(3, { participants: [2, 0, 1].map(addressOf) });
    expect(second.models).toEqual(first.models);
  });

  it("is degraded at the timeout when enough have answered, and failed when too few have", async () => {
    const degraded = createTestRound({ rounds: 1, timeoutSeconds: 6 });
    for (const index of [0, 1]) degraded.join(index);
    const [round] = await degraded.coordinate(3);
    expect(round).toMatchObject({ ending: "degraded", refused: [] });
    expect(round?.model?.contributors).toHaveLength(2);

    const failed = createTestRound({ rounds: 1, timeoutSeconds: 1 });
    failed.join(0);
    expect(await failed.coordinate(3)).toMatchObject([{ ending: "failed", model: null, record: null }]);
    expect(failed.models).toEqual([]);
    expect(failed.hub.published.some(({ message }) => message.type === "end" && message.ending === "failed")).toBe(
      true,
    );
  });

  it("goes on from the last model after a round that failed", async () => {
    const { hub, join, coordinate, stopped } = createTestRound({ rounds: 3, timeoutSeconds: 6 });
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
    const third = hub.published.find(({ message }) => message.type === "start" && message.round === 3);
    expect(third?.message).toMatchObject({ base: rounds[0]?.model?.cid });
  });

  it("is called off by the signal, and run again by the next call", async () => {
    const { hub, join, coordinate } = createTestRound();
    const stop = new AbortController();
    hub.listen(({ message }) => {
      if (message.type === "end" && message.round === 1) stop.abort(new Error("the agent stops"));
    });
    for (const index of [0, 1]) join(index);
    await expect(coordinate(2, { signal: stop.signal })).rejects.toThrow("the agent stops");
    const rounds = await coordinate(2);
    expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "committed", "committed"]);
    expect(hub.published.some(({ message }) => message.type === "end" && message.ending === "cancelled")).toBe(true);
  });

  it("starts from the model that is given, which must be of the task's shapes", async () => {
    const { store, join, coordinate, hub } = createTestRound({ rounds: 1 });
    const { cid } = await store.putFile([encodeWeights(toy.init(5), toy.shapes)]);
    for (const index of [0, 1]) join(index);
    await coordinate(2, { base: cid });
    expect(hub.published[0]?.message).toMatchObject({ type: "start", base: cid });
    const other = await store.putFile([new Uint8Array([1, 2, 3])]);
    await expect(coordinate(2, { base: other.cid, dir: `${temporaryFolder()}/x` })).rejects.toThrow();
  });
});

describe("another coordinator", () => {
  it("on another node takes over with what the participants have at hand, and makes the same models", async () => {
    const { hub, root, join, coordinate, models, trained } = createTestRound();
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
    const { join, coordinate, models, store } = createTestRound({ rounds: 2 });
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

  it("after damage to its journal runs the rounds again, to the same models", async () => {
    const { coordinate, join, models, root } = createTestRound({ rounds: 2 });
    for (const index of [0, 1]) join(index);
    const before = await coordinate(2);
    const path = `${root}/coordinator/rounds-${directive}.jsonl`;
    await writeFile(path, (await readFile(path, "utf8")).replace('"step":"averaged"', '"step":"aver'));
    for (const index of [0, 1]) join(index);
    const events: string[] = [];
    expect(await coordinate(2, { onEvent: (event) => events.push(event) })).toEqual(before);
    expect(events).toContain("a journal is damaged");
    expect(models.slice(2)).toEqual(models.slice(0, 2));
  });
});
