import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexlify } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccountKey, readAccountKey, readBlsKey, writeAccountKey } from "../../../src/ports/keys/index.js";
import keystores from "../../vectors/keystores.json" with { type: "json" };

let dir: string;
let count = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-keys-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function fileOf(content: string | Uint8Array): Promise<string> {
  count += 1;
  const path = join(dir, `${count}.json`);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

const [decomposed, composed, compatible, marked] = keystores.geth.files.map(({ keystore, password }) => ({
  text: JSON.stringify(keystore),
  password,
}));

describe("an account's key file by geth, which takes a password's bytes as they are", () => {
  it.each([
    ["decomposed, as macOS gives it", decomposed, decomposed?.password],
    ["decomposed, and given composed", decomposed, composed?.password],
    ["composed", composed, composed?.password],
    ["composed, and given decomposed", composed, decomposed?.password],
    ["of characters that NFKC replaces", compatible, compatible?.password],
    ["from a file with a byte-order mark", marked, marked?.password],
  ])("opens with a password that is %s", async (_, file, password) => {
    const { privateKey } = await readAccountKey(await fileOf(file?.text ?? ""), password ?? "");
    expect(privateKey).toBe(keystores.geth.secret);
  });

  it("stays closed to other passwords", async () => {
    const path = await fileOf(decomposed?.text ?? "");
    for (const password of ["ete", "e\u0300te\u0300", ""]) {
      await expect(readAccountKey(path, password)).rejects.toMatchObject({ code: "wrong-password" });
    }
  });

  it.each([
    ["UTF-8", Buffer.from(`\ufeff${composed?.text}`)],
    ["UTF-16", Buffer.from(`\ufeff${composed?.text}`, "utf16le")],
  ])("opens where an editor has saved it in %s with a byte-order mark", async (_, bytes) => {
    const { privateKey } = await readAccountKey(await fileOf(bytes), composed?.password ?? "");
    expect(privateKey).toBe(keystores.geth.secret);
  });
});

it("counts a byte-order mark as no part of the password of a new key", async () => {
  const path = join(dir, "new.json");
  const key = createAccountKey();
  await writeAccountKey(path, key, "\ufeffcorrect horse", { scryptN: 1024 });
  expect((await readAccountKey(path, "correct horse")).address).toBe(key.address);
  expect((await readAccountKey(path, "\ufeffcorrect horse")).address).toBe(key.address);
  expect(await readFile(path, "utf8")).not.toContain("\ufeff");
});

describe("a BLS key file by Wealdtech's encryptor before 1.4.1, which lost marks of letters", () => {
  const [file] = keystores.wealdtech.files;

  it("opens with the password that it was made with, also where an editor has begun it with a byte-order mark", async () => {
    const secret = await readBlsKey(await fileOf(`\ufeff${JSON.stringify(file?.keystore)}`), file?.password ?? "");
    expect(hexlify(secret)).toBe(keystores.wealdtech.secret);
  });

  it("stays closed to other passwords", async () => {
    const path = await fileOf(JSON.stringify(file?.keystore));
    await expect(readBlsKey(path, "Contraseña")).rejects.toMatchObject({ code: "wrong-password" });
  });
});
