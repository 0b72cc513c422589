import type { Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface RevokeAgentParameters {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes the agent out of the caller's seat, such as after its machine was stolen. The caller is the seat's operator. The seat
 * stays, and is not counted until it has an agent again.
 *
 * @throws ContractRevertError, such as `NodeRegistryNotSeated` or `NodeRegistryLastNode`; ChainError.
 * @example
 * await client.revokeAgent();
 */
export async function revokeAgent(client: ClientContext, { signal }: RevokeAgentParameters = {}): Promise<Receipt> {
  requireAccount(client);
  const { nodes } = client.chain.contracts;
  return sendTransaction(client, () => nodes.revokeAgent(), signal);
}
