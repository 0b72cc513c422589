import {
  dataStart,
  invalidFile,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  METADATA,
  parseSafetensorsHeader,
  type TensorDtype,
  TensorDtypes,
  tensorBytes,
} from "./header.js";

/** One tensor: row-major, little-endian. */
export interface Tensor {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The content of a file. Tensors are in the order of their bytes; their data are views of the file's bytes. */
export interface Safetensors {
  readonly tensors: readonly Tensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The header is padded with spaces to this multiple of bytes, so that every dtype is aligned. */
const ALIGNMENT = 8;

/**
 * A safetensors file. The same tensors give the same bytes whatever their order: the widest dtype first, then by name.
 *
 * @throws {InvalidRecordError} if a name repeats or data do not fit dtype and shape.
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
    if (tensor.name === METADATA || seen.has(tensor.name))
      throw invalidFile(tensor.name, "is a repeated or reserved name");
    seen.add(tensor.name);
    const end = offset + tensorBytes(tensor.name, tensor.dtype, tensor.shape);
    if (tensor.data.byteLength !== end - offset) throw invalidFile(tensor.name, "data do not fit dtype and shape");
    header.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const text = new TextEncoder().encode(json);
  const headerBytes = Math.ceil(text.byteLength / ALIGNMENT) * ALIGNMENT;
  if (headerBytes > MAX_HEADER_BYTES) throw invalidFile("", `header of ${headerBytes} bytes`);
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
  const start = dataStart(bytes, bytes.byteLength);
  if (start === undefined) throw invalidFile("", "is shorter than its length field");
  const { tensors, metadata } = parseSafetensorsHeader(bytes.subarray(0, start), bytes.byteLength);
  const data = bytes.subarray(start);
  return {
    tensors: tensors.map(({ begin, end, ...tensor }) => ({ ...tensor, data: data.subarray(begin, end) })),
    metadata,
  };
}

/** A tensor of 32-bit floats. @throws {InvalidRecordError} if the values do not fit the shape. */
export function float32Tensor(name: string, shape: readonly number[], values: Float32Array): Tensor {
  if (tensorBytes(name, "F32", shape) !== values.byteLength) throw invalidFile(name, "data do not fit dtype and shape");
  const data = new Uint8Array(values.byteLength);
  const view = new DataView(data.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i] ?? 0, true);
  return { name, dtype: "F32", shape, data };
}

/** A copy of a tensor's 32-bit floats. @throws {InvalidRecordError} if it has another dtype. */
export function float32Values(tensor: Tensor): Float32Array<ArrayBuffer> {
  if (tensor.dtype !== "F32") throw invalidFile(tensor.name, `is ${tensor.dtype}, not F32`);
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const values = new Float32Array(tensor.data.byteLength / 4);
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(i * 4, true);
  return values;
}

function widthOf(tensor: Tensor): number {
  return TensorDtypes[tensor.dtype];
}
