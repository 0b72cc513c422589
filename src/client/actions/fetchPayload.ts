import type { DirectivePayload } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type PayloadParameters, readPayload } from "../proposals/readPayload.js";

export type FetchPayloadParameters = PayloadParameters;

/**
 * Fetches the full order of a directive, and checks its hash and schema. {@link checkProposal} checks whether it agrees with
 * the directive.
 *
 * @throws ContentError; InvalidRecordError.
 * @example
 * const { order } = await client.fetchPayload({ contentId: proposal.directive.payload });
 */
export async function fetchPayload(
  client: Pick<ClientContext, "content">,
  parameters: FetchPayloadParameters,
): Promise<DirectivePayload> {
  return readPayload(client, parameters);
}
