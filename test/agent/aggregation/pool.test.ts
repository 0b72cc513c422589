import { expect, it } from "vitest";
import { MessagePool } from "../../../src/agent/aggregation/pool.js";
import { stepped } from "../../harness/clock.js";

interface Opinion {
  readonly topic: string;
  readonly node: number;
  readonly text: string;
}

const clock = stepped();
const openPool = () =>
  new MessagePool<Pick<Opinion, "topic" | "node">, Opinion>({
    clock,
    subjectOf: ({ topic }) => topic,
    keyOf: ({ node }) => node,
    saysTheSame: (one, other) => one.text === other.text,
  });
const yes = { topic: "a", node: 1, text: "yes" };
const no = { ...yes, text: "no" };

it("keeps the first message in each place, with the moment it came, and the first contradiction as evidence", () => {
  const pool = openPool();
  clock.pass(1_000);
  const since = clock.monotonic();
  expect([yes, yes, no, { ...yes, text: "perhaps" }].map((each) => pool.add(each))).toEqual([
    "new",
    "known",
    "contradiction",
    "known",
  ]);
  clock.pass(1_000);
  clock.stepWall(-3_600_000);
  expect(pool.add({ ...yes, node: 2 })).toBe("new");
  expect(pool.get(yes)).toEqual(yes);
  expect(pool.contradictionOf(yes)).toEqual({ first: yes, second: no });
  expect(pool.list("a").map((each) => each.since)).toEqual([since, since + 1_000]);
});

it("forgets one message, a subject or all", () => {
  const pool = openPool();
  for (const topic of ["a", "b", "c"]) pool.add({ ...yes, topic });
  pool.forget(yes);
  expect([pool.get(yes), pool.list("a"), pool.subjects]).toEqual([undefined, [], ["a", "b", "c"]]);
  pool.drop("b");
  expect(pool.subjects).toEqual(["a", "c"]);
  pool.clear();
  expect(pool.subjects).toEqual([]);
});
