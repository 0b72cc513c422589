import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { cidOfBlock } from "../../../../src/ports/content/cid.js";
import { MAX_PIN_NAME, type Pin } from "../../../../src/ports/content/maintenance.js";
import { createPins, pinFor } from "../../../../src/ports/content/store/pins.js";
import { VerifiedBlocks } from "../../../../src/ports/content/store/verifiedBlocks.js";
import { frozen } from "../../../harness/clock.js";

const NOW = 1_800_000_000_000;
const cid = cidOfBlock(Uint8Array.of(1));
const invalid = { code: "invalid-input" };

/** The pins of an empty store, at the moment {@link NOW}. */
async function pinsOf() {
  const dir = await mkdtemp(join(tmpdir(), "witan-pins-"));
  const blocks = await VerifiedBlocks.open(dir, frozen(NOW));
  onTestFinished(async () => {
    await blocks.close();
    await rm(dir, { recursive: true });
  });
  const pins = createPins(blocks.pins, frozen(NOW));
  const all = async () => {
    const found: Pin[] = [];
    for await (const pin of pins.list()) found.push(pin);
    return found;
  };
  return { pins, all };
}

describe("pins", () => {
  it("are of a tree and since now unless it is said otherwise", async () => {
    const { pins } = await pinsOf();
    await pins.set({ name: "a", cid, reason: "model" });
    expect(await pins.get("a")).toEqual({ name: "a", cid, reason: "model", scope: "tree", since: NOW });
    const restored: Pin = { name: "b", cid, reason: "record", scope: "block", since: 7 };
    await pins.set(restored);
    expect(await pins.get("b")).toEqual(restored);
  });

  it("are replaced by name, listed in the order of their names, and dropped once", async () => {
    const { pins, all } = await pinsOf();
    for (const name of ["b", "a/2", "a"]) await pins.set({ name, cid, reason: "record" });
    await pins.set({ name: "b", cid, reason: "model" });
    expect((await all()).map(({ name, reason }) => `${name} ${reason}`)).toEqual(["a record", "a/2 record", "b model"]);
    expect([await pins.drop("b"), await pins.drop("b"), await pins.get("b")]).toEqual([true, false, undefined]);
    expect((await all()).map(({ name }) => name)).toEqual(["a", "a/2"]);
  });

  it("may have any name, however strange", async () => {
    const { pins } = await pinsOf();
    const unit = fc.constantFrom("a", "/", "\n", "\r", "\u2028", "\0", '"', "\\", "é", "𝄞");
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 20, unit }), async (name) => {
        await pins.set({ name, cid, reason: name });
        expect(await pins.get(name)).toMatchObject({ name, reason: name });
        expect(await pins.drop(name)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("need a CID, a name and a reason, and none is written without", async () => {
    const { pins, all } = await pinsOf();
    const long = "x".repeat(MAX_PIN_NAME);
    const good = { name: "a", cid, reason: "record" };
    await expect(pins.set({ ...good, cid: "hello" })).rejects.toMatchObject({ kind: "invalid-cid" });
    for (const wrong of [{ name: "" }, { reason: "" }, { name: `${long}x` }, { reason: `${long}x` }]) {
      await expect(pins.set({ ...good, ...wrong })).rejects.toMatchObject(invalid);
    }
    await expect(pins.set({ ...good, name: 7 as unknown as string })).rejects.toMatchObject(invalid);
    expect(await all()).toEqual([]);
    await pins.set({ ...good, name: long, reason: long });
    expect(await all()).toHaveLength(1);
  });
});

describe("the pin of what is kept", () => {
  it("is named by its reason and its CID, so that two reasons are two pins", () => {
    expect(pinFor("record", cid, "block", 7)).toEqual({
      name: `record/${cid}`,
      cid,
      reason: "record",
      scope: "block",
      since: 7,
    });
    expect(pinFor("model", cid, "tree", 7).name).not.toBe(pinFor("record", cid, "tree", 7).name);
  });

  it("needs a reason that leaves room for the CID", () => {
    expect(() => pinFor("", cid, "block", 7)).toThrow(expect.objectContaining(invalid));
    expect(() => pinFor("x".repeat(MAX_PIN_NAME - cid.length), cid, "block", 7)).toThrow(
      expect.objectContaining(invalid),
    );
  });
});
