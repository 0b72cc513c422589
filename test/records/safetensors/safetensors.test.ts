import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeSafetensors,
  float32Tensor,
  float32Values,
  InvalidRecordError,
  parseSafetensors,
  type Tensor,
  type TensorDtype,
  TensorDtypes,
} from "../../../src/records/index.js";

const anyTensor: fc.Arbitrary<Tensor> = fc
  .record({
    name: fc.string({ unit: "grapheme", maxLength: 20 }).filter((name) => name !== "__metadata__"),
    dtype: fc.constantFrom(...(Object.keys(TensorDtypes) as TensorDtype[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  })
  .chain(({ name, dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, TensorDtypes[dtype]);
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ name, dtype, shape, data }));
  });
const anyTensors = fc.uniqueArray(anyTensor, { maxLength: 8, selector: ({ name }) => name });

/** A file with this header text and so many bytes of data. */
function file(header: string | object, dataLength = 0, headerLength?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const u8 = (begin: number, end: number) => ({ dtype: "U8", shape: [end - begin], data_offsets: [begin, end] });

describe("a safetensors file", () => {
  it("gives back its tensors and notes", () => {
    fc.assert(
      fc.property(
        anyTensors,
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
        (tensors, notes) => {
          const read = parseSafetensors(encodeSafetensors(tensors, notes));
          const byName = (list: readonly Tensor[]) => new Map(list.map(({ name, ...rest }) => [name, rest]));
          expect(byName(read.tensors)).toEqual(byName(tensors));
          expect(read.metadata).toEqual(notes);
        },
      ),
    );
  });

  it("has the same bytes for the same tensors, whatever their order, with data where every dtype is aligned", () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        const bytes = encodeSafetensors(tensors);
        expect(encodeSafetensors([...tensors].reverse())).toEqual(bytes);
        for (const { dtype, data } of parseSafetensors(bytes).tensors)
          expect(data.byteOffset % TensorDtypes[dtype]).toBe(0);
      }),
    );
  });

  it("is laid out as the format says", () => {
    const bytes = encodeSafetensors([float32Tensor("w", [2], Float32Array.of(1, -2))], { round: "3" });
    const header = '{"__metadata__":{"round":"3"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const length = Math.ceil(header.length / 8) * 8;
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(BigInt(length));
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + length))).toBe(header.padEnd(length));
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it("gives floats back exactly, from wherever they lie", () => {
    fc.assert(
      fc.property(fc.float32Array(), fc.integer({ min: 0, max: 7 }), (values, shift) => {
        const bytes = encodeSafetensors([float32Tensor("w", [values.length], values)]);
        const shifted = new Uint8Array(bytes.length + shift);
        shifted.set(bytes, shift);
        const [tensor] = parseSafetensors(shifted.subarray(shift)).tensors;
        expect(float32Values(tensor as Tensor)).toEqual(values);
      }),
    );
  });

  it("is not written from what does not fit together", () => {
    const one = float32Tensor("w", [1], Float32Array.of(1));
    expect(() => encodeSafetensors([one, one])).toThrow(/repeated or reserved/);
    expect(() => encodeSafetensors([{ ...one, name: "__metadata__" }])).toThrow(/repeated or reserved/);
    expect(() => encodeSafetensors([{ ...one, shape: [2] }])).toThrow(/do not fit/);
    expect(() => encodeSafetensors([{ ...one, shape: [-1] }])).toThrow(/no valid dtype and shape/);
    expect(() => float32Tensor("w", [3], Float32Array.of(1))).toThrow(/do not fit/);
    expect(() => float32Tensor("w", [2 ** 40, 2 ** 40], Float32Array.of(1))).toThrow(/bytes/);
    expect(() => float32Values({ ...one, dtype: "F64" })).toThrow(/not F32/);
  });
});

