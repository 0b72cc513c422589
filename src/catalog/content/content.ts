import pMap from "p-map";
import { messageOf } from "../../errors.js";
import { type BatchContext, openJoint } from "../../ports/chain/index.js";
import { ContentError, type ContentStore } from "../../ports/content/index.js";
import {
  type BatchLeaf,
  type ContentId,
  contentIdToCid,
  decodeJointManifest,
  decodeManifest,
  decodeRecord,
  InvalidRecordError,
  openBatch,
  RecordKinds,
  type SignedBatch,
} from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Database } from "../database/database.js";
import { type AwaitedJoint, dueJoints, listJoint, postponeJoint, refuseJoint } from "../sync/joints.js";
import { dueAnchors, dueContents, hurry, limitDue, postponeAnchor, postponeContent } from "./awaited.js";
import { type AwaitedAnchor, type CheckedContent, ContentWriter, type Touched } from "./contentRows.js";

/** Manifests and records that are fetched at once. */
const PARALLEL = 16;
/** Manifests or records that are written in one transaction. */
const GROUP = 256;
/** A fetch that takes longer is tried again later, so that it does not delay the others. */
const FETCH_TIMEOUT_MS = 5_000;
/** Manifests and records may fill a block. */
const MAX_BYTES = 1024 * 1024;

export interface FetchProgress {
  readonly manifests: number;
  readonly records: number;
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Also fetch at once what failed a moment ago. */
  readonly retryAll?: boolean | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

interface FetchDependencies {
  /** Due times are stored, so they are wall time. */
  readonly clock: Pick<Clock, "now">;
  readonly content: ContentStore;
  readonly context: BatchContext;
}

/** The result of a fetch: the checked value, a flaw that no other attempt mends, or a failure that one may mend. */
type FetchResult<T> =
  | { readonly is: "right"; readonly value: T }
  | { readonly is: "wrong"; readonly reason: string }
  | { readonly is: "away"; readonly reason: string };

/**
 * Fetches and checks the manifests and records that are due, each once, and writes their content. A failed fetch is due
 * again after a pause that doubles with each failure.
 *
 * @throws ContentError `storage` if the store itself fails; the signal's reason.
 */
export async function fetchDue(
  db: Database,
  { clock, content, context }: FetchDependencies,
  onTouched: (touched: readonly Touched[]) => void,
  { signal, retryAll = false, onProgress }: FetchOptions,
): Promise<FetchProgress> {
  if (retryAll) db.transaction(() => hurry(db));
  const started = clock.now();
  // A wall clock that is set back meanwhile must not make a failure due again in this run.
  const failedAt = () => Math.max(started, clock.now());
  db.transaction(() => limitDue(db, started));
  let [manifests, records] = [0, 0];

  for (;;) {
    const due = dueJoints(db, started, GROUP);
    if (due.length === 0) break;
    const answers = await pMap(due, (joint) => fetchJoint(content, context, joint, signal), { concurrency: PARALLEL });
    db.transaction(() => {
      for (const [position, answer] of answers.entries()) {
        const joint = due[position] as AwaitedJoint;
        if (answer.is === "right") listJoint(db, joint, answer.value);
        else if (answer.is === "wrong") refuseJoint(db, joint, answer.reason);
        else postponeJoint(db, joint, answer.reason, failedAt());
        if (answer.is === "right") manifests += 1;
      }
    });
    onProgress?.({ manifests, records });
  }
  for (;;) {
    const due = dueAnchors(db, started, GROUP);
    if (due.length === 0) break;
    const answers = await pMap(due, (anchor) => fetchManifest(content, anchor, signal), { concurrency: PARALLEL });
    write((writer) => {
      for (const [position, answer] of answers.entries()) {
        const anchor = due[position] as AwaitedAnchor;
        if (answer.is === "right") writer.list(anchor, answer.value);
        else if (answer.is === "wrong") writer.refuse(anchor, answer.reason);
        else postponeAnchor(db, anchor, answer.reason, failedAt());
        if (answer.is === "right") manifests += 1;
      }
    });
    onProgress?.({ manifests, records });
  }
  for (;;) {
    const due = dueContents(db, started, GROUP);
    if (due.length === 0) break;
    const answers = await pMap(due, ({ contentId }) => fetchRecord(content, contentId, signal), {
      concurrency: PARALLEL,
    });
    write((writer) => {
      for (const [position, answer] of answers.entries()) {
        const { contentId, attempts } = due[position] as (typeof due)[number];
        if (answer.is === "away") postponeContent(db, contentId, attempts, answer.reason, failedAt());
        else writer.check(contentId, answer.is === "right" ? answer.value : { kind: undefined, reason: answer.reason });
        if (answer.is === "right") records += 1;
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
): Promise<FetchResult<readonly SignedBatch[]>> {
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

/** Decodes a record: its bytes fit at most one kind, whichever a manifest lists it as. @throws InvalidRecordError */
export function checkRecord(bytes: Uint8Array): CheckedContent {
  let refusal: unknown;
  for (const kind of RecordKinds) {
    try {
      return { kind, value: decodeRecord(kind, bytes) };
    } catch (error) {
      if (!(error instanceof InvalidRecordError)) throw error;
      refusal = mostTelling(refusal, error);
    }
  }
  throw refusal;
}

/** An error about anything but the schema's name comes from the schema that the author used. */
function mostTelling(before: unknown, error: InvalidRecordError): unknown {
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
    return { is: "right", value: check(bytes) };
  } catch (error) {
    signal?.throwIfAborted();
    // The bytes of this hash never change.
    if (error instanceof InvalidRecordError) return { is: "wrong", reason: messageOf(error) };
    // The store fails, not the record. Too many bytes may come from a dishonest peer: others may send the right ones.
    if (!(error instanceof ContentError) || error.kind === "storage") throw error;
    return { is: "away", reason: messageOf(error) };
  }
}
