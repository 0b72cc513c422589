import pMap from "p-map";
import { messageOf } from "../../errors.js";
import { type BatchContext, openJoint } from "../../ports/chain/index.js";
import { ContentError, type ContentStore } from "../../ports/content/index.js";
import {
  type Address,
  type BatchLeaf,
  type ContentId,
  contentIdToCid,
  decodeJointManifest,
  decodeManifest,
  decodeRecord,
  InvalidRecordError,
  type JointBatch,
  openBatch,
  RecordKinds,
} from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Database } from "../database/database.js";
import { type AuthorQuota, AuthorRoom } from "../retention/usage.js";
import { type AwaitedJoint, dueJoints, listJoint, postponeJoint, refuseJoint } from "../sync/joints.js";
import { dueAnchors, dueContents, makeAllDue, postponeAnchor, postponeContent, shortenWaits } from "./awaited.js";
import { type AwaitedAnchor, type CheckedContent, ContentWriter, type Touched } from "./contentRows.js";

/** Manifests and records that are fetched at once. */
const PARALLEL = 16;
/** Manifests or records that are written in one transaction. */
const GROUP = 256;
/** A fetch that takes longer is tried again later, so that it does not delay the others. */
const FETCH_TIMEOUT_MS = 5_000;
/** Manifests and records may fill a block. */
const MAX_BYTES = 1024 * 1024;
const OVER_QUOTA = "its author's quota is full";

