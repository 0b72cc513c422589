import { describe, expect, it } from "vitest";
import { blobOf } from "../../../src/catalog/database/blobs.js";
import {
  bindToDeployment,
  knownBlocks,
  readMeta,
  readProgress,
  UnsettledChainError,
  writeBlock,
  writeMeta,
  writeProgress,
} from "../../../src/catalog/database/meta.js";
import type { Address } from "../../../src/records/index.js";
import { openRows } from "../../harness/catalogRows.js";
import { headerOf } from "../../harness/events.js";
import { addresses, chainOf } from "../../harness/fakeClient.js";
import { OTHER } from "../../records/samples.js";

it("keeps the last value of a key", async () => {
  const db = await openRows();
  expect(readMeta(db, "key")).toBeUndefined();
  writeMeta(db, "key", "one");
  writeMeta(db, "key", "two");
  expect(readMeta(db, "key")).toBe("two");
});

it("begins before the deployment's block, and goes on where it was", async () => {
  const db = await openRows();
  expect(readProgress(db, 5)).toEqual({ block: 4, head: 4, finalized: null });
  const progress = { block: 9, head: 12, finalized: 7 };
  writeProgress(db, progress);
  expect(readProgress(db, 5)).toEqual(progress);
});

describe("a catalog", () => {
  it("is of the deployment that claims it first, however the addresses are written", async () => {
    const db = await openRows();
    bindToDeployment(db, "a.db", chainOf());
    const lower = Object.entries(addresses).map(([name, address]) => [name, address.toLowerCase() as Address]);
    const again = chainOf({ addresses: Object.fromEntries(lower.reverse()) });
    expect(() => bindToDeployment(db, "a.db", again)).not.toThrow();
  });

  it.each([
    ["of another chain", { chainId: 1 }],
    ["that began at another block", { deployedAtBlock: 2 }],
    ["with another contract", { addresses: { ...addresses, NodeGovernor: OTHER } }],
  ])("is refused to a deployment %s, and stays what it is", async (_what, change) => {
    const db = await openRows();
    bindToDeployment(db, "a.db", chainOf());
    const refusal = expect.objectContaining({ code: "catalog-other-deployment", needsRebuild: true });
    expect(() => bindToDeployment(db, "a.db", chainOf(change))).toThrow(refusal);
    expect(() => bindToDeployment(db, "a.db", chainOf())).not.toThrow();
  });
});

describe("the blocks whose hashes are known", () => {
  it("are those that were noted and those of events, newest first, each once", async () => {
    const db = await openRows();
    for (const number of [2, 4, 6]) writeBlock(db, headerOf(number));
    for (const number of [3, 4]) {
      db.run("INSERT INTO blocks (number, hash, time) VALUES (?, ?, 0)", number, blobOf(headerOf(number).hash));
    }
    const known = (number: number, limit: number) => knownBlocks(db, number, limit).map((each) => each.number);
    expect(known(9, 10)).toEqual([6, 4, 3, 2]);
    expect(known(5, 2)).toEqual([4, 3]);
    expect(known(1, 10)).toEqual([]);
    expect(knownBlocks(db, 6, 1)).toEqual([{ number: 6, hash: headerOf(6).hash }]);
  });

  it("are the newest 256 of those that were noted", async () => {
    const db = await openRows();
    db.transaction(() => {
      for (let number = 1; number <= 300; number++) writeBlock(db, headerOf(number));
    });
    const known = knownBlocks(db, 300, 1_000);
    expect([known.length, known[0]?.number, known.at(-1)?.number]).toEqual([256, 300, 45]);
  });

  it("have the last hash that was noted", async () => {
    const db = await openRows();
    writeBlock(db, headerOf(2));
    writeBlock(db, headerOf(2, 1));
    expect(knownBlocks(db, 2, 5)).toEqual([{ number: 2, hash: headerOf(2, 1).hash }]);
  });
});

it("says of a chain that keeps changing to try again", () => {
  expect(new UnsettledChainError()).toMatchObject({ code: "catalog-unsettled", retryable: true });
});
