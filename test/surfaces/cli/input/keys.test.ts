import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { writeAccountKey } from "../../../../src/ports/keys/accountKeyFile.js";
import { ExitCodes, exitCodeOf } from "../../../../src/surfaces/cli/exitCodes.js";
import { readPassword, readSigner } from "../../../../src/surfaces/cli/input/keys.js";
import { operatorKey } from "../../../harness/deploy.js";

const PASSWORD = "correct horse";

let dir: string;
let key: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "witan-keys-"));
  key = join(dir, "operator.json");
  await writeAccountKey(key, operatorKey(0), PASSWORD, { scryptN: 1024 });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

it("reads a signer from a key file and a password file, with or without a line end", async () => {
  for (const content of [PASSWORD, `${PASSWORD}\n`, `${PASSWORD}\r\n`]) {
    const signer = await readSigner({ key, "password-file": await file("password", content) });
    expect(signer.address).toBe(operatorKey(0).address);
  }
});

it("refuses a key that is not named, is missing or does not open, and never prints the password", async () => {
  const wrong = await file("wrong-password", "battery staple");
  const right = await file("password", PASSWORD);
  const notAKey = await file("network.json", "{}");
  const cases: [Parameters<typeof readSigner>[0], string][] = [
    [{}, "needs a key"],
    [{ key }, "There is no password"],
    [{ key, "password-file": "/nowhere" }, "cannot be read"],
    [{ key: "/nowhere.json", "password-file": right }, "/nowhere.json"],
    [{ key: notAKey, "password-file": right }, "not an Ethereum keystore"],
    [{ key, "password-file": wrong }, "The password does not open"],
  ];
  for (const [options, message] of cases) {
    const error = await readSigner(options).catch((reason: unknown) => reason);
    expect([exitCodeOf(error), String(error)]).toEqual([ExitCodes.usage, expect.stringContaining(message)]);
    expect(String(error)).not.toContain("battery staple");
  }
});

it("takes WITAN_PASSWORD before any file", async () => {
  const wrong = await file("wrong-password", "battery staple");
  vi.stubEnv("WITAN_PASSWORD", PASSWORD);
  try {
    expect(await readPassword(wrong)).toBe(PASSWORD);
    expect((await readSigner({ key, "password-file": wrong })).address).toBe(operatorKey(0).address);
  } finally {
    vi.unstubAllEnvs();
  }
});
