import type { ContentMaintenance, ContentStore } from "../../ports/content/index.js";
import { contentIdToCid, decodeRecord } from "../../records/index.js";
import { DiskError } from "../../utils/disk/diskError.js";
import { type IndexedRecord, REPLICA_PIN } from "./recordIndex.js";

const FETCH_TIMEOUT_MS = 10_000;

type ReplicaStore = ContentStore & Pick<ContentMaintenance, "pins">;

/**
 * Fetches a record or manifest, and the weights of a model, and pins them.
 *
 * @param providers Peer ids that are asked first.
 * @throws {ContentError} if it cannot be fetched, {@link InvalidRecordError} if it is no record of its kind.
 */
export async function fetchReplica(
  content: ReplicaStore,
  { contentId, kind }: IndexedRecord,
  providers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const cid = contentIdToCid(contentId);
  const bytes = await content.get(cid, { timeoutMs: FETCH_TIMEOUT_MS, signal, providers });
  const value = kind === "Manifest" ? undefined : decodeRecord(kind, bytes);
  if (value !== undefined && "weights" in value) await fetchFile(content, value.weights.cid, providers, signal);
  // A block that came and found no room on the disk can be read once, and is not held.
  if (!(await content.has(cid))) throw new DiskError("full", `The record ${cid} could not be kept.`);
  await content.pins.set({ name: `${REPLICA_PIN}/${cid}`, cid, reason: REPLICA_PIN, scope: "block" });
}

async function fetchFile(
  content: ReplicaStore,
  cid: string,
  providers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  // Pinned first, so that garbage collection leaves the blocks that have come.
  await content.pins.set({ name: `${REPLICA_PIN}/${cid}`, cid, reason: REPLICA_PIN, scope: "tree" });
  const file = await content.openFile(cid, { timeoutMs: FETCH_TIMEOUT_MS, signal, providers });
  for await (const _ of file.read({ signal }));
}
