import { describe, expect, it } from "vitest";
import {
  decodeRecord,
  encodeRecord,
  InvalidRecordError,
  parseRecord,
  type RecordKind,
  type RecordValue,
} from "../../../src/records/index.js";
import { incident, state } from "../samples.js";

describe("values that dag-cbor would bend are refused, with their place", () => {
  const at = (value: unknown) => ({ ...incident, observed: { fact: value } });

  it.each([
    ["NaN", at(Number.NaN), "observed.fact"],
    ["an infinity", at(Number.POSITIVE_INFINITY), "observed.fact"],
    ["minus zero", at(-0), "observed.fact"],
    ["2^64", at(2 ** 64), "observed.fact"],
    ["an integer just outside the safe ones", at(2 ** 53), "observed.fact"],
    ["a bigint", at(1n), "observed.fact"],
    ["undefined", at(undefined), "observed.fact"],
    ["a function", at(() => 1), "observed.fact"],
    ["a date", at(new Date(0)), "observed.fact"],
    ["bytes", at(new Uint8Array(1)), "observed.fact"],
    ["a lone surrogate", at("a\ud800"), "observed.fact"],
    ["a lone surrogate in a key", { ...incident, observed: { "\udc00": 1 } }, "observed"],
    ["a prototype for a key", { ...incident, observed: JSON.parse('{"__proto__": 1}') }, "observed"],
    ["a hole in a list", { ...state, advised: new Array(1) }, "advised[0]"],
    ["too deep a nest", at(nest(20)), `observed.fact${"[0]".repeat(15)}`],
  ])("%s", (_what, value, path) => {
    const kind: RecordKind = "advised" in value ? "State" : "Incident";
    const error = attempt(() => parseRecord(kind, value));
    expect(error).toBeInstanceOf(InvalidRecordError);
    expect(error).toMatchObject({ code: "invalid-record", path, retryable: false });
  });

  it("keeps a surrogate pair", () => {
    const value = at("🜂") as RecordValue<"Incident">;
    expect(decodeRecord("Incident", encodeRecord("Incident", value).bytes)).toEqual(value);
  });

  function nest(depth: number): unknown {
    return depth === 0 ? [] : [nest(depth - 1)];
  }
});

function attempt<T>(work: () => T): T | unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
