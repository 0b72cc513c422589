import fc from "fast-check";
import { expect, it } from "vitest";
import { AWAY_MS, EVERY_MS, SimulatedMesh } from "./simulatedMesh.js";

const NODES = 4;
const AUTHOR = 0;
const node = fc.nat(NODES - 1);
const on = <Name extends string>(name: Name) => fc.record({ do: fc.constant(name), node });

/** What may happen to a mesh, in any order. */
const step = fc.oneof(
  { weight: 8, arbitrary: on("tick") },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("round" as const), node, rounds: fc.integer({ min: 1, max: 7 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(300, EVERY_MS, AWAY_MS) }),
  },
  { weight: 3, arbitrary: on("deliver") },
  { weight: 2, arbitrary: on("cut") },
  { weight: 2, arbitrary: on("join") },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("part" as const), node, other: node, parted: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("failFetches" as const), node, fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("failTerms" as const), node, fails: fc.boolean() }) },
  { weight: 1, arbitrary: on("remove") },
  { weight: 1, arbitrary: on("admit") },
  { weight: 3, arbitrary: on("lose") },
  { weight: 1, arbitrary: on("restart") },
  { weight: 4, arbitrary: on("start") },
  { weight: 2, arbitrary: on("anchor") },
  { weight: 1, arbitrary: on("inform") },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("vote" as const),
      max: fc.integer({ min: 1, max: 3 }),
      upTo: fc.integer({ min: -1, max: 2 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function perform(mesh: SimulatedMesh, what: Step): Promise<void> {
  switch (what.do) {
    case "tick":
      return mesh.tick(what.node);
    case "round":
      return rounds(mesh, what.rounds, what.node);
    case "wait":
      mesh.now += what.ms;
      return;
    case "deliver":
      return mesh.deliver();
    case "cut":
      return mesh.cutOff(what.node, true);
    case "join":
      return mesh.cutOff(what.node, false);
    case "part":
      return mesh.part(what.node, what.other, what.parted);
    case "failFetches":
      return mesh.failFetches(what.node, what.fails);
    case "failTerms":
      return mesh.failTerms(what.node, what.fails);
    case "remove":
      return mesh.setMember(what.node, false);
    case "admit":
      return mesh.setMember(what.node, true);
    case "lose":
      return mesh.stop(what.node, true);
    case "restart":
      await mesh.stop(what.node, false);
      return mesh.start(what.node);
    case "start":
      return mesh.start(what.node);
    case "anchor":
      mesh.anchor(what.node);
      return;
    case "inform":
      return mesh.readTerms(what.node);
    case "vote":
      return mesh.vote(what.max, what.upTo);
  }
}

/** Every node ticks `count` times, and its messages arrive. */
async function rounds(mesh: SimulatedMesh, count: number, first = 0): Promise<void> {
  for (let round = 0; round < count; round++) {
    for (let i = 0; i < NODES; i++) {
      await mesh.tick((first + i) % NODES);
      mesh.now += EVERY_MS / NODES;
      mesh.deliver();
    }
  }
}

/** Sequences that fail if a rule is left out: rare among random ones. */
const examples: [number, boolean, Step[]][] = [
  // One of two keepers is away, and a removed third node must not unpin yet.
  [
    2,
    true,
    [
      { do: "remove", node: 1 },
      { do: "cut", node: 2 },
      { do: "round", node: 0, rounds: 7 },
    ],
  ],
  [
    2,
    true,
    [
      { do: "remove", node: 2 },
      { do: "cut", node: 3 },
      { do: "round", node: 0, rounds: 7 },
    ],
  ],
  [
    2,
    true,
    [
      { do: "remove", node: 3 },
      { do: "cut", node: 1 },
      { do: "round", node: 0, rounds: 7 },
    ],
  ],
  // A node reports that it holds its share by another view.
  [
    2,
    false,
    [
      { do: "vote", max: 1, upTo: 0 },
      { do: "round", node: 0, rounds: 1 },
      { do: "lose", node: 0 },
      { do: "anchor", node: 0 },
      { do: "tick", node: 0 },
      { do: "cut", node: 0 },
      { do: "inform", node: 1 },
      { do: "round", node: 0, rounds: 6 },
    ],
  ],
];

it("never unpins a record that has not expired while fewer than the minimum number of others hold it", async () => {
  let unpinned = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 }),
      fc.boolean(),
      fc.array(step, { minLength: 10, maxLength: 80 }),
      async (min, authorIsLost, steps) => {
        const mesh = await SimulatedMesh.create({ nodes: NODES, min, max: min });
        for (let records = 0; records < 6; records++) mesh.anchor(AUTHOR);
        await rounds(mesh, 3);
        // Without its author, only the keepers hold a record.
        if (authorIsLost) await mesh.stop(AUTHOR, true);
        await rounds(mesh, 7);
        for (const each of steps) await perform(mesh, each);
        unpinned += mesh.unpinned;
        expect(mesh.violations).toEqual([]);
      },
    ),
    { numRuns: 250, examples },
  );
  // A mesh that unpins nothing would pass, too.
  expect(unpinned).toBeGreaterThan(100);
});

