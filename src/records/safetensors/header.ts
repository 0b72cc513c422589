import { repeatedKey } from "../encoding/jsonKeys.js";
import { InvalidRecordError } from "../errors.js";

/** Bytes of one element, by dtype. */
export const TensorDtypes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;
export type TensorDtype = keyof typeof TensorDtypes;

/** A tensor and the position of its bytes, from `begin` to `end` of the data that follow the header. */
export interface TensorPlace {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The header of a file. */
export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly TensorPlace[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit of its JSON header. */
export const MAX_HEADER_BYTES = 100_000_000;
export const LENGTH_BYTES = 8;
export const METADATA = "__metadata__";
/** Bytes of the header of a file read as a stream, which is held in memory: about 100,000 tensors. */
const MAX_STREAMED_HEADER_BYTES = 16 * 1024 * 1024;
const BRACE = 0x7b;

/**
 * The offset of the data, by the length field of a file of `fileBytes`; undefined if `head` is shorter than that field.
 * @throws {InvalidRecordError} if the header is too long or reaches beyond the file.
 */
export function dataStart(head: Uint8Array, fileBytes: number, maxHeaderBytes = MAX_HEADER_BYTES): number | undefined {
  if (head.byteLength < LENGTH_BYTES) return undefined;
  const length = new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) throw invalidFile("", `header of ${length} bytes`);
  const start = LENGTH_BYTES + Number(length);
  if (start > fileBytes) throw invalidFile("", "header reaches beyond the file");
  return start;
}

/**
 * Reads the header of a safetensors file of `fileBytes` (https://github.com/huggingface/safetensors#format) without its data.
 * The tensors must cover the data without holes or overlap, and no name may repeat.
 *
 * @param head The file up to where its data begin.
 * @throws {InvalidRecordError} on anything else.
 */
export function parseSafetensorsHeader(head: Uint8Array, fileBytes: number): SafetensorsHeader {
  if (head.byteLength === LENGTH_BYTES || head[LENGTH_BYTES] !== BRACE) {
    throw invalidFile("", "header does not start with {");
  }
  const dataBytes = fileBytes - head.byteLength;
  const tensors: TensorPlace[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(parseHeader(head.subarray(LENGTH_BYTES)))) {
    if (name === METADATA) metadata = parseMetadata(entry);
    else tensors.push(parseTensor(name, entry, dataBytes));
  }
  // Empty tensors sort before the one that begins at the same offset.
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== expected) throw invalidFile(name, `begins at ${begin}, not at ${expected}: a hole or an overlap`);
    expected = end;
  }
  if (expected !== dataBytes) throw invalidFile("", `tensors end at ${expected} of ${dataBytes} bytes`);
  return { tensors, metadata };
}

/**
 * Passes a safetensors file of `fileBytes` through, after it has checked the header. Holds no more than the header in
 * memory, at most 16 MiB.
 *
 * @throws {InvalidRecordError} as {@link parseSafetensorsHeader}, and if the stream is shorter or longer.
 */
export async function* checkedSafetensors(
  source: AsyncIterable<Uint8Array>,
  fileBytes: number,
): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array();
  let seen = 0;
  for await (const chunk of source) {
    seen += chunk.byteLength;
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = joined(head, chunk);
    const start = dataStart(head, fileBytes, MAX_STREAMED_HEADER_BYTES);
    if (start === undefined || head.byteLength < start) continue;
    parseSafetensorsHeader(head.subarray(0, start), fileBytes);
    yield head;
    head = undefined;
  }
  if (head !== undefined || seen !== fileBytes) throw invalidFile("", `has ${seen} bytes, not ${fileBytes}`);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw new InvalidRecordError("safetensors file", "", "header is not JSON", cause);
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw invalidFile(repeated, "is in the header twice");
  if (!isObject(header)) throw invalidFile("", "header is not an object");
  return header;
}

function parseTensor(name: string, entry: unknown, dataBytes: number): TensorPlace {
  if (!isObject(entry)) throw invalidFile(name, "is not an object");
  const { dtype, shape, data_offsets: offsets, ...others } = entry;
  if (Object.keys(others).length > 0) throw invalidFile(name, `has unknown keys ${Object.keys(others).join(", ")}`);
  if (typeof dtype !== "string" || !isDtype(dtype)) throw invalidFile(name, `unknown dtype ${String(dtype)}`);
  if (!isCounts(shape)) throw invalidFile(name, "shape is not a list of whole numbers");
  if (!isCounts(offsets) || offsets.length !== 2) throw invalidFile(name, "data_offsets are not two whole numbers");
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > dataBytes) throw invalidFile(name, `data_offsets ${begin} to ${end} are out of bounds`);
  if (tensorBytes(name, dtype, shape) !== end - begin)
    throw invalidFile(name, "data_offsets do not fit dtype and shape");
  return { name, dtype, shape, begin, end };
}

function parseMetadata(entry: unknown): Record<string, string> {
  if (!isObject(entry)) throw invalidFile(METADATA, "is not an object");
  const notes: [string, string][] = [];
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== "string") throw invalidFile(METADATA, `${key} is not text`);
    notes.push([key, value]);
  }
  return Object.fromEntries(notes);
}

/** The size of a tensor in bytes. @throws {InvalidRecordError} if dtype or shape is invalid. */
export function tensorBytes(name: string, dtype: TensorDtype, shape: readonly number[]): number {
  if (!isDtype(dtype) || !isCounts(shape)) throw invalidFile(name, "has no valid dtype and shape");
  // In bigint, so that a product beyond 2^53 cannot round to a size that fits.
  const size = shape.reduce((product, dimension) => product * BigInt(dimension), BigInt(TensorDtypes[dtype]));
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidFile(name, `holds ${size} bytes`);
  return Number(size);
}

function isDtype(text: string): text is TensorDtype {
  return Object.hasOwn(TensorDtypes, text);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function invalidFile(path: string, reason: string): InvalidRecordError {
  return new InvalidRecordError("safetensors file", path, reason);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}
