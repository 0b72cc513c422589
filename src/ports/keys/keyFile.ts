import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { decodeFile } from "../../utils/text/file.js";
import { KeyError } from "./errors.js";

/** Far above any keystore: a key file has a few hundred bytes. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

export interface WriteKeyFileOptions {
  /** Whether to replace an existing file. False by default, since its key would be lost. */
  readonly overwrite?: boolean;
}

/**
 * Writes a key file, in one step, that only its owner can read. Once this resolves the file survives a crash.
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
 * Reads a key file, and refuses it if other users can read it.
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
    // Windows has no permission bits: Node reports every file as readable by all.
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new KeyError("unsafe-permissions", `Other users of this machine can read the key file ${path}.`, {
        details: `Its mode is ${(mode & 0o777).toString(8)}.`,
        hints: [`Run: chmod 600 ${path}`],
      });
    }
    if (size > MAX_KEY_FILE_BYTES) {
      throw new KeyError("malformed-key-file", `${path} is not a key file: it is over ${MAX_KEY_FILE_BYTES} bytes.`);
    }
    const decoded = decodeFile(await file.readFile());
    if (decoded !== undefined) return decoded.text;
    throw new KeyError("malformed-key-file", `${path} is not a key file: it is not text in UTF-8.`);
  } finally {
    await file.close();
  }
}

/** Makes a rename or link in the folder durable. */
async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder to sync it.
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
