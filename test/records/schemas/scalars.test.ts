import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ZodType } from "zod";
import { contentIdOf, contentIdToCid } from "../../../src/records/contentId.js";
import { checksumAddress } from "../../../src/records/encoding/address.js";
import {
  address,
  cid,
  contentId,
  count,
  distinct,
  label,
  name,
  positive,
  share,
  signature,
  text,
  uint32,
} from "../../../src/records/schemas/scalars.js";

const accepts = (schema: ZodType, value: unknown) => schema.safeParse(value).success;
const id = `0x${"a1".repeat(32)}`;
/** An example of EIP-55. */
const checksummed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

describe("a number in a record", () => {
  it.each<[string, ZodType, readonly unknown[], readonly unknown[]]>([
    ["count", count, [0, 1, Number.MAX_SAFE_INTEGER], [-1, 0.5, 2 ** 53, Number.NaN, "1", 1n, null]],
    ["positive", positive, [1], [0, -1]],
    ["uint32", uint32, [0, 0xffff_ffff], [-1, 0x1_0000_0000, 0.5]],
    ["share", share, [0, 0.5, 1], [-0.001, 1.001, Number.NaN, Number.POSITIVE_INFINITY]],
  ])("keeps the bounds of a %s", (_what, schema, good, bad) => {
    expect(good.filter((value) => !accepts(schema, value))).toEqual([]);
    expect(bad.filter((value) => accepts(schema, value))).toEqual([]);
  });
});

describe("hexadecimal digits in a record", () => {
  it("are a ContentId if they are 64 in lower case, so that a hash has one text", () => {
    expect(accepts(contentId, id)).toBe(true);
    const others = [id.toUpperCase(), id.slice(2), id.slice(0, -1), `${id}0`, `${id}\n`, `0x${"g".repeat(64)}`, ""];
    expect(others.filter((value) => accepts(contentId, value))).toEqual([]);
  });

  it("are a signature if they are of 65 bytes in lower case", () => {
    const good = `0x${"a1".repeat(65)}`;
    expect(accepts(signature, good)).toBe(true);
    const others = [good.slice(0, -2), `${good}00`, `0x${"A1".repeat(65)}`, good.slice(2), new Uint8Array(65), null];
    expect(others.filter((value) => accepts(signature, value))).toEqual([]);
  });
});

describe("an address in a record", () => {
  it("comes out with its checksum, however it was written", () => {
    const digits = checksummed.slice(2);
    for (const written of [digits, digits.toLowerCase(), digits.toUpperCase()]) {
      expect(address.parse(`0x${written}`)).toBe(checksummed);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
        const written = `0x${Buffer.from(bytes).toString("hex")}`;
        const once = address.parse(written);
        expect([once.toLowerCase(), address.parse(once)]).toEqual([written, once]);
        expect(checksumAddress(once)).toBe(once);
      }),
    );
  });

  it("is refused with a wrong checksum, since a digit may be mistyped", () => {
    const mistyped = checksummed.replace("0x5aA", "0x5aa");
    const others = [mistyped, checksummed.slice(2), `${checksummed}0`, checksummed.slice(0, -1), 0, null];
    expect(others.filter((value) => accepts(address, value))).toEqual([]);
  });
});

describe("text in a record", () => {
  it("is a CID if it is the base32 text of a CIDv1 of sha2-256", () => {
    const good = contentIdToCid(contentIdOf(Uint8Array.of(1)), "raw");
    expect(accepts(cid, good)).toBe(true);
    const others = [good.toUpperCase(), good.slice(0, -1), "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", id, 7];
    expect(others.filter((value) => accepts(cid, value))).toEqual([]);
  });

  it("is a label if it is one printable line of up to 253 characters, in any script", () => {
    const good = ["a", "replica/web/3", "Gerät 7", "机器", "a".repeat(253)];
    expect(good.filter((value) => !accepts(label, value))).toEqual([]);
    const bad = ["", "a".repeat(254), "a\nb", "a\0", "\u001b[31m", "a\u007f", 1];
    expect(bad.filter((value) => accepts(label, value))).toEqual([]);
  });

  it("is a name if it fits the chain's 32 bytes and needs no quoting", () => {
    const good = ["a", "0", "learning.rounds", "mnist-2_b", "a".repeat(31)];
    expect(good.filter((value) => !accepts(name, value))).toEqual([]);
    const bad = ["", "a".repeat(32), ".a", "-a", "_a", "a b", "a/b", "ä", "a\n"];
    expect(bad.filter((value) => accepts(name, value))).toEqual([]);
  });

  it("is free up to 1024 characters otherwise", () => {
    expect([accepts(text, ""), accepts(text, "two\nlines"), accepts(text, "a".repeat(1_024))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(accepts(text, "a".repeat(1_025))).toBe(false);
  });
});

describe("items of a list", () => {
  it("are distinct unless one occurs twice, at whatever places", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.nat(), fc.nat(), (items, from, to) => {
        expect(distinct(items)).toBe(true);
        const again = items[from % items.length] ?? "";
        expect(distinct(items.toSpliced(to % (items.length + 1), 0, again))).toBe(false);
      }),
    );
  });

  it("are compared by their key if there is one", () => {
    const items = [
      { name: "a", size: 1 },
      { name: "b", size: 1 },
    ] as const;
    expect(distinct(items, (item) => item.name)).toBe(true);
    expect(distinct(items, (item) => item.size)).toBe(false);
    expect(distinct([])).toBe(true);
  });
});
