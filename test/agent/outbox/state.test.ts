import { appendFile, mkdir, mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outbox, type OutboxDependencies } from "../../../src/agent/outbox/outbox.js";
import { type OutboxEntry, OutboxState, type QueuedRecord } from "../../../src/agent/outbox/state.js";
import { type Address, contentIdOf, contentIdToCid, type Hex } from "../../../src/records/index.js";
import { stateOf } from "../../harness/dao.js";

const SHORT = 40;
const node: Address = "0x00000000000000000000000000000000000000ab";
const rootOf = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;
const record = (n: number): QueuedRecord => ({
  kind: n % 3 === 0 ? "Incident" : "State",
  contentId: rootOf(n),
  cid: `cid-${n}`,
});

/** A life of an outbox: what it may write, one entry after the other. */
const life = fc.array(
  fc.tuple(fc.constantFrom("queue", "send", "anchor", "offer", "sign", "withdraw", "join", "again", "final"), fc.nat()),
  {
    maxLength: 120,
  },
);

function live(
  steps: readonly (readonly [string, number])[],
  onEntry: (entry: OutboxEntry, state: OutboxState) => void,
) {
  const state = new OutboxState();
  let records = 0;
  let blocks = 0;
  const write = (entry: OutboxEntry) => {
    state.apply(entry);
    onEntry(entry, state);
  };
  const ids = (from: readonly QueuedRecord[]) => from.map(({ contentId }) => contentId);
  const batch = (root: Hex) => ({ root, transactionHash: rootOf(++blocks), blockNumber: blocks });
  for (const [step, n] of steps) {
    const free = state.free().filter(({ contentId }) => !state.pending?.includes(contentId));
    const unsettled = [...state.unsettled.values()];
    const one = unsettled[n % Math.max(1, unsettled.length)];
    const { offered, pending } = state;
    if (step === "queue") write({ type: "queued", ...record(records++) });
    if (step === "send" && pending === undefined && free.length > 0)
      write({ type: "batch", contentIds: ids(free).slice(0, 1 + (n % 3)) });
    if (step === "anchor" && pending !== undefined)
      write({ type: "anchored", contentIds: pending, batch: batch(rootOf(1_000_000 + blocks)) });
    if (step === "offer" && offered === undefined && free.length > 0)
      write({ type: "offered", contentIds: ids(free), root: rootOf(2_000_000 + n) });
    if (step === "sign" && offered?.signed === null)
      write({ type: "signed", root: offered.root, seal: { id: rootOf(n), index: n, deadline: n } });
    if (step === "withdraw" && offered !== undefined) write({ type: "withdrawn", root: offered.root });
    if (step === "join" && offered !== undefined) {
      const joint = { id: rootOf(n), index: n, deadline: n };
      write({ type: "anchored", contentIds: ids(offered.records), batch: { ...batch(offered.root), joint } });
    }
    if (step === "again" && one !== undefined)
      write({ type: "anchored", contentIds: ids(one.records), batch: batch(one.batch.root) });
    if (step === "final" && one !== undefined) write({ type: "final", root: one.batch.root });
  }
  return state;
}

/** All that an outbox knows. */
const known = ({ anchored, offered, pending, unsettled, waiting }: OutboxState) => ({
  waiting: [...waiting.entries()],
  anchored: new Map(anchored),
  unsettled: new Map(unsettled),
  pending,
  offered,
});