describe("a file that is no safetensors file is refused", () => {
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["less than a length", new Uint8Array(7)],
    ["a header that reaches beyond the file", file("{}", 0, 3n)],
    ["a header of 2^64 - 1 bytes", file("{}", 0, 2n ** 64n - 1n)],
    ["a header over the format's limit", file("{}", 0, 100_000_001n)],
    ["no header", file("", 8)],
    ["a header that starts with a space", file(" {}")],
    ["a header that is a list", file("[]")],
    ["a header that is not JSON", file("{a}")],
    ["a header that is not UTF-8", Uint8Array.from([...file('{"a"', 0, 6n), 0xff, 0x7d])],
    ["a hole at the start", file({ a: u8(1, 2) }, 2)],
    ["a hole between", file({ a: u8(0, 1), b: u8(2, 3) }, 3)],
    ["bytes of no tensor at the end", file({ a: u8(0, 1) }, 2)],
    ["bytes and no tensor", file("{}", 1)],
    ["an overlap", file({ a: u8(0, 2), b: u8(1, 3) }, 3)],
    ["one place for two", file({ a: u8(0, 2), b: u8(0, 2) }, 2)],
    ["a place beyond the data", file({ a: u8(0, 2) }, 1)],
    ["a place that ends before it begins", file({ a: { ...u8(0, 0), data_offsets: [1, 0] } }, 1)],
    ["a negative place", file({ a: { ...u8(0, 1), data_offsets: [-1, 0] } }, 1)],
    ["half a place", file({ a: { ...u8(0, 1), data_offsets: [0, 0.5] } }, 1)],
    ["a place of three", file({ a: { ...u8(0, 1), data_offsets: [0, 1, 2] } }, 1)],
    ["no place", file({ a: { dtype: "U8", shape: [1] } }, 1)],
    ["a place that does not fit the shape", file({ a: { ...u8(0, 4), dtype: "F64" } }, 4)],
    ["a shape whose product overflows", file({ a: { ...u8(0, 0), shape: [2 ** 32, 2 ** 32] } })],
    ["a negative dimension", file({ a: { ...u8(0, 0), shape: [-1] } })],
    ["a shape that is a number", file({ a: { ...u8(0, 1), shape: 1 } }, 1)],
    ["an unknown dtype", file({ a: { ...u8(0, 1), dtype: "U7" } }, 1)],
    ["a dtype of the prototype", file({ a: { ...u8(0, 1), dtype: "toString" } }, 1)],
    ["an unknown key", file({ a: { ...u8(0, 1), note: 1 } }, 1)],
    ["a tensor that is null", file({ a: null })],
    ["notes that are not text", file({ __metadata__: { round: 3 } })],
    ["notes that are a list", file({ __metadata__: [] })],
    [
      "a name twice",
      file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}'),
    ],
    [
      "a name twice, once escaped",
      file(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      ),
    ],
    ["a key twice in a tensor", file('{"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}')],
  ])("%s", (_what, bytes) => {
    expect(() => parseSafetensors(bytes)).toThrow(InvalidRecordError);
  });

  it("but not for a text that looks like a key twice", () => {
    const bytes = encodeSafetensors([], { a: '{"a":1,"a":2}', b: '"' });
    expect(parseSafetensors(bytes).metadata).toEqual({ a: '{"a":1,"a":2}', b: '"' });
    expect(parseSafetensors(file({ a: u8(0, 0), b: u8(0, 2), c: u8(2, 2) }, 2)).tensors).toHaveLength(3);
  });

  it("whatever its bytes are: nothing but a refusal, or tensors that lie within it", () => {
    const header = fc.oneof(
      fc.json().map((text) => file(text, 16)),
      fc
        .dictionary(
          fc.string({ maxLength: 2 }),
          fc.record({
            dtype: fc.constantFrom("U8", "F32", "Q4"),
            shape: fc.array(fc.integer(), { maxLength: 2 }),
            data_offsets: fc.array(fc.integer({ min: -1, max: 20 }), { maxLength: 3 }),
          }),
          { maxKeys: 3 },
        )
        .map((value) => file(value, 8)),
      fc.uint8Array({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(header, (bytes) => {
        const read = attempt(() => parseSafetensors(bytes));
        if (read instanceof Error) {
          expect(read).toBeInstanceOf(InvalidRecordError);
          return;
        }
        const { tensors } = read as ReturnType<typeof parseSafetensors>;
        const total = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
        expect(total).toBeLessThanOrEqual(bytes.length);
        for (const { data } of tensors)
          expect(data.byteOffset + data.byteLength).toBeLessThanOrEqual(bytes.byteOffset + bytes.byteLength);
      }),
      { numRuns: 1_000 },
    );
  });

  it("with one byte altered: a refusal, or a file of the same length with every byte in a tensor", () => {
    const bytes = encodeSafetensors([
      float32Tensor("w", [2, 3], new Float32Array(6)),
      float32Tensor("b", [3], new Float32Array(3)),
    ]);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = bytes.slice();
        altered[at] = (altered[at] ?? 0) ^ flip;
        const read = attempt(() => parseSafetensors(altered));
        if (read instanceof Error) expect(read).toBeInstanceOf(InvalidRecordError);
        else
          expect(
            (read as ReturnType<typeof parseSafetensors>).tensors.reduce((sum, { data }) => sum + data.length, 0),
          ).toBeLessThanOrEqual(36);
      }),
      { numRuns: 1_000 },
    );
  });
});

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
