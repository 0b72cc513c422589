import { constants } from "node:fs";
import { access, mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../errors.js";
import type { DiskState } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { asDiskError, DiskError } from "../../utils/disk/diskError.js";
import { SpaceReserve } from "../../utils/disk/spaceReserve.js";
import type { Logger } from "../../utils/logger.js";

const RESERVE_FILE = "space.reserve";

export interface DiskSpaceDependencies {
  /** The data folder. */
  readonly dir: string;
  /** Room that is taken ahead, for what the node signs. */
  readonly reserveBytes: number;
  /** With less free, nothing large is stored. */
  readonly lowSpaceBytes: number;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Pick<Logger, "error" | "info" | "warn">;
  /** What is free on the disk of a folder, in bytes; asks the file system by default. @throws {@link DiskError} if it takes no writes. */
  readonly readFree?: (dir: string) => Promise<number>;
}

/** As `/status` shows it. */
export interface DiskStatus {
  readonly state: DiskState | "ok";
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** null if the file system does not tell. */
  readonly freeBytes: number | null;
  /** What is left of the reserve. */
  readonly reserveBytes: number;
  /** Why nothing can be written; null if something can. */
  readonly reason: string | null;
}

/** What is to be stored: a `file` of any size, such as a model or another node's record, or a `record` of this node's own. */
export type DiskUse = "file" | "record";

/**
 * Watches the disk of the data folder, so that the node stops in order as it fills: files first, then records, and what it
 * signs last, for which room is taken ahead.
 */
export class DiskSpace {
  readonly #dependencies: DiskSpaceDependencies;
  readonly #reserve: SpaceReserve;
  #status: Omit<DiskStatus, "reserveBytes">;

  private constructor(dependencies: DiskSpaceDependencies, reserve: SpaceReserve) {
    this.#dependencies = dependencies;
    this.#reserve = reserve;
    this.#status = { state: "ok", since: dependencies.clock.now(), freeBytes: null, reason: null };
  }

  /** Makes the folder if it is missing, and takes the reserve, if there is room. Never rejects because the disk is full or read-only: that is a state. */
  static async open(dependencies: DiskSpaceDependencies): Promise<DiskSpace> {
    const { dir, reserveBytes } = dependencies;
    // Where it cannot be made, the state says why.
    await mkdir(dir, { recursive: true, mode: 0o700 }).catch(() => undefined);
    const reserve = await SpaceReserve.open(join(dir, RESERVE_FILE), reserveBytes);
    const space = new DiskSpace(dependencies, reserve);
    await space.update();
    return space;
  }

  get status(): DiskStatus {
    return { ...this.#status, reserveBytes: this.#reserve.held };
  }

  /** Undefined if all is well. */
  get state(): DiskState | undefined {
    return this.#status.state === "ok" ? undefined : this.#status.state;
  }

  allows(use: DiskUse): boolean {
    return this.state === undefined || (use === "record" && this.state === "low-space");
  }

  /** @throws {@link DiskError} if there is no room for such a thing now. */
  require(use: DiskUse): void {
    if (this.allows(use)) return;
    const { dir } = this.#dependencies;
    if (this.state === "read-only")
      throw new DiskError("read-only", `Nothing can be stored in ${dir}: it is read-only.`);
    if (this.state === "failed") throw new DiskError("failed", `Nothing can be stored in ${dir}: its disk fails.`);
    const what = use === "file" ? "records and votes" : "votes";
    throw new DiskError("full", `The room that is left on the disk of ${dir} is kept for this node's ${what}.`);
  }

  /** Looks again. Called in every cycle. */
  async update(): Promise<void> {
    const { dir, lowSpaceBytes, readFree = readFreeBytes, reserveBytes } = this.#dependencies;
    try {
      const free = await readFree(dir);
      // Twice, so that taking the reserve does not fill the disk.
      if (!this.#reserve.isWhole && free >= 2 * reserveBytes) await this.#reserve.take();
      const isFull = !this.#reserve.isWhole || free < reserveBytes;
      const state = isFull ? "full" : free < lowSpaceBytes ? "low-space" : "ok";
      this.#set(state, free);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#set(stateOf(error), null, messageOf(error));
    }
  }

  /** Gives a part of the reserve back to what is signed; resolves with false if nothing is left of it. */
  async release(): Promise<boolean> {
    const isReleased = await this.#reserve.release();
    this.#set("full", this.#status.freeBytes);
    return isReleased;
  }

  #set(state: DiskStatus["state"], freeBytes: number | null, reason: string | null = null): void {
    const { clock, logger } = this.#dependencies;
    const hasChanged = this.#status.state !== state;
    this.#status = { state, since: hasChanged ? clock.now() : this.#status.since, freeBytes, reason };
    if (!hasChanged) return;
    const said = { state, freeBytes, reason };
    if (state === "ok") logger.info("the disk has room again", said);
    else if (state === "low-space")
      logger.warn("the disk is nearly full: models and other nodes' records are refused", said);
    else if (state === "full") logger.error("the disk is full: this node still votes, and stores nothing else", said);
    else logger.error("the data folder takes no writes: this node signs and stores nothing new", said);
  }
}

function stateOf({ kind }: DiskError): DiskState {
  if (kind === "full" || kind === "read-only") return kind;
  return "failed";
}

/** @throws {@link DiskError} `read-only` or `missing`. */
async function readFreeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize, ffree, files } = await statfs(dir);
    await access(dir, constants.W_OK);
    // Some file systems count no inodes. Without a free one no file can be made, however many bytes are free.
    return files > 0 && ffree === 0 ? 0 : bavail * bsize;
  } catch (error) {
    throw asDiskError(dir, error);
  }
}
