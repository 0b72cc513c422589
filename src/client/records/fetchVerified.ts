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
import type { AnchorEntry, AnchoredLeaf, UnreadAnchor } from "../anchors/anchor.js";
import { readAnchor } from "../anchors/readAnchor.js";
import { walkAnchors } from "../anchors/walkAnchors.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError, NotAnchoredError, WrongAuthorError } from "../errors.js";
import { explainLoss } from "./explainLoss.js";
import type { VerifiedRecord } from "./record.js";

/** The time for the search and the fetch together, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 15_000;
/** Blocks of {@link Locate} that are searched. */
const MAX_HINTS = 4;

export interface RecordParameters<Kind extends RecordKind = RecordKind> {
  readonly contentId: ContentId;
  /** The node that must have anchored it; any node by default. */
  readonly author?: Address | undefined;
  /** The kind that it must have; any kind by default. */
  readonly kind?: Kind | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Fetches a record as {@link fetchRecord} describes. */
export async function fetchVerified<Kind extends RecordKind = RecordKind>(
  client: ClientContext,
  parameters: RecordParameters<Kind>,
): Promise<VerifiedRecord<Kind>> {
  const { contentId, author, kind, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = parameters;
  const { clock } = client;
  const deadline = clock.monotonic() + timeoutMs;
  const left = () => Math.max(1, deadline - clock.monotonic());
  const cid = contentIdToCid(contentId);
  const isBy = (by: Address) => author === undefined || sameHex(by, author);
  const unread: UnreadAnchor[] = [];
  let anchors: readonly AnchorEntry[] = [];

  // One false anchor must not hide a true one: the search continues until a place is verified.
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

  /** The record's places in the blocks that {@link Locate} names, then its places in all anchors. */
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