export interface FetchProgress {
  readonly manifests: number;
  readonly records: number;
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to fetch at once also what failed a moment ago. */
  readonly retryAll?: boolean | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

interface FetchDependencies {
  /** Due times are stored, so they are wall time. */
  readonly clock: Pick<Clock, "now">;
  readonly content: ContentStore;
  readonly context: BatchContext;
  /** How much of each author's records is stored, but for one author's; all by default. */
  readonly quota?: AuthorQuota | undefined;
  readonly unlimited?: Address | undefined;
}

/** The result of a fetch: a checked value; or bytes that are invalid for good; or a failure, after which another attempt may succeed. */
type FetchResult<T> =
  | { readonly is: "valid"; readonly value: T }
  | { readonly is: "invalid"; readonly reason: string }
  | { readonly is: "failed"; readonly reason: string };

const overQuota = { is: "failed", reason: OVER_QUOTA } as const;

/**
 * Fetches and checks the manifests and records that are due, each once, and writes their content. A failed fetch is due
 * again after a pause that doubles with each failure. What is over the quota of its author waits likewise, and is not fetched;
 * of bytes a group at most is stored beyond it.
 *
 * @throws ContentError `storage` if the store itself fails; the signal's reason.
 */
export async function fetchDue(
  db: Database,
  { clock, content, context, quota, unlimited }: FetchDependencies,
  onTouched: (touched: readonly Touched[]) => void,
  { signal, retryAll = false, onProgress }: FetchOptions,
): Promise<FetchProgress> {
  if (retryAll) db.transaction(() => makeAllDue(db));
  const started = clock.now();
  // A wall clock that is set back meanwhile must not make a failure due again in this run.
  const failedAt = () => Math.max(started, clock.now());
  db.transaction(() => shortenWaits(db, started));
  let [manifests, records] = [0, 0];

  for (;;) {
    const due = dueJoints(db, started, GROUP);
    if (due.length === 0) break;
    const results = await pMap(due, (joint) => fetchJoint(content, context, joint, signal), { concurrency: PARALLEL });
    db.transaction(() => {
      for (const [position, result] of results.entries()) {
        const joint = due[position] as AwaitedJoint;
        if (result.is === "valid") listJoint(db, joint, result.value);
        else if (result.is === "invalid") refuseJoint(db, joint, result.reason);
        else postponeJoint(db, joint, result.reason, failedAt());
        if (result.is === "valid") manifests += 1;
      }
    });
    onProgress?.({ manifests, records });
  }
  for (;;) {
    const due = dueAnchors(db, started, GROUP);
    if (due.length === 0) break;
    const room = new AuthorRoom(db, quota, unlimited);
    const fetchOrRefuse = async (anchor: AwaitedAnchor) =>
      room.admit(anchor.author, anchor.count) ? fetchManifest(content, anchor, signal) : overQuota;
    const results = await pMap(due, fetchOrRefuse, { concurrency: PARALLEL });
    write((writer) => {
      for (const [position, result] of results.entries()) {
        const anchor = due[position] as AwaitedAnchor;
        if (result.is === "valid") writer.listRecords(anchor, result.value);
        else if (result.is === "invalid") writer.refuse(anchor, result.reason);
        else postponeAnchor(db, anchor, result.reason, failedAt());
        if (result.is === "valid") manifests += 1;
      }
    });
    onProgress?.({ manifests, records });
  }
  for (;;) {
    const room = new AuthorRoom(db, quota, unlimited);
    const isNear = room.isNear(GROUP * MAX_BYTES);
    const due = dueContents(db, started, isNear ? PARALLEL : GROUP);
    if (due.length === 0) break;
    const fetchOrRefuse = async ({ contentId }: (typeof due)[number]) =>
      !isNear || room.hasRoomToStore(contentId) ? fetchRecord(content, contentId, signal) : overQuota;
    const results = await pMap(due, fetchOrRefuse, { concurrency: PARALLEL });
    write((writer) => {
      for (const [position, result] of results.entries()) {
        const { contentId, attempts } = due[position] as (typeof due)[number];
        if (result.is === "failed") postponeContent(db, contentId, attempts, result.reason, failedAt());
        else
          writer.writeContent(
            contentId,
            result.is === "valid" ? result.value : { kind: undefined, reason: result.reason },
          );
        if (result.is === "valid") records += 1;
      }
    });
    onProgress?.({ manifests, records });
  }
  return { manifests, records };

  function write(work: (writer: ContentWriter) => void): void {
    const writer = new ContentWriter(db);
    db.transaction(() => {
      work(writer);
      writer.finish();
    });
    onTouched(writer.touched);
  }
}

async function fetchJoint(
  content: ContentStore,
  context: BatchContext,
  joint: AwaitedJoint,
  signal: AbortSignal | undefined,
): Promise<FetchResult<readonly JointBatch[]>> {
  return fetchChecked(content, joint.manifest, signal, (bytes) => {
    const manifest = decodeJointManifest(bytes);
    openJoint(context, joint, manifest);
    return manifest.batches;
  });
}

async function fetchManifest(
  content: ContentStore,
  anchor: AwaitedAnchor,
  signal: AbortSignal | undefined,
): Promise<FetchResult<readonly BatchLeaf[]>> {
  return fetchChecked(content, anchor.manifest, signal, (bytes) => {
    const manifest = decodeManifest(bytes);
    openBatch(anchor, manifest);
    return manifest.leaves;
  });
}

async function fetchRecord(
  content: ContentStore,
  contentId: ContentId,
  signal: AbortSignal | undefined,
): Promise<FetchResult<CheckedContent>> {
  return fetchChecked(content, contentId, signal, checkRecord);
}

/** Decodes a record of any kind: bytes fit at most one, which may differ from the kind in a manifest. @throws InvalidRecordError */
export function checkRecord(bytes: Uint8Array): CheckedContent {
  let refusal: unknown;
  for (const kind of RecordKinds) {
    try {
      return { kind, value: decodeRecord(kind, bytes) };
    } catch (error) {
      if (!(error instanceof InvalidRecordError)) throw error;
      refusal = moreSpecific(refusal, error);
    }
  }
  throw refusal;
}

/** The more useful of two errors: one about anything but the schema's name comes from the schema that the author used. */
function moreSpecific(before: unknown, error: InvalidRecordError): unknown {
  return before === undefined || error.path !== "schema" ? error : before;
}

async function fetchChecked<T>(
  content: ContentStore,
  contentId: ContentId,
  signal: AbortSignal | undefined,
  check: (bytes: Uint8Array) => T,
): Promise<FetchResult<T>> {
  const options = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_BYTES, ...(signal === undefined ? {} : { signal }) };
  try {
    const bytes = await content.get(contentIdToCid(contentId), options);
    return { is: "valid", value: check(bytes) };
  } catch (error) {
    signal?.throwIfAborted();
    // The bytes of this hash never change.
    if (error instanceof InvalidRecordError) return { is: "invalid", reason: messageOf(error) };
    // With these the store fails, not the record. Any other error may come from one peer: another may send the record.
    if (!(error instanceof ContentError) || error.isOfStore) throw error;
    return { is: "failed", reason: messageOf(error) };
  }
}
