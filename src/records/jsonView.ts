import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { hexOf } from "./encoding/hex.js";
import { InvalidRecordError } from "./errors.js";
import { MAX_DEPTH } from "./schemas/bounds.js";

/** A value that JSON can express. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * The JSON view of a value:
 *
 * | value | in JSON |
 * |---|---|
 * | null, booleans, text, finite numbers | as they are |
 * | bigints, and integers of a block outside ±(2^53 - 1) | decimal digits as text |
 * | bytes | `0x` and lower-case hexadecimal digits |
 * | links to other blocks | the text of the CID |
 * | arrays, objects | part by part; a property that is undefined is left out |
 *
 * The view is for reading. It is not the canonical encoding: a ContentId names the dag-cbor bytes.
 *
 * @throws {InvalidRecordError} for any other value, and for a value that is nested too deep.
 */
export function toJsonView(value: unknown): JsonValue {
  return viewOf(value, "", 0);
}

/**
 * The JSON view of a dag-cbor block, such as a record, a directive's payload or the manifest of an anchor.
 *
 * @throws {InvalidRecordError} if the bytes are not dag-cbor.
 */
export function blockToJsonView(bytes: Uint8Array): JsonValue {
  let value: unknown;
  try {
    value = dagCbor.decode<unknown>(bytes);
  } catch (cause) {
    throw new InvalidRecordError("block", "", "is not dag-cbor", cause);
  }
  return toJsonView(value);
}

function viewOf(value: unknown, path: string, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new InvalidRecordError("value", path, `is nested deeper than ${MAX_DEPTH}`);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value instanceof Uint8Array) return hexOf(value);
  const cid = CID.asCID(value);
  if (cid !== null) return cid.toString();
  if (Array.isArray(value)) return value.map((each, index) => viewOf(each, `${path}[${index}]`, depth + 1));
  if (typeof value !== "object") throw new InvalidRecordError("value", path, `${String(value)} has no JSON view`);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [key, viewOf(each, path === "" ? key : `${path}.${key}`, depth + 1)]),
  );
}
