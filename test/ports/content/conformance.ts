import { createHash } from "node:crypto";
import * as dagCbor from "@ipld/dag-cbor";
import * as dagPb from "@ipld/dag-pb";
import { describe, expect, it } from "vitest";
import { type ContentStore, MAX_BLOCK_BYTES } from "../../../src/ports/content/index.js";
import { cidToContentId, contentIdOf } from "../../../src/records/index.js";
import { bytesOf, expectMissing, MISSING_CID } from "./contentNodes.js";
import { readTree, source } from "./unixfs/tree.js";

/** A store under test. Where a driver only reads, another writes for it. */
export interface Subject {
  readonly writer: ContentStore;
  readonly reader: ContentStore;
  /** Alters the one copy of a block that the reader can reach. */
  alter(cid: string): Promise<void>;
}

const raw = { codec: "raw" } as const;

/** What every driver of a ContentStore does, whatever it is made of. */
export function conforms(name: string, setup: () => Promise<Subject>): void {
  describe(`a ${name} store`, () => {
    it("gives back what was put, under the CID of its hash and codec", async () => {
      const { writer, reader } = await setup();
      // Of their codecs: Kubo stores nothing else under them.
      const blocks = {
        "dag-cbor": dagCbor.encode({ bytes: bytesOf(1_000, 1) }),
        raw: bytesOf(1_000, 2),
        "dag-pb": dagPb.encode(dagPb.prepare({ Data: bytesOf(1_000, 3) })),
        json: new TextEncoder().encode(JSON.stringify({ bytes: [...bytesOf(100, 4)] })),
      };
      for (const codec of ["dag-cbor", "raw", "dag-pb", "json"] as const) {
        const bytes = blocks[codec];
        const cid = await writer.put(bytes, { codec });
        expect(cidToContentId(cid)).toBe(contentIdOf(bytes));
        expect(await reader.get(cid)).toEqual(bytes);
      }
    });

    it("stores blocks of no bytes and of the most bytes, and none above", async () => {
      const { writer, reader } = await setup();
      for (const length of [0, 1, MAX_BLOCK_BYTES]) {
        const bytes = bytesOf(length);
        const cid = await writer.put(bytes, { codec: "raw" });
        expect(Buffer.compare(await reader.get(cid), bytes)).toBe(0);
      }
      await expect(writer.put(bytesOf(MAX_BLOCK_BYTES + 1), raw)).rejects.toMatchObject({ kind: "too-large" });
    });

    it("keeps its blocks apart from the bytes of its callers", async () => {
      const { writer, reader } = await setup();
      const bytes = bytesOf(100);
      const cid = await writer.put(bytes, raw);
      bytes.fill(0);
      const first = await reader.get(cid);
      first.fill(0);
      expect(await reader.get(cid)).toEqual(bytesOf(100));
    });

    it("gives back the files of a tree as they were stored", async () => {
      const { writer, reader } = await setup();
      const large = bytesOf(MAX_BLOCK_BYTES + 1);
      const files = [source("bin/run", "#!/bin/sh", true), source("none", ""), source("large", large)];
      const stored = await writer.putTree(files, { keep: "test" });
      const read = await readTree(reader.openTree(stored.cid));
      expect([...read.keys()].sort()).toEqual(["bin/run*", "large", "none"]);
      expect(read.get("large")).toBe(Buffer.from(large).toString());
    });

    it("says which blocks it holds itself, and fetches nothing for it", async () => {
      const { writer } = await setup();
      const cid = await writer.put(bytesOf(100), raw);
      expect(await writer.has(cid)).toBe(true);
      expect(await writer.has(MISSING_CID)).toBe(false);
    });

    it("never gives an altered block", async () => {
      const { writer, reader, alter } = await setup();
      const cid = await writer.put(bytesOf(100), raw);
      await alter(cid);
      expect(await reader.has(cid)).toBe(false);
      await expect(reader.get(cid, { timeoutMs: 400 })).rejects.toSatisfy(({ kind }) =>
        // Over a network, whoever lost a block is the same as who never had it, and whoever is away may have it.
        ["corrupt", "missing", "timeout"].includes(kind),
      );
    });

    it("heals an altered block when it is put again", async () => {
      const { writer, reader, alter } = await setup();
      const cid = await writer.put(bytesOf(100), raw);
      await alter(cid);
      await writer.put(bytesOf(100), raw);
      expect(await reader.get(cid)).toEqual(bytesOf(100));
    });

    it("says that a block is missing, within the time that was given", async () => {
      const { reader } = await setup();
      await expectMissing(reader, MISSING_CID);
    });

    it("refuses a block over the bytes that the reader allows", async () => {
      const { writer, reader } = await setup();
      const cid = await writer.put(bytesOf(1_000), raw);
      await expect(reader.get(cid, { maxBytes: 999 })).rejects.toMatchObject({ kind: "too-large", retryable: false });
      expect(await reader.get(cid, { maxBytes: 1_000 })).toHaveLength(1_000);
    });

    it.each([
      ["no CID", "hello"],
      ["no text", ""],
      ["a CIDv0", "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"],
      ["another base", "zdj7WbTaiJT1fgatdet9Ei9iDB5hdCxkbVyhyh8YTUnXMiwYi"],
      [
        "another hash",
        "bafkrgqhhyivzstcz3hhswshfjgy6ertgmnqeleynhwt4dlfsthi4hn7zgh4uvlsb5xncykzapi3ocd4lzogukir6ksdy6wzrnz6ohnv4aglcs",
      ],
      ["another codec", "baguqeerasords4njcts6vs7qvdjfcvgnume4hqohf65zsfguprqphs3icwea"],
      ["a path", `${MISSING_CID}/a`],
    ])("refuses %s in place of a CID", async (_what, cid) => {
      const { reader } = await setup();
      await expect(reader.get(cid)).rejects.toMatchObject({ kind: "invalid-cid", retryable: false });
      await expect(reader.getFile(cid)).rejects.toMatchObject({ kind: "invalid-cid" });
      await expect(reader.has(cid)).rejects.toMatchObject({ kind: "invalid-cid" });
    });

    it("ends with the caller's own reason when the caller aborts", async () => {
      const { reader } = await setup();
      const controller = new AbortController();
      const waiting = reader.get(MISSING_CID, { signal: controller.signal, timeoutMs: 30_000 });
      const reason = new Error("changed my mind");
      controller.abort(reason);
      await expect(waiting).rejects.toSatisfy((error) => error === reason || error.kind === "missing");
      await expect(reader.get(MISSING_CID, { signal: controller.signal })).rejects.toBe(reason);
    });

    it.each([
      ["of no bytes", 0],
      ["of one byte", 1],
      ["of exactly one block", MAX_BLOCK_BYTES],
      ["of one block and a byte", MAX_BLOCK_BYTES + 1],
      ["of several blocks", 3 * MAX_BLOCK_BYTES + 12_345],
    ])("stores and reads a file %s", async (_what, length) => {
      const { writer, reader } = await setup();
      const bytes = bytesOf(length);
      const file = await writer.putFile(inPieces(bytes, 300_001));
      expect(file.bytes).toBe(length);
      expect(file.sha256).toBe(`0x${createHash("sha256").update(bytes).digest("hex")}`);
      expect(Buffer.compare(await reader.getFile(file.cid, { sha256: file.sha256 }), bytes)).toBe(0);
    });

    it("gives a file of one block the CID of that raw block, and one file one CID however it arrives", async () => {
      const { writer } = await setup();
      const bytes = bytesOf(5_000);
      const { cid } = await writer.putFile([bytes]);
      expect(cid).toBe(await writer.put(bytes, { codec: "raw" }));
      const large = bytesOf(2_500_000);
      const whole = await writer.putFile([large]);
      const pieces = await writer.putFile(inPieces(large, 77_777));
      expect(pieces).toEqual(whole);
    });

    it("refuses a file over the bytes that the reader allows, or of another sha256, or with a part missing", async () => {
      const { writer, reader, alter } = await setup();
      const bytes = bytesOf(2 * MAX_BLOCK_BYTES);
      const file = await writer.putFile([bytes]);
      await expect(reader.getFile(file.cid, { maxBytes: bytes.length - 1 })).rejects.toMatchObject({
        kind: "too-large",
      });
      await expect(reader.getFile(file.cid, { sha256: `0x${"00".repeat(32)}` })).rejects.toMatchObject({
        kind: "corrupt",
      });
      const other = await writer.putFile([bytesOf(2 * MAX_BLOCK_BYTES, 2)]);
      await alter(await writer.put(bytesOf(2 * MAX_BLOCK_BYTES, 2).subarray(MAX_BLOCK_BYTES), { codec: "raw" }));
      await expect(reader.getFile(other.cid, { timeoutMs: 600 })).rejects.toSatisfy(({ kind }) =>
        ["corrupt", "missing", "timeout"].includes(kind),
      );
    });

    it("takes no more calls once it is closed, and closes twice without a word", async () => {
      const { reader } = await setup();
      await reader.close();
      await reader.close();
      await expect(reader.get(MISSING_CID)).rejects.toMatchObject({ kind: "storage" });
    });
  });
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
