import { execFileSync } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { messageOf } from "../../../../../src/errors.js";
import { isSignedByPublisher } from "../../../../../src/ports/keys/index.js";
import { parsePayload, type Release } from "../../../../../src/records/index.js";
import { release } from "../../../../../src/surfaces/cli/commands/release/release.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { openDisk } from "../../../../ports/content/contentNodes.js";
import { networkDocumentOf, run } from "../../../network.js";

/** A folder with an app, a publisher's key and the configuration of an agent that does not run. */
async function prepared() {
  const dir = temporaryFolder();
  const key = join(dir, "publisher.json");
  await run(release, "key", "--publisher-key", key, "--json");
  const app = join(dir, "app");
  await mkdir(join(app, "bin"), { recursive: true });
  await writeFile(join(app, "server.mjs"), "serve();");
  await writeFile(join(app, "bin", "start"), "#!/bin/sh\n");
  await chmod(join(app, "bin", "start"), 0o755);
  const [config, dataDir] = [join(dir, "config.json"), join(dir, "data")];
  const { chainId, contracts, deployedAtBlock } = networkDocumentOf("", []).deployment;
  const chain = { rpcUrls: ["http://127.0.0.1:8545"], chainId, contracts, deployedAtBlock };
  const agent = { name: "node", dataDir, chain, keys: { agent: "agent.json" }, content: {}, http: { port: 0 } };
  await writeFile(config, JSON.stringify(agent));
  const base = ["--workload", "web", "--name", "v2", "--publisher-key", key, "--config", config];
  const publish = (from: string, ...command: string[]) => run(release, "publish", from, ...base, "--", ...command);
  return { dir, app, dataDir, publish };
}

describe("witan release publish", () => {
  it("stores a folder, pins it, and prints a release that a Deploy takes; an archive of it is the same release", async () => {
    const { app, dataDir, dir, publish } = await prepared();
    const published = JSON.parse((await publish(app, "node", "server.mjs", "--port", "80")).out) as Release;
    expect(published.command).toEqual(["node", "server.mjs", "--port", "80"]);
    expect(isSignedByPublisher(published)).toBe(true);
    const order = { kind: "Deploy", workload: "web", release: published, batch: 1 } as const;
    expect(parsePayload({ schema: "witan/directive/1", subject: "workload/web", order })).toMatchObject({ order });
    execFileSync("tar", ["-czf", join(dir, "app.tar.gz"), "-C", app, "."]);
    const packed = JSON.parse((await publish(join(dir, "app.tar.gz"), "./bin/start")).out) as Release;
    expect(packed.signed?.bundle).toEqual(published.signed?.bundle);
    const store = await openDisk(dataDir);
    const { cid = "" } = published.signed?.bundle ?? {};
    expect(await store.pins.get(`release/${cid}`)).toMatchObject({ scope: "tree" });
    const found: [string, boolean][] = [];
    for await (const { isExecutable, path } of store.openTree(cid)) found.push([path, isExecutable]);
    expect(found).toEqual([
      ["bin/start", true],
      ["server.mjs", false],
    ]);
  });

  it("signs nothing that could not run, and says why", async () => {
    const { app, publish } = await prepared();
    for (const [command, why] of [
      [[], "Say what to run"],
      [["node", "nowhere.mjs"], "has no file nowhere.mjs"],
      [["./nowhere"], "has no file ./nowhere"],
      [["./server.mjs"], "chmod +x"],
    ] as const) {
      const { error, out } = await publish(app, ...command);
      expect([out, messageOf(error)]).toEqual(["", expect.stringContaining(why)]);
    }
    const { error } = await publish(join(app, "nowhere"), "node", "server.mjs");
    expect(messageOf(error)).toContain("cannot be read");
  });
});
