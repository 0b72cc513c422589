import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keystore } from "@chainsafe/bls-keystore";
import { SecretKey } from "@chainsafe/blst";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBlsKey, readBlsKey, writeBlsKey } from "../../../src/ports/keys/index.js";

const cheap = { scryptN: 1024 };
const failureOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error) => error,
  );

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
