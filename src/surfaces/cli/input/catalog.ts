import { dirname, join } from "node:path";
import { type Catalog, openCatalog, type SyncProgress } from "../../../catalog/index.js";
import { createChain } from "../../../ports/chain/index.js";
import { DEFAULT_NETWORK_FILE, networkArgs, readNetworkFile } from "./client.js";
import { createDownlink } from "../nodes/uplink.js";

/** The catalog's file beside a network file, which says whose it is. */
export const CATALOG_FILE = "catalog.db";

/** Options of commands that ask the catalog. */
export const catalogArgs = {
  ...networkArgs,
  catalog: {
    type: "string",
    description: `catalog file; ${CATALOG_FILE} beside the network file by default`,
    valueHint: "FILE",
  },
  sync: { type: "boolean", description: "read what is new first; --no-sync takes the catalog as it is", default: true },
} as const;

/** Options that pages have. */
export const pageArgs = {
  limit: { type: "string", description: "at most this many", default: "20", valueHint: "N" },
  cursor: { type: "string", description: "go on after this row of the page before", valueHint: "CURSOR" },
} as const;

export interface CatalogOptions {
  readonly network?: string | undefined;
  readonly rpc?: string | undefined;
  readonly catalog?: string | undefined;
  readonly sync?: boolean | undefined;
}

/** Runs `work` with the network's catalog, up to date unless told otherwise, and closes it afterwards. */
export async function withCatalog<T>(
  { network = DEFAULT_NETWORK_FILE, rpc, catalog: path, sync = true }: CatalogOptions,
  work: (catalog: Catalog) => Promise<T>,
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): Promise<T> {
  const file = await readNetworkFile(network);
  const chain = await createChain({ rpcUrl: rpc ?? file.rpc, ...file.deployment });
  const content = createDownlink(file.gateways);
  try {
    const catalog = await openCatalog({
      path: path ?? join(dirname(network), CATALOG_FILE),
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

/** What takes longer than this says how far it is, this often. */
const PROGRESS_EVERY_MS = 1_000;

/** Syncs, asks again for all that was missing, and tells people how far it is on standard error. */
export async function syncWithProgress(catalog: Catalog) {
  let told = Date.now();
  return catalog.sync({
    retryAll: true,
    onProgress(progress) {
      if (Date.now() - told < PROGRESS_EVERY_MS) return;
      told = Date.now();
      process.stderr.write(`${describe(progress)}\n`);
    },
  });
}

function describe(progress: SyncProgress): string {
  return progress.stage === "chain"
    ? `block ${progress.block} of ${progress.head}, ${progress.events} events`
    : `${progress.manifests} manifests, ${progress.records} records`;
}
