import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import { listDailyStates } from "../../../src/catalog/queries/dailyStates.js";
import { forgetStates, lastForgottenBlock, rollbackTarget } from "../../../src/catalog/retention/forget.js";
import { dueJoints, listJoint } from "../../../src/catalog/sync/joints.js";
import { rollBack } from "../../../src/catalog/sync/rollback.js";
import type { NewRecord } from "../../../src/client/index.js";
import type { Address } from "../../../src/records/index.js";
import { anchorOf, openRows, reportOf, takeIn, writeAnchors, writeEvents } from "../../harness/catalogRows.js";
import { issued } from "../../harness/directives.js";
import { eventOf } from "../../harness/events.js";
import { idOf, NODE, OTHER, state } from "../../records/samples.js";

/** Blocks are ten seconds apart, and the first is 1,010 s after midnight. */
const DAY_TWO = 8_540;
const DAY_THREE = DAY_TWO + 8_640;
const stateOf = (cycle: number, node: Address = NODE): NewRecord => ({
  kind: "State",
  value: { ...state, node, cycle, state: cycle % 2 === 0 ? "HARMONIC" : "CHAOTIC" },
});

let db: Database;
beforeEach(async () => {
  db = await openRows();
});

function forgetAll(through: number, limit = 100): number {
  let steps = 0;
  while (forgetStates(db, through, limit)) steps += 1;
  return steps;
}
const countOf = (table: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n;
const kinds = () => db.all<{ kind: number }>("SELECT kind FROM records ORDER BY position").map(({ kind }) => kind);
const usage = () => db.all("SELECT hex(author) AS author, records, bytes FROM usage ORDER BY author");
const summaries = () => listDailyStates(db, {}, 100);

/** States of two days by one node and of the first by another, with a report. */
function writeDays(): void {
  writeAnchors(db, [
    anchorOf(5, [stateOf(1), stateOf(2), stateOf(4), reportOf("replica/a")]),
    anchorOf(6, [stateOf(3, OTHER)], { author: OTHER }),
    anchorOf(DAY_TWO, [stateOf(5)]),
  ]);
}

/** A joint anchor over one batch of each of these records. */
function writeJointly(block: number, batches: readonly NewRecord[][]): void {
  const anchored = batches.map((records, index) => {
    const author: Address = `0x${`${index + 1}`.repeat(40)}`;
    writeEvents(db, [
      eventOf(
        "NodeAdmitted",
        { index: BigInt(index), operator: author, agent: author, epoch: 1n },
        { blockNumber: block - 9 + index },
      ),
    ]);
    return { ...anchorOf(block, records, { author }), index, author };
  });
  const words = [BigInt(2 ** batches.length - 1)];
  const joint = {
    root: idOf(`joint ${block}`),
    epoch: 1n,
    batches: 2n,
    manifest: idOf("list"),
    deadline: 60n,
    authors: words,
  };
  writeEvents(db, [eventOf("JointlyAnchored", joint, { blockNumber: block })]);
  const [due] = dueJoints(db, 1, 1);
  if (due === undefined) throw new Error("no joint anchor waits");
  listJoint(
    db,
    due,
    anchored.map(({ author, index, leaves, manifest, root }) => ({
      author,
      count: leaves.length,
      index,
      manifest: manifest.contentId,
      root,
      signature: "0x",
    })),
  );
  takeIn(db, anchored);
}

describe("states that need not be kept", () => {
  it("are counted by author, day and name, and go with what was stored for them", () => {
    writeDays();
    expect(forgetAll(DAY_TWO)).toBeGreaterThan(0);
    expect(kinds()).toEqual([2, 0]);
    expect(countOf("contents")).toBe(2);
    expect(summaries()).toEqual([
      { author: NODE, day: 0, states: { CHAOTIC: 1, HARMONIC: 2 }, unverified: 0 },
      { author: OTHER, day: 0, states: { CHAOTIC: 1 }, unverified: 0 },
    ]);
    expect(usage()).toMatchObject([{ records: 2 }, { records: 0, bytes: 0 }]);
    expect(countOf("anchors")).toBe(3);
  });

  it("stay while blocks of their day are not final", () => {
    writeDays();
    expect(forgetAll(DAY_TWO - 1)).toBe(0);
    expect(kinds()).toHaveLength(6);
  });

  it("are forgotten some at a time, with the same end", () => {
    writeDays();
    expect(forgetAll(DAY_TWO, 1)).toBeGreaterThan(4);
    expect(kinds()).toEqual([2, 0]);
    expect(summaries()[0]?.states).toEqual({ CHAOTIC: 1, HARMONIC: 2 });
  });

  it("stay where a directive cites them", () => {
    const cited = anchorOf(5, [stateOf(1), stateOf(2)]);
    writeAnchors(db, [cited]);
    const ids = cited.leaves.slice(0, 1).map(({ contentId }) => contentId);
    writeEvents(db, [issued("a", 7, ids)]);
    writeAnchors(db, [anchorOf(DAY_TWO, [stateOf(5)])]);
    forgetAll(DAY_TWO);
    expect(kinds()).toEqual([0, 0]);
    expect(summaries()[0]?.states).toEqual({ HARMONIC: 1 });
  });

  it("take the batches of joint anchors with them, and leave the joint anchor", () => {
    writeJointly(20, [[stateOf(2, `0x${"1".repeat(40)}`)], [stateOf(3, `0x${"2".repeat(40)}`), reportOf("replica/a")]]);
    writeAnchors(db, [anchorOf(DAY_TWO, [stateOf(5)])]);
    forgetAll(DAY_TWO);
    expect([countOf("joints"), countOf("anchors"), countOf("records")]).toEqual([1, 2, 2]);
    expect(summaries().map(({ states }) => states)).toEqual([{ HARMONIC: 1 }, { CHAOTIC: 1 }]);
  });

  it("are not listed when their manifest comes late, and nobody waits for the list of a joint anchor", () => {
    const late = anchorOf(5, [stateOf(1), reportOf("replica/a")]);
    const joint = { root: idOf("joint"), epoch: 1n, batches: 2n, manifest: idOf("list"), deadline: 60n, authors: [3n] };
    writeEvents(db, [late.event, eventOf("JointlyAnchored", joint, { blockNumber: 6 })]);
    writeEvents(db, [anchorOf(DAY_TWO, [stateOf(5)]).event]);
    forgetAll(DAY_TWO);
    expect(dueJoints(db, 1, 10)).toEqual([]);
    takeIn(db, [late]);
    expect(kinds()).toEqual([2]);
  });
});

describe("a rollback into a day whose states are forgotten", () => {
  it("goes back to its beginning, and what is read again is counted once", () => {
    writeDays();
    writeAnchors(db, [anchorOf(DAY_THREE, [stateOf(7)])]);
    forgetAll(DAY_THREE);
    const before = { summaries: summaries(), usage: usage(), kinds: kinds() };
    expect(rollbackTarget(db, DAY_TWO + 5)).toBe(DAY_TWO - 1);
    expect(rollbackTarget(db, DAY_THREE)).toBe(DAY_THREE);

    const block = rollbackTarget(db, DAY_TWO);
    db.transaction(() => rollBack(db, { block, head: DAY_THREE, finalized: null }));
    expect(summaries().map(({ day }) => day)).toEqual([0, 0]);
    writeAnchors(db, [anchorOf(DAY_TWO, [stateOf(5)]), anchorOf(DAY_THREE, [stateOf(7)])]);
    forgetAll(DAY_THREE);
    expect({ summaries: summaries(), usage: usage(), kinds: kinds() }).toEqual(before);
  });

  it("removes the counts of a day that is half forgotten", () => {
    writeDays();
    forgetStates(db, DAY_TWO, 2);
    expect(lastForgottenBlock(db)).toBe(DAY_TWO - 1);
    const block = rollbackTarget(db, 5);
    expect(block).toBe(-1);
    db.transaction(() => rollBack(db, { block: 0, head: 9, finalized: null }));
    expect([summaries(), countOf("forgotten_days"), countOf("records")]).toEqual([[], 0, 0]);
  });
});