it("reaches the voted number of replicas of each record when faults end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 30 }), async (max, steps) => {
      const mesh = await SimulatedMesh.create({ nodes: NODES, min: 1, max });
      for (const index of [0, 1, 2]) mesh.anchor(index);
      await rounds(mesh, 3);
      for (const each of steps) if (each.do !== "lose") await perform(mesh, each);
      mesh.vote(max, -1);
      for (let index = 0; index < NODES; index++) {
        mesh.cutOff(index, false);
        mesh.setMember(index, true);
        mesh.failFetches(index, false);
        mesh.failTerms(index, false);
        for (let other = 0; other < NODES; other++) mesh.part(index, other, false);
        await mesh.start(index);
        mesh.readTerms(index);
      }
      await rounds(mesh, 12);
      expect(mesh.holders()).toEqual(mesh.holders().map(() => max + 1));
    }),
    { numRuns: 100 },
  );
});

/** Every node reads a vote and acts on it. */
async function decide(mesh: SimulatedMesh, max: number, upTo: number): Promise<void> {
  mesh.vote(max, upTo);
  for (let index = 0; index < NODES; index++) mesh.readTerms(index);
  await rounds(mesh, 8);
}

async function meshOf(records: number, max: number) {
  const mesh = await SimulatedMesh.create({ nodes: NODES, min: 1, max });
  const ids = Array.from({ length: records }, () => mesh.anchor(AUTHOR));
  await rounds(mesh, 8);
  return { mesh, ids };
}

it("unpins expired records and their manifests on all nodes, authors included, and a new disk does not wait for them", async () => {
  const { mesh } = await meshOf(4, 3);
  await decide(mesh, 3, 2);
  expect([mesh.holders(true), mesh.holders()]).toEqual([
    [0, 0, 0, 0],
    [4, 4, 4, 4],
  ]);
  expect(mesh.state(AUTHOR)).toMatchObject({ records: 4, held: 4, missing: 0, underReplicated: 0, expired: 4 });

  // A node with an empty disk can read none of the old manifests; its replicas count all the same.
  await mesh.stop(3, true);
  await mesh.start(3);
  await rounds(mesh, 8);
  expect(mesh.state(3)).toMatchObject({ records: 2, unread: 0, missing: 0, underReplicated: 0 });
  expect(mesh.state(AUTHOR)).toMatchObject({ missing: 0, underReplicated: 0 });
  expect(mesh.holders()).toEqual([4, 4, 4, 4]);
});

it("unpins neither a record on hold nor its manifest, and a node with an empty disk replicates both", async () => {
  const { mesh, ids } = await meshOf(4, 3);
  const [, held] = ids;
  if (held === undefined) throw new Error("there is no second record");
  // And one that no manifest lists: the search for it blocks nothing.
  mesh.onHold.add(held).add(`0x${"ab".repeat(32)}`);
  await decide(mesh, 3, 3);
  expect(mesh.holders(true)).toEqual([0, 0, 4, 4, 0, 0]);
  await mesh.stop(3, true);
  await mesh.start(3);
  await rounds(mesh, 8);
  expect(mesh.holders(true)).toEqual([0, 0, 4, 4, 0, 0]);
  expect(mesh.state(AUTHOR)).toMatchObject({ byHolders: [0, 0, 0, 0, 4] });
  expect(mesh.state(3)).toMatchObject({ records: 2, unread: 0, missing: 0, underReplicated: 0 });
  for (let index = 0; index < NODES; index++) mesh.failTerms(index, true);
  mesh.onHold.clear();
  await rounds(mesh, 3);
  expect(mesh.holders(true)).toEqual([0, 0, 4, 4, 0, 0]);
  for (let index = 0; index < NODES; index++) mesh.failTerms(index, false);
  await rounds(mesh, 3);
  expect(mesh.holders(true)).toEqual([0, 0, 0, 0, 0, 0]);
});

it("unpins what expired while it was away, by the pins on its disk", async () => {
  const { mesh } = await meshOf(3, 3);
  await mesh.stop(2, false);
  await decide(mesh, 3, 2);
  expect(mesh.holders(true)).toEqual([1, 1, 1, 1]);
  await mesh.start(2);
  await rounds(mesh, 3);
  expect(mesh.holders(true)).toEqual([0, 0, 0, 0]);
});

it("replicates expired records again that a later vote keeps for longer, if a node still has them", async () => {
  const { mesh } = await meshOf(2, 3);
  await mesh.stop(2, false);
  await decide(mesh, 3, 2);
  expect(mesh.holders(true)).toEqual([1, 1, 1, 1]);
  mesh.vote(3, -1);
  for (let index = 0; index < NODES; index++) mesh.readTerms(index);
  await mesh.start(2);
  await rounds(mesh, 8);
  expect(mesh.holders(true)).toEqual([4, 4, 4, 4]);
});

it("moves and unpins nothing while the voted terms cannot be read, and does so afterwards", async () => {
  const { mesh } = await meshOf(3, 2);
  for (let index = 0; index < NODES; index++) mesh.failTerms(index, true);
  await decide(mesh, 1, 2);
  expect([...mesh.holders(true), ...mesh.holders()]).toEqual([3, 3, 3, 3, 3, 3]);
  expect(mesh.state(AUTHOR)).toMatchObject({ expired: 0 });
  for (let index = 0; index < NODES; index++) mesh.failTerms(index, false);
  await rounds(mesh, 8);
  expect([mesh.holders(true), mesh.holders()]).toEqual([
    [0, 0, 0, 0],
    [2, 2],
  ]);
  expect(mesh.violations).toEqual([]);
});
