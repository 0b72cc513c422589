import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAccountKey, KeyError, readAccountKey, writeAccountKey } from "../../../src/ports/keys/index.js";

const cheap = { scryptN: 1024 };

describe("an operator's key file", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "witan-keys-"));
    path = join(folder, "operator.json");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const failureOf = (attempt: Promise<unknown>) =>
    attempt.then(
      () => undefined,
      (error) => error,
    );

  it("gives back the key that was written", async () => {
    const key = createAccountKey();
    await writeAccountKey(path, key, "correct horse", cheap);
    const read = await readAccountKey(path, "correct horse");
    expect(read.privateKey).toBe(key.privateKey);
    expect(read.address).toBe(key.address);
  });

  it("opens in another Ethereum wallet, and opens what another wallet wrote", async () => {
    const key = createAccountKey();
    await writeAccountKey(path, key, "pässword", cheap);
    const elsewhere = await Wallet.fromEncryptedJson(await readFile(path, "utf8"), "pässword");
    expect(elsewhere.address).toBe(key.address);
    expect(JSON.parse(await readFile(path, "utf8")).version).toBe(3);
  });

  it("is readable by its owner alone and leaves nothing else behind", async () => {
    await writeAccountKey(path, createAccountKey(), "pw", cheap);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["operator.json"]);
  });

  it("never holds the key in the clear", async () => {
    const key = createAccountKey();
    await writeAccountKey(path, key, "pw", cheap);
    expect(await readFile(path, "utf8")).not.toContain(key.privateKey.slice(2));
  });

  it("refuses a wrong password", async () => {
    await writeAccountKey(path, createAccountKey(), "right", cheap);
    const error = await failureOf(readAccountKey(path, "wrong"));
    expect(error).toBeInstanceOf(KeyError);
    expect(error).toMatchObject({ code: "wrong-password", retryable: false });
    expect(String(error.message)).not.toContain("wrong\n");
  });

  it("says that there is no file", async () => {
    expect(await failureOf(readAccountKey(path, "pw"))).toMatchObject({ code: "missing-key-file" });
  });

  it("refuses a file that others may read", async () => {
    await writeAccountKey(path, createAccountKey(), "pw", cheap);
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(path, mode);
      expect(await failureOf(readAccountKey(path, "pw"))).toMatchObject({ code: "unsafe-permissions" });
    }
  });

  it.each([
    ["text", "not a keystore"],
    ["nothing", ""],
    ["other JSON", "{}"],
    ["a keystore without its parts", JSON.stringify({ version: 3, crypto: {} })],
    ["an unpayable derivation", JSON.stringify({ version: 3, crypto: { kdf: "scrypt", kdfparams: { n: 2 ** 30 } } })],
    ["far too much", "x".repeat(70_000)],
  ])("refuses %s", async (_, text) => {
    await writeFile(path, text, { mode: 0o600 });
    expect(await failureOf(readAccountKey(path, "pw"))).toMatchObject({ code: "malformed-key-file" });
  });

  it("does not replace a key unless told to", async () => {
    const first = createAccountKey();
    const second = createAccountKey();
    await writeAccountKey(path, first, "pw", cheap);
    expect(await failureOf(writeAccountKey(path, second, "pw", cheap))).toMatchObject({ code: "key-file-exists" });
    expect((await readAccountKey(path, "pw")).address).toBe(first.address);
    expect(await readdir(folder)).toEqual(["operator.json"]);

    await writeAccountKey(path, second, "pw", { ...cheap, overwrite: true });
    expect((await readAccountKey(path, "pw")).address).toBe(second.address);
  });
});
