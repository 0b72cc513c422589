import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseAgentConfig } from "../../../../src/agent/config.js";
import { readAccountKey, writeAccountKey } from "../../../../src/ports/keys/accountKeyFile.js";
import { readBlsKey } from "../../../../src/ports/keys/blsKeyFile.js";
import { createAccountKey } from "../../../../src/ports/keys/index.js";
import { init } from "../../../../src/surfaces/cli/commands/init.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { networkDocumentOf, PASSWORD, run } from "../../network.js";

let folder: string;
let passwordFile: string;
let base: readonly string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "witan-init-"));
  passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const network = join(folder, "network.json");
  await writeFile(network, JSON.stringify(networkDocumentOf("http://127.0.0.1:8545", [])));
  base = ["--network", network];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const json = (out: string) => JSON.parse(out);

it("makes keys that open and a configuration that an agent reads, and never over what is there", async () => {
  const dir = join(folder, "new-node");
  const args = [...base, "--dir", dir, "--name", "node-6", "--password-file", passwordFile];
  const { config: path, peerId, admission } = json((await run(init, ...args, "--json")).out);
  const config = parseAgentConfig(JSON.parse(await readFile(path, "utf8")), dir);
  expect(config).toMatchObject({ name: "node-6", http: { port: 0 }, keys: { passwordFile: passwordFile } });
  expect((await readAccountKey(config.keys.agent, PASSWORD)).address).toBe(admission.agent);
  expect((await readAccountKey(join(dir, "keys", "operator.json"), PASSWORD)).address).toBe(admission.operator);
  expect(admission.agent).not.toBe(admission.operator);
  await readBlsKey(join(dir, "keys", "bls.json"), PASSWORD);
  expect((await stat(path)).mode & 0o077).toBe(0);
  expect(peerId).toMatch(/^12D3Koo/);

  const again = await run(init, ...args);
  expect([again.code, String(again.error)]).toEqual([ExitCodes.usage, expect.stringContaining("operator.json")]);
});

it("prints what to do next", async () => {
  const dir = join(folder, "another-node");
  const { out } = await run(init, ...base, "--dir", dir, "--password-file", passwordFile);
  expect(out).toContain(`witan agent --config ${join(dir, "config.json")}`);
});

it("writes nothing if the port is not a number", async () => {
  const dir = join(folder, "bad-port");
  const args = [...base, "--dir", dir, "--password-file", passwordFile, "--port", "eighty"];
  expect((await run(init, ...args)).code).toBe(ExitCodes.usage);
  await expect(stat(dir)).rejects.toThrow("ENOENT");
});

it("writes nothing for another agent of a seat if the chain cannot be reached", async () => {
  const dir = join(folder, "another-agent");
  const operator = join(folder, "operator.json");
  await writeAccountKey(operator, createAccountKey(), PASSWORD, { scryptN: 1_024 });
  const args = [...base, "--dir", dir, "--password-file", passwordFile, "--operator", operator];
  // Nothing listens on the port for tcpmux.
  expect((await run(init, ...args, "--rpc", "http://127.0.0.1:1")).code).toBe(ExitCodes.unavailable);
  await expect(stat(dir)).rejects.toThrow("ENOENT");
});
