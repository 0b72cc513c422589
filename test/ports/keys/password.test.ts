import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { accountPasswords, blsPasswords, passwordForms, readPasswordFile } from "../../../src/ports/keys/password.js";
import { NOT_UTF8 } from "../../faults/hostileText.js";

let dir: string;
let path: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-password-"));
  path = join(dir, "password");
});
afterAll(() => rm(dir, { recursive: true }));

it.each([
  ["as it is", "correct horse", "correct horse"],
  ["without its line end", "correct horse\n", "correct horse"],
  ["without a line end of Windows", "correct horse\r\n", "correct horse"],
  ["with the spaces and line ends within it", " a\nb \n\n", " a\nb \n"],
  ["with its byte-order mark, which may count", "\ufeffpässword\n", "\ufeffpässword"],
])("is read from a file %s", async (_, content, password) => {
  await writeFile(path, content, { mode: 0o600 });
  expect(await readPasswordFile(path)).toBe(password);
});

it("is read from a file that PowerShell wrote", async () => {
  await writeFile(path, Buffer.from("\ufeffpässword\r\n", "utf16le"));
  expect(passwordForms(await readPasswordFile(path))[0]).toBe("pässword");
});

it.each([0o604, 0o602, 0o644, 0o777])("is refused from a file of the mode %o", async (mode) => {
  await writeFile(path, "correct horse");
  await chmod(path, mode);
  const error: unknown = await readPasswordFile(path).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "unsafe-permissions", hints: [`Run: chmod 600 ${path}`] });
  expect(String(error)).not.toContain("horse");
});

it.each([0o400, 0o600, 0o440, 0o640])("is read from a file of the mode %o, as of a mounted secret", async (mode) => {
  await rm(path, { force: true });
  await writeFile(path, "correct horse");
  await chmod(path, mode);
  expect(await readPasswordFile(path)).toBe("correct horse");
});

it.each([
  ["a file that is missing", () => join(dir, "none"), "cannot be read"],
  ["a folder", () => dir, "cannot be read"],
  ["a device without an end", () => "/dev/zero", "is over 65536 bytes"],
])("is refused from %s", async (_, pathOf, message) => {
  await chmod(dir, 0o700);
  await expect(readPasswordFile(pathOf())).rejects.toMatchObject({
    code: "config",
    message: expect.stringContaining(message),
  });
});

it.each(Object.entries(NOT_UTF8))("is refused from a file that is not text: %s", async (_, bytes) => {
  await rm(path, { force: true });
  await writeFile(path, bytes, { mode: 0o600 });
  await expect(readPasswordFile(path)).rejects.toMatchObject({ code: "config" });
});

it("is tried once if it is plain, and in every form that tools differ in otherwise", () => {
  const bytes = (texts: readonly string[]) => texts.map((text) => new TextEncoder().encode(text));
  expect(accountPasswords("correct horse")).toEqual(bytes(["correct horse"]));
  expect(accountPasswords("é")).toEqual(bytes(["é", "e\u0301"]));
  expect(accountPasswords("\ufeffa")).toEqual(bytes(["a", "\ufeffa"]));
  expect(blsPasswords("correct horse")).toEqual(["correct horse"]);
});

/** From the tests of go-eth2-wallet-encryptor-keystorev4, and of what its algorithm does to Hangul and to a leading mark. */
it.each([
  ["üöüöäöüöü", "uouoaouou"],
  ["𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑", "testpassword🔑"],
  ["한글", "\u1112\u1100"],
  ["\u0301a\u0301", "\u0301a"],
  ["a\u0334\u0345\u05b0\u3099b", "ab"],
])("is tried without marks, as Wealdtech's encryptor once took it: %s", (password, without) => {
  expect(blsPasswords(password).at(-1)).toBe(without);
});
