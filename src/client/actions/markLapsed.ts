import type { Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface MarkLapsedParameters {
  /** The indices of nodes that are suspended for 30 days without a break; others are passed over. */
  readonly indices: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Marks nodes that are suspended for 30 days without a break: until they return they are not counted on members and rules
 * either. Anybody may.
 *
 * @throws ContractRevertError, such as `NodePresenceNothingToLapse`; ChainError.
 * @example
 * await client.markLapsed({ indices: [3] });
 */
export async function markLapsed(client: ClientContext, { indices, signal }: MarkLapsedParameters): Promise<Receipt> {
  requireAccount(client);
  const { presences } = client.chain.contracts;
  return sendTransaction(client, () => presences.markLapsed([...indices]), signal);
}
