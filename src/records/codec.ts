import * as dagCbor from "@ipld/dag-cbor";
import type { z } from "zod";
import { type JointManifest, jointManifestSchema } from "./batches/jointManifest.js";
import { type BatchManifest, manifestSchema } from "./batches/manifest.js";
import { contentIdOf, contentIdToCid } from "./contentId.js";
import { assertPlain } from "./encoding/plain.js";
import { InvalidRecordError } from "./errors.js";
import { MAX_RECORD_BYTES } from "./schemas/bounds.js";
import { type HostDescriptor, hostSchema } from "./schemas/host.js";
import { type Incident, incidentSchema } from "./schemas/incident.js";
import { type Model, modelSchema } from "./schemas/model.js";
import { type Outcome, outcomeSchema } from "./schemas/outcome.js";
import { type DirectivePayload, payloadSchema } from "./schemas/payload.js";
import { type PublishedManifest, publishedManifestSchema } from "./schemas/publishedManifest.js";
import { type ReleaseContents, releaseContentsSchema } from "./schemas/releaseContents.js";
import { type State, stateSchema } from "./schemas/state.js";
import type { ContentId, RecordKind } from "./types.js";

interface RecordValues {
  readonly State: State;
  readonly Model: Model;
  readonly Incident: Incident;
  readonly Outcome: Outcome;
}

/** The value of a record of one kind. */
export type RecordValue<Kind extends RecordKind = RecordKind> = RecordValues[Kind];

/** Canonical bytes and their names. */
export interface EncodedBlock {
  readonly bytes: Uint8Array;
  /** CIDv1, dag-cbor, sha2-256, as base32 text. */
  readonly cid: string;
  readonly contentId: ContentId;
}

export interface EncodedRecord<Kind extends RecordKind = RecordKind> extends EncodedBlock {
  readonly kind: Kind;
}

const recordSchemas: { readonly [Kind in RecordKind]: z.ZodType<RecordValue<Kind>> } = {
  State: stateSchema,
  Model: modelSchema,
  Incident: incidentSchema,
  Outcome: outcomeSchema,
};

/**
 * Checks a record against its schema. Addresses come out with their checksum; nothing else changes.
 *
 * @throws {InvalidRecordError}
 */
export function parseRecord<Kind extends RecordKind>(kind: Kind, value: unknown): RecordValue<Kind> {
  return parse(kind, schemaOf(kind), value);
}

/**
 * The canonical block of a record: the same content has the same CID, whatever the order of its keys.
 *
 * @throws {InvalidRecordError} if the value breaks the schema or is over {@link MAX_RECORD_BYTES}.
 *
 * @example const { cid, contentId, bytes } = encodeRecord("Incident", incident);
 */
export function encodeRecord<Kind extends RecordKind>(kind: Kind, value: RecordValue<Kind>): EncodedRecord<Kind> {
  return { kind, ...encode(kind, schemaOf(kind), value) };
}

/**
 * Decodes a record. Accepts only the canonical bytes of a valid record, so that one record has one ContentId.
 *
 * @throws {InvalidRecordError}
 */
export function decodeRecord<Kind extends RecordKind>(kind: Kind, bytes: Uint8Array): RecordValue<Kind> {
  return decode(kind, schemaOf(kind), bytes);
}

/** Checks a directive's payload. @throws {InvalidRecordError} */
export function parsePayload(value: unknown): DirectivePayload {
  return parse("DirectivePayload", payloadSchema, value);
}

/** As {@link encodeRecord}, for the payload of a directive. @throws {InvalidRecordError} */
export function encodePayload(payload: DirectivePayload): EncodedBlock {
  return encode("DirectivePayload", payloadSchema, payload);
}

/** As {@link decodeRecord}, for the payload of a directive. @throws {InvalidRecordError} */
export function decodePayload(bytes: Uint8Array): DirectivePayload {
  return decode("DirectivePayload", payloadSchema, bytes);
}

