import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, statfs, utimes } from "node:fs/promises";
import { join } from "node:path";
import { BaseError } from "../../../../../errors.js";
import {
  type Bundle,
  type BundleFile,
  bundleHash,
  type Hex,
  InvalidRecordError,
  parseBundleListing,
} from "../../../../../records/index.js";
import type { Clock } from "../../../../../utils/clock.js";
import { DiskError } from "../../../../../utils/disk/diskError.js";
import { FleetError } from "../../../errors.js";
import { ownInstanceId, readInstance } from "../proc.js";
import { absent, compareFolder, removeTree } from "./files.js";
import type { BundleSource } from "./source.js";
import { FILES_FOLDER, LISTING_FILE, repairFolder, unpackBundle } from "./unpack.js";

/** Bytes of all unpacked bundles of a workload: some releases of the largest kind, on a disk that others use too. */
const DEFAULT_MAX_BYTES = 16 * 1024 ** 3;
/** Bundles kept though nothing needs them, such as those that were fetched ahead, the last used first. */
const MAX_SPARE = 2;
/** Room that unpacking leaves on the disk: for journals and logs. */
const DEFAULT_RESERVE_BYTES = 128 * 1024 * 1024;
const TEMPORARY = /^\.tmp-(\d+@\d+(?:@[0-9a-f]+)?)-[0-9a-f]+$/;
/** Codes of errors that say what a bundle is, and not what this node or its peers lack. */
const REFUSED: readonly string[] = ["content-too-large", "content-invalid-cid"];
const NAME = /^[0-9a-f]{64}$/;
/** A folder that was changed again while it was put right is given up after so many attempts. */
const ATTEMPTS = 3;

export interface ReleaseStoreParameters {
  /** The workload's folder, which the agents of one machine share. */
  readonly dir: string;
  readonly source?: BundleSource | undefined;
  readonly maxBytes?: number | undefined;
  /** Bytes that stay free on the disk. */
  readonly reserveBytes?: number | undefined;
  /** The hashes of the bundles that must not be removed. */
  readonly inUse: () => Promise<ReadonlySet<string>>;
  readonly clock: Clock;
}

/**
 * The bundles of a workload on this machine, each in a folder that is named by its hash. A folder with such a name is complete;
 * what is still being written, or removed, has another name.
 */
export class ReleaseStore {
  readonly #parameters: ReleaseStoreParameters;
  readonly #dir: string;
  /** What this process is unpacking, by hash: who comes second waits. */
  readonly #unpacking = new Map<string, Promise<void>>();

  constructor(parameters: ReleaseStoreParameters) {
    this.#parameters = parameters;
    this.#dir = join(parameters.dir, "releases");
  }

  /** Whether the bundle's folder is there. Its files are not read. */
  async has(bundle: Bundle): Promise<boolean> {
    return (await this.#listing(bundle)) !== undefined;
  }

  /**
   * The folder of a bundle's files, in which every file has just been read and compared with what was voted for. What is missing or
   * was changed is fetched.
   *
   * @throws {FleetError} `unavailable` if it cannot be fetched now, `hash-mismatch`, `no-room`, `not-startable`; {@link DiskError}.
   */
  async ensure(bundle: Bundle, signal?: AbortSignal): Promise<string> {
    const dir = this.#folderOf(bundle);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const files = await this.#listing(bundle);
      if (files === undefined) {
        await this.#fetched(bundle, signal);
        return join(dir, FILES_FOLDER);
      }
      const difference = await compareFolder(join(dir, FILES_FOLDER), files).catch(absent);
      // Another agent of the machine removed it meanwhile.
      if (difference === undefined) continue;
      const now = this.#parameters.clock.now() / 1_000;
      await utimes(dir, now, now).catch(absent);
      if (difference.changed.size === 0 && difference.extra.length === 0) return join(dir, FILES_FOLDER);
      await this.#repair(bundle, files, difference, signal);
    }
    throw new FleetError("damaged", `The files in ${dir} are changed again and again by something else.`);
  }

