import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { probeReplica, ReplicaServer } from "../../../../src/engines/fleet/index.js";
import { frozen, TestClock } from "../../../harness/clock.js";
import { MemoryHost } from "../../../harness/memoryHost.js";
import { v1, v2 } from "../testFleet.js";

const probe = { path: "/health", timeoutMs: 2_000 };

async function serving() {
  const sick = new Set<string>();
  const driver = new MemoryHost((release) => (sick.has(release) ? "sick" : "good"));
  onTestFinished(() => driver.destroy());
  await driver.start({ replica: "web/0xAb", workload: "web", release: v1, step: "a", probe });
  await driver.start({ replica: "web/0xAb", workload: "web", release: v2, step: "b", probe });
  await driver.serve("web/0xAb", "a");
  const instances = await driver.list();
  const server = await ReplicaServer.start({
    ...{ instances: () => instances, clock: new TestClock(frozen()), port: 0, host: "127.0.0.1" },
  });
  onTestFinished(() => server.stop());
  const address = `127.0.0.1:${server.port}`;
  const ask = (change: object = {}) =>
    probeReplica({ addresses: [address], replica: "web/0xAb", timeoutMs: 2_000, ...change });
  return { address, ask, driver, sick };
}

/** Answers everything with this. */
async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a host that another asks for a replica", () => {
  it("asks the instance of the release that is looked for, or the one that serves", async () => {
    const { ask } = await serving();
    expect(await ask()).toEqual({ release: v1.sha256, result: "healthy" });
    expect(await ask({ release: v2.sha256 })).toEqual({ release: v2.sha256, result: "healthy" });
    expect(await ask({ release: `0x${"0".repeat(64)}` })).toEqual({ release: v1.sha256, result: "healthy" });
  });

  it("says what the replica itself answers now, and that it has no other", async () => {
    const { ask, driver, sick } = await serving();
    sick.add("v1");
    expect(await ask()).toEqual({ release: null, result: "sick" });
    expect(await ask({ replica: "web/9" })).toEqual({ release: null, result: "sick" });
    sick.clear();
    await driver.kill("web/0xAb");
    expect(await ask()).toEqual({ release: null, result: "sick" });
  });

  it("refuses one address that asks too much, which is no word on the replica", async () => {
    const { ask } = await serving();
    let unreached = 0;
    for (let i = 0; i < 600 && unreached === 0; i++)
      if ((await ask({ replica: "web/9" })).result === "unreached") unreached++;
    expect(unreached).toBe(1);
  });

  it.each(["/", "/.well-known/witan/replicas/%", "/status"])("has no page %s", async (path) => {
    const { address } = await serving();
    const status = await new Promise((resolve) => {
      request(`http://${address}${path}`, { agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).toBe(404);
  });
});

describe("a probe", () => {
  const ask = (...addresses: string[]) => probeReplica({ addresses, replica: "web/0", timeoutMs: 500 });

  it("takes the first address that answers, and calls a host unreached of which none does", async () => {
    const sick = await answering(200, JSON.stringify({ replica: "web/0", release: null, healthy: false }));
    expect(await ask("127.0.0.1:1", sick)).toEqual({ release: null, result: "sick" });
    expect(await ask("127.0.0.1:1")).toEqual({ release: null, result: "unreached" });
    expect(await ask()).toEqual({ release: null, result: "unreached" });
    expect(await ask("no address", "[")).toEqual({ release: null, result: "unreached" });
  });

  it("has reached a host that begins to answer and goes on for ever", async () => {
    const server = createServer((_, response) => response.writeHead(200).write("{"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => server.closeAllConnections());
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await ask(address)).toEqual({ release: null, result: "sick" });
  });

  it("believes no answer about another replica, of another status, or that is none", async () => {
    const well = { replica: "web/0", release: v1.sha256, healthy: true };
    for (const [status, body] of [
      [200, JSON.stringify({ ...well, replica: "web/1" })],
      [500, JSON.stringify(well)],
      [200, "<html>"],
      [200, "x".repeat(10_000)],
      [200, JSON.stringify({ ...well, release: "v1" })],
    ] as const) {
      expect(await ask(await answering(status, body))).toEqual({ release: null, result: "sick" });
    }
    expect(await ask(await answering(200, JSON.stringify(well)))).toEqual({ release: v1.sha256, result: "healthy" });
  });
});
