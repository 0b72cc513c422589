import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidInputError } from "../../../errors.js";
import type { ContentStore } from "../../../ports/content/index.js";
import { type Bundle, bundleHash, formatBundleListing } from "../../../records/index.js";
import { extractArchive } from "./archive.js";
import { listDirectory } from "./directory.js";

/** The reason of a publisher's pins. */
const RELEASE_PIN = "release";

/** A stored bundle, and what an operator looks for in it. */
export interface StoredBundle {
  readonly bundle: Bundle;
  readonly paths: ReadonlyMap<string, { readonly isExecutable: boolean }>;
}

/**
 * Stores a folder, or the files of a tar archive, as a bundle, and pins it.
 *
 * @throws {InvalidInputError} if it cannot be a bundle; what the store throws.
 */
export async function storeBundle(content: Pick<ContentStore, "putTree">, path: string): Promise<StoredBundle> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new InvalidInputError(`${path} cannot be read.`, { cause });
  });
  if (found.isDirectory()) return await store(content, path);
  const folder = await mkdtemp(join(tmpdir(), "witan-bundle-"));
  try {
    await extractArchive(path, folder);
    return await store(content, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function store(content: Pick<ContentStore, "putTree">, folder: string): Promise<StoredBundle> {
  const files = await listDirectory(folder);
  if (files.length === 0) throw new InvalidInputError(`The folder ${folder} holds no files.`);
  const tree = await content.putTree(files, { keep: RELEASE_PIN });
  const sha256 = bundleHash(formatBundleListing(tree.files));
  return {
    bundle: { cid: tree.cid, sha256, bytes: tree.bytes, files: tree.files.length },
    paths: new Map(tree.files.map((file) => [file.path, file])),
  };
}
