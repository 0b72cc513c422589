import { raceSignal } from "race-signal";
import { type Address, contentIdToCid, type RecordKind } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import type { UnreadAnchor } from "../anchors/anchor.js";
import { readAnchor } from "../anchors/readAnchor.js";
import { walkAnchors } from "../anchors/walkAnchors.js";
import type { ClientContext } from "../client.js";
import type { RecordReference } from "../records/record.js";

const DEFAULT_LIMIT = 50;
const DEFAULT_TIMEOUT_MS = 30_000;

export interface ListRecordsParameters<Kind extends RecordKind = RecordKind> {
  readonly kind?: Kind | undefined;
  readonly author?: Address | undefined;
  /** At most this many; 50 by default. */
  readonly limit?: number | undefined;
  /** Only records that were anchored in this block or later. */
  readonly fromBlock?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with every anchor whose records could not be read. */
  readonly onUnread?: ((unread: UnreadAnchor) => void) | undefined;
}

/**
 * Lists the newest anchored records, newest first, without their contents, which {@link fetchRecord} fetches.
 *
 * @throws ChainError.
 * @example
 * const incidents = await client.listRecords({ kind: "Incident", limit: 10 });
 */
export async function listRecords<Kind extends RecordKind = RecordKind>(
  client: ClientContext,
  parameters: ListRecordsParameters<Kind> = {},
): Promise<RecordReference<Kind>[]> {
  const {
    kind,
    author,
    limit = DEFAULT_LIMIT,
    fromBlock = 0,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    signal,
    onUnread,
  } = parameters;
  const { entries, unread: unlisted } = await raceSignal(client.anchors.anchors(), signal);
  const anchors = entries.filter(
    (anchor) => anchor.blockNumber >= fromBlock && (author === undefined || sameHex(anchor.author, author)),
  );
  const records: RecordReference<Kind>[] = [];
  const unread: UnreadAnchor[] = unlisted.filter(({ anchor }) => anchor.blockNumber >= fromBlock);
  if (limit <= 0) return records;

  for await (const leaves of walkAnchors(client, anchors, { timeoutMs, signal }, unread)) {
    const wanted = leaves.filter((leaf) => kind === undefined || leaf.kind === kind).slice(0, limit - records.length);
    const [first] = wanted;
    const anchor = first === undefined ? undefined : await readAnchor(client, first.anchor);
    if (anchor === undefined) continue;
    for (const { anchor: entry, contentId, leaf, proof, kind: leafKind } of wanted) {
      const cid = contentIdToCid(contentId);
      records.push({ kind: leafKind as Kind, contentId, cid, author: entry.author, anchor, leaf, proof });
    }
    if (records.length >= limit) break;
  }
  for (const one of unread) onUnread?.(one);
  return records;
}
