import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { carryOut, createProcessDriver } from "../../../../../src/engines/fleet/index.js";
import { createPublisherKey, signRelease } from "../../../../../src/ports/keys/index.js";
import { source } from "../../../../ports/content/unixfs/tree.js";
import { startTestFleet, waitForHealthy } from "../../testFleet.js";
import { bundleOf, countingSource, releaseOfBundle } from "./releases/bundles.js";

/** A server in two files, which says in its health check where it runs. */
const server = `import { createServer } from "node:http";
import { text } from "./lib/text.mjs";
createServer((_, response) => response.end(text + process.cwd())).listen(process.env.PORT, "127.0.0.1");`;

/** A fleet on v1 whose driver fetches bundles, and releases of bundles. */
async function fleetWithBundles() {
  const fleet = await startTestFleet({ replicas: 1 });
  const counting = countingSource();
  const driver = createProcessDriver({
    ...{ dir: fleet.dir, workload: "web", basePort: fleet.basePort, graceMs: 500, bundles: counting.source },
    // A busy machine is no sick replica.
    healthTimeoutMs: 10_000,
  });
  const context = (directiveId: string) => ({ ...fleet.context(directiveId), driver, progressDeadlineMs: 60_000 });
  const release = async (name: string, command?: readonly string[]) => {
    const files = [
      source("server.mjs", server),
      source("lib/text.mjs", `export const text = "${name} in ";`),
      source("bin/start", `#!/bin/sh\nexec ${process.execPath} server.mjs\n`, true),
    ];
    return releaseOfBundle(name, await bundleOf(counting.store, files), command);
  };
  const deploy = async (directiveId: string, to: Awaited<ReturnType<typeof release>>) =>
    carryOut({ kind: "Deploy", workload: "web", release: to, batch: 1 }, context(directiveId));
  const health = async () => (await fetch(`http://127.0.0.1:${fleet.basePort}/health`)).text();
  return { ...fleet, ...counting, context, driver, release, deploy, health };
}

describe("a workload whose releases are bundles", () => {
  it("runs from the bundle's folder, fetched ahead, and goes back to a release whose files are in place", async () => {
    const { deploy, dir, driver, health, opened, release, context } = await fleetWithBundles();
    const v2 = await release("v2");
    expect(await driver.prepare(v2)).toBe(true);
    expect((await deploy("d1", v2)).result).toBe("done");
    const root = join(dir, "releases", v2.signed?.bundle?.sha256.slice(2) ?? "", "files");
    expect(await health()).toBe(`v2 in ${root}`);
    expect(opened()).toBe(1);
    // A program of the bundle, by its path in it.
    const v3 = await release("v3", ["./bin/start"]);
    expect((await deploy("d2", v3)).result).toBe("done");
    expect(await health()).toContain("v3 in ");
    const order = { kind: "Rollback", workload: "web", from: v3.sha256, to: null } as const;
    expect((await carryOut(order, context("d3"))).result).toBe("done");
    expect(await health()).toBe(`v2 in ${root}`);
    // Fetched once each: v2 was kept for the way back.
    expect(opened()).toBe(2);
  });

  it("starts nothing that was changed on disk: the files are those that were voted for again", async () => {
    const { deploy, dir, driver, health, release, context } = await fleetWithBundles();
    const v2 = await release("v2");
    await deploy("d1", v2);
    const [before] = await driver.list();
    const file = join(dir, "releases", v2.signed?.bundle?.sha256.slice(2) ?? "", "files", "lib", "text.mjs");
    await chmod(file, 0o644);
    await writeFile(file, 'export const text = "evil in ";');
    const order = { kind: "Restart", replica: "web/0", instance: before?.instance ?? "" } as const;
    expect((await carryOut(order, context("d2"))).result).toBe("done");
    expect(await health()).toContain("v2 in ");
  });

  it("leaves the running replica alone while a bundle cannot be had, and takes it over later", async () => {
    const { blocks, deploy, driver, release, store } = await fleetWithBundles();
    const [before] = await driver.list();
    const v2 = await release("v2");
    const all = [...blocks];
    blocks.clear();
    await expect(driver.prepare(v2)).rejects.toMatchObject({ kind: "unavailable" });
    await expect(deploy("d1", v2)).rejects.toMatchObject({ kind: "unavailable", retryable: true });
    expect(await driver.list()).toEqual([expect.objectContaining({ instance: before?.instance, alive: true })]);
    for (const [cid, bytes] of all) blocks.set(cid, bytes);
    expect(store).toBeDefined();
    expect((await deploy("d1", v2)).result).toBe("done");
  });

  it("refuses an image, and a bundle without what it runs, before anything is stopped", async () => {
    const { deploy, driver, release } = await fleetWithBundles();
    const image = signRelease(createPublisherKey(), {
      ...{ schema: "witan/release-contents/1", workload: "web", name: "v9", command: [], env: {} },
      image: `registry.example/web@sha256:${"ab".repeat(32)}`,
    });
    await expect(driver.prepare(image)).rejects.toMatchObject({ kind: "unsupported", retryable: false });
    await expect(deploy("d1", image)).rejects.toMatchObject({ kind: "unsupported" });
    const v2 = await release("v2");
    const changed = { ...v2, command: ["node", "other.mjs"] };
    await expect(deploy("d2", changed)).rejects.toMatchObject({ kind: "hash-mismatch" });
    await waitForHealthy(driver, 1);
  });

  it("keeps the bundles of what runs and of what it may go back to, and few others", async () => {
    const { deploy, dir, driver, release } = await fleetWithBundles();
    const hashes: string[] = [];
    for (let i = 0; i < 4; i++) {
      const next = await release(`ahead-${i}`);
      hashes.push(next.signed?.bundle?.sha256.slice(2) ?? "");
      await driver.prepare(next);
    }
    const v2 = await release("v2");
    await deploy("d1", v2);
    const left = await readdir(join(dir, "releases"));
    expect(left).toContain(v2.signed?.bundle?.sha256.slice(2));
    expect(left).toHaveLength(3);
    expect(left).not.toContain(hashes[0]);
    await driver.stopAll();
    await expect(readdir(join(dir, "releases"))).rejects.toThrow("ENOENT");
  });
});
