import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { checkHealth } from "../../../../../src/engines/fleet/drivers/process/health.js";
import { TestClock } from "../../../../harness/clock.js";

/** A server on loopback that answers with `answer`; undefined: that never answers. */
async function serving(answer: number | undefined): Promise<number> {
  const server = createServer((_, response) => {
    if (answer !== undefined) response.writeHead(answer).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

it("finds only an answer of 200 healthy", async () => {
  expect(await checkHealth(await serving(200))).toEqual({ healthy: true, latencyMs: expect.any(Number) });
  expect(await checkHealth(await serving(503))).toEqual({
    healthy: false,
    latencyMs: expect.any(Number),
    reason: "GET /health answers 503",
  });
  expect(await checkHealth(await serving(302))).toMatchObject({ healthy: false });
});

it("finds a server unhealthy that is not there or does not answer in time", async () => {
  const late = "GET /health has no answer within 50 ms";
  expect(await checkHealth(await serving(undefined), 50)).toEqual({ healthy: false, latencyMs: null, reason: late });
  const refused = "GET /health fails: ECONNREFUSED";
  expect(await checkHealth(1)).toEqual({ healthy: false, latencyMs: null, reason: refused });
});

it("measures the latency by a clock that does not follow the wall", async () => {
  const clock = new TestClock();
  const check = checkHealth(await serving(200), 5_000, clock);
  clock.stepWall(3_600_000);
  expect((await check).latencyMs).toBeLessThan(5_000);
});

it.each([6000, 10_080])("reaches port %i, which browsers and fetch block", async (port) => {
  const server = createServer((_, response) => response.end());
  onTestFinished(() => void server.close());
  const bound = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  // Another program of the machine may have it; then that it is reached at all shows the same.
  const { healthy, reason = "" } = await checkHealth(port, 5_000);
  expect(bound ? healthy : !reason.includes("bad port")).toBe(true);
});
