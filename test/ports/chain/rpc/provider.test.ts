import { describe, expect, it, onTestFinished } from "vitest";
import { ChainError } from "../../../../src/ports/chain/errors.js";
import type { Endpoint } from "../../../../src/ports/chain/rpc/endpoint.js";
import { FailoverProvider } from "../../../../src/ports/chain/rpc/provider.js";

const CHAIN_ID = 31_337;

/** An endpoint of a chain, which fails while `failure` is set; `asked` are the methods in order. */
function endpointOf(label: string, chainId: number = CHAIN_ID) {
  const asked: string[] = [];
  const timeouts = new Set<number>();
  const state: { failure?: unknown; refusal?: string | undefined } = {};
  const endpoint: Endpoint = {
    label,
    async request({ id, method }, timeoutMs) {
      asked.push(method);
      timeouts.add(timeoutMs);
      if (state.failure !== undefined) throw state.failure;
      if (state.refusal !== undefined) return { id, error: { code: -32_000, message: state.refusal } };
      return { id, result: method === "eth_chainId" ? `0x${chainId.toString(16)}` : label };
    },
  };
  return { endpoint, asked, timeouts, state };
}

function providerOf(...endpoints: readonly { readonly endpoint: Endpoint }[]): FailoverProvider {
  const options = { chainId: CHAIN_ID, timeoutMs: 700, pollMs: 70 };
  const provider = new FailoverProvider(
    endpoints.map(({ endpoint }) => endpoint),
    options,
  );
  onTestFinished(() => provider.destroy());
  return provider;
}

const ask = (provider: FailoverProvider) => provider.send("witan_name", []);
const down = new ChainError("rpc-unreachable", "It is down.");
const slow = new ChainError("rpc-timeout", "It is slow.");

describe("a provider over several endpoints", () => {
  it("asks one of them, once it has checked that this serves the right chain", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const provider = providerOf(one, two);
    expect([await ask(provider), await ask(provider)]).toEqual(["one", "one"]);
    expect(one.asked).toEqual(["eth_chainId", "witan_name", "witan_name"]);
    expect(two.asked).toEqual([]);
    expect([...one.timeouts, provider.pollingInterval]).toEqual([700, 70]);
  });

  it("checks the chain once for requests that come at the same time", async () => {
    const one = endpointOf("one");
    const provider = providerOf(one);
    await Promise.all([ask(provider), ask(provider), ask(provider)]);
    expect(one.asked.filter((method) => method === "eth_chainId")).toHaveLength(1);
  });

  it("goes on to the next that answers, stays with it, and comes back when that fails", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const provider = providerOf(one, two);
    one.state.failure = down;
    expect(await ask(provider)).toBe("two");
    one.state.failure = undefined;
    expect(await ask(provider)).toBe("two");
    two.state.failure = slow;
    expect(await ask(provider)).toBe("one");
  });

  it("checks the chain of an endpoint again after it has failed: another may answer there now", async () => {
    const one = endpointOf("one");
    const provider = providerOf(one);
    await ask(provider);
    one.state.failure = down;
    await expect(ask(provider)).rejects.toBe(down);
    one.state.failure = undefined;
    await ask(provider);
    expect(one.asked.filter((method) => method === "eth_chainId")).toHaveLength(2);
  });

  it("asks nothing of an endpoint that serves another chain", async () => {
    const [other, right] = [endpointOf("other", 1), endpointOf("right")];
    expect(await ask(providerOf(other, right))).toBe("right");
    expect(other.asked).toEqual(["eth_chainId"]);
  });

  it("passes on what a node says of a request: another node would say the same", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    const provider = providerOf(one, two);
    await ask(provider);
    one.state.refusal = "nonce too low";
    await expect(ask(provider)).rejects.toMatchObject({ error: { message: "nonce too low" } });
    expect(two.asked).toEqual([]);
  });

  it("passes on a failure of the program at once", async () => {
    const [one, two] = [endpointOf("one"), endpointOf("two")];
    one.state.failure = new TypeError("broken");
    await expect(ask(providerOf(one, two))).rejects.toThrow("broken");
    expect(two.asked).toEqual([]);
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
