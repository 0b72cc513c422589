import { describe, expect, it } from "vitest";
import { createHttpEndpoint, createLocalEndpoint } from "../../../../src/ports/chain/rpc/endpoint.js";
import { TestClock } from "../../../harness/clock.js";

const payload = { id: 7, jsonrpc: "2.0", method: "eth_blockNumber", params: [] } as const;

describe("a local endpoint", () => {
  it("gives results and the provider's refusals as values", async () => {
    const good = createLocalEndpoint({ request: async ({ method }) => method });
    expect(await good.request({ ...payload, params: [] }, 1_000)).toEqual({ id: 7, result: "eth_blockNumber" });
    const bad = createLocalEndpoint({
      request: () => Promise.reject(Object.assign(new Error("no"), { code: 3, data: "0x" })),
    });
    const refusal = { code: 3, message: "no", data: "0x" };
    expect(await bad.request({ ...payload, params: [] }, 1_000)).toEqual({ id: 7, error: refusal });
  });

  it.each([-1, 1])("times out by monotonic time when the wall clock is stepped by %d h", async (hours) => {
    const due: (() => void)[] = [];
    const clock = new TestClock({
      now: () => 0,
      monotonic: () => 0,
      sleep: async () => undefined,
      after: (_, work) => {
        due.push(work);
        return () => undefined;
      },
    });
    const endpoint = createLocalEndpoint({ request: () => new Promise<never>(() => undefined) }, clock);
    const answer = endpoint.request({ ...payload, params: [] }, 1_000);
    let settled = false;
    const ended = answer.catch((error: unknown) => error).finally(() => (settled = true));
    clock.stepWall(hours * 3_600_000);
    await Promise.resolve();
    expect([settled, due.length]).toEqual([false, 1]);
    due[0]?.();
    expect(await ended).toMatchObject({ kind: "rpc-timeout" });
  });
});

describe("an HTTP endpoint", () => {
  it("shows neither credentials nor the path in its label", () => {
    expect(createHttpEndpoint("https://user:secret@rpc.example/v3/key").label).toBe("https://rpc.example/…");
  });

  it.each(["ftp://rpc.example", "rpc.example", ""])("refuses %s", (url) => {
    expect(() => createHttpEndpoint(url)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});
