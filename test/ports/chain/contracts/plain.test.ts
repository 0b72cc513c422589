import { AbiCoder, Interface, ParamType } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainArgs } from "../../../../src/ports/chain/contracts/plain.js";

const coder = AbiCoder.defaultAbiCoder();

/** Values as ethers decodes them, made plain. */
function plain(types: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const params = types.map((type) => ParamType.from(type));
  return plainArgs(params, coder.decode(params, coder.encode(params, values)));
}

/** Whether a value and all in it is of plain objects and arrays. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === Array.prototype) && Object.values(value).every(isPlain);
}

describe("decoded values", () => {
  it("are by their names, integers of any size as bigint", () => {
    const found = plain(["uint256 big", "uint8 small", "bool flag", "string text"], [2n ** 255n, 7, true, "a"]);
    expect(found).toEqual({ big: 2n ** 255n, small: 7n, flag: true, text: "a" });
  });

  it("are by their positions if they have no names, as an event's may", () => {
    expect(plain(["uint256", "bytes32 id"], [1, `0x${"ab".repeat(32)}`])).toEqual({
      0: 1n,
      id: `0x${"ab".repeat(32)}`,
    });
  });

  it("are plain all the way down, whatever they hold", () => {
    const item = fc.record({ id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), tags: fc.array(fc.string()) });
    const types = ["tuple(uint64 id, string[] tags)[] items", "tuple(bool on, tuple(int8 x) inner) one"];
    const one = fc.record({ on: fc.boolean(), inner: fc.record({ x: fc.bigInt({ min: -128n, max: 127n }) }) });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 4 }), one, (items, one) => {
        const found = plain(types, [items, one]);
        expect(found).toEqual({ items, one });
        expect(isPlain(found)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("may have names that ethers' own values use for themselves", () => {
    const found = plain(["uint256 length", "tuple(uint256 keys, uint256 map) toString"], [5, { keys: 1, map: 2 }]);
    expect(found).toEqual({ length: 5n, toString: { keys: 1n, map: 2n } });
  });

  it("have lists of lists, and lists of a fixed length, as arrays", () => {
    const found = plain(
      ["uint8[][] many", "uint8[2] two"],
      [
        [[1], [], [2, 3]],
        [4, 5],
      ],
    );
    expect(found).toEqual({ many: [[1n], [], [2n, 3n]], two: [4n, 5n] });
    expect(Array.isArray(found.many) && isPlain(found)).toBe(true);
  });

  it("are those of an event, its indexed arguments as well", () => {
    const face = new Interface(["event Moved(address indexed who, uint256 to)"]);
    const who = `0x${"00".repeat(19)}01`;
    const log = face.encodeEventLog("Moved", [who, 7]);
    const parsed = face.parseLog(log);
    if (parsed === null) throw new Error("unreachable");
    expect(plainArgs(parsed.fragment.inputs, parsed.args)).toEqual({ who, to: 7n });
  });
});
