import type { DirectivePayload } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type PayloadParameters, readPayload } from "../proposals/readPayload.js";

export type FetchPayloadParameters = PayloadParameters;

/**
 * What a directive orders in full. Its hash and schema are checked; {@link checkProposal} tells whether it agrees with the
 * directive.
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
