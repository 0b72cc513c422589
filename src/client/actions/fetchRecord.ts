import {
  type Address,
  type ContentId,
  contentIdToCid,
  decodeRecord,
  InvalidRecordError,
  type RecordKind,
  verifyProof,
} from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import type { AnchorEntry, AnchoredLeaf, UnreadAnchor } from "../anchors/anchorIndex.js";
import { explainLoss } from "../anchors/explainLoss.js";
import { readAnchor } from "../anchors/readAnchor.js";
import { walkAnchors } from "../anchors/walkAnchors.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError, NotAnchoredError, WrongAuthorError } from "../errors.js";
import type { VerifiedRecord } from "../records.js";

/** For the search and the fetch together, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 15_000;
/** Blocks that are looked into because a record is said to be there. */
const MAX_HINTS = 4;

export interface FetchRecordParameters<Kind extends RecordKind = RecordKind> {
  readonly contentId: ContentId;
  /** Take it only from this node. */
  readonly author?: Address | undefined;
  /** Take it only as this kind. */
  readonly kind?: Kind | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches a record and gives it only after its hash, schema, anchor, author and proof were checked. A `State` must be
 * anchored by the node that it speaks of.
 *
 * @throws {@link NotAnchoredError} where no anchor holds it; {@link WrongAuthorError} where only others' do;
 * ContentError where its bytes are missing, late, altered or too many; InvalidRecordError where they are no such record.
 * @example
 * const { value, author } = await client.fetchRecord({ contentId, kind: "Incident" });
 */
export async function fetchRecord<Kind extends RecordKind = RecordKind>(
  client: ClientContext,
  parameters: FetchRecordParameters<Kind>,
): Promise<VerifiedRecord<Kind>> {
  const { contentId, author, kind, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = parameters;
  const deadline = Date.now() + timeoutMs;
  const left = () => Math.max(1, deadline - Date.now());
  const cid = contentIdToCid(contentId);
  const isBy = (by: Address) => author === undefined || sameHex(by, author);
  const unread: UnreadAnchor[] = [];
  let anchors: readonly AnchorEntry[] = [];

  // One false anchor must not hide a true one: go on until a place holds.
  let refusal: unknown;
  for await (const place of places()) {
    try {
      return (await verified(place)) as VerifiedRecord<Kind>;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusal ??= error;
    }
  }
  if (refusal !== undefined) throw refusal;

  if (author !== undefined) {
    const others = new Set<Address>();
    for await (const place of placesIn(anchors.filter((anchor) => !isBy(anchor.author))))
      others.add(place.anchor.author);
    if (others.size > 0) throw new WrongAuthorError(contentId, author, [...others]);
  }
  throw new NotAnchoredError(contentId, unread.length);

  /** Where it is said to be, then wherever else it is. */
  async function* places(): AsyncGenerator<AnchoredLeaf> {
    const blocks = (await client.locate?.(contentId).catch(() => undefined)) ?? [];
    for (const block of blocks.slice(0, MAX_HINTS)) {
      const { entries } = await client.anchors.anchors({ blocks: [block, block], timeoutMs: left() });
      yield* placesIn(entries.filter((anchor) => isBy(anchor.author)));
    }
    unread.length = 0;
    const all = await client.anchors.anchors();
    anchors = all.entries;
    unread.push(...all.unread);
    yield* placesIn(anchors.filter((anchor) => isBy(anchor.author)));
  }

  async function* placesIn(entries: readonly AnchorEntry[]): AsyncGenerator<AnchoredLeaf> {
    for await (const leaves of walkAnchors(client, entries, { timeoutMs: left(), signal, anyOrder: true }, unread)) {
      yield* leaves.filter((leaf) => leaf.contentId === contentId && (kind === undefined || leaf.kind === kind));
    }
  }

  async function verified(place: AnchoredLeaf): Promise<VerifiedRecord> {
    const { anchor, leaf, proof } = place;
    if (!verifyProof(anchor.root, leaf, proof)) throw new InvalidProofError(contentId, anchor.root);
    const onChain = await readAnchor(client, anchor);
    if (onChain === undefined) throw new NotAnchoredError(contentId);
    const bytes = await client.content
      .get(cid, { timeoutMs: left(), ...(signal === undefined ? {} : { signal }) })
      .catch(async (error: unknown) => {
        throw await explainLoss(client, place.kind, onChain.anchoredAt, error);
      });
    const value = decodeRecord(place.kind, bytes);
    if ("node" in value && !sameHex(value.node, anchor.author)) {
      throw new WrongAuthorError(contentId, value.node, [anchor.author]);
    }
    return {
      kind: place.kind,
      value,
      contentId,
      cid,
      author: anchor.author,
      anchor: onChain,
      leaf,
      proof,
    } as VerifiedRecord;
  }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof NotAnchoredError ||
    error instanceof WrongAuthorError ||
    error instanceof InvalidProofError ||
    error instanceof InvalidRecordError
  );
}
