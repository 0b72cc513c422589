import type { ContentMaintenance, ContentStore } from "../../ports/content/index.js";
import { contentIdToCid, decodeRecord } from "../../records/index.js";
import { type IndexedRecord, REPLICA } from "./recordIndex.js";

const FETCH_TIMEOUT_MS = 10_000;

type Store = ContentStore & Pick<ContentMaintenance, "pins">;

/**
 * Fetches a record or a list, and the weights of a model, and keeps them.
 *
 * @param providers The peers that are likely to have it: they are asked first.
 * @throws {ContentError} where it cannot be had, {@link InvalidRecordError} where it is no such record.
 */
export async function fetchReplica(
  content: Store,
  { contentId, kind }: IndexedRecord,
  providers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const cid = contentIdToCid(contentId);
  const bytes = await content.get(cid, { timeoutMs: FETCH_TIMEOUT_MS, signal, providers });
  const value = kind === "Manifest" ? undefined : decodeRecord(kind, bytes);
  if (value !== undefined && "weights" in value) await takeFile(content, value.weights.cid, providers, signal);
  await content.pins.set({ name: `${REPLICA}/${cid}`, cid, reason: REPLICA, scope: "block" });
}

async function takeFile(content: Store, cid: string, providers: readonly string[], signal: AbortSignal): Promise<void> {
  // Rooted first: what comes is kept as it comes.
  await content.pins.set({ name: `${REPLICA}/${cid}`, cid, reason: REPLICA, scope: "tree" });
  const file = await content.openFile(cid, { timeoutMs: FETCH_TIMEOUT_MS, signal, providers });
  for await (const _ of file.read({ signal }));
}
