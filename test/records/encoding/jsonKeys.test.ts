import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { repeatedKey } from "../../../src/records/encoding/jsonKeys.js";

describe("the key that occurs twice in one object of a JSON text", () => {
  it.each([
    ["a", '{"a":1,"a":2}'],
    ["a", '{"b":{"a":1,"c":0,"a":2}}'],
    ["a", '[[{"b":1}],{"a":[],"a":{}}]'],
    ["a", '{"a":{"b":1},"b":[{"a":1}],"a":null}'],
    ["", '{"":1,"":2}'],
    ["__proto__", '{"__proto__":1,"__proto__":2}'],
    // One key that is written in two ways.
    ["a", '{"a":1,"\\u0061":2}'],
    ['"', '{"\\"":1,"\\u0022":2}'],
    ["a", '{ "a" : 1 ,\n\t"a"\r: 2 }'],
  ])("is %j in %s", (key, json) => {
    JSON.parse(json);
    expect(repeatedKey(json)).toBe(key);
  });

  it.each([
    '{"a":1,"b":2}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":1,"A":2,"a ":3}',
    // Only keys count, not values, whatever they look like.
    '{"a":"a","b":"a"}',
    '{"a":"\\"a\\":1","b":"{\\"a\\":1,\\"a\\":2}"}',
    '["a","a",":","{","\\\\"]',
    '{"a\\\\":1,"a":2}',
    "{}",
    "[]",
    "7",
    '"a"',
  ])("is undefined in %s", (json) => {
    JSON.parse(json);
    expect(repeatedKey(json)).toBeUndefined();
  });

  it("is undefined in whatever JSON.stringify writes, since an object has each key once", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat({ max: 4 }), (value, indent) => {
        expect(repeatedKey(JSON.stringify(value, null, indent))).toBeUndefined();
      }),
    );
  });

  it("is found in an object of any keys, at whatever depth", () => {
    const members = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(members, fc.nat(), fc.jsonValue(), fc.nat({ max: 5 }), (keys, which, value, depth) => {
        const again = keys[which % keys.length] ?? "";
        const written = [...keys, again].map((key) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
        const json = `${'[{"outer":'.repeat(depth)}{${written.join()}}${"}]".repeat(depth)}`;
        JSON.parse(json);
        expect(repeatedKey(json)).toBe(again);
      }),
    );
  });
});
