import type { Receipt } from "../../ports/chain/index.js";
import { hexOf } from "../../records/encoding/hex.js";
import { encodeHost, type HostDescriptor } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface DescribeHostParameters {
  /** Null withdraws the host, so that no replica is placed on it. */
  readonly host: Omit<HostDescriptor, "schema"> | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Says what the host of the account's node is: its labels, addresses and slots. The account is that of the node's agent or
 * operator.
 *
 * @throws InvalidRecordError; ContractRevertError, such as `HostRegistryNotMember`, or `HostRegistryUnchanged` if that is what
 * stands on chain; ChainError.
 * @example
 * await client.describeHost({ host: { labels: { zone: "a" }, addresses: ["10.0.0.7:7000"], slots: 8, draining: false } });
 */
export async function describeHost(
  client: Pick<ClientContext, "account" | "chain">,
  { host, signal }: DescribeHostParameters,
): Promise<Receipt> {
  requireAccount(client);
  const descriptor = host === null ? "0x" : hexOf(encodeHost({ schema: "witan/host/1", ...host }).bytes);
  return sendTransaction(client, () => client.chain.contracts.hosts.describe(descriptor), signal);
}
