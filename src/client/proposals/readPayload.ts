import { type ContentId, contentIdToCid, type DirectivePayload, decodePayload } from "../../records/index.js";
import type { ClientContext } from "../client.js";

export interface PayloadParameters {
  /** The payload that a directive cites. */
  readonly contentId: ContentId;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Fetches the payload with this ContentId, and checks its hash and schema. @throws ContentError; InvalidRecordError. */
export async function readPayload(
  { content }: Pick<ClientContext, "content">,
  { contentId, timeoutMs, signal }: PayloadParameters,
): Promise<DirectivePayload> {
  const bytes = await content.get(contentIdToCid(contentId), {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  });
  return decodePayload(bytes);
}
