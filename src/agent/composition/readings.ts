import { type Chain, ChainError } from "../../ports/chain/index.js";
import type { HeliaContent } from "../../ports/content/drivers/helia.js";
import type { Address } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import type { AgentConfig } from "../config.js";

/** Says once that transactions wait and why, and that they go on. */
export function logWait(logger: Logger, reason: string | undefined): void {
  if (reason === undefined) logger.info("transactions are sent again");
  else logger.warn("transactions wait", { reason });
}

/** Tells whether an account is a member in the newest epoch. */
export function membershipOf(chain: Chain): (account: Address) => Promise<boolean> {
  return async (account) => {
    const epoch = await chain.read(() => chain.contracts.nodes.epoch());
    return chain.read(() => chain.contracts.nodes.isMember(account, epoch));
  };
}

/** Connected peers over those that the configuration names, 0 to 1; 1 if it names none. */
export function connectivityOf(
  { content: { peers } }: AgentConfig,
  content: Pick<HeliaContent, "connections">,
): () => number {
  return () => (peers.length === 0 ? 1 : Math.min(1, content.connections() / peers.length));
}

/** The newest block; null while no RPC endpoint tells it: `endpoints` says why. */
export async function blockOrNull(chain: Chain): Promise<number | null> {
  try {
    return await chain.blockNumber();
  } catch (error) {
    if (error instanceof ChainError) return null;
    throw error;
  }
}
