import { InvalidRecordError } from "./errors.js";
import { repeatedKey } from "./jsonKeys.js";

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

/** One tensor: row-major, little-endian. */
export interface Tensor {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** What a file holds. Tensors are in the order of their bytes; their data are views of the file's bytes. */
export interface Safetensors {
  readonly tensors: readonly Tensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit of its JSON header. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
/** The header is padded with spaces so that the data start where every dtype is aligned. */
const ALIGNMENT = 8;
const METADATA = "__metadata__";
const BRACE = 0x7b;

/**
 * A safetensors file. The same tensors give the same bytes whatever their order: the widest dtype first, then by name.
 *
 * @throws {InvalidRecordError} where a name repeats or data do not fit dtype and shape.
 */
export function encodeSafetensors(
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = [...tensors].sort((a, b) => widthOf(b) - widthOf(a) || (a.name < b.name ? -1 : 1));
  const header: [string, unknown][] = [];
  const notes = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (notes.length > 0) header.push([METADATA, Object.fromEntries(notes)]);
  let offset = 0;
  const seen = new Set<string>();
  for (const tensor of ordered) {
    if (tensor.name === METADATA || seen.has(tensor.name)) throw invalid(tensor.name, "is a name taken already");
    seen.add(tensor.name);
    const end = offset + sizeOf(tensor.name, tensor.dtype, tensor.shape);
    if (tensor.data.byteLength !== end - offset) throw invalid(tensor.name, "data do not fit dtype and shape");
    header.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const text = new TextEncoder().encode(json);
  const headerBytes = Math.ceil(text.byteLength / ALIGNMENT) * ALIGNMENT;
  if (headerBytes > MAX_HEADER_BYTES) throw invalid("", `header of ${headerBytes} bytes`);
  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  bytes.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of ordered) {
    bytes.set(data, at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file (https://github.com/huggingface/safetensors#format). The tensors must cover the data without
 * holes or overlap, and no name may repeat.
 *
 * @throws {InvalidRecordError} on anything else; nothing is read out of bounds.
 */
export function parseSafetensors(bytes: Uint8Array): Safetensors {
  const { header, data } = split(bytes);
  const tensors: { tensor: Tensor; begin: number; end: number }[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) metadata = parseMetadata(entry);
    else tensors.push(parseTensor(name, entry, data));
  }
  // Empty tensors sort before the one that begins where they stand.
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const { tensor, begin, end } of tensors) {
    if (begin !== expected) throw invalid(tensor.name, `begins at ${begin}, not at ${expected}: a hole or an overlap`);
    expected = end;
  }
  if (expected !== data.byteLength) throw invalid("", `tensors end at ${expected} of ${data.byteLength} bytes`);
  return { tensors: tensors.map(({ tensor }) => tensor), metadata };
}

/** A tensor of 32-bit floats. @throws {InvalidRecordError} where the values do not fit the shape. */
export function float32Tensor(name: string, shape: readonly number[], values: Float32Array): Tensor {
  if (sizeOf(name, "F32", shape) !== values.byteLength) throw invalid(name, "data do not fit dtype and shape");
  const data = new Uint8Array(values.byteLength);
  const view = new DataView(data.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i] ?? 0, true);
  return { name, dtype: "F32", shape, data };
}

/** A copy of a tensor's 32-bit floats. @throws {InvalidRecordError} where its dtype is another. */
export function float32Values(tensor: Tensor): Float32Array<ArrayBuffer> {
  if (tensor.dtype !== "F32") throw invalid(tensor.name, `is ${tensor.dtype}, not F32`);
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const values = new Float32Array(tensor.data.byteLength / 4);
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(i * 4, true);
  return values;
}

function split(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.byteLength < LENGTH_BYTES) throw invalid("", "is shorter than its length field");
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) throw invalid("", `header of ${length} bytes`);
  const end = LENGTH_BYTES + Number(length);
  if (end > bytes.byteLength) throw invalid("", "header reaches beyond the file");
  if (bytes[LENGTH_BYTES] !== BRACE || length === 0n) throw invalid("", "header does not start with {");
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, end));
  return { header, data: bytes.subarray(end) };
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
  if (repeated !== undefined) throw invalid(repeated, "stands in the header twice");
  if (!isObject(header)) throw invalid("", "header is not an object");
  return header;
}

function parseTensor(name: string, entry: unknown, data: Uint8Array): { tensor: Tensor; begin: number; end: number } {
  if (!isObject(entry)) throw invalid(name, "is not an object");
  const { dtype, shape, data_offsets: offsets, ...others } = entry;
  if (Object.keys(others).length > 0) throw invalid(name, `has unknown keys ${Object.keys(others).join(", ")}`);
  if (typeof dtype !== "string" || !isDtype(dtype)) throw invalid(name, `unknown dtype ${String(dtype)}`);
  if (!isCounts(shape)) throw invalid(name, "shape is not a list of whole numbers");
  if (!isCounts(offsets) || offsets.length !== 2) throw invalid(name, "data_offsets are not two whole numbers");
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > data.byteLength) throw invalid(name, `data_offsets ${begin} to ${end} are out of bounds`);
  if (sizeOf(name, dtype, shape) !== end - begin) throw invalid(name, "data_offsets do not fit dtype and shape");
  return { tensor: { name, dtype, shape, data: data.subarray(begin, end) }, begin, end };
}

function parseMetadata(entry: unknown): Record<string, string> {
  if (!isObject(entry)) throw invalid(METADATA, "is not an object");
  const notes: [string, string][] = [];
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== "string") throw invalid(METADATA, `${key} is not text`);
    notes.push([key, value]);
  }
  return Object.fromEntries(notes);
}

function sizeOf(name: string, dtype: TensorDtype, shape: readonly number[]): number {
  if (!isDtype(dtype) || !isCounts(shape)) throw invalid(name, "has no valid dtype and shape");
  // In bigint, so that a product beyond 2^53 cannot round to a size that fits.
  const size = shape.reduce((product, dimension) => product * BigInt(dimension), BigInt(TensorDtypes[dtype]));
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(name, `holds ${size} bytes`);
  return Number(size);
}

function widthOf(tensor: Tensor): number {
  return TensorDtypes[tensor.dtype];
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

function invalid(path: string, reason: string): InvalidRecordError {
  return new InvalidRecordError("safetensors file", path, reason);
}
