import { createHash, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WeightStore } from "../../../src/engines/learning/index.js";
import { ContentError } from "../../../src/ports/content/index.js";

/** Files in a folder that several processes share, each named by its hash, each checked when it is read. */
export function folderStore(dir: string): WeightStore {
  mkdirSync(dir, { recursive: true });
  return {
    async putFile(source) {
      const bytes = Buffer.concat([...source]);
      const digest = createHash("sha256").update(bytes).digest("hex");
      // In one step: another process may read the same file at this moment.
      const temporary = join(dir, randomUUID());
      await writeFile(temporary, bytes);
      await rename(temporary, join(dir, digest));
      return { cid: digest, bytes: bytes.length, sha256: `0x${digest}` };
    },
    async getFile(cid, { sha256 }) {
      if (!/^[0-9a-f]{64}$/.test(cid)) throw new ContentError("invalid-cid", `${cid} is no CID`);
      if (sha256 !== undefined && sha256 !== `0x${cid}`) throw new ContentError("corrupt", `${cid} is not ${sha256}`);
      try {
        return await readFile(join(dir, cid));
      } catch (cause) {
        throw new ContentError("missing", `${cid} is not there`, { cause });
      }
    },
  };
}
