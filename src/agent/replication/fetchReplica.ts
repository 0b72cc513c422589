import { createHash } from "node:crypto";
import { ContentError, type ContentMaintenance, type ContentStore } from "../../ports/content/index.js";
import { contentIdToCid, decodeRecord, type Weights } from "../../records/index.js";
import { DiskError } from "../../utils/disk/diskError.js";
import { type IndexedRecord, REPLICA_PIN } from "./index/indexedRecord.js";

const FETCH_TIMEOUT_MS = 10_000;

type ReplicaStore = ContentStore & Pick<ContentMaintenance, "pins">;

export interface FetchReplicaParameters {
  readonly content: ReplicaStore;
  readonly record: Pick<IndexedRecord, "contentId" | "kind">;
  /** Peer ids that are asked first. */
  readonly providers: readonly string[];
  /** Whether there is room for so many bytes: the record's own, and what a model says its weights have. */
  readonly hasRoom: (bytes: number) => boolean;
  readonly signal: AbortSignal;
}

/** What was fetched and pinned; undefined if there is no room for it. */
export interface FetchedReplica {
  /** The record's bytes, and those of its file. */
  readonly bytes: number;
  /** The CID of the weights that are pinned with a model; null for another record, and for weights that are not what the model says. */
  readonly file: string | null;
  /** Why weights were not kept; undefined if they were, or if there are none. */
  readonly refused?: string;
}

/**
 * Fetches a record or manifest, and the weights of a model, and pins them, once all bytes are here: a pin of content that
 * nobody has would stop every collection. What a model says of its weights is a limit: of a file with another length or
 * another sha256 no more is read, and the record is kept without it.
 *
 * @throws {ContentError} if it cannot be fetched, {@link InvalidRecordError} if it is no record of its kind.
 */
export async function fetchReplica(parameters: FetchReplicaParameters): Promise<FetchedReplica | undefined> {
  const { content, hasRoom, providers, record, signal } = parameters;
  const { contentId, kind } = record;
  const cid = contentIdToCid(contentId);
  const block = await content.get(cid, { timeoutMs: FETCH_TIMEOUT_MS, signal, providers });
  const value = kind === "Manifest" ? undefined : decodeRecord(kind, block);
  const weights = value !== undefined && "weights" in value ? value.weights : undefined;
  const bytes = block.length + (weights?.bytes ?? 0);
  if (!hasRoom(bytes)) return undefined;
  const refused = weights === undefined ? undefined : await fetchFile(parameters, weights);
  const file = refused === undefined ? (weights?.cid ?? null) : null;
  if (file !== null) await pin(content, file, "tree");
  await pin(content, cid, "block");
  return refused === undefined ? { bytes, file } : { bytes: block.length, file, refused };
}

/** Fetches all bytes of a file; resolves with why it is not the file that a model describes, undefined if it is. */
async function fetchFile(
  { content, providers, signal }: FetchReplicaParameters,
  { bytes, cid, sha256 }: Weights,
): Promise<string | undefined> {
  const digest = createHash("sha256");
  try {
    const file = await content.openFile(cid, { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: bytes, signal, providers });
    if (file.bytes !== bytes) return `the file has ${file.bytes} bytes, and not ${bytes}`;
    for await (const chunk of file.read({ signal, reuse: true })) digest.update(chunk);
  } catch (error) {
    // Other bytes never have this CID: another attempt would end in the same way.
    if (error instanceof ContentError && (error.kind === "too-large" || error.kind === "invalid-cid"))
      return error.shortMessage;
    throw error;
  }
  return `0x${digest.digest("hex")}` === sha256 ? undefined : `the file does not have the sha256 ${sha256}`;
}

async function pin(content: ReplicaStore, cid: string, scope: "block" | "tree"): Promise<void> {
  // A block that came and found no room on the disk can be read once, and is not held.
  if (!(await content.has(cid))) throw new DiskError("full", `The block ${cid} could not be kept.`);
  await content.pins.set({ name: `${REPLICA_PIN}/${cid}`, cid, reason: REPLICA_PIN, scope });
  // A lost record costs itself, and a lost root every collection.
  if (scope === "block" || (await content.has(cid))) return;
  // Collected since it came.
  await content.pins.drop(`${REPLICA_PIN}/${cid}`);
  throw new ContentError("missing", `The block ${cid} was removed before it was pinned.`);
}
