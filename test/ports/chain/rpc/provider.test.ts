import { describe, expect, it, onTestFinished } from "vitest";
import { ChainError } from "../../../../src/ports/chain/errors.js";
import type { Endpoint } from "../../../../src/ports/chain/rpc/endpoint.js";
import { FailoverProvider } from "../../../../src/ports/chain/rpc/provider.js";
import { RateLimitError } from "../../../../src/ports/chain/rpc/refusals.js";
import { SleeplessClock } from "../../../harness/clock.js";

const CHAIN_ID = 31_337;
const hex = (value: number) => `0x${value.toString(16)}`;

/** An endpoint of a chain with a block a second, which fails while `failure` is set; `asked` are the methods in order. */
function endpointOf(label: string, chainId: number = CHAIN_ID) {
  const asked: string[] = [];
  const timeouts = new Set<number>();
  const state: {
    failure?: unknown;
    refusal?: string | undefined;
    code?: number;
    block: number;
    syncing?: boolean;
    hasPending?: boolean;
  } = { block: 1_000 };
  const endpoint: Endpoint = {
    label,
    async request({ id, method, params }, timeoutMs) {
      asked.push(method);
      timeouts.add(timeoutMs);
      if (state.failure !== undefined) throw state.failure;
      if (state.refusal !== undefined) return { id, error: { code: state.code ?? -32_000, message: state.refusal } };
      const [tag] = params as unknown[];
      const lacks = tag === "pending" && state.hasPending === false;
      const block = { number: hex(state.block), timestamp: hex(state.block), hash: label };
      const results: Record<string, unknown> = {
        eth_chainId: hex(chainId),
        eth_blockNumber: hex(state.block),
        eth_getBlockByNumber: lacks ? null : block,
        // The block that was asked for shows in the gas.
        eth_estimateGas: hex((params as unknown[])[1] === "pending" ? 2 : 1),
        eth_syncing: state.syncing === true ? { currentBlock: "0x1" } : false,
      };
      return { id, result: results[method] ?? (method === "eth_getBlockByNumber" ? null : label) };
    },
  };
  return { endpoint, asked, timeouts, state };
}

function providerOf(...endpoints: readonly { readonly endpoint: Endpoint }[]) {
  const clock = new SleeplessClock();
  const options = { chainId: CHAIN_ID, timeoutMs: 700, pollMs: 70, clock };
  const provider = new FailoverProvider(
    endpoints.map(({ endpoint }) => endpoint),
    options,
  );
  onTestFinished(() => provider.destroy());
  return { provider, clock };
}

const ask = ({ provider }: { provider: FailoverProvider }) => provider.send("witan_name", []);
/** The time passes after which the endpoints are compared again, and they are. */
async function survey(its: ReturnType<typeof providerOf>): Promise<void> {
  its.clock.pass(15_000);
  await ask(its);
  await new Promise((resolve) => setImmediate(resolve));
}
const statesOf = ({ provider }: { provider: FailoverProvider }) =>
  provider.endpoints().map(({ isUsed, state }) => `${state}${isUsed ? ", used" : ""}`);
const down = new ChainError("rpc-unreachable", "It is down.");
const slow = new ChainError("rpc-timeout", "It is slow.");

describe("a provider over one endpoint", () => {
  it("asks it, once it has checked that this serves the right chain", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    expect([await ask(its), await ask(its)]).toEqual(["one", "one"]);
    expect(one.asked).toEqual(["eth_chainId", "witan_name", "witan_name"]);
    expect([...one.timeouts, its.provider.pollingInterval]).toEqual([700, 70]);
  });

  it("checks the chain once for requests that come at the same time", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    await Promise.all([ask(its), ask(its), ask(its)]);
    expect(one.asked.filter((method) => method === "eth_chainId")).toHaveLength(1);
  });

  it("checks the chain again after it has failed: another may answer there now", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    await ask(its);
    one.state.failure = down;
    await expect(ask(its)).rejects.toBe(down);
    expect(statesOf(its)).toEqual(["unreachable, used"]);
    one.state.failure = undefined;
    await ask(its);
    expect(one.asked.filter((method) => method === "eth_chainId")).toHaveLength(2);
    expect(statesOf(its)).toEqual(["ok, used"]);
  });

  it("compares it with nothing, and takes whatever it says for the newest block", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    expect(await its.provider.send("eth_blockNumber", [])).toBe(hex(1_000));
    one.state.block = 900;
    expect(await its.provider.send("eth_blockNumber", [])).toBe(hex(900));
    expect(await its.provider.sendToAnother("eth_blockNumber", [])).toBeUndefined();
    expect(one.asked).toEqual(["eth_chainId", "eth_blockNumber", "eth_blockNumber"]);
  });
});

