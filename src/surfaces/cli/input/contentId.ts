import { type ContentId, cidToContentId, isContentId } from "../../../records/index.js";
import { networkArgs } from "./client.js";

export const recordArgs = {
  ...networkArgs,
  cid: { type: "positional", description: "the record's CID or ContentId", required: true },
  author: { type: "string", description: "only as anchored by this node", valueHint: "ADDRESS" },
} as const;

/** A record's name as people give it: a CID, or the ContentId that the chain knows. */
export function parseContentId(text: string): ContentId {
  return isContentId(text) ? text : cidToContentId(text);
}
