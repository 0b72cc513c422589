import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { decodeName, encodeName } from "../../../src/ports/chain/index.js";
import { MAX_BLOCK_BYTES } from "../../../src/ports/content/index.js";
import { encodeJointManifest, encodeManifest, encodePayload } from "../../../src/records/codec.js";
import { contentIdOf } from "../../../src/records/contentId.js";
import { utf8 } from "../../../src/records/encoding/hex.js";
import {
  MAX_BATCH_LEAVES,
  MAX_EVIDENCE,
  MAX_JOINT_BATCHES,
  MAX_NAME_BYTES,
  MAX_NODES,
  MAX_RECORD_BYTES,
  MAX_UINT32,
  SHARE_DENOMINATOR,
} from "../../../src/records/schemas/bounds.js";
import type { Hex } from "../../../src/records/types.js";

const idOf = (text: string) => contentIdOf(utf8(text));
const author = `0x${"11".repeat(20)}` as const;
/** An address that is another for each number. */
const addressOf = (number: number): Hex => `0x${number.toString(16).padStart(40, "0")}`;

describe("the bounds of records agree with each other", () => {
  it("a manifest of as many records as a batch may have is within a record's bytes", () => {
    const leaves = Array.from({ length: MAX_BATCH_LEAVES }, (_, i) => ({
      kind: "Incident" as const,
      contentId: idOf(`record ${i}`),
    }));
    const { bytes } = encodeManifest({ schema: "witan/batch/1", author, leaves });
    expect(bytes.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
  });

  it("a manifest of as many batches as a joint anchor may have is within a record's bytes", () => {
    const batches = Array.from({ length: MAX_JOINT_BATCHES }, (_, i) => ({
      index: MAX_UINT32 - MAX_JOINT_BATCHES + i,
      author: addressOf(i + 1),
      root: idOf(`root ${i}`),
      count: Number.MAX_SAFE_INTEGER,
      manifest: idOf(`manifest ${i}`),
      signature: `0x${"1b".repeat(65)}` as const,
    }));
    const { bytes } = encodeJointManifest({ schema: "witan/batches/1", batches });
    expect(bytes.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
  });

  it("an order that admits as many nodes as one may name is within a record's bytes", () => {
    const operators = Array.from({ length: MAX_NODES }, (_, i) => addressOf(i + 1));
    const order = { kind: "Admit", operators } as const;
    const { bytes } = encodePayload({ schema: "witan/directive/1", subject: "node/registry", order });
    expect(bytes.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
  });

  it("every peer takes a record as one block", () => {
    expect(MAX_RECORD_BYTES).toBe(MAX_BLOCK_BYTES / 4);
  });
});

describe("the bounds of records agree with the contracts", () => {
  it("the longest name fits a bytes32, and one byte more does not", () => {
    const longest = "n".repeat(MAX_NAME_BYTES);
    expect(decodeName(encodeName(longest))).toBe(longest);
    expect(() => encodeName(`${longest}n`)).toThrow();
  });

  it("a directive may cite as many records as the contracts allow", async () => {
    const source = await readFile(new URL("../../../contracts/types/Directive.sol", import.meta.url), "utf8");
    expect(source).toContain(`uint256 internal constant MAX_EVIDENCE = ${MAX_EVIDENCE};`);
  });

  it("a duration fits a uint32, and a whole is as many shares as the governor counts", async () => {
    expect(MAX_UINT32).toBe(2 ** 32 - 1);
    const source = await readFile(new URL("../../../contracts/governance/TrackBounds.sol", import.meta.url), "utf8");
    expect(source).toContain("uint256 internal constant SHARE_DENOMINATOR = 60_000;");
    expect(SHARE_DENOMINATOR).toBe(60_000);
  });

  it("a third, a fifth and a percent of all are whole shares", () => {
    for (const part of [3, 5, 100]) expect(SHARE_DENOMINATOR % part).toBe(0);
  });
});
