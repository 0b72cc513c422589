import { expect, it } from "vitest";
import { createForgetter } from "../../../src/catalog/retention/forgetter.js";
import { anchorOf, openRows, writeAnchors } from "../../harness/catalogRows.js";
import { SleeplessClock } from "../../harness/clock.js";
import { state } from "../../records/samples.js";

const signal = new AbortController().signal;
/** The first block of the second day: blocks are ten seconds apart. */
const NEXT_DAY = 8_540;

async function withStates(forgotten: () => Promise<number>, final = NEXT_DAY) {
  const db = await openRows();
  writeAnchors(
    db,
    [1, 2, NEXT_DAY].map((block) => anchorOf(block, [{ kind: "State", value: { ...state, cycle: block } }])),
  );
  const clock = new SleeplessClock();
  const forget = createForgetter({ db, clock, retention: { readForgottenBlock: forgotten }, finalBlock: () => final });
  return {
    db,
    clock,
    forget: () => forget(signal),
    left: () => db.get<{ n: number }>("SELECT count(*) AS n FROM records")?.n,
  };
}

it("forgets no more than the rules say and the chain has settled", async () => {
  const [kept, unsettled] = [
    await withStates(async () => NEXT_DAY - 1),
    await withStates(async () => NEXT_DAY, NEXT_DAY - 1),
  ];
  for (const { forget, left } of [kept, unsettled]) {
    await forget();
    expect(left()).toBe(3);
  }
});

it("asks for the rules every ten minutes, or again at once if they could not be read", async () => {
  let asked = 0;
  const { clock, forget, left } = await withStates(async () => {
    asked += 1;
    if (asked === 1) throw new Error("no answer");
    return asked === 2 ? -1 : NEXT_DAY;
  });
  await expect(forget()).rejects.toThrow("no answer");
  await forget();
  await forget();
  expect([asked, left()]).toEqual([2, 3]);
  clock.pass(600_000);
  await forget();
  expect([asked, left()]).toEqual([3, 1]);
});
