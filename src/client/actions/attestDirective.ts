import type { Receipt } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { DirectiveReport } from "../directives/directive.js";
import { reportWords } from "../directives/report.js";
import { aggregateSignatures, type NodeSignature } from "../transactions/aggregateSignatures.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

/** One node's signature under a report, over the registry's `reportDigest`. */
export type NodeAttestation = NodeSignature;

export interface AttestDirectiveParameters {
  readonly directiveId: Hex;
  readonly report: DirectiveReport;
  /** The `Outcome` record, for "done" and "failed". */
  readonly outcome?: ContentId | undefined;
  /** Signatures under this report, one of each node. */
  readonly attestations: readonly NodeAttestation[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends equal reports of many nodes to the registry in one transaction; those that count already are skipped. Reports of more than
 * half of the committee, as far as it is still seated with the same agent, and present, enact the directive. Verify the signatures
 * first: they are added up, and one wrong signature makes the sum invalid.
 *
 * @throws ContractRevertError, such as `DirectiveRegistryNothingNew` where all of the nodes have reported already,
 * `NodeRegistryInvalidSignature`, `DirectiveRegistryNotActive` or `DirectiveRegistryLapsed`; {@link InvalidInputError};
 * KeyError; ChainError.
 * @example
 * await client.attestDirective({ directiveId, report: "done", outcome, attestations });
 */
export async function attestDirective(client: ClientContext, parameters: AttestDirectiveParameters): Promise<Receipt> {
  requireAccount(client);
  const { attestations, directiveId } = parameters;
  const { report, outcome } = reportWords(parameters.report, parameters.outcome);
  const { bits, signature } = await aggregateSignatures(attestations);
  const { directives } = client.chain.contracts;
  return sendTransaction(
    client,
    () => directives.reportByAggregate(directiveId, report, outcome, bits, signature),
    parameters.signal,
  );
}
