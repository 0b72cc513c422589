import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import {
  cidToContentId,
  contentIdOf,
  decodeManifest,
  decodePayload,
  decodeRecord,
  encodeManifest,
  encodePayload,
  encodeRecord,
  InvalidRecordError,
  MAX_RECORD_BYTES,
  parseRecord,
  type RecordKind,
  RecordKinds,
} from "../../src/records/index.js";
import {
  anyIncident,
  anyState,
  incident,
  manifest,
  NODE,
  orders,
  payloadOf,
  records,
  reordered,
  state,
} from "./samples.js";

describe("the codec", () => {
  it.each(RecordKinds)("gives back a %s as it was, under the CID of its bytes", (kind) => {
    const encoded = encodeRecord(kind, records[kind]);
    expect(encoded.kind).toBe(kind);
    expect(encoded.contentId).toBe(contentIdOf(encoded.bytes));
    expect(cidToContentId(encoded.cid)).toBe(encoded.contentId);
    expect(CID.parse(encoded.cid)).toMatchObject({ version: 1, code: 0x71 });
    expect(decodeRecord(kind, encoded.bytes)).toEqual(records[kind]);
  });

  it("gives back the payload of every kind of directive, and a manifest", () => {
    for (const order of orders) expect(decodePayload(encodePayload(payloadOf(order)).bytes)).toEqual(payloadOf(order));
    expect(decodeManifest(encodeManifest(manifest).bytes)).toEqual(manifest);
  });

  it("gives back any incident and any state", () => {
    fc.assert(
      fc.property(anyIncident, (value) => {
        expect(decodeRecord("Incident", encodeRecord("Incident", value).bytes)).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(anyState, (value) => {
        expect(decodeRecord("State", encodeRecord("State", value).bytes)).toEqual(value);
      }),
    );
  });

  it("gives one content one CID, whatever the order of its keys", () => {
    fc.assert(
      fc.property(anyIncident, (value) => {
        expect(encodeRecord("Incident", reordered(value)).cid).toBe(encodeRecord("Incident", value).cid);
      }),
    );
    for (const order of orders)
      expect(encodePayload(reordered(payloadOf(order))).cid).toBe(encodePayload(payloadOf(order)).cid);
  });

  it("gives one state the same CID as ever", () => {
    expect(encodeRecord("State", state).cid).toMatchInlineSnapshot(
      `"bafyreie2rf732edu2ytlatbypyewhun44msuqgdwv7u3nlthgfahfsxnuy"`,
    );
  });

  it("never takes altered bytes for the same record: a flipped bit is refused or has another ContentId", () => {
    const byte = fc.tuple(fc.constantFrom(...RecordKinds), fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(byte, ([kind, position, flip]) => {
        const { bytes, contentId } = encodeRecord(kind, records[kind] as never);
        const altered = bytes.slice();
        const at = position % altered.length;
        altered[at] = (altered[at] ?? 0) ^ flip;
        const read = attempt(() => decodeRecord(kind, altered));
        if (read instanceof Error) {
          expect(read).toBeInstanceOf(InvalidRecordError);
          return;
        }
        expect(contentIdOf(altered)).not.toBe(contentId);
        expect(encodeRecord(kind, read as never).bytes).toEqual(altered);
      }),
      { numRuns: 2_000 },
    );
  });

  it("quotes little of what it refuses", () => {
    const read = attempt(() => parseRecord("State", { ...state, ["x".repeat(200_000)]: 1 }));
    expect(read).toBeInstanceOf(InvalidRecordError);
    expect((read as InvalidRecordError).message.length).toBeLessThan(1_200);
  });

  it("refuses random bytes, and nothing worse", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const kind of RecordKinds) expect(() => decodeRecord(kind, bytes)).toThrow(InvalidRecordError);
        expect(() => decodePayload(bytes)).toThrow(InvalidRecordError);
        expect(() => decodeManifest(bytes)).toThrow(InvalidRecordError);
      }),
    );
    // 200,000 arrays in one another: the decoder's stack.
    expect(() => decodeRecord("State", new Uint8Array(200_000).fill(0x81))).toThrow(InvalidRecordError);
  });

  it("writes addresses with their checksum, and refuses one against it", () => {
    const lower = { ...state, node: NODE.toLowerCase() as typeof NODE };
    expect(encodeRecord("State", lower).cid).toBe(encodeRecord("State", state).cid);
    expect(parseRecord("State", lower).node).toBe(NODE);
    const mixed = NODE.replace(/[a-f]/i, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    );
    expect(() => parseRecord("State", { ...state, node: mixed })).toThrow(/at node: must be an address/);
  });
});

