import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_TRACKS } from "../../ignition/modules/Witan.js";
import { freePorts } from "../../scripts/story/ports.js";
import type { DirectiveStatus } from "../../src/client/index.js";
import { openProcessHost } from "../../src/engines/fleet/index.js";
import type { OrderOf, Release } from "../../src/records/index.js";
import { soakSeed } from "../harness/soak.js";
import type { RunningAgents } from "./runningAgents.js";

const HOSTS = 5;
const PORTS = 4;
const WORKLOAD = "api";
const patience = { timeout: 240_000, interval: 1_000 };
/** Votes end within seconds. */
const tracks = { ...DEFAULT_TRACKS, operations: { ...DEFAULT_TRACKS.operations, votingDelay: 1, timelock: 1 } };

if (soakSeed === undefined) {
  it.skip("SKIPPED: hosts that carry out rollouts as processes, in `npm run soak -- hosts` alone: it takes minutes", () =>
    undefined);
} else {
  describe("five agents, each a host with replicas of its own, on Hardhat's network", () => {
    let running: RunningAgents;

    beforeAll(async () => {
      // Loaded here, so that a run that skips this does not load a chain.
      const { startAgents } = await import("./runningAgents.js");
      running = await startAgents({
        ...{ agents: HOSTS, replicas: 1, tracks },
        async configure() {
          const [port = 0, from = 0] = await freePorts(PORTS + 1);
          const run = { ports: { from, count: PORTS }, listen: { port }, root: process.cwd() };
          return { host: { slots: 2, addresses: [`127.0.0.1:${port}`], run } };
        },
      });
    }, 240_000);

    afterAll(async () => {
      // Replicas outlive their agents.
      await running?.agents.stop();
      for (const { dir } of running?.members ?? []) {
        const host = await openProcessHost({ dir: join(dir, "data", "host"), ports: { from: 1, count: 1 } });
        await host.stopAll();
      }
      await running?.close();
    }, 60_000);

    it("place a first release, each on its own host, and attest that it is done", async () => {
      await expect.poll(async () => (await running.client.listHosts()).length, patience).toBe(HOSTS);
      const first = await ordered(await releaseOf("v1"));
      await expect.poll(() => statusOf(first), patience).toBe("Done");
      await expect.poll(() => shown(), patience).toEqual(Array.from({ length: HOSTS }, () => [true]));
    }, 600_000);

    it("start a replica again that is killed, without a vote", async () => {
      const proposals = (await running.client.listProposals()).length;
      const before = await instancesOf(0);
      expect(before).toHaveLength(1);
      process.kill(Number(before[0]?.split("@")[0]), "SIGKILL");
      await expect.poll(async () => (await instancesOf(0)).some((each) => each !== before[0]), patience).toBe(true);
      await expect.poll(async () => (await shown())[0], patience).toEqual([true]);
      expect((await running.client.listProposals()).length).toBe(proposals);
    }, 600_000);

    it("stop a release that is sick, and turn back without a second vote", async () => {
      const second = await ordered(await releaseOf("v2"));
      await expect.poll(() => statusOf(second), patience).toBe("Failed");
      await expect.poll(() => shown(), patience).toEqual(Array.from({ length: HOSTS }, () => [true]));
      const v1 = (await releaseOf("v1")).sha256;
      for (let index = 0; index < HOSTS; index++)
        expect((await statusAt(index)).map(({ release }) => release)).toEqual([v1]);
    }, 900_000);

    /** Opens a Deploy, has every operator vote for it, and waits until it is issued. */
    async function ordered(release: Release): Promise<`0x${string}`> {
      const order: OrderOf<"Deploy"> = {
        ...{ kind: "Deploy", workload: WORKLOAD, release },
        spec: {
          ...{ replicas: HOSTS, selector: {}, spread: null, exclusive: false, irreversible: false, failureLimit: 0 },
          strategy: { kind: "canary", maxUnavailable: 1, maxSurge: 0, shares: [20, 100], soakSeconds: 10 },
          timing: {
            ...{ startSeconds: 10, minReadySeconds: 4, progressSeconds: 40 },
            ...{ probeSeconds: 2, intervalSeconds: 6, lagSeconds: 10 },
          },
          probe: { path: "/health", timeoutMs: 1_000 },
        },
      };
      let proposalId = "";
      for (const [index, { operator }] of running.members.entries()) {
        await using its = await running.as(operator);
        if (index === 0) ({ proposalId } = await its.client.openProposal({ order, window: 3_600 }));
        const { start } = await its.client.getProposal({ proposalId });
        await expect.poll(() => its.client.chain.now(), patience).toBeGreaterThan(start);
        if ((await its.client.getProposal({ proposalId })).state === "Active")
          await its.client.castVote({ proposalId, support: "for" });
      }
      const issued = async () => (await running.client.getProposal({ proposalId })).state;
      await expect.poll(issued, patience).toBe("Executed");
      return (await running.client.getProposal({ proposalId })).directiveId ?? "0x";
    }

    async function statusOf(directiveId: `0x${string}`): Promise<DirectiveStatus> {
      return (await running.client.getDirective({ directiveId })).status;
    }

    async function statusAt(index: number): Promise<{ readonly healthy: boolean; readonly release: string }[]> {
      const response = await fetch(`http://127.0.0.1:${running.members[index]?.httpPort}/status`);
      return ((await response.json()) as { rollouts: { replicas: [] } }).rollouts.replicas;
    }

    /** Of each host, whether its replicas are healthy. */
    function shown(): Promise<boolean[][]> {
      const each = async (_: unknown, index: number) => (await statusAt(index)).map(({ healthy }) => healthy);
      return Promise.all(Array.from({ length: HOSTS }, each));
    }

    /** The processes that a host has recorded. */
    async function instancesOf(index: number): Promise<string[]> {
      const dir = join(running.members[index]?.dir ?? "", "data", "host", "replicas");
      const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith("instance.json"));
      const read = async (name: string) => JSON.parse(await readFile(join(dir, name), "utf8")) as { instance: string };
      return (await Promise.all(files.map(read))).map(({ instance }) => instance);
    }
  });
}

async function releaseOf(name: string): Promise<Release> {
  const { releaseOf: read } = await import("../engines/fleet/testFleet.js");
  return read(name, `examples/workload/${name}/server.mjs`);
}
