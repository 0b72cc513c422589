import { type ContentId, contentIdToCid, type DirectivePayload, decodePayload } from "../../records/index.js";
import type { ClientContext } from "../client.js";

export interface FetchPayloadParameters {
  /** The payload that a directive cites. */
  readonly contentId: ContentId;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a directive orders in full. Its hash and schema are checked; whether it agrees with the directive is for
 * {@link checkProposal} to say.
 *
 * @throws ContentError; InvalidRecordError.
 * @example
 * const { order } = await client.fetchPayload({ contentId: proposal.directive.payload });
 */
export async function fetchPayload(
  { content }: Pick<ClientContext, "content">,
  { contentId, timeoutMs, signal }: FetchPayloadParameters,
): Promise<DirectivePayload> {
  const bytes = await content.get(contentIdToCid(contentId), {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  });
  return decodePayload(bytes);
}
