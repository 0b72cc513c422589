import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CID } from "multiformats/cid";
import type { Clock } from "../../../../utils/clock.js";
import { blockKey } from "../blockKeys.js";
import type { BlockFiles } from "./blockFiles.js";

/** Altered blocks kept for the operator to inspect: 64 MiB at most. Further ones are removed. */
const MAX_QUARANTINED = 64;

/** The folder of altered blocks. */
export class Quarantine {
  readonly #dir: string;
  readonly #clock: Clock;

  constructor(dir: string, clock: Clock) {
    this.#dir = dir;
    this.#clock = clock;
  }

  /** Keeps an altered block, unless there are enough: its file, which needs no space, or a copy of its bytes. */
  async keep(cid: CID, bytes: Uint8Array, files: BlockFiles): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    if ((await readdir(this.#dir)).length >= MAX_QUARANTINED) return;
    const path = join(this.#dir, `${cid}.${this.#clock.now()}`);
    if (!(await files.moveTo(blockKey(cid), path))) await writeFile(path, bytes, { mode: 0o600 });
  }
}
