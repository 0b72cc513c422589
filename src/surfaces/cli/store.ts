import { readAgentConfig } from "../../agent/config.js";
import { InvalidInputError } from "../../errors.js";
import { type ContentMaintenance, type ContentStore, createKuboContent } from "../../ports/content/index.js";
import { systemClock } from "../../utils/clock.js";
import { readNetwork } from "./input/network.js";
import { createDownlink } from "./nodes/uplink.js";
import { printError } from "./output/print.js";

/** Opens the blocks of the agent whose configuration this is. Fails with a clear message if the agent runs. */
export async function withAgentStore<T>(
  config: string,
  work: (store: ContentStore & ContentMaintenance) => Promise<T>,
): Promise<T> {
  const { dataDir } = await readAgentConfig(config);
  // Imported only when used: the engine is native code.
  const { createDiskContent } = await import("../../ports/content/drivers/disk.js");
  return closing(await createDiskContent({ dir: dataDir, onDamage: printError }), work);
}

/** How long a command waits for the configured peers before it begins without them. */
const PEERS_WAIT_MS = 5_000;

/** As {@link withAgentStore}, connected to the configured peers, so that blocks can be fetched. */
export async function withAgentNode<T>(
  config: string,
  work: (store: ContentStore & ContentMaintenance) => Promise<T>,
): Promise<T> {
  const { dataDir, content } = await readAgentConfig(config);
  const { createHeliaContent } = await import("../../ports/content/drivers/helia.js");
  const node = await createHeliaContent({ dir: dataDir, peers: content.peers, onDamage: printError });
  return closing(node, async () => {
    const until = systemClock.monotonic() + PEERS_WAIT_MS;
    while (node.connections() < content.peers.length && systemClock.monotonic() < until) await systemClock.sleep(50);
    return work(node);
  });
}

export interface StoreChoice {
  readonly config?: string | undefined;
  readonly kubo?: string | undefined;
  readonly network: string;
}

/** The store that the options name; by default the gateways of the network file. */
export async function withChosenStore<T>(
  { config, kubo, network }: StoreChoice,
  work: (store: ContentStore) => Promise<T>,
): Promise<T> {
  if (config !== undefined && kubo !== undefined) throw new InvalidInputError("Name --config or --kubo, not both.");
  if (config !== undefined) return withAgentNode(config, work);
  if (kubo !== undefined) return closing(createKuboContent({ url: kubo }), work);
  return closing(createDownlink((await readNetwork(network)).gateways), work);
}

async function closing<Store extends ContentStore, T>(store: Store, work: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
