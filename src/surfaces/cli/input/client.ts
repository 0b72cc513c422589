import type { Signer } from "ethers";
import { type Client, createClient } from "../../../client/index.js";
import { createChain } from "../../../ports/chain/index.js";
import { createLocator } from "../nodes/locate.js";
import { createDownlink, createUplink } from "../nodes/uplink.js";
import { readNetwork } from "./network.js";

export interface NetworkOptions {
  /** The network document, as {@link readNetwork} takes it. */
  readonly network: string;
  /** Instead of the document's RPC address. */
  readonly rpc?: string | undefined;
  readonly signer?: Signer | undefined;
}

/** Runs `work` with a client of the network and closes the client afterwards. */
export async function withClient<T>(options: NetworkOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const { rpc, deployment, gateways } = await readNetwork(options.network);
  const chain = await createChain({ rpcUrl: options.rpc ?? rpc, signer: options.signer, ...deployment });
  const content = options.signer ? createUplink(gateways, chain) : createDownlink(gateways);
  try {
    return await work(createClient({ chain, content, locate: createLocator(gateways) }));
  } finally {
    chain.close();
    await content.close();
  }
}