  /**
   * Removes bundles that nothing needs, the longest unused first, until few are left and `bundle` has room. Only while no other
   * process may start a replica.
   *
   * @throws {FleetError} `no-room` if it is larger than what the others leave of the budget.
   */
  async makeRoom(bundle?: Bundle): Promise<void> {
    await this.#removeLeftovers();
    const inUse = await this.#parameters.inUse();
    const all = await this.#entries();
    const isNew = bundle !== undefined && !all.some(({ hash }) => hash === bundle.sha256);
    const spare = all.filter(({ hash }) => !inUse.has(hash) && hash !== bundle?.sha256);
    const limit = this.#parameters.maxBytes ?? DEFAULT_MAX_BYTES;
    let bytes = all.reduce((sum, each) => sum + each.bytes, isNew ? bundle.bytes : 0);
    for (const [index, { bytes: freed, hash }] of spare.entries()) {
      // The newest are last.
      const isFew = spare.length - index <= MAX_SPARE;
      if (isFew && bytes <= limit && (!isNew || (await this.#hasSpace(bundle)))) break;
      const leaving = await this.#temporary();
      await rename(this.#folderOf({ sha256: hash }), leaving).catch(absent);
      await removeTree(leaving);
      bytes -= freed;
    }
    if (isNew && bytes > limit) {
      throw new FleetError(
        "no-room",
        `A bundle of ${bundle.bytes} bytes is over what releases may take here, ${limit}.`,
        {
          hints: ["Raise fleet.maxReleaseBytes in the agent's configuration."],
        },
      );
    }
  }

  /** Removes all bundles. */
  async clear(): Promise<void> {
    await removeTree(this.#dir);
  }

  async #fetched(bundle: Bundle, signal: AbortSignal | undefined): Promise<void> {
    const running = this.#unpacking.get(bundle.sha256);
    if (running !== undefined) return running;
    const unpacking = this.#unpack(bundle, signal).finally(() => this.#unpacking.delete(bundle.sha256));
    this.#unpacking.set(bundle.sha256, unpacking);
    return unpacking;
  }

  async #unpack(bundle: Bundle, signal: AbortSignal | undefined): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    // Its list of files may be damaged: then nobody knows what its files should be.
    const [into, aside] = [this.#folderOf(bundle), await this.#temporary()];
    await rename(into, aside).catch(absent);
    await removeTree(aside);
    if (!(await this.#hasSpace(bundle)))
      throw new DiskError("full", `${this.#dir} has no room for a bundle of ${bundle.bytes} bytes.`);
    const temporary = await this.#temporary();
    await this.#fetching(bundle, (source) => unpackBundle({ bundle, source, into, temporary, signal }), signal);
  }

  async #repair(
    bundle: Bundle,
    files: readonly BundleFile[],
    difference: Awaited<ReturnType<typeof compareFolder>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const base = await this.#temporary();
    const temporary = (number: number) => `${base}${number.toString(16)}`;
    const dir = this.#folderOf(bundle);
    await this.#fetching(
      bundle,
      (source) => repairFolder({ bundle, source, files, difference, dir, temporary, signal }),
      signal,
    );
  }

  /** @throws {FleetError} `hash-mismatch` for a bundle that is not what it declares, `unavailable` if it cannot be had now. */
  async #fetching(
    { cid }: Bundle,
    work: (source: BundleSource) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { source } = this.#parameters;
    if (source === undefined) {
      throw new FleetError("unavailable", `The bundle ${cid} is not here, and nothing fetches it: no agent runs.`);
    }
    try {
      await work(source);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BaseError) || error instanceof FleetError || error instanceof DiskError) throw error;
      const kind = REFUSED.includes(error.code) ? "hash-mismatch" : "unavailable";
      throw new FleetError(kind, `The bundle ${cid} cannot be fetched: ${error.shortMessage}`, { cause: error });
    }
  }

  /** The files that the bundle's folder should hold; undefined if it is not there, or its list is damaged. */
  async #listing(bundle: Bundle): Promise<readonly BundleFile[] | undefined> {
    const text = await readFile(join(this.#folderOf(bundle), LISTING_FILE), "utf8").catch(absent);
    return text === undefined || bundleHash(text) !== bundle.sha256 ? undefined : parseBundleListing(text);
  }

  /** The bundles that lie here, the longest unused first. */
  async #entries(): Promise<readonly { readonly hash: Hex; readonly bytes: number; readonly usedAt: number }[]> {
    const names = ((await readdir(this.#dir).catch(absent)) ?? []).filter((name) => NAME.test(name));
    const entries = await Promise.all(
      names.map(async (name) => {
        const dir = join(this.#dir, name);
        const [text, times] = [await readFile(join(dir, LISTING_FILE), "utf8").catch(absent), await stat(dir)];
        return { hash: `0x${name}` as const, bytes: bytesOf(text ?? ""), usedAt: times.mtimeMs };
      }),
    );
    return entries.sort((a, b) => a.usedAt - b.usedAt);
  }

  async #hasSpace(bundle: Bundle): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#dir);
    return bavail * bsize >= bundle.bytes + (this.#parameters.reserveBytes ?? DEFAULT_RESERVE_BYTES);
  }

  /** Removes what processes that have died were writing or removing. */
  async #removeLeftovers(): Promise<void> {
    for (const name of (await readdir(this.#dir).catch(absent)) ?? []) {
      const owner = TEMPORARY.exec(name)?.[1];
      if (owner !== undefined && (await readInstance(owner)) === undefined) await removeTree(join(this.#dir, name));
    }
  }

  async #temporary(): Promise<string> {
    return join(this.#dir, `.tmp-${await ownInstanceId()}-${randomBytes(6).toString("hex")}`);
  }

  #folderOf({ sha256 }: Pick<Bundle, "sha256">): string {
    return join(this.#dir, sha256.slice(2));
  }
}

/** The bytes of the files on a list; 0 for one that is damaged, which is removed like any other. */
function bytesOf(listing: string): number {
  try {
    return parseBundleListing(listing).reduce((sum, { bytes }) => sum + bytes, 0);
  } catch (error) {
    if (error instanceof InvalidRecordError) return 0;
    throw error;
  }
}
