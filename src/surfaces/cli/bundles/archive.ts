import { createReadStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Readable } from "node:stream";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { BaseError, InvalidInputError, messageOf } from "../../../errors.js";
import { bundlePathProblem } from "../../../records/bundleListing.js";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES } from "../../../records/schemas/bounds.js";

/** Entries that say something about the next one, or about the archive, and hold no file. */
const OF_FORMAT: readonly string[] = ["pax-header", "pax-global-header", "gnu-long-name", "gnu-long-link-name"];
/** Links that lead to one another: those of packages have one or two. */
const MAX_HOPS = 8;
/** The first bytes of a gzip file (RFC 1952). */
const GZIP = [0x1f, 0x8b] as const;

export interface ExtractLimits {
  readonly maxBytes?: number;
  readonly maxFiles?: number;
}

/**
 * Writes the files of a tar archive, also of one that is compressed by gzip, below an empty folder. An archive may come from
 * anybody: only plain files and folders are written, below the folder, each once, and links stand for files of the
 * archive.
 *
 * @throws {InvalidInputError} on a path that is absolute or leaves the folder, on links out of the archive, devices and pipes, on
 * an archive that is damaged or cut short, and over the limits of a bundle.
 */
export async function extractArchive(archive: string, into: string, limits: ExtractLimits = {}): Promise<void> {
  const { maxBytes = MAX_BUNDLE_BYTES, maxFiles = MAX_BUNDLE_FILES } = limits;
  /** The files by path, with the bits of their modes. */
  const written = new Map<string, number>();
  /** What links lead to, by path. */
  const links = new Map<string, string>();
  let bytes = 0;
  const room = (count: number) => {
    bytes += count;
    if (bytes > maxBytes || written.size + links.size > maxFiles)
      throw refused(archive, "", `has more than ${maxFiles} files or ${maxBytes} bytes`);
  };
  try {
    for await (const { body, header } of await readEntries(archive)) {
      const { linkname = "", mode = 0o644, type = "file" } = header;
      const path = header.name.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
      if (OF_FORMAT.includes(type) || path === "" || path === ".") {
        await body.cancel();
        continue;
      }
      const problem = bundlePathProblem(path);
      if (problem !== undefined) throw refused(archive, path, problem);
      if (type === "directory") {
        await mkdir(join(into, path), { recursive: true });
        await body.cancel();
      } else if (type === "file") {
        written.set(path, mode);
        await write(join(into, path), mode, body, room);
      } else if (type === "link" || type === "symlink") {
        // A symbolic link is relative to its folder, a hard link to the archive.
        const target = type === "link" ? linkname : posix.join(posix.dirname(path), linkname);
        links.set(path, linkname.startsWith("/") ? linkname : posix.normalize(target));
        await body.cancel();
      } else throw refused(archive, path, `is a ${type}`);
      room(0);
    }
    for (const path of links.keys()) {
      const target = followed(path, links);
      const mode = written.get(target);
      if (mode === undefined) throw refused(archive, path, `is a link to ${target}, which is no file of the archive`);
      await write(join(into, path), mode, createReadStream(join(into, target)), room);
    }
  } catch (error) {
    if (error instanceof BaseError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || code === "ENOTDIR" || code === "EISDIR") throw refused(archive, "", "names a path twice");
    if (code !== undefined && code !== "ERR_INVALID_ARG_VALUE" && !code.startsWith("Z_")) throw error;
    // Neither the decoder nor zlib has errors of its own types.
    throw new InvalidInputError(`${archive} is not a tar archive, or is cut short.`, {
      cause: error,
      details: messageOf(error),
    });
  }
  if (written.size === 0) throw refused(archive, "", "holds no files");
}

async function readEntries(archive: string): Promise<AsyncIterable<ParsedTarEntry>> {
  const bytes = Readable.toWeb(createReadStream(archive)) as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
  const plain = (await isGzip(archive)) ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
  return plain.pipeThrough(createTarDecoder({ strict: true })) as unknown as AsyncIterable<ParsedTarEntry>;
}

async function isGzip(archive: string): Promise<boolean> {
  const file = await open(archive).catch((cause: unknown) => {
    throw new InvalidInputError(`The archive ${archive} cannot be read.`, { cause });
  });
  try {
    const { buffer } = await file.read(new Uint8Array(GZIP.length), 0, GZIP.length, 0);
    return GZIP.every((byte, index) => buffer[index] === byte);
  } finally {
    await file.close();
  }
}

async function write(
  path: string,
  mode: number,
  body: AsyncIterable<Uint8Array>,
  room: (count: number) => void,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // Exclusive, so that a path which comes twice is refused. Of a mode only whether it may be run counts.
  const file = await open(path, "wx", (mode & 0o111) === 0 ? 0o644 : 0o755);
  try {
    for await (const chunk of body) {
      room(chunk.length);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
}

/** Where a link leads, over other links. */
function followed(path: string, links: ReadonlyMap<string, string>): string {
  let target = path;
  for (let hop = 0; hop < MAX_HOPS; hop++) target = links.get(target) ?? target;
  return target;
}

function refused(archive: string, path: string, problem: string): InvalidInputError {
  const what = path === "" ? "it" : JSON.stringify(path);
  return new InvalidInputError(`The archive ${archive} is refused: ${what} ${problem}.`);
}