describe("a provider over several endpoints", () => {
  it("prefers the first, and goes back to it when it is well again", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    expect(await ask(its)).toBe("one");
    one.state.failure = down;
    expect(await ask(its)).toBe("two");
    expect(statesOf(its)).toEqual(["unreachable", "ok, used"]);
    const { length } = one.asked;
    expect(await ask(its)).toBe("two");
    expect(one.asked).toHaveLength(length);
    one.state.failure = undefined;
    await survey(its);
    expect(await ask(its)).toBe("one");
    expect(statesOf(its)).toEqual(["ok, used", "ok"]);
  });

  it("leaves one that keeps failing alone for longer and longer", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    one.state.failure = down;
    for (let surveys = 0; surveys < 40; surveys++) await survey(its);
    // Ten minutes: at first with every survey, in the end once a minute.
    expect(one.asked.length).toBeGreaterThan(9);
    expect(one.asked.length).toBeLessThan(20);
  });

  it("does not use one that is behind the other, and says why", async () => {
    const [stale, fresh] = [endpointOf("stale"), endpointOf("fresh")];
    stale.state.block = 698;
    const its = providerOf(stale, fresh);
    expect(await ask(its)).toBe("fresh");
    expect(its.provider.endpoints()).toMatchObject([
      {
        label: "stale",
        isUsed: false,
        state: "behind",
        reason: expect.stringContaining("698, that of the others 1000"),
      },
      { label: "fresh", isUsed: true, state: "ok", reason: null, block: 1_000 },
    ]);
    stale.state.syncing = true;
    await survey(its);
    expect(its.provider.endpoints()[0]?.reason).toContain("still syncing");
    stale.state.block = 1_000;
    await survey(its);
    expect(await ask(its)).toBe("stale");
  });

  it("has compared them before it sends the first requests, however many come at once", async () => {
    const [stale, fresh] = [endpointOf("stale"), endpointOf("fresh")];
    stale.state.block = 698;
    const its = providerOf(stale, fresh);
    expect(await Promise.all([ask(its), ask(its), ask(its)])).toEqual(["fresh", "fresh", "fresh"]);
  });

  it("uses one that is behind if no other answers, once nobody remembers the newer blocks", async () => {
    const [stale, fresh] = [endpointOf("stale"), endpointOf("fresh")];
    stale.state.block = 698;
    const its = providerOf(stale, fresh);
    await its.provider.send("eth_blockNumber", []);
    fresh.state.failure = down;
    await expect(ask(its)).rejects.toMatchObject({
      kind: "rpc-unreachable",
      details: expect.stringContaining("block 698"),
    });
    its.clock.pass(61_000);
    expect(await ask(its)).toBe("stale");
    expect(statesOf(its)[0]).toBe("behind, used");
  });

  it("never tells of an older block than before when it changes the endpoint", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    [one.state.block, two.state.block] = [1_010, 1_009];
    expect(await its.provider.send("eth_blockNumber", [])).toBe(hex(1_010));
    one.state.failure = down;
    await expect(its.provider.send("eth_call", [])).rejects.toMatchObject({ details: expect.stringContaining("1010") });
    two.state.block = 1_010;
    expect(await its.provider.send("eth_call", [])).toBe("two");
  });

  it("compares their newest blocks at most every 15 s, whatever it is asked", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    for (let i = 0; i < 100; i++) await ask(its);
    expect(two.asked).toEqual(["eth_chainId", "eth_getBlockByNumber"]);
    await survey(its);
    expect(two.asked).toEqual(["eth_chainId", "eth_getBlockByNumber", "eth_getBlockByNumber"]);
  });

  it("asks nothing of an endpoint that serves another chain", async () => {
    const [other, right] = [endpointOf("other", 1), endpointOf("right")];
    const its = providerOf(other, right);
    expect(await ask(its)).toBe("right");
    expect(other.asked).toEqual(["eth_chainId"]);
    expect(statesOf(its)).toEqual(["wrong-chain", "ok, used"]);
  });

  it("passes on what a node says of a request: another node would say the same", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    one.state.refusal = "nonce too low";
    await expect(ask(its)).rejects.toMatchObject({ error: { message: "nonce too low" } });
    expect(two.asked).not.toContain("witan_name");
  });

  it("asks another node for a state that the first has dropped, and passes on what that says if none has it", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    one.state.refusal = "missing trie node 5ae2";
    expect(await ask(its)).toBe("two");
    two.state.refusal = "header not found";
    await expect(ask(its)).rejects.toMatchObject({ error: { message: "missing trie node 5ae2" } });
  });

  it.each([
    [-32_603, "Internal error"],
    [-32_600, "Must be authenticated!"],
    [-32_011, "no backends available for method"],
    [-32_601, "the method is not available"],
    [-32_602, "block range extends beyond current head block: requested 120, head 118"],
    [-32_000, "One of the blocks specified in filter (fromBlock, toBlock or blockHash) cannot be found"],
  ])(
    "asks another node where one cannot answer, and passes on what that says if none can: %d %s",
    async (code, message) => {
      const [one, two] = [endpointOf("one"), endpointOf("two")];
      const its = providerOf(one, two);
      await ask(its);
      Object.assign(one.state, { refusal: message, code });
      expect(await ask(its)).toBe("two");
      two.state.refusal = "Service unavailable";
      await expect(ask(its)).rejects.toMatchObject({ error: { code, message } });
    },
  );

  it("leaves one that answers with errors alone once it does not tell its newest block", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    one.state.refusal = "nonce too low";
    its.clock.pass(15_000);
    await expect(ask(its)).rejects.toMatchObject({ error: { message: "nonce too low" } });
    await survey(its).catch(() => undefined);
    expect(await ask(its)).toBe("two");
    expect(statesOf(its)).toEqual(["unreachable", "ok, used"]);
  });

  it("asks another than the one in use, to compare what they say", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    expect(await its.provider.sendToAnother("witan_name", [])).toBe("two");
    two.state.refusal = "no";
    expect(await its.provider.sendToAnother("witan_name", [])).toBeUndefined();
    two.state.refusal = undefined;
    two.state.failure = slow;
    expect(await its.provider.sendToAnother("witan_name", [])).toBeUndefined();
    expect(statesOf(its)).toEqual(["ok, used", "unreachable"]);
  });

  it("asks an endpoint without pending blocks for the latest one", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    two.state.hasPending = false;
    const its = providerOf(one, two);
    await ask(its);
    one.state.failure = down;
    expect(await its.provider.send("eth_getBlockByNumber", ["pending", false])).toMatchObject({ hash: "two" });
    expect(its.provider.hasPending).toBe(false);
    two.asked.length = 0;
    await its.provider.send("eth_getBlockByNumber", ["pending", false]);
    expect(two.asked).toEqual(["eth_getBlockByNumber"]);
  });

  it("estimates gas on the pending block, or on the latest one of an endpoint without pending blocks", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    expect(await its.provider.estimateGas({ to: `0x${"11".repeat(20)}` })).toBe(2n);
    one.state.hasPending = false;
    await its.provider.send("eth_getBlockByNumber", ["pending", false]);
    expect(await its.provider.estimateGas({ to: `0x${"11".repeat(20)}` })).toBe(1n);
  });

  it.each(["retrieve state for block hash 0x31: header for hash not found", "too many arguments, want at most 1"])(
    "estimates gas as an endpoint does by itself, where that refuses to do so on the pending block: %s",
    async (refusal) => {
      const one = endpointOf("one");
      const asked: unknown[][] = [];
      const endpoint: Endpoint = {
        label: "one",
        async request(payload, timeoutMs) {
          if (payload.method !== "eth_estimateGas") return one.endpoint.request(payload, timeoutMs);
          asked.push(payload.params as unknown[]);
          const [, tag] = payload.params as unknown[];
          const error = { code: -32_000, message: refusal };
          return tag === undefined ? { id: payload.id, result: "0x5208" } : { id: payload.id, error };
        },
      };
      const its = providerOf({ endpoint });
      await ask(its);
      expect(await its.provider.estimateGas({ to: `0x${"11".repeat(20)}` })).toBe(21_000n);
      expect(asked).toEqual([[expect.anything(), "pending"], [expect.anything()]]);
      expect(its.provider.hasPending).toBe(true);
    },
  );

  it("asks another endpoint for logs whose receipts the first one lacks", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    one.state.refusal = "Receipt not available for 'From' block '1273020'.";
    expect(await its.provider.send("eth_getLogs", [{}])).toBe("two");
  });

  it("passes on a failure of the program at once", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    one.state.failure = new TypeError("broken");
    await expect(ask(its)).rejects.toThrow("broken");
    expect(two.asked).not.toContain("witan_name");
  });
});

