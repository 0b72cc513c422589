import { describe, expect, it, onTestFinished } from "vitest";
import { createHttpEndpoint, createLocalEndpoint } from "../../../../src/ports/chain/rpc/endpoint.js";
import { startRpcProxy } from "../../../faults/rpcProxy.js";
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

  async function answerTo(id: number, { status = 200, answer }: { status?: number; answer: object }) {
    const proxy = await startRpcProxy({ request: async () => null });
    proxy.add(async () => ({ status, text: JSON.stringify({ jsonrpc: "2.0", ...answer }) }));
    onTestFinished(() => proxy.close());
    return createHttpEndpoint(proxy.url).request({ ...payload, params: [], id }, 5_000);
  }

  it.each([401, 402, 403])(
    "is not reached where it refuses access with status %d, whatever it says",
    async (status) => {
      const answer = { id: 7, error: { code: -32_600, message: "Must be authenticated!" } };
      await expect(answerTo(7, { status, answer })).rejects.toMatchObject({ kind: "rpc-unreachable" });
    },
  );

  it.each([7, "7", null, undefined])("gives the answer to a request of id 7 with the id %s", async (id) => {
    expect(await answerTo(7, { answer: { id, result: "0x1" } })).toEqual({ id: 7, result: "0x1" });
  });

  it("does not take the answer to another request for its own", async () => {
    const answer = { id: 8, result: "0x1" };
    await expect(answerTo(7, { answer })).rejects.toMatchObject({ kind: "rpc-unreachable", retryable: true });
  });

  it.each(["ftp://rpc.example", "rpc.example", ""])("refuses %s", (url) => {
    expect(() => createHttpEndpoint(url)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});
