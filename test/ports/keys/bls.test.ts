import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keystore } from "@chainsafe/bls-keystore";
import { SecretKey } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, hexlify, keccak256, toBigInt, toUtf8Bytes } from "ethers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  blsPublicKey,
  createBlsKey,
  createOperatorKey,
  provePossession,
  readBlsKey,
  writeBlsKey,
} from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/types.js";

const cheap = { scryptN: 1024 };
const failureOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error) => error,
  );
const operator = createOperatorKey().address as Address;

describe("a BLS key", () => {
  it("has the public key that blst computes", () => {
    const secret = createBlsKey();
    const theirs = SecretKey.fromBytes(secret).toPublicKey().toBytes(false);
    const pad = new Uint8Array(16);
    expect(blsPublicKey(secret)).toBe(concat([pad, theirs.slice(0, 48), pad, theirs.slice(48)]));
  });

  it("proves its possession by a Schnorr signature of the key itself, the same each time", () => {
    const secret = createBlsKey();
    const key = blsPublicKey(secret);
    const proof = getBytes(provePossession(secret, operator));
    expect(provePossession(secret, operator)).toBe(hexlify(proof));
    const { Point } = bls12_381.G1;
    const point = (bytes: Uint8Array) =>
      Point.fromAffine({ x: toBigInt(bytes.slice(0, 64)), y: toBigInt(bytes.slice(64, 128)) });
    const commitment = proof.slice(0, 128);
    const challengeOf = (of: string) =>
      toBigInt(keccak256(concat([toUtf8Bytes("witan/possession/1"), of, key, commitment]))) % Point.Fn.ORDER;
    const left = Point.BASE.multiply(toBigInt(proof.slice(128)));
    const right = (of: string) => point(commitment).add(point(getBytes(key)).multiply(challengeOf(of)));
    expect(left.equals(right(operator))).toBe(true);
    expect(left.equals(right(createOperatorKey().address))).toBe(false);
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["zero", new Uint8Array(32)],
    ["a number over the group's order", new Uint8Array(32).fill(255)],
  ])("is not %s", (_, bytes) => {
    expect(() => blsPublicKey(bytes)).toThrow(expect.objectContaining({ code: "invalid-key" }));
  });
});

describe("a BLS key file", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "witan-keys-"));
    path = join(folder, "keys", "bls.json");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("gives back the key that was written", async () => {
    const secret = createBlsKey();
    await writeBlsKey(path, secret, "correct horse", cheap);
    expect(await readBlsKey(path, "correct horse")).toEqual(secret);
  });

  it("opens in any EIP-2335 implementation", async () => {
    const secret = createBlsKey();
    await writeBlsKey(path, secret, "pw", cheap);
    const elsewhere = Keystore.parse(await readFile(path, "utf8"));
    expect(Uint8Array.from(await elsewhere.decrypt("pw"))).toEqual(secret);
    expect(elsewhere.pubkey).toBe(Buffer.from(SecretKey.fromBytes(secret).toPublicKey().toBytes()).toString("hex"));
  });

  it("refuses a wrong password, an unsafe mode, a missing and a damaged file, each by name", async () => {
    await writeBlsKey(path, createBlsKey(), "right", cheap);
    expect(await failureOf(readBlsKey(path, "wrong"))).toMatchObject({ code: "wrong-password" });
    expect(await failureOf(readBlsKey(`${path}.none`, "right"))).toMatchObject({ code: "missing-key-file" });
    expect(await failureOf(writeBlsKey(path, createBlsKey(), "pw", cheap))).toMatchObject({ code: "key-file-exists" });

    const intact = JSON.parse(await readFile(path, "utf8"));
    const { kdf } = intact.crypto;
    const unpayable = { ...kdf, params: { ...kdf.params, n: 2 ** 30 } };
    const damaged = ["", "{}", "[", JSON.stringify({ ...intact, crypto: { ...intact.crypto, kdf: unpayable } })];
    for (const text of damaged) {
      await writeFile(path, text);
      expect(await failureOf(readBlsKey(path, "right"))).toMatchObject({ code: "malformed-key-file" });
    }

    await chmod(path, 0o644);
    expect(await failureOf(readBlsKey(path, "right"))).toMatchObject({ code: "unsafe-permissions" });
  });
});
