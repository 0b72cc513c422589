import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keystore } from "@chainsafe/bls-keystore";
import { SecretKey } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, toUtf8Bytes } from "ethers";
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

  it("proves its possession to whoever knows the domain", () => {
    const secret = createBlsKey();
    const key = blsPublicKey(secret);
    const proof = getBytes(provePossession(secret, operator));
    const coordinate = (i: number) => BigInt(`0x${Buffer.from(proof.slice(i * 64, i * 64 + 64)).toString("hex")}`);
    const signature = bls12_381.G2.Point.fromAffine({
      x: { c0: coordinate(0), c1: coordinate(1) },
      y: { c0: coordinate(2), c1: coordinate(3) },
    });
    const message = getBytes(concat([toUtf8Bytes("witan/possession/1"), operator, key]));
    const signer = bls12_381.longSignatures;
    const hashed = signer.hash(message, "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_");
    const publicKey = signer.getPublicKey(secret);
    expect(signer.verify(signature, hashed, publicKey)).toBe(true);
    expect(signer.verify(signature, signer.hash(message), publicKey)).toBe(false);
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
