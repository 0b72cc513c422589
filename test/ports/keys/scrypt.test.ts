import { hexlify, scrypt, toUtf8Bytes } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import { MAX_SCRYPT_N, useNativeScrypt } from "../../../src/ports/keys/scrypt.js";

beforeAll(useNativeScrypt);

const password = toUtf8Bytes("password");
const salt = toUtf8Bytes("NaCl");

describe("native scrypt", () => {
  it("derives through ethers the key of RFC 7914", async () => {
    expect(await scrypt(password, salt, 1_024, 8, 16, 64)).toBe(
      "0xfdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    );
  });

  it("is what ethers uses, also if it is asked for twice", async () => {
    useNativeScrypt();
    const progress: number[] = [];
    const key = await scrypt(password, salt, 1_024, 1, 1, 32, (part) => progress.push(part));
    expect(key).toBe(hexlify(await scrypt(password, salt, 1_024, 1, 1, 32)));
    // The implementation in JavaScript reports how far it is.
    expect(progress).toEqual([]);
  });

  it("refuses what scrypt does not allow", async () => {
    await expect(scrypt(password, salt, 1_000, 1, 1, 32)).rejects.toThrow();
  });

  it("refuses work that takes more than 2 GiB of memory", async () => {
    await expect(scrypt(password, salt, 2 * MAX_SCRYPT_N, 8, 1, 32)).rejects.toThrow(/memory/i);
  });
});
