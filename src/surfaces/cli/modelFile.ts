import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError } from "../../errors.js";
import { ContentError, type ContentStore, fileCidOf, type StoredFile } from "../../ports/content/index.js";
import { checkedSafetensors, type Hex, InvalidRecordError } from "../../records/index.js";
import { syncFolder } from "../../utils/durable.js";

/** Called with the number of bytes that are done and the number of all bytes. */
type OnProgress = (done: number, of: number) => void;

const CHUNK_BYTES = 1024 * 1024;

export interface PushModelParameters {
  readonly content: Pick<ContentStore, "putFile">;
  readonly path: string;
  readonly onProgress?: OnProgress;
}

/**
 * Checks that a file of weights has the header of a safetensors file, stores it and pins it.
 * @throws {ConfigError} if it cannot be read, {InvalidRecordError}, {ContentError}
 */
export async function pushModel({ content, path, onProgress }: PushModelParameters): Promise<StoredFile> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new ConfigError(`The file ${path} cannot be read.`, { cause });
  });
  const checked = checkedSafetensors(piecesOf(path, size), size);
  return content.putFile(counted(checked, 0, size, onProgress), { keep: "model" });
}

export interface PullModelParameters {
  readonly content: Pick<ContentStore, "openFile">;
  readonly cid: string;
  /** This file appears in one step, once all bytes are there and checked. Until then they are in a file beside it. */
  readonly out: string;
  readonly sha256?: Hex | undefined;
  readonly onProgress?: OnProgress;
}

export interface PulledFile extends StoredFile {
  /** Bytes that an earlier attempt had written. */
  readonly resumed: number;
}

/**
 * Writes a file of weights to disk. Bytes of an earlier attempt are not fetched again. At the end the whole file is checked
 * against the CID and, if it is given, the sha256. Nothing is written unless the file has the header of a safetensors file.
 *
 * @throws {ContentError} `corrupt` if the bytes of all attempts together are not the file: they are removed, so that the next
 * attempt begins anew. Other errors are those of `openFile`; fetched bytes stay for the next attempt.
 */
export async function pullModel({ content, cid, out, sha256, onProgress }: PullModelParameters): Promise<PulledFile> {
  const source = await content.openFile(cid);
  const part = `${out}.${cid.slice(-12)}.part`;
  const file = await open(part, "a+", 0o644).catch((cause: unknown) => {
    throw new ConfigError(`The file ${out} cannot be written.`, { cause });
  });
  let digest: Hex;
  let resumed: number;
  try {
    resumed = await usableBytes(file, source.bytes);
    digest = await append({ file, part, resumed, source, onProgress });
    await file.sync().catch(async (error: unknown) => {
      // The page cache holds bytes that no later fsync writes: the next attempt must not go on behind them.
      await rm(part, { force: true });
      throw error;
    });
  } catch (error) {
    // Another attempt would fail in the same way.
    if (error instanceof InvalidRecordError) await rm(part, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  // The bytes of this attempt were checked block by block; those of an earlier attempt were not checked since then.
  const whole = resumed === 0 || (await fileCidOf(piecesOf(part, source.bytes))) === cid;
  if (!whole || (sha256 !== undefined && sha256 !== digest)) {
    await rm(part, { force: true });
    throw new ContentError("corrupt", `What was written for ${cid} is not that file, and was removed.`, {
      hints: ["The same command begins anew.", "The sha256 in the model's record says which file it should be."],
    });
  }
  await rename(part, out);
  await syncFolder(dirname(out));
  return { cid, bytes: source.bytes, sha256: digest, resumed };
}

/** Returns how many bytes of an earlier attempt can be used; empties the file if it is too long. */
async function usableBytes(file: FileHandle, bytes: number): Promise<number> {
  const { size } = await file.stat();
  if (size <= bytes) return size;
  await file.truncate(0);
  return 0;
}

interface AppendParameters {
  readonly onProgress: OnProgress | undefined;
  readonly file: FileHandle;
  readonly part: string;
  readonly resumed: number;
  readonly source: Awaited<ReturnType<ContentStore["openFile"]>>;
}

/** Writes the rest of the file; resolves to the sha256 of the whole file. */
async function append({ file, part, resumed, source, onProgress }: AppendParameters): Promise<Hex> {
  async function* all() {
    if (resumed > 0) yield* piecesOf(part, resumed);
    yield* source.read({ offset: resumed, reuse: true });
  }
  const digest = createHash("sha256");
  let seen = 0;
  for await (const chunk of counted(checkedSafetensors(all(), source.bytes), 0, source.bytes, onProgress)) {
    digest.update(chunk);
    const fresh = chunk.subarray(Math.min(chunk.length, Math.max(0, resumed - seen)));
    seen += chunk.length;
    if (fresh.length > 0) await file.writeFile(fresh);
  }
  return `0x${digest.digest("hex")}`;
}

/** The first bytes of a file, and no more than there are; each piece is overwritten by the next. */
async function* piecesOf(path: string, bytes: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r");
  try {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let left = bytes; left > 0; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(left, CHUNK_BYTES));
      if (bytesRead === 0) return;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  from: number,
  of: number,
  onProgress: OnProgress | undefined,
): AsyncGenerator<Uint8Array> {
  let done = from;
  for await (const chunk of source) {
    yield chunk;
    done += chunk.length;
    onProgress?.(done, of);
  }
}
