import type { RecordKind } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { fetchVerified, type RecordParameters } from "../records/fetchVerified.js";
import type { VerifiedRecord } from "../records/record.js";

export type FetchRecordParameters<Kind extends RecordKind = RecordKind> = RecordParameters<Kind>;

/**
 * Fetches a record and returns it only after its hash, schema, anchor, author and proof were checked. A `State` must be
 * anchored by the node that it describes.
 *
 * @throws NotAnchoredError if no anchor holds it; WrongAuthorError if only anchors of other nodes do;
 * ContentError if its bytes are missing, late, altered or too many; InvalidRecordError if they are not such a record.
 * @example
 * const { value, author } = await client.fetchRecord({ contentId, kind: "Incident" });
 */
export async function fetchRecord<Kind extends RecordKind = RecordKind>(
  client: ClientContext,
  parameters: FetchRecordParameters<Kind>,
): Promise<VerifiedRecord<Kind>> {
  return fetchVerified<Kind>(client, parameters);
}
