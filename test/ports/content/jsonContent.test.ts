import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJsonContent, createMemoryContent } from "../../../src/ports/content/index.js";
import { codecOfCid } from "../../../src/records/index.js";
import { startNode } from "./contentNodes.js";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("JSON content", () => {
  it("gives back what was put, over a store in memory and over an IPFS node", async () => {
    const document = { chainId: 31337, contracts: { governor: "0x01" }, nodes: [1, null, true, "ä"] };
    const cids: string[] = [];
    for (const store of [createMemoryContent(), await startNode()]) {
      const documents = createJsonContent(store);
      const cid = await documents.put(document);
      cids.push(cid);
      expect(codecOfCid(cid)).toBe("json");
      expect(await documents.get(cid)).toEqual(document);
    }
    expect(new Set(cids).size).toBe(1);
  });

  it("is the CID that @helia/json gives to sorted JSON", async () => {
    expect(await createJsonContent(createMemoryContent()).put({ hello: "world" })).toBe(
      "bagaaierasords4njcts6vs7qvdjfcvgnume4hqohf65zsfguprqphs3icwea",
    );
  });

  it("gives a value one CID, whatever the order of its keys", async () => {
    const documents = createJsonContent(createMemoryContent());
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, each]) => [key, reversed(each)]),
      );
    };
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const cid = await documents.put(value);
        expect(await documents.put(reversed(value))).toBe(cid);
        expect(JSON.stringify(await documents.get(cid)).length).toBe(JSON.stringify(value).length);
      }),
    );
  });

  it("keeps its document in the same step, if asked", async () => {
    const store = await startNode();
    const cid = await createJsonContent(store).put({ kept: true }, { keep: "network" });
    expect(await store.pins.get(`network/${cid}`)).toMatchObject({ cid, reason: "network", scope: "block" });
  });

  it("leaves out what is undefined and refuses what JSON cannot express", async () => {
    const documents = createJsonContent(createMemoryContent());
    expect(await documents.put({ a: 1, b: undefined })).toBe(await documents.put({ a: 1 }));
    let deep: unknown = 0;
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    for (const value of [Number.NaN, 1n, undefined, [undefined], new Date(0), new Map(), bytes("x"), () => 0, deep]) {
      await expect(documents.put(value)).rejects.toMatchObject({ code: "invalid-input" });
    }
  });

  it("bounds what it stores and what it reads", async () => {
    const documents = createJsonContent(createMemoryContent());
    await expect(documents.put("x".repeat(1024 * 1024))).rejects.toMatchObject({ kind: "too-large" });
    const cid = await documents.put("x".repeat(1_000));
    await expect(documents.get(cid, { maxBytes: 999 })).rejects.toMatchObject({ kind: "too-large" });
  });

  it("refuses blocks that were altered, that are not JSON, and CIDs of other codecs", async () => {
    const blocks = new Map<string, Uint8Array>();
    const store = createMemoryContent(blocks);
    const documents = createJsonContent(store);
    const altered = await documents.put({ a: 1 });
    blocks.set(altered, bytes('{"a":2}'));
    await expect(documents.get(altered)).rejects.toMatchObject({ kind: "corrupt" });
    const notJson = await store.put(bytes("{"), { codec: "json" });
    await expect(documents.get(notJson)).rejects.toMatchObject({ kind: "corrupt" });
    const file = await store.put(bytes("{}"), { codec: "raw" });
    await expect(documents.get(file)).rejects.toMatchObject({ kind: "invalid-cid" });
    await expect(store.openFile(notJson)).rejects.toMatchObject({ kind: "invalid-cid" });
  });

  it.each([
    ["malformed UTF-8", Uint8Array.of(0x22, 0xc3, 0x22)],
    ["a number beyond the range of doubles", bytes('{"a":[1e400]}')],
  ])("refuses %s, which would be read as something else", async (_, block) => {
    const store = createMemoryContent();
    const cid = await store.put(block, { codec: "json" });
    await expect(createJsonContent(store).get(cid)).rejects.toMatchObject({ kind: "corrupt" });
  });
});