/** As {@link encodeRecord}, for what a publisher signs of a release. @throws {InvalidRecordError} */
export function encodeReleaseContents(contents: ReleaseContents): EncodedBlock {
  return encode("ReleaseContents", releaseContentsSchema, contents);
}

/** As {@link encodeRecord}, for what a host says about itself. @throws {InvalidRecordError} */
export function encodeHost(descriptor: HostDescriptor): EncodedBlock {
  return encode("HostDescriptor", hostSchema, descriptor);
}

/** As {@link decodeRecord}, for what a host says about itself. @throws {InvalidRecordError} */
export function decodeHost(bytes: Uint8Array): HostDescriptor {
  return decode("HostDescriptor", hostSchema, bytes);
}

/** As {@link encodeRecord}, for the manifest that an anchor cites. @throws {InvalidRecordError} */
export function encodeManifest(manifest: BatchManifest): EncodedBlock {
  return encode("BatchManifest", manifestSchema, manifest);
}

/** As {@link decodeRecord}, for the manifest that an anchor cites. @throws {InvalidRecordError} */
export function decodeManifest(bytes: Uint8Array): BatchManifest {
  return decode("BatchManifest", manifestSchema, bytes);
}

/** As {@link encodeRecord}, for the manifest that a joint anchor cites. @throws {InvalidRecordError} */
export function encodeJointManifest(manifest: JointManifest): EncodedBlock {
  return encode("JointManifest", jointManifestSchema, manifest);
}

/** As {@link decodeRecord}, for the manifest that a joint anchor cites. @throws {InvalidRecordError} */
export function decodeJointManifest(bytes: Uint8Array): JointManifest {
  return decode("JointManifest", jointManifestSchema, bytes);
}

/** Checks a release manifest or a task manifest. @throws {InvalidRecordError} */
export function parsePublishedManifest(value: unknown): PublishedManifest {
  return parse("manifest", publishedManifestSchema, value);
}

function schemaOf<Kind extends RecordKind>(kind: Kind): z.ZodType<RecordValue<Kind>> {
  if (!Object.hasOwn(recordSchemas, kind)) throw new InvalidRecordError("record", "", `unknown kind ${String(kind)}`);
  return recordSchemas[kind];
}

function parse<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  assertPlain(what, value);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = (issue?.path ?? []).reduce<string>(
    (head, key) => (typeof key === "number" ? `${head}[${key}]` : head === "" ? String(key) : `${head}.${String(key)}`),
    "",
  );
  throw new InvalidRecordError(what, path, issue?.message ?? "does not fit the schema", result.error);
}

function encode<T>(what: string, schema: z.ZodType<T>, value: unknown): EncodedBlock {
  const bytes = dagCbor.encode(parse(what, schema, value));
  if (bytes.byteLength > MAX_RECORD_BYTES) throw tooLarge(what, bytes.byteLength);
  const contentId = contentIdOf(bytes);
  return { bytes, contentId, cid: contentIdToCid(contentId, "dag-cbor") };
}

function decode<T>(what: string, schema: z.ZodType<T>, bytes: Uint8Array): T {
  if (bytes.byteLength > MAX_RECORD_BYTES) throw tooLarge(what, bytes.byteLength);
  const value = parse(what, schema, decodeCbor(what, bytes));
  if (!equal(dagCbor.encode(value), bytes)) throw new InvalidRecordError(what, "", "is not in the canonical encoding");
  return value;
}

function decodeCbor(what: string, bytes: Uint8Array): unknown {
  try {
    return dagCbor.decode<unknown>(bytes);
  } catch (cause) {
    throw new InvalidRecordError(what, "", "is not dag-cbor", cause);
  }
}

function tooLarge(what: string, size: number): InvalidRecordError {
  return new InvalidRecordError(what, "", `${size} bytes are over the limit of ${MAX_RECORD_BYTES}`);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