describe("an endpoint that refuses more requests", () => {
  const limit = (retryAfterMs?: number) => new RateLimitError("one", retryAfterMs, "too many requests");
  it("is waited for, as long as it says, if there is no other", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    await ask(its);
    one.state.failure = limit(7_000);
    its.clock.onSleep = () => {
      one.state.failure = undefined;
    };
    expect(await ask(its)).toBe("one");
    expect(its.clock.slept).toEqual([7_000]);
  });

  it("is waited for longer and longer if it does not say, and given up on after a few times", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    await ask(its);
    one.state.failure = limit();
    await expect(ask(its)).rejects.toMatchObject({ kind: "rpc-limited", retryable: true });
    expect(its.clock.slept).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(statesOf(its)).toEqual(["limited, used"]);
  });

  it("is not waited for if it asks for minutes, and not asked in that time", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    one.state.failure = limit(3_600_000);
    await expect(ask(its)).rejects.toMatchObject({ kind: "rpc-limited" });
    const { length } = one.asked;
    await expect(ask(its)).rejects.toMatchObject({ kind: "rpc-limited" });
    expect([one.asked.length, its.clock.slept]).toEqual([length, []]);
  });

  it("is left alone while another one answers", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const its = providerOf(one, two);
    await ask(its);
    one.state.failure = limit(30_000);
    expect(await ask(its)).toBe("two");
    expect(its.clock.slept).toEqual([]);
  });

  it("says so in words of its own, which are not taken for a refusal of what is asked", async () => {
    const one = endpointOf("one");
    const its = providerOf(one);
    await ask(its);
    one.state.refusal = "your app has exceeded its compute units per second capacity";
    await expect(ask(its)).rejects.toMatchObject({ kind: "rpc-limited" });
  });
});

