import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "../../errors.js";
import { writeDurably } from "../../utils/durable.js";
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
 * @throws {@link KeyError} `key-file-exists`, {@link DiskError}; nothing of the key is left on the disk then.
 */
export async function writeKeyFile(path: string, text: string, options: WriteKeyFileOptions = {}): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeDurably(path, text, { overwrite: options.overwrite === true });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    throw new KeyError("key-file-exists", `There is already a key file at ${path}.`, {
      hints: ["Choose another path, or move the old key away."],
    });
  }
}

/**
 * Reads a key file, and refuses it if other users can read it.
 *
 * @throws {@link KeyError} `missing-key-file`, `unsafe-permissions` or `malformed-key-file`.
 */
export async function readKeyFile(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (cause) {
    if (cause instanceof KeyError) throw cause;
    throw new KeyError("missing-key-file", `The key file ${path} cannot be read.`, {
      cause,
      details: messageOf(cause),
      hints: ["Make one, or correct the path in the configuration. The user that runs this must own it."],
    });
  }
}

async function readText(path: string): Promise<string> {
  const file = await open(path, "r").catch((error) => {
    if (codeOf(error) !== "ENOENT") throw error;
    throw new KeyError("missing-key-file", `There is no key file at ${path}.`, {
      hints: ["Make one, or correct the path in the configuration."],
    });
  });
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new KeyError("malformed-key-file", `${path} is a folder, and not a key file.`);
    // Windows has no permission bits: Node reports every file as readable by all.
    if (process.platform !== "win32" && (stats.mode & 0o077) !== 0) {
      throw new KeyError("unsafe-permissions", `Other users of this machine can read the key file ${path}.`, {
        details: `Its mode is ${(stats.mode & 0o777).toString(8)}.`,
        hints: [`Run: chmod 600 ${path}`],
      });
    }
    // Read up to the limit: a device tells no size, and has no end.
    const bytes = new Uint8Array(MAX_KEY_FILE_BYTES + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length, null));
    }
    if (length > MAX_KEY_FILE_BYTES) {
      throw new KeyError("malformed-key-file", `${path} is not a key file: it is over ${MAX_KEY_FILE_BYTES} bytes.`);
    }
    const decoded = decodeFile(bytes.subarray(0, length));
    if (decoded !== undefined) return decoded.text;
    throw new KeyError("malformed-key-file", `${path} is not a key file: it is not text in UTF-8.`);
  } finally {
    await file.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
