import pMap from "p-map";
import { messageOf } from "../errors.js";
import { type BatchContext, openJoint } from "../ports/chain/index.js";
import { ContentError, type ContentStore } from "../ports/content/index.js";
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
} from "../records/index.js";
import { dueAnchors, dueContents, hurry, postponeAnchor, postponeContent } from "./awaited.js";
import { type AwaitedAnchor, type CheckedContent, ContentWriter, type Touched } from "./contentRows.js";
import type { Database } from "./database.js";
import { type AwaitedJoint, dueJoints, listJoint, postponeJoint, refuseJoint } from "./joints.js";

/** Fetches under way at a time. */
const PARALLEL = 16;
/** Fetched things that are written in one transaction. */
const GROUP = 256;
/** What takes longer is out of reach for now: the others are waiting. */
const FETCH_TIMEOUT_MS = 5_000;
/** Manifests and records may fill a block. */
const MAX_BYTES = 1024 * 1024;

export interface FetchProgress {
  readonly manifests: number;
  readonly records: number;
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Ask at once also for what failed a moment ago. */
  readonly retryAll?: boolean | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/** What came of asking for something: what it is, that it is wrong for good, or that it could not be had. */
type Answer<T> =
  | { readonly is: "right"; readonly value: T }
  | { readonly is: "wrong"; readonly reason: string }
  | { readonly is: "away"; readonly reason: string };

/**
 * Fetches and checks the manifests and records that are due, each once, and writes what they say. What could not be had
 * stays, and is due again after a pause that grows.
 *
 * @throws ContentError `storage` where the store itself fails; the signal's reason.
 */
export async function fetchDue(
  db: Database,
  { content, context }: { readonly content: ContentStore; readonly context: BatchContext },
  onTouched: (touched: readonly Touched[]) => void,
  { signal, retryAll = false, onProgress }: FetchOptions,
): Promise<FetchProgress> {
  if (retryAll) db.transaction(() => hurry(db));
  const started = Date.now();
  let [manifests, records] = [0, 0];

  for (;;) {
    const due = dueJoints(db, started, GROUP);
    if (due.length === 0) break;
    const answers = await pMap(due, (joint) => askForJoint(content, context, joint, signal), { concurrency: PARALLEL });
    db.transaction(() => {
      for (const [position, answer] of answers.entries()) {
        const joint = due[position] as AwaitedJoint;
        if (answer.is === "right") listJoint(db, joint, answer.value);
        else if (answer.is === "wrong") refuseJoint(db, joint, answer.reason);
        else postponeJoint(db, joint, answer.reason, Date.now());
        if (answer.is === "right") manifests += 1;
      }
    });
    onProgress?.({ manifests, records });
  }
  for (;;) {
    const due = dueAnchors(db, started, GROUP);
    if (due.length === 0) break;
    const answers = await pMap(due, (anchor) => askForManifest(content, anchor, signal), { concurrency: PARALLEL });
    write((writer) => {
      for (const [position, answer] of answers.entries()) {
        const anchor = due[position] as AwaitedAnchor;
        if (answer.is === "right") writer.list(anchor, answer.value);
        else if (answer.is === "wrong") writer.refuse(anchor, answer.reason);
        else postponeAnchor(db, anchor, answer.reason, Date.now());
        if (answer.is === "right") manifests += 1;
      }
    });
    onProgress?.({ manifests, records });
  }
  for (;;) {
    const due = dueContents(db, started, GROUP);
    if (due.length === 0) break;
    const answers = await pMap(due, ({ contentId }) => askForRecord(content, contentId, signal), {
      concurrency: PARALLEL,
    });
    write((writer) => {
      for (const [position, answer] of answers.entries()) {
        const { contentId, attempts } = due[position] as (typeof due)[number];
        if (answer.is === "away") postponeContent(db, contentId, attempts, answer.reason, Date.now());
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

async function askForJoint(
  content: ContentStore,
  context: BatchContext,
  joint: AwaitedJoint,
  signal: AbortSignal | undefined,
): Promise<Answer<readonly SignedBatch[]>> {
  return ask(content, joint.manifest, signal, (bytes) => {
    const manifest = decodeJointManifest(bytes);
    openJoint(context, joint, manifest);
    return manifest.batches;
  });
}

async function askForManifest(
  content: ContentStore,
  anchor: AwaitedAnchor,
  signal: AbortSignal | undefined,
): Promise<Answer<readonly BatchLeaf[]>> {
  return ask(content, anchor.manifest, signal, (bytes) => {
    const manifest = decodeManifest(bytes);
    openBatch(anchor, manifest);
    return manifest.leaves;
  });
}

async function askForRecord(
  content: ContentStore,
  contentId: ContentId,
  signal: AbortSignal | undefined,
): Promise<Answer<CheckedContent>> {
  return ask(content, contentId, signal, checkRecord);
}

/** A record's bytes fit one kind at most, whatever kinds it is listed as. @throws InvalidRecordError */
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

/** The complaint about anything but the schema's name comes from the schema that was meant. */
function mostTelling(before: unknown, error: InvalidRecordError): unknown {
  return before === undefined || error.path !== "schema" ? error : before;
}

async function ask<T>(
  content: ContentStore,
  contentId: ContentId,
  signal: AbortSignal | undefined,
  check: (bytes: Uint8Array) => T,
): Promise<Answer<T>> {
  const options = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_BYTES, ...(signal === undefined ? {} : { signal }) };
  try {
    const bytes = await content.get(contentIdToCid(contentId), options);
    return { is: "right", value: check(bytes) };
  } catch (error) {
    signal?.throwIfAborted();
    // Bytes of this hash say so for ever.
    if (error instanceof InvalidRecordError) return { is: "wrong", reason: messageOf(error) };
    // The store is out of order, not the record. What sends too much may be a liar: ask again, others perhaps.
    if (!(error instanceof ContentError) || error.kind === "storage") throw error;
    return { is: "away", reason: messageOf(error) };
  }
}
