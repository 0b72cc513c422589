import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KeyError } from "./errors.js";

/** Far above any keystore; a key file is a few hundred bytes. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

export interface WriteKeyFileOptions {
  /** Replace a file that is there; refused by default, because the key in it would be gone. */
  readonly overwrite?: boolean;
}

/**
 * Writes a key file so that its owner alone can read it, whole or not at all, and safe on disk on return.
 *
 * @throws {@link KeyError} `key-file-exists`.
 */
export async function writeKeyFile(path: string, text: string, options: WriteKeyFileOptions = {}): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${randomBytes(8).toString("hex")}.tmp`);
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    if (options.overwrite === true) {
      await rename(temporary, path);
    } else {
      await link(temporary, path);
      await unlink(temporary);
    }
  } catch (error) {
    await unlink(temporary);
    if (codeOf(error) !== "EEXIST") throw error;
    throw new KeyError("key-file-exists", `There is already a key file at ${path}.`, {
      hints: ["Choose another path, or move the old key away."],
    });
  }
  await syncFolder(folder);
}

/**
 * Reads a key file that nobody but its owner can read.
 *
 * @throws {@link KeyError} `missing-key-file`, `unsafe-permissions` or `malformed-key-file`.
 */
export async function readKeyFile(path: string): Promise<string> {
  const file = await open(path, "r").catch((error) => {
    if (codeOf(error) !== "ENOENT") throw error;
    throw new KeyError("missing-key-file", `There is no key file at ${path}.`, {
      hints: ["Make one, or correct the path in the configuration."],
    });
  });
  try {
    const { mode, size } = await file.stat();
    // Windows has no such bits: it reports every file as readable by all.
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new KeyError("unsafe-permissions", `Other users of this machine can get at the key file ${path}.`, {
        details: `Its mode is ${(mode & 0o777).toString(8)}.`,
        hints: [`Run: chmod 600 ${path}`],
      });
    }
    if (size > MAX_KEY_FILE_BYTES) {
      throw new KeyError("malformed-key-file", `${path} is not a key file: it is over ${MAX_KEY_FILE_BYTES} bytes.`);
    }
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** A rename or link is on disk once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