describe("the failure of all endpoints", () => {
  const failing = (failure: unknown, chainId?: number) => {
    const each = endpointOf(`endpoint ${chainId ?? ""}`, chainId);
    each.state.failure = failure;
    return each;
  };
  const fine = undefined;

  it("of one is what it said", async () => {
    await expect(ask(providerOf(failing(slow)))).rejects.toBe(slow);
  });

  it("is that they are slow only if all are", async () => {
    await expect(ask(providerOf(failing(slow), failing(slow)))).rejects.toMatchObject({ kind: "rpc-timeout" });
    await expect(ask(providerOf(failing(slow), failing(down)))).rejects.toMatchObject({
      kind: "rpc-unreachable",
      retryable: true,
      details: "It is slow. It is down.",
    });
  });

  it("is a wrong chain, which is final, only if no other might have answered", async () => {
    await expect(ask(providerOf(failing(fine, 1), failing(fine, 2)))).rejects.toMatchObject({
      kind: "wrong-chain",
      retryable: false,
      shortMessage: `The RPC at endpoint 1 serves chain 1, not ${CHAIN_ID}.`,
    });
    await expect(ask(providerOf(failing(fine, 1), failing(down)))).rejects.toMatchObject({ kind: "rpc-unreachable" });
  });

  it("may be that a node does not tell its chain, or that none was given", async () => {
    const mute = endpointOf("mute");
    mute.state.refusal = "not now";
    await expect(ask(providerOf(mute))).rejects.toMatchObject({ kind: "rpc-unreachable", details: "not now" });
    await expect(ask(providerOf())).rejects.toMatchObject({ kind: "rpc-unreachable" });
  });
});
