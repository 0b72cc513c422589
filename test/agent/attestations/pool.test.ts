import { expect, it } from "vitest";
import { AttestationPool } from "../../../src/agent/attestations/pool.js";
import type { Attestation } from "../../../src/agent/attestations/statement.js";
import { stepped } from "../../harness/clock.js";

const [a, b] = [`0x${"11".repeat(32)}`, `0x${"12".repeat(32)}`] as const;
const signature = new Uint8Array(96);
const done: Attestation = { directiveId: a, report: "done", outcome: `0x${"22".repeat(32)}`, index: 3, signature };
const ready: Attestation = { ...done, report: "ready", outcome: null };
const failed: Attestation = { ...done, report: "failed" };

it("counts one attestation of each node on each part of each directive", () => {
  const pool = new AttestationPool(stepped());
  const all = [ready, done, { ...done, index: 4 }, { ...done, directiveId: b }];
  expect(all.map((each) => pool.add(each))).toEqual(["new", "new", "new", "new"]);
  expect(pool.list(a).map(({ message }) => message)).toEqual([ready, done, { ...done, index: 4 }]);
  expect([pool.get(ready), pool.get({ ...failed, index: 4 }), pool.subjects]).toEqual([
    ready,
    { ...done, index: 4 },
    [a, b],
  ]);
});

it.each<[string, Attestation]>([
  ["another end", failed],
  ["another outcome", { ...done, outcome: `0x${"23".repeat(32)}` }],
])("counts the first where a node says %s too, and keeps both as evidence", (_, second) => {
  const pool = new AttestationPool(stepped());
  pool.add(ready);
  pool.add(done);
  expect([pool.add(second), pool.add(second), pool.add({ ...done })]).toEqual(["contradiction", "known", "known"]);
  expect(pool.get(second)).toEqual(done);
  expect(pool.contradictionOf(done)).toEqual({ first: done, second });
  expect(pool.contradictionOf(ready)).toBeUndefined();
});

it("knows since when it has each, by a clock that does not follow the wall", () => {
  const clock = stepped();
  const pool = new AttestationPool(clock);
  pool.add(ready);
  clock.stepWall(-3_600_000);
  clock.pass(700);
  pool.add(done);
  expect(pool.list(a).map(({ since }) => since)).toEqual([0, 700]);
});

it("forgets one part alone, or a directive that has ended with all that contradicts there", () => {
  const pool = new AttestationPool(stepped());
  for (const each of [ready, done, failed, { ...done, directiveId: b }]) pool.add(each);
  pool.forget(ready);
  expect([pool.get(ready), pool.get(done)]).toEqual([undefined, done]);
  pool.drop(a);
  expect([pool.list(a), pool.contradictionOf(done), pool.subjects]).toEqual([[], undefined, [b]]);
});
