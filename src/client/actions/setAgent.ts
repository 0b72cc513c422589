import type { Admission, Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface SetAgentParameters {
  /** What `createAdmission` made with the nonce of the seat. */
  readonly admission: Admission;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives a seat another agent, at most once a day: its operator signed that, so any account may send it. Open proposals go on
 * with the committee that they were opened with.
 *
 * @throws ContractRevertError, such as `NodeRegistryInvalidConsent`, `NodeRegistryTooEarly` or `NodeRegistryNotSeated`;
 * ChainError.
 * @example
 * await client.setAgent({ admission: await createAdmission({ ...keys, nonce: (await client.getSeat({ operator })).nonce }) });
 */
export async function setAgent(client: ClientContext, { admission, signal }: SetAgentParameters): Promise<Receipt> {
  requireAccount(client);
  const { nodes } = client.chain.contracts;
  return sendTransaction(client, () => nodes.setAgentBySig({ ...admission }), signal);
}
