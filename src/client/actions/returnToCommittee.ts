import type { Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface ReturnToCommitteeParameters {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends the suspension of the caller's node, which counts again from the next second on. The caller is the node's agent.
 *
 * @throws ContractRevertError, such as `NodePresenceNotSuspended`; ChainError.
 * @example
 * await client.returnToCommittee();
 */
export async function returnToCommittee(
  client: ClientContext,
  { signal }: ReturnToCommitteeParameters = {},
): Promise<Receipt> {
  requireAccount(client);
  const { presences } = client.chain.contracts;
  return sendTransaction(client, () => presences.returnNow(), signal);
}