describe("what an outbox knows", () => {
  it("is the same after its fewest entries as after all that there were, and so is all that follows", () => {
    fc.assert(
      fc.property(life, fc.nat(), (steps, at) => {
        const all: OutboxEntry[] = [];
        let short: OutboxEntry[] = [];
        let written = 0;
        const state = live(steps, (entry, now) => {
          all.push(entry);
          short.push(entry);
          if (written++ === at % (steps.length + 1)) short = now.entries();
        });
        const read = (entries: readonly OutboxEntry[]) => {
          const again = new OutboxState();
          for (const entry of JSON.parse(JSON.stringify(entries)) as OutboxEntry[]) again.apply(entry);
          return again;
        };
        expect(known(read(all))).toEqual(known(state));
        expect(known(read(short))).toEqual(known(state));
      }),
    );
  });

  it("is without the states whose anchors are final, and remembers everything else", () => {
    const state = live(
      [
        ["queue", 0],
        ["queue", 0],
        ["send", 2],
        ["anchor", 0],
        ["final", 0],
      ],
      () => undefined,
    );
    expect([...state.anchored.keys()]).toEqual([record(0).contentId]);
    expect(state.entries().map(({ type }) => type)).toEqual(["anchored", "final"]);
  });

  it("is no more than ten thousand final records, of which the oldest are forgotten", () => {
    const state = new OutboxState();
    const batch = { root: rootOf(1), transactionHash: rootOf(2), blockNumber: 1 };
    const all = Array.from({ length: 10_003 }, (_, n) => record(3 * n));
    for (const each of all) state.apply({ type: "queued", ...each });
    state.apply({ type: "anchored", contentIds: all.map(({ contentId }) => contentId), batch });
    expect(state.anchored.size).toBe(10_003);
    state.apply({ type: "final", root: batch.root });
    expect([...state.anchored.keys()]).toEqual(all.slice(3).map(({ contentId }) => contentId));
  });
});

describe("the journal of an outbox", () => {
  /** A chain that takes everything at once and for good. */
  const dependencies: OutboxDependencies = {
    put: async (bytes) => contentIdToCid(contentIdOf(bytes)),
    anchor: async ([first]) => ({ root: first?.contentId ?? "0x", transactionHash: "0x01", blockNumber: 1 }),
    sign: () => Promise.reject(new Error("not here")),
    standingOf: async () => "final",
  };

  it("grows with what it must know, and not with what there was", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
    const outbox = await Outbox.open(path, dependencies, SHORT);
    for (let cycle = 0; cycle < 200; cycle++) {
      await outbox.submit("State", stateOf(node, cycle));
      await outbox.flush();
      await outbox.review();
    }
    const waits = await outbox.submit("State", stateOf(node, 200));
    await outbox.close();
    expect((await readFile(path, "utf8")).split("\n").length).toBeLessThanOrEqual(SHORT + 1);
    const again = await Outbox.open(path, dependencies, SHORT);
    expect([again.waiting, again.unsettled]).toEqual([1, 0]);
    await again.flush();
    expect(again.anchorOf(waits.contentId)).toBeDefined();
    await again.close();
  });

  it("says so where it cannot be shortened, and loses nothing", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
    // In the way of what would take its place.
    await mkdir(`${path}.tmp`);
    const errors: unknown[] = [];
    const outbox = await Outbox.open(path, { ...dependencies, onError: (error) => errors.push(error) }, SHORT);
    for (let cycle = 0; cycle < SHORT; cycle++) {
      await outbox.submit("State", stateOf(node, cycle));
      await outbox.flush();
      await outbox.review();
    }
    await outbox.submit("State", stateOf(node, SHORT));
    await outbox.close();
    expect(errors.length).toBeGreaterThan(0);
    const again = await Outbox.open(path, dependencies);
    expect([again.waiting, again.unsettled]).toEqual([1, 0]);
    await again.close();
  });

  it("that was written before is shortened by the next entry", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
    const lines = Array.from({ length: 100 }, (_, n) => {
      const { contentId } = record(n);
      const batch = { root: contentId, transactionHash: "0x01", blockNumber: n };
      return [
        { type: "queued", ...record(3 * n + 1), contentId },
        { type: "anchored", contentIds: [contentId], batch },
        { type: "final", root: contentId },
      ];
    });
    await appendFile(
      path,
      lines
        .flat()
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(""),
    );
    const { size } = await stat(path);
    const outbox = await Outbox.open(path, dependencies, SHORT);
    await outbox.submit("State", stateOf(node, 1));
    await outbox.close();
    expect((await stat(path)).size).toBeLessThan(size / 50);
    const again = await Outbox.open(path, dependencies);
    expect(again.waiting).toBe(1);
    await again.close();
  });
});
