import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { InvalidInputError } from "../../../errors.js";
import type { TreeFileSource } from "../../../ports/content/index.js";
import { bundlePathProblem } from "../../../records/bundleListing.js";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES } from "../../../records/schemas/bounds.js";

/** Large enough that reading is not what takes time. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Every file below a folder, sorted by path, as a bundle has it. A symbolic link to a file below the folder stands for that file;
 * empty folders are left out.
 *
 * @throws {InvalidInputError} names a path that no bundle can have, a link that leaves the folder or leads to a folder, or what is
 * neither file, folder nor link; and over the limits of a bundle.
 */
export async function listDirectory(root: string): Promise<readonly TreeFileSource[]> {
  const top = await realpath(root).catch((cause: unknown) => {
    throw new InvalidInputError(`The folder ${root} cannot be read.`, { cause });
  });
  const files: TreeFileSource[] = [];
  let bytes = 0;
  async function list(folder: string): Promise<void> {
    for (const entry of await readdir(join(top, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const problem = bundlePathProblem(path);
      if (problem !== undefined) throw refused(root, path, problem);
      if (entry.isDirectory()) {
        await list(path);
        continue;
      }
      const from = await targetOf(root, top, path, entry.isSymbolicLink());
      const found = await stat(from);
      if (!found.isFile()) throw refused(root, path, entry.isSymbolicLink() ? "leads to no file" : "is no file");
      bytes += found.size;
      if (files.length === MAX_BUNDLE_FILES || bytes > MAX_BUNDLE_BYTES) {
        throw new InvalidInputError(
          `The folder ${root} is over the limits of a bundle: ${MAX_BUNDLE_FILES} files of ${MAX_BUNDLE_BYTES} bytes.`,
        );
      }
      const content = () => createReadStream(from, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>;
      files.push({ path, isExecutable: (found.mode & 0o111) !== 0, content });
    }
  }
  await list("");
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The file that a path stands for. */
async function targetOf(root: string, top: string, path: string, isLink: boolean): Promise<string> {
  if (!isLink) return join(top, path);
  const target = await realpath(join(top, path)).catch((cause: unknown) => {
    throw new InvalidInputError(`The link ${path} in ${root} leads to nothing.`, { cause });
  });
  const inside = relative(top, target);
  if (inside === ".." || inside.startsWith(`..${sep}`)) throw refused(root, path, "leads out of the folder");
  return target;
}

function refused(root: string, path: string, problem: string): InvalidInputError {
  return new InvalidInputError(`${JSON.stringify(path)} in ${root} cannot be part of a bundle: it ${problem}.`, {
    hints: ["A bundle holds files and folders. Replace links by what they lead to, such as with cp -rL."],
  });
}
