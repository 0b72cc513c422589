import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ContentStore, createMemoryContent, MAX_BLOCK_BYTES } from "../../../src/ports/content/index.js";
import { encodeSafetensors, float32Tensor } from "../../../src/records/index.js";
import { pullModel, pushModel } from "../../../src/surfaces/cli/modelFile.js";
import { failingDisk } from "../../faults/failingDisk.js";

/** Weights of a little more than `blocks` blocks. */
function weightsOf(blocks: number): Uint8Array {
  const count = (blocks * MAX_BLOCK_BYTES) / 4;
  return encodeSafetensors([
    float32Tensor(
      "w",
      [count],
      new Float32Array(count).map((_, i) => i),
    ),
  ]);
}
const small = encodeSafetensors([float32Tensor("w", [4], new Float32Array([1, 2, 3, 4]))]);
const sha256Of = (bytes: Uint8Array) => `0x${createHash("sha256").update(bytes).digest("hex")}` as const;

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "witan-model-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function stored(bytes: Uint8Array) {
  const content = createMemoryContent();
  const { cid, sha256 } = await content.putFile([bytes]);
  const dir = await folder();
  const out = join(dir, "out.safetensors");
  return { content, cid, sha256, dir, out, part: `${out}.${cid.slice(-12)}.part` };
}

/** A store that gives a file up to `bytes`, and then fails. */
function cutAfter(content: ContentStore, bytes: number): Pick<ContentStore, "openFile"> {
  return {
    async openFile(cid) {
      const file = await content.openFile(cid);
      return {
        ...file,
        async *read(options) {
          let given = 0;
          for await (const chunk of file.read(options)) {
            if (given + chunk.length > bytes) throw new Error("the line is cut");
            given += chunk.length;
            yield chunk;
          }
        },
      };
    },
  };
}

describe("a file of weights that is pushed", () => {
  it("is stored as it is, and kept as a model, with the progress up to its end", async () => {
    const weights = weightsOf(2);
    const path = join(await folder(), "in.safetensors");
    await writeFile(path, weights);
    const content = createMemoryContent();
    const keeps: unknown[] = [];
    const progress: (readonly [number, number])[] = [];
    const { bytes, cid, sha256 } = await pushModel({
      content: {
        putFile: (source, options) => {
          keeps.push(options?.keep);
          return content.putFile(source, options);
        },
      },
      path,
      onProgress: (done, of) => progress.push([done, of]),
    });
    expect([bytes, sha256, keeps]).toEqual([weights.length, sha256Of(weights), ["model"]]);
    expect(Buffer.compare(await content.getFile(cid), weights)).toBe(0);
    expect(progress.at(-1)).toEqual([weights.length, weights.length]);
    expect(progress.map(([done]) => done)).toEqual(progress.map(([done]) => done).toSorted((a, b) => a - b));
  });

  it("is stored only if it can be read and is a safetensors file", async () => {
    const dir = await folder();
    const content = createMemoryContent();
    await expect(pushModel({ content, path: join(dir, "none") })).rejects.toMatchObject({ code: "config" });
    const path = join(dir, "in.bin");
    for (const bytes of [new Uint8Array(), new Uint8Array(64), small.subarray(0, -1), Uint8Array.from([...small, 0])]) {
      await writeFile(path, bytes);
      await expect(pushModel({ content, path }), `${bytes.length} bytes`).rejects.toMatchObject({
        code: "invalid-record",
      });
    }
  });
});

describe("a file of weights that is pulled", () => {
  it("is there whole, with nothing beside it, and the progress counts its bytes", async () => {
    const { cid, content, dir, out, sha256 } = await stored(small);
    const progress: (readonly [number, number])[] = [];
    const pulled = await pullModel({ content, cid, out, sha256, onProgress: (...step) => progress.push(step) });
    expect(pulled).toEqual({ cid, sha256, bytes: small.length, resumed: 0 });
    expect(Buffer.compare(await readFile(out), small)).toBe(0);
    expect(await readdir(dir)).toEqual(["out.safetensors"]);
    expect(progress.at(-1)).toEqual([small.length, small.length]);
  });

  it("replaces the file that was there only once it is whole", async () => {
    const { cid, content, out } = await stored(weightsOf(2));
    await writeFile(out, "yesterday's");
    await expect(pullModel({ content: cutAfter(content, MAX_BLOCK_BYTES), cid, out })).rejects.toThrow("cut");
    expect(await readFile(out, "utf8")).toBe("yesterday's");
    await pullModel({ content, cid, out });
    expect((await readFile(out)).length).toBeGreaterThan(MAX_BLOCK_BYTES);
  });

  it("goes on from what was written, and the progress counts that too", async () => {
    const weights = weightsOf(2);
    const { cid, content, out, part, sha256 } = await stored(weights);
    await expect(pullModel({ content: cutAfter(content, MAX_BLOCK_BYTES), cid, out })).rejects.toThrow("cut");
    expect((await readFile(part)).length).toBe(MAX_BLOCK_BYTES);
    const progress: number[] = [];
    const pulled = await pullModel({ content, cid, out, sha256, onProgress: (done) => progress.push(done) });
    expect(pulled).toEqual({ cid, sha256, bytes: weights.length, resumed: MAX_BLOCK_BYTES });
    expect(progress.at(-1)).toBe(weights.length);
  });

  it("does not mistake what was left of another file for its own", async () => {
    const { cid, content, out } = await stored(small);
    await writeFile(`${out}.anotherfiles.part`, "another file's");
    expect(await pullModel({ content, cid, out })).toMatchObject({ resumed: 0 });
  });

  it("is removed if it is not the one of the model's record", async () => {
    const { cid, content, dir, out } = await stored(small);
    const pulling = pullModel({ content, cid, out, sha256: sha256Of(Uint8Array.of(1)) });
    await expect(pulling).rejects.toMatchObject({ kind: "corrupt", retryable: true });
    expect(await readdir(dir)).toEqual([]);
  });

  it("leaves nothing of a file that is no safetensors file", async () => {
    const { cid, content, dir, out } = await stored(new Uint8Array(64));
    await expect(pullModel({ content, cid, out })).rejects.toMatchObject({ code: "invalid-record" });
    expect(await readdir(dir)).toEqual([]);
  });

  it("is not fetched if it cannot be written, nor begun if nobody has it", async () => {
    const { cid, content, dir, out } = await stored(small);
    const nowhere = join(dir, "no such folder", "out");
    await expect(pullModel({ content, cid, out: nowhere })).rejects.toMatchObject({ code: "config" });
    await expect(pullModel({ content: createMemoryContent(), cid, out })).rejects.toMatchObject({ kind: "missing" });
    expect(await readdir(dir)).toEqual([]);
  });
});

it("begins anew after an fsync that failed: the page cache may hold bytes that the disk does not", async () => {
  const { cid, content, dir, out, part } = await stored(weightsOf(2));
  using disk = failingDisk();
  disk.fail("sync", "EIO", part);
  await expect(pullModel({ content, cid, out })).rejects.toMatchObject({ code: "EIO" });
  expect(await readdir(dir)).toEqual([]);
  disk.heal();
  expect(await pullModel({ content, cid, out })).toMatchObject({ resumed: 0 });
  expect(await readdir(dir)).toEqual(["out.safetensors"]);
});
