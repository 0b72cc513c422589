import fc from "fast-check";
import { expect, it } from "vitest";
import { addressOfBlob, blobOf, hexOfBlob, jsonOf } from "../../../src/catalog/database/blobs.js";
import { address, contentId, NODE } from "../../records/samples.js";

it("gives an id back as it was, whatever its bytes", () => {
  fc.assert(
    fc.property(contentId, (id) => {
      expect(hexOfBlob(blobOf(id))).toBe(id);
    }),
  );
});

it("reads a blob that is a part of a larger buffer", () => {
  expect(hexOfBlob(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toBe("0x0203");
});

it("gives an address its checksum, the first time and every other", () => {
  const blob = blobOf(NODE.toLowerCase());
  expect([addressOfBlob(blob), addressOfBlob(blob)]).toEqual([NODE, NODE]);
  const each = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(each, (bytes) => {
      expect(addressOfBlob(bytes)).toBe(address(hexOfBlob(bytes)));
    }),
  );
});

it("writes integers beyond those of JSON as text, also within lists", () => {
  expect(jsonOf({ id: 2n ** 256n - 1n, bits: [1n], round: 3 })).toBe(
    `{"id":"${(2n ** 256n - 1n).toString()}","bits":["1"],"round":3}`,
  );
});
