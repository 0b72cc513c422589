import { dirname, join } from "node:path";
import { type Catalog, openCatalog, type SyncProgress } from "../../../catalog/index.js";
import { createChain } from "../../../ports/chain/index.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { createDownlink } from "../nodes/uplink.js";
import { printNote } from "../output/print.js";
import { DEFAULT_NETWORK_FILE, networkArgs } from "./args.js";
import { cidOfNetwork, readNetwork } from "./network.js";

/** The name of the catalog beside a network file. */
const CATALOG_FILE = "catalog.db";

/** Options of commands that query the catalog. */
export const catalogArgs = {
  ...networkArgs,
  catalog: {
    type: "string",
    description: `catalog file; ${CATALOG_FILE} beside the network file by default`,
    valueHint: "FILE",
  },
  sync: { type: "boolean", description: "read what is new on chain first; --no-sync skips this", default: true },
} as const;

/** Options of commands that print a page. */
export const pageArgs = {
  limit: { type: "string", description: "at most this many", default: "20", valueHint: "N" },
  cursor: { type: "string", description: "the cursor that the previous page ended with", valueHint: "CURSOR" },
} as const;

export interface CatalogOptions {
  readonly network?: string | undefined;
  readonly rpc?: string | undefined;
  readonly catalog?: string | undefined;
  readonly sync?: boolean | undefined;
}

/** Runs `work` with the network's catalog, synced first unless `sync` is false, and closes the catalog afterwards. */
export async function withCatalog<T>(
  { network = DEFAULT_NETWORK_FILE, rpc, catalog: path, sync = true }: CatalogOptions,
  work: (catalog: Catalog) => Promise<T>,
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): Promise<T> {
  const file = await readNetwork(network);
  const chain = await createChain({ rpcUrl: rpc ?? file.rpc, ...file.deployment });
  const content = createDownlink(file.gateways);
  try {
    const catalog = await openCatalog({
      path: path ?? defaultCatalogPath(network),
      chain,
      content,
      rebuild,
    });
    try {
      if (sync) await syncWithProgress(catalog);
      return await work(catalog);
    } finally {
      await catalog.close();
    }
  } finally {
    chain.close();
    await content.close();
  }
}

/** How often a long sync prints its progress. */
const PROGRESS_EVERY_MS = 1_000;

/** Beside the network file; in the working directory, named by the CID, if the document comes from IPFS. */
function defaultCatalogPath(network: string): string {
  const cid = cidOfNetwork(network);
  return cid === undefined ? join(dirname(network), CATALOG_FILE) : `catalog-${cid}.db`;
}

/** Syncs, asks again for everything that was missing, and prints the progress on standard error. */
export async function syncWithProgress(catalog: Catalog, clock: Pick<Clock, "monotonic"> = systemClock) {
  let printedAt = clock.monotonic();
  return catalog.sync({
    retryAll: true,
    onProgress(progress) {
      if (clock.monotonic() - printedAt < PROGRESS_EVERY_MS) return;
      printedAt = clock.monotonic();
      printNote(describe(progress));
    },
  });
}

function describe(progress: SyncProgress): string {
  return progress.stage === "chain"
    ? `block ${progress.block} of ${progress.head}, ${progress.events} events`
    : `${progress.manifests} manifests, ${progress.records} records`;
}
