import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openProcessHost } from "../../../../../../src/engines/fleet/drivers/process/host/hostDriver.js";
import { HostFolder } from "../../../../../../src/engines/fleet/drivers/process/host/hostFolder.js";
import { findProcesses } from "../../../../../../src/engines/fleet/drivers/process/processes.js";
import type { ProcessHostParameters } from "../../../../../../src/engines/fleet/index.js";
import { temporaryFolder } from "../../../../../harness/folder.js";
import { conformsToHostDriver } from "../../../host/conformance.js";
import { freePorts, healthyRelease, kill, releaseOf, v1, v2 } from "../../../testFleet.js";

const PORTS = 8;
const probe = { path: "/health", timeoutMs: 2_000 };
const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 50 });
const broken = { ...releaseOf("broken", "examples/workload/v1/server.mjs"), sha256: v2.sha256 };

async function open(change: Partial<ProcessHostParameters> = {}) {
  const dir = temporaryFolder();
  const ports = { from: await freePorts(PORTS), count: PORTS };
  const parameters = { dir, ports, graceMs: 500, ...change };
  let newest = await openProcessHost(parameters);
  onTestFinished(() => newest.stopAll());
  return {
    // The second release of the examples is sick.
    ...{ dir, host: newest, parameters, releases: { v1, v2: await healthyRelease("v2"), broken } },
    async reopen() {
      await newest.close();
      newest = await openProcessHost(parameters);
      return newest;
    },
    kill: async ({ instance }: { readonly instance: string | null }) => kill(instance),
  };
}

const orderOf = (step: string, release = v1) => ({ replica: "web/3", workload: "web", release, step, probe });

conformsToHostDriver(() => open());

describe("a host of local processes", () => {
  it("is one agent's at a time", async () => {
    const { parameters } = await open();
    await expect(openProcessHost(parameters)).rejects.toMatchObject({ code: "fleet-busy" });
  });

  it("finds the process of an agent that was killed before it wrote down what it had started", async () => {
    const { dir, host, reopen } = await open();
    await host.start(orderOf("a"));
    const [first] = await host.list();
    const folder = new HostFolder(dir);
    await rm(join(folder.instanceDir("web/3", "a"), "instance.json"));
    const other = await reopen();
    expect(await other.list()).toMatchObject([{ instance: null, alive: false, reason: "it never started" }]);
    await other.start(orderOf("a"));
    await eventually(() => other.list()).toMatchObject([{ instance: first?.instance, healthy: true }]);
  });

  it("ends what it has no record of with its replica", async () => {
    const { dir, host } = await open();
    await host.start(orderOf("a"));
    const identity = new HostFolder(dir).identityOf("web/3", "a");
    await rm(join(identity.workloadDir, "instance.json"));
    expect(await findProcesses(identity)).toHaveLength(1);
    await host.stop("web/3");
    expect(await findProcesses(identity)).toEqual([]);
  });

  it("loses one instance by a damaged file, and no other", async () => {
    const { dir, host } = await open();
    await host.start(orderOf("a"));
    await host.start({ ...orderOf("a"), replica: "web/4" });
    await eventually(async () => (await host.list()).every(({ healthy }) => healthy)).toBe(true);
    const folder = new HostFolder(dir);
    await writeFile(join(folder.instanceDir("web/3", "a"), "instance.json"), "{");
    await writeFile(join(dir, "replicas", "%"), "what is no replica's");
    expect(await host.list()).toMatchObject([
      { replica: "web/3", alive: false },
      { replica: "web/4", healthy: true },
    ]);
    await host.start(orderOf("b"));
    await eventually(async () => (await host.list()).find(({ step }) => step === "b")).toMatchObject({ healthy: true });
    await host.stop("web/3", "a");
    expect(await findProcesses(folder.identityOf("web/3", "a"))).toEqual([]);
  });

  it("shows an instance whose order is damaged, and ends its processes", async () => {
    const { dir, host } = await open();
    await host.start(orderOf("a"));
    const folder = new HostFolder(dir);
    const identity = folder.identityOf("web/3", "a");
    await writeFile(join(identity.workloadDir, "spec.json"), "");
    const [damaged] = await host.list();
    expect(damaged).toMatchObject({ replica: "web/3", step: expect.stringMatching(/^damaged:/), healthy: false });
    await host.stop("web/3", damaged?.step);
    expect(await findProcesses(identity)).toEqual([]);
    expect(await host.list()).toEqual([]);
  });

  it("leaves an instance dead whose process it cannot name any more", async () => {
    const { dir, host } = await open();
    await host.start(orderOf("a"));
    await writeFile(join(new HostFolder(dir).instanceDir("web/3", "a"), "instance.json"), "{");
    expect(await host.start(orderOf("a"))).toMatchObject({ alive: false });
    await host.stop("web/3");
    expect(await findProcesses(new HostFolder(dir).identityOf("web/3", "a"))).toEqual([]);
  });

  it("keeps a replica of any name inside its folder", async () => {
    const { dir, host } = await open();
    for (const replica of ["..", ".", "a/../../b", "x%2E"]) await host.start({ ...orderOf("a"), replica });
    expect((await host.list()).map(({ replica }) => replica).sort()).toEqual([".", "..", "a/../../b", "x%2E"]);
    await host.stop("..");
    expect(await host.list()).toHaveLength(3);
    expect(await readdir(dir)).toContain("host.json");
  });

  it("gives no port that another program holds, and says when there is none left", async () => {
    const { host, parameters } = await open();
    const few = await open({ ports: { from: parameters.ports.from, count: 1 } });
    await host.start(orderOf("a"));
    await eventually(() => host.list()).toMatchObject([{ address: { port: parameters.ports.from }, healthy: true }]);
    await expect(few.host.start(orderOf("a"))).rejects.toMatchObject({ code: "fleet-no-room" });
  });

  it("ends a process that ignores SIGTERM, and one that its wrapper leaves behind", async () => {
    const { dir, host } = await open();
    const stubborn = await healthyRelease("stubborn", (source) => `process.on("SIGTERM", () => undefined);\n${source}`);
    const wrapper = await healthyRelease(
      "wrapper",
      () => `import { spawn } from "node:child_process";
spawn(process.execPath, ["examples/workload/v1/server.mjs"], { stdio: "ignore" });
setTimeout(() => process.exit(1), 500);`,
    );
    await host.start(orderOf("a", stubborn));
    await host.start(orderOf("b", wrapper));
    await eventually(() => host.list()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ step: "a", healthy: true }),
        expect.objectContaining({ step: "b", alive: false }),
      ]),
    );
    await host.stop("web/3");
    const folder = new HostFolder(dir);
    for (const step of ["a", "b"]) expect(await findProcesses(folder.identityOf("web/3", step))).toEqual([]);
  });

  it("takes requests away from what serves before it stops it, and from nothing else", async () => {
    const drained: string[] = [];
    const draining = { drain: async (subject: string) => void drained.push(subject), undrain: () => undefined };
    const { host } = await open({ draining });
    await host.start(orderOf("a"));
    await host.start(orderOf("b"));
    await host.serve("web/3", "a");
    await host.stop("web/3", "b");
    expect(drained).toEqual([]);
    await host.stop("web/3", "a");
    expect(drained).toEqual(["replica/web/3"]);
  });
});

it("refuses ports that are none", async () => {
  for (const ports of [
    { from: 0, count: 4 },
    { from: 65_530, count: 10 },
    { from: 1_000, count: 0 },
  ]) {
    await expect(openProcessHost({ dir: temporaryFolder(), ports })).rejects.toMatchObject({ code: "invalid-input" });
  }
});
