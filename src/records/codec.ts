import * as dagCbor from "@ipld/dag-cbor";
import type { z } from "zod";
import { type BatchManifest, manifestSchema } from "./batch.js";
import { contentIdOf, contentIdToCid } from "./contentId.js";
import { InvalidRecordError } from "./errors.js";
import { RecordBounds } from "./fields.js";
import { type Incident, incidentSchema } from "./incident.js";
import { type Model, modelSchema } from "./model.js";
import { type Outcome, outcomeSchema } from "./outcome.js";
import { type DirectivePayload, payloadSchema } from "./payload.js";
import { type State, stateSchema } from "./state.js";
import type { ContentId, RecordKind } from "./types.js";

interface RecordValues {
  State: State;
  Model: Model;
  Incident: Incident;
  Outcome: Outcome;
}
export type RecordValue<Kind extends RecordKind = RecordKind> = RecordValues[Kind];

/** A block with its two names. */
export interface EncodedBlock {
  readonly bytes: Uint8Array;
  /** CIDv1, dag-cbor, base32. */
  readonly cid: string;
  readonly contentId: ContentId;
}
export interface EncodedRecord extends EncodedBlock {
  readonly kind: RecordKind;
}

const schemas = { State: stateSchema, Model: modelSchema, Incident: incidentSchema, Outcome: outcomeSchema };
/** A manifest may fill a block; everything else is a record. */
const MAX_MANIFEST_BYTES = 1024 * 1024;

/**
 * The canonical bytes of a record: dag-cbor, map keys sorted. The same content gives the same CID everywhere.
 *
 * @throws {InvalidRecordError} with the path of what breaks the schema or cannot be encoded faithfully.
 */
export function encodeRecord<Kind extends RecordKind>(kind: Kind, value: RecordValue<Kind>): EncodedRecord {
  return { kind, ...encode(`${kind} record`, schemas[kind], value, RecordBounds.maxRecordBytes) };
}

/**
 * The record in a block.
 *
 * @throws {InvalidRecordError} where the bytes are not exactly what {@link encodeRecord} makes of the value.
 */
export function decodeRecord<Kind extends RecordKind>(kind: Kind, bytes: Uint8Array): RecordValue<Kind> {
  return decode(`${kind} record`, schemas[kind], bytes, RecordBounds.maxRecordBytes) as RecordValue<Kind>;
}

/** The canonical bytes of a directive's payload. Throws {@link InvalidRecordError}. */
export function encodePayload(value: DirectivePayload): EncodedBlock {
  return encode("directive payload", payloadSchema, value, RecordBounds.maxRecordBytes);
}

/** The payload in a block. Throws {@link InvalidRecordError}. */
export function decodePayload(bytes: Uint8Array): DirectivePayload {
  return decode("directive payload", payloadSchema, bytes, RecordBounds.maxRecordBytes);
}

/** The canonical bytes of the list that an anchor cites. Throws {@link InvalidRecordError}. */
export function encodeManifest(value: BatchManifest): EncodedBlock {
  return encode("batch manifest", manifestSchema, value, MAX_MANIFEST_BYTES);
}

/** The list in a block. Throws {@link InvalidRecordError}. */
export function decodeManifest(bytes: Uint8Array): BatchManifest {
  return decode("batch manifest", manifestSchema, bytes, MAX_MANIFEST_BYTES);
}

function encode<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  value: unknown,
  maxBytes: number,
): EncodedBlock {
  const parsed = parse(what, schema, value);
  refuseUnfaithful(what, parsed, []);
  const bytes = dagCbor.encode(parsed);
  if (bytes.length > maxBytes) {
    throw new InvalidRecordError(what, "", `has ${bytes.length} bytes, over the limit of ${maxBytes}`);
  }
  const contentId = contentIdOf(bytes);
  return { bytes, contentId, cid: contentIdToCid(contentId) };
}

function decode<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  bytes: Uint8Array,
  maxBytes: number,
): z.output<Schema> {
  if (bytes.length > maxBytes) {
    throw new InvalidRecordError(what, "", `has ${bytes.length} bytes, over the limit of ${maxBytes}`);
  }
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new InvalidRecordError(what, "", "is not dag-cbor", cause);
  }
  const parsed = parse(what, schema, value);
  refuseUnfaithful(what, parsed, []);
  if (!sameBytes(dagCbor.encode(parsed), bytes)) {
    throw new InvalidRecordError(what, "", "is not in canonical form");
  }
  return parsed;
}

function parse<Schema extends z.ZodType>(what: string, schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new InvalidRecordError(what, issue?.path.join(".") ?? "", issue?.message ?? "breaks its schema");
}

/** Refuses what dag-cbor would store as something else: keys with lone surrogates, -0, integers beyond 2^53. */
function refuseUnfaithful(what: string, value: unknown, path: readonly string[]): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new InvalidRecordError(what, path.join("."), "is not a finite number");
    if (Object.is(value, -0)) throw new InvalidRecordError(what, path.join("."), "is negative zero");
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new InvalidRecordError(what, path.join("."), "is an integer beyond 2^53");
    }
  } else if (typeof value === "string") {
    if (!value.isWellFormed()) throw new InvalidRecordError(what, path.join("."), "holds a lone surrogate");
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseUnfaithful(what, item, [...path, String(index)]);
  } else if (value !== null && typeof value === "object") {
    for (const [key, item] of Object.entries(value)) {
      if (!key.isWellFormed()) throw new InvalidRecordError(what, path.join("."), "has a key with a lone surrogate");
      refuseUnfaithful(what, item, [...path, key]);
    }
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
