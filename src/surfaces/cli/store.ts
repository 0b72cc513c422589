import { readAgentConfig } from "../../agent/config.js";
import { InvalidInputError } from "../../errors.js";
import { type ContentMaintenance, type ContentStore, createKuboContent } from "../../ports/content/index.js";
import { systemClock } from "../../utils/clock.js";
import { readNetwork } from "./input/network.js";
import { createDownlink } from "./nodes/uplink.js";

/** Opens the blocks of the agent whose configuration this is. Ends with a clear word where the agent runs. */
export async function withAgentStore<T>(
  config: string,
  work: (store: ContentStore & ContentMaintenance) => Promise<T>,
): Promise<T> {
  const { dataDir } = await readAgentConfig(config);
  // Loaded when it is wanted: the engine is native code.
  const { createDiskContent } = await import("../../ports/content/drivers/disk.js");
  return closing(await createDiskContent({ dir: dataDir }), work);
}

/** How long a scan waits for the configured peers before it begins without them. */
const PEERS_WAIT_MS = 5_000;

/** As {@link withAgentStore}, connected to the configured peers, so that blocks can be fetched. */
export async function withAgentNode<T>(
  config: string,
  work: (store: ContentStore & ContentMaintenance) => Promise<T>,
): Promise<T> {
  const { dataDir, content } = await readAgentConfig(config);
  const { createHeliaContent } = await import("../../ports/content/drivers/helia.js");
  const node = await createHeliaContent({ dir: dataDir, peers: content.peers });
  return closing(node, async () => {
    for (let waited = 0; node.connections() < content.peers.length && waited < PEERS_WAIT_MS; waited += 50) {
      await systemClock.sleep(50);
    }
    return work(node);
  });
}

export interface StoreChoice {
  readonly config?: string | undefined;
  readonly kubo?: string | undefined;
  readonly network: string;
}

/** The store that the options name; the gateways of the network file where they name none. */
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