describe("bytes that mean the same but are written otherwise are refused", () => {
  const { bytes } = encodeRecord("State", state);

  it.each([
    ["keys in another order", () => swapped()],
    ["an address without its checksum", () => dagCbor.encode({ ...state, node: NODE.toLowerCase() })],
    ["something behind the record", () => Uint8Array.from([...bytes, 0])],
    ["the end cut off", () => bytes.subarray(0, -1)],
    ["a key more", () => dagCbor.encode({ ...state, note: "" })],
    ["a tag", () => Uint8Array.from([0xd9, 0xd9, 0xf7, ...bytes])],
    ["a map of no fixed length", () => Uint8Array.from([0xbf, ...bytes.subarray(1), 0xff])],
    [
      "an integer in more bytes than it needs",
      () => replaced([0x65, ...text("cycle"), 0x07], [0x65, ...text("cycle"), 0x18, 0x07]),
    ],
    [
      "an integer as a float",
      () => replaced([0x65, ...text("cycle"), 0x07], [0x65, ...text("cycle"), 0xfb, ...float(7)]),
    ],
    [
      "2^64 - 1 for a number",
      () => replaced([0x65, ...text("cycle"), 0x07], [0x65, ...text("cycle"), 0x1b, ...new Array(8).fill(255)]),
    ],
    ["minus zero for zero", () => replaced([0x64, ...text("loss"), 0x00], [0x64, ...text("loss"), 0xfb, ...float(-0)])],
    [
      "NaN for a number",
      () => replaced([0x63, ...text("phi"), 0xfb, ...float(1.25)], [0x63, ...text("phi"), 0xfb, ...float(Number.NaN)]),
    ],
    [
      "a float in half the bytes",
      () => replaced([0x63, ...text("phi"), 0xfb, ...float(1.25)], [0x63, ...text("phi"), 0xfa, 0x3f, 0xa0, 0, 0]),
    ],
    ["a key twice", () => Uint8Array.from([0xab, ...bytes.subarray(1), 0x63, ...text("phi"), 0x01])],
    ["text that is not UTF-8", () => replaced(text("witan/state/1"), [...text("witan/state/"), 0xff])],
  ])("%s", (_what, altered) => {
    expect(() => decodeRecord("State", altered())).toThrow(InvalidRecordError);
  });

  function text(value: string): number[] {
    return [...new TextEncoder().encode(value)];
  }
  function float(value: number): number[] {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return [...new Uint8Array(view.buffer)];
  }
  function replaced(part: number[], by: number[]): Uint8Array {
    const at = Buffer.from(bytes).indexOf(Buffer.from(part));
    if (at < 0) throw new Error("the part is not in the bytes");
    return Uint8Array.from([...bytes.subarray(0, at), ...by, ...bytes.subarray(at + part.length)]);
  }
  /** "phi" and "node" change places: dag-cbor sorts by length first. */
  function swapped(): Uint8Array {
    const phi = [0x63, ...text("phi"), 0xfb, ...float(1.25)];
    const without = replaced(phi, []);
    return Uint8Array.from([...without, ...phi]);
  }
});

describe("a record that breaks its schema or a bound is refused, with its place", () => {
  const refusals: [string, RecordKind, object, string][] = [
    ["an unknown key", "State", { ...state, mood: "fine" }, ""],
    ["an unknown key deep down", "State", { ...state, metrics: { ...state.metrics, disk: 1 } }, "metrics"],
    ["a missing key", "State", without(state, "previous"), "previous"],
    ["another schema", "State", { ...state, schema: "witan/state/2" }, "schema"],
    ["a share over one", "State", { ...state, metrics: { ...state.metrics, cpu: 1.01 } }, "metrics.cpu"],
    ["a negative cycle", "State", { ...state, cycle: -1 }, "cycle"],
    ["half a cycle", "State", { ...state, cycle: 0.5 }, "cycle"],
    ["a kind twice", "State", { ...state, advised: ["Scale", "Scale"] }, "advised"],
    ["an upper-case ContentId", "State", { ...state, previous: `0x${"AB".repeat(32)}` }, "previous"],
    ["a short ContentId", "State", { ...state, previous: "0xab" }, "previous"],
    ["an author in an incident", "Incident", { ...incident, node: NODE }, ""],
    ["a line break in a subject", "Incident", { ...incident, subject: "a\nb" }, "subject"],
    ["no subject", "Incident", { ...incident, subject: "" }, "subject"],
    ["too long a fact", "Incident", { ...incident, observed: { fact: "a".repeat(1_025) } }, "observed.fact"],
    ["too many facts", "Incident", { ...incident, observed: facts(65) }, "observed"],
    ["a nested fact", "Incident", { ...incident, observed: { fact: {} } }, "observed.fact"],
    [
      "a threshold of null",
      "Incident",
      { ...incident, detection: { probe: "p", threshold: null } },
      "detection.threshold",
    ],
    ["a node twice", "Model", { ...records.Model, contributors: twice(records.Model.contributors) }, "contributors"],
    ["another aggregation", "Model", { ...records.Model, aggregation: { rule: "krum" } }, "aggregation.rule"],
    ["a long name", "Model", { ...records.Model, name: "a".repeat(32) }, "name"],
    [
      "too many outcomes",
      "Outcome",
      { ...records.Outcome, detail: new Array(1_025).fill(records.Outcome.detail[0]) },
      "detail",
    ],
  ];

  it.each(refusals)("%s (%s)", (_what, kind, value, path) => {
    const error = attempt(() => parseRecord(kind, value));
    expect(error).toBeInstanceOf(InvalidRecordError);
    expect(error).toMatchObject({ path });
  });

  it("what is no object, and a kind that is none", () => {
    for (const value of [null, 1, "a", [], undefined])
      expect(() => parseRecord("State", value)).toThrow(InvalidRecordError);
    expect(() => parseRecord("toString" as RecordKind, state)).toThrow(/unknown kind/);
  });

  it("more bytes than a record may have, on both ways", () => {
    const detail = Array.from({ length: 1_000 }, (_, index) => ({
      subject: `${index}`,
      result: "done" as const,
      note: "a".repeat(300),
    }));
    expect(() => encodeRecord("Outcome", { ...records.Outcome, detail })).toThrow(/over the limit/);
    expect(() => decodeRecord("Outcome", new Uint8Array(MAX_RECORD_BYTES + 1))).toThrow(/over the limit/);
  });

  function without(value: object, key: string): object {
    return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  }
  function facts(count: number): object {
    return Object.fromEntries(Array.from({ length: count }, (_, index) => [`fact-${index}`, index]));
  }
  function twice<T>(items: readonly T[]): T[] {
    return [...items, ...items];
  }
});

function attempt<T>(work: () => T): T | unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
