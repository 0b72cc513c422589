import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { HashThreads, hashHere } from "../../../../src/ports/content/hashing/fileHashing.js";
import { bytesOf } from "../contentNodes.js";

function sha256(...pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

describe.each([
  ["on two threads", () => new HashThreads().use()],
  ["on this thread", hashHere],
])("a file hashed %s", (_where, use) => {
  it("has the sha256 of its blocks in any order, and of its pieces in order", async () => {
    const hashing = use();
    const pieces = [bytesOf(1_000, 1), bytesOf(0), bytesOf(70_000, 2), bytesOf(10, 3)];
    const copies = pieces.map((piece) => piece.slice());
    const back = await Promise.all(copies.map((piece) => hashing.piece(piece)));
    expect(back.map((piece) => sha256(piece))).toEqual(pieces.map((piece) => sha256(piece)));
    expect(await hashing.sha256()).toBe(`0x${sha256(...pieces)}`);
    for (const { bytes, digest } of await Promise.all(back.map((piece) => hashing.block(piece)))) {
      expect(Buffer.from(digest).toString("hex")).toBe(sha256(bytes));
    }
    await hashing.release();
  });

  it("without pieces has the sha256 of nothing", async () => {
    const hashing = use();
    expect(await hashing.sha256()).toBe(`0x${sha256()}`);
    await hashing.release();
    await hashing.release();
  });
});

describe("threads that hash", () => {
  it("are shared by files at the same time, and each has its own sha256", async () => {
    const threads = new HashThreads();
    const [one, two] = [threads.use(), threads.use()];
    await one.piece(bytesOf(100, 1));
    await two.piece(bytesOf(100, 2));
    await one.piece(bytesOf(100, 3));
    expect(await one.sha256()).toBe(`0x${sha256(bytesOf(100, 1), bytesOf(100, 3))}`);
    await one.release();
    expect(await two.sha256()).toBe(`0x${sha256(bytesOf(100, 2))}`);
    await two.release();
  });

  it("end with the last of their files: what is asked then fails, and they start again for the next", async () => {
    const threads = new HashThreads();
    const first = threads.use();
    const late = first.piece(bytesOf(100));
    await Promise.all([first.release(), expect(late.then(() => first.piece(bytesOf(1)))).rejects.toThrow("has ended")]);
    const next = threads.use();
    await next.piece(bytesOf(100));
    expect(await next.sha256()).toBe(`0x${sha256(bytesOf(100))}`);
    await next.release();
  });
});
