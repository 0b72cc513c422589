import { describe, expect, it } from "vitest";
import type { IndexedRecord } from "../../../src/agent/replication/index/indexedRecord.js";
import { Census } from "../../../src/agent/replication/state.js";

/** A record that so many nodes hold. */
type HeldRecord = Pick<IndexedRecord, "isExpired" | "isHeld" | "kind"> & { readonly holders: number };

const record = (holders: number, change: Partial<HeldRecord> = {}): HeldRecord => ({
  ...{ kind: "Incident", isHeld: false, isExpired: false, holders },
  ...change,
});

interface StateOptions {
  readonly present?: number;
  readonly replicas?: { readonly min: number; readonly max: number };
}

/** The counts of these records, in a mesh of five that keeps two to three replicas. */
function stateOf(records: readonly HeldRecord[], { present = 5, replicas = { min: 2, max: 3 } }: StateOptions = {}) {
  const census = new Census({ replicas, present });
  for (const each of records) census.add(each, () => each.holders);
  return census.counts;
}

describe("the state of replication", () => {
  it("is all zeros of an empty index", () => {
    expect(stateOf([])).toEqual({
      ...{ records: 0, held: 0, underReplicated: 0, belowMinimum: 0, expired: 0 },
      byHolders: [0, 0, 0, 0, 0],
    });
  });

  it("counts manifests among what is held and replicated, and not among the records", () => {
    const state = stateOf([record(3, { isHeld: true }), record(1, { kind: "Manifest", isHeld: true })]);
    expect(state).toMatchObject({ records: 1, held: 2, byHolders: [0, 1, 0, 1, 0], underReplicated: 1 });
  });

  it("counts by holders, of which the last place is more than the maximum", () => {
    const state = stateOf([0, 1, 2, 2, 3, 4, 5, 9].map((holders) => record(holders)));
    expect(state.byHolders).toEqual([1, 1, 2, 1, 3]);
  });

  it("finds records below the maximum wanting, and those below the minimum endangered", () => {
    const state = stateOf([0, 1, 2, 3, 4].map((holders) => record(holders)));
    expect(state).toMatchObject({ underReplicated: 3, belowMinimum: 2 });
  });

  it("wants no more holders than there are nodes, but a record below the minimum stays endangered", () => {
    const state = stateOf([record(1), record(1)], { present: 1 });
    expect(state).toMatchObject({ underReplicated: 0, belowMinimum: 2 });
  });

  it("counts what is expired as a record and nothing else, even if it is still held", () => {
    const state = stateOf([record(0, { isExpired: true, isHeld: true }), record(3)]);
    expect(state).toMatchObject({ records: 2, expired: 1, held: 0, byHolders: [0, 0, 0, 1, 0], underReplicated: 0 });
  });
});
