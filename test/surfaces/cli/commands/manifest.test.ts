import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { publishManifest } from "../../../../src/client/index.js";
import { createMemoryContent } from "../../../../src/ports/content/index.js";
import type { PublishedManifest } from "../../../../src/records/index.js";
import { manifest } from "../../../../src/surfaces/cli/commands/manifest.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { createBlockRoute } from "../../../../src/surfaces/http/blockRoute.js";
import { serveHttp } from "../../../../src/surfaces/http/server.js";
import { networkDocumentOf, run } from "../../network.js";

const release: PublishedManifest = {
  schema: "witan/release/1",
  workload: "web",
  release: { name: "v1", command: ["node", "server.mjs"], sha256: `0x${"ab".repeat(32)}` },
};
const task: PublishedManifest = {
  schema: "witan/task/1",
  name: "mnist",
  tensors: [{ name: "hidden", shape: [784, 64] }],
  maxDistance: 12.5,
  maxSamples: 60_000,
};

it("shows both kinds of manifest from a node's gateway, as facts and as JSON", async () => {
  const content = createMemoryContent();
  const server = await serveHttp("127.0.0.1", 0, {
    status: async () => ({}),
    ballots: () => ({}),
    block: createBlockRoute(content),
    payload: async () => "",
    document: async () => "",
  });
  const dir = await mkdtemp(join(tmpdir(), "witan-manifest-"));
  onTestFinished(async () => {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });
  const file = join(dir, "network.json");
  await writeFile(file, JSON.stringify(networkDocumentOf("http://127.0.0.1:9", [server.url])));

  for (const [value, facts] of [
    [release, [/^workload +web$/m, /^command +node server\.mjs$/m]],
    [task, [/^task +mnist$/m, /^tensors +hidden \[784, 64\]$/m]],
  ] as const) {
    const cid = await publishManifest({ content, manifest: value });
    const shown = await run(manifest, "show", cid, "--network", file);
    for (const fact of facts) expect(shown.out).toMatch(fact);
    expect(JSON.parse((await run(manifest, "show", cid, "--network", file, "--json")).out)).toEqual(value);
  }
  const record = await content.put(new Uint8Array([0xa0]));
  expect((await run(manifest, "show", record, "--network", file)).code).toBe(ExitCodes.usage);
  expect((await run(manifest, "show", "--network", file)).code).toBe(ExitCodes.usage);
});
