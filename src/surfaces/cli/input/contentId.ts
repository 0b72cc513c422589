import { type ContentId, cidToContentId, isContentId } from "../../../records/index.js";

/** The ContentId that the user gave: as a CID, or as the chain writes it. */
export function parseContentId(text: string): ContentId {
  return isContentId(text) ? text : cidToContentId(text);
}
