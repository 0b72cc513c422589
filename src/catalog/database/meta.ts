import { BaseError } from "../../errors.js";
import type { BlockHeader, Chain } from "../../ports/chain/index.js";
import type { Hex } from "../../records/index.js";
import { CatalogError } from "../errors.js";
import { blobOf, hexOfBlob } from "./blobs.js";
import type { Database } from "./database.js";

/** How far the chain was read, and its newest blocks at that time. */
export interface Progress {
  /** The newest block whose events are in the catalog; the one before the deployment's if nothing was read. */
  readonly block: number;
  /** The chain's newest block at the last sync. */
  readonly head: number;
  /** The newest block that cannot be undone, by the `finalized` tag; null if the RPC does not know the tag. */
  readonly finalized: number | null;
}

/** The journal has this many block hashes besides those of blocks with events; they show where a reorganisation began. */
const MAX_JOURNAL = 256;

export function readMeta(db: Database, key: string): string | undefined {
  return db.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
}

export function writeMeta(db: Database, key: string, value: string): void {
  db.run(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    value,
  );
}

/** Writes into a new catalog which deployment it indexes; checks that an older one indexes this one. @throws {@link CatalogError} `other-deployment`. */
export function bindToDeployment(
  db: Database,
  path: string,
  chain: Pick<Chain, "chainId" | "addresses" | "deployedAtBlock">,
): void {
  const { chainId, addresses, deployedAtBlock } = chain;
  const entries = Object.entries(addresses).map(([name, address]) => [name, address.toLowerCase()]);
  const identity = JSON.stringify({ chainId, deployedAtBlock, contracts: Object.fromEntries(entries.sort()) });
  db.transaction(() => {
    const known = readMeta(db, "deployment");
    if (known === undefined) writeMeta(db, "deployment", identity);
    else if (known !== identity) {
      throw new CatalogError("other-deployment", `The catalog ${path} is of another chain or deployment.`);
    }
  });
}

export function readProgress(db: Database, deployedAtBlock: number): Progress {
  const known = readMeta(db, "progress");
  if (known === undefined) return { block: deployedAtBlock - 1, head: deployedAtBlock - 1, finalized: null };
  return JSON.parse(known) as Progress;
}

export function writeProgress(db: Database, progress: Progress): void {
  writeMeta(db, "progress", JSON.stringify(progress));
}

/** The newest blocks at or below `number` whose hashes are known, newest first. */
export function knownBlocks(db: Database, number: number, limit: number): { number: number; hash: Hex }[] {
  return db
    .all<{ number: number; hash: Uint8Array }>(
      `SELECT number, hash FROM (
         SELECT * FROM (SELECT number, hash FROM journal WHERE number <= ?1 ORDER BY number DESC LIMIT ?2)
         UNION
         SELECT * FROM (SELECT number, hash FROM blocks WHERE number <= ?1 ORDER BY number DESC LIMIT ?2)
       ) ORDER BY number DESC LIMIT ?2`,
      number,
      limit,
    )
    .map((row) => ({ number: row.number, hash: hexOfBlob(row.hash) }));
}

export function writeBlock(db: Database, { number, hash }: Pick<BlockHeader, "number" | "hash">): void {
  db.run("INSERT OR REPLACE INTO journal (number, hash) VALUES (?, ?)", number, blobOf(hash));
  db.run(
    "DELETE FROM journal WHERE number < (SELECT number FROM journal ORDER BY number DESC LIMIT 1 OFFSET ?)",
    MAX_JOURNAL - 1,
  );
}

/** The chain changed each time that it was read. The catalog has no wrong rows; the next sync reads the missing ones. */
export class UnsettledChainError extends BaseError {
  constructor() {
    super("catalog-unsettled", "The chain kept changing while it was read.", { retryable: true });
  }
}
