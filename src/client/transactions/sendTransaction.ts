import type { ContractTransactionResponse } from "ethers";
import { raceSignal } from "race-signal";
import type { Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "./requireAccount.js";

/**
 * Sends a transaction and waits until it is in a block. If the signal aborts, the wait ends at once: a
 * transaction that is not sent by then is not sent at all; one that is sent may still get into a block.
 *
 * @throws ChainError, ContractRevertError, the signal's reason.
 */
export async function sendTransaction(
  client: Pick<ClientContext, "account" | "chain">,
  transact: () => Promise<ContractTransactionResponse>,
  signal: AbortSignal | undefined,
): Promise<Receipt> {
  requireAccount(client);
  signal?.throwIfAborted();
  const sent = client.chain.send(() => {
    // Transactions of an account are sent one after another, so this one may have waited.
    signal?.throwIfAborted();
    return transact();
  });
  return raceSignal(sent, signal);
}
