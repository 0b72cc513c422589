import { describe, expect, it } from "vitest";
import { blobOf } from "../../../src/catalog/database/blobs.js";
import { confirmationsOf, placeOf } from "../../../src/catalog/sync/confirmations.js";
import { headerOf } from "../../harness/events.js";
import { idOf } from "../../records/samples.js";

const progress = { block: 100, head: 200, finalized: 90 };

describe("what is confirmed", () => {
  it.each([
    ["the number of blocks that were asked for", 10, progress, 91],
    ["what was read, with one", 1, progress, 100],
    ["the chain's own word", "finalized", progress, 90],
    ["no more than was read", "finalized", { ...progress, finalized: 150 }, 100],
    ["64 blocks where the chain says nothing", "finalized", { ...progress, finalized: null }, 37],
    ["no block on a young chain", 10, { block: 3, head: 3, finalized: null }, -6],
  ] as const)("goes by %s", (_what, rule, read, through) => {
    expect(confirmationsOf(read, rule)).toEqual({ block: read.block, through });
  });
});

describe("a place on the chain", () => {
  const { hash, number, time } = headerOf(95);
  const row = { block: number, blockHash: blobOf(hash), tx: blobOf(idOf("transaction")), time };

  it("counts its own block as the first confirmation", () => {
    expect(placeOf(row, { block: 100, through: 95 })).toEqual({
      ...{ blockNumber: 95, blockHash: hash, transactionHash: idOf("transaction"), time },
      ...{ confirmations: 6, confirmed: true },
    });
    expect(placeOf(row, { block: 95, through: 94 })).toMatchObject({ confirmations: 1, confirmed: false });
  });
});
