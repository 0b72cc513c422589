import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Chain, ChainError, type CreateChainParameters, createChain } from "../../../src/ports/chain/index.js";
import { stuckAt, syncing, withoutPending } from "../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../faults/rpcProxy.js";
import { deployWitan, type HardhatNode, startHardhatNode, type Witan } from "../../harness/deploy.js";

describe("createChain", () => {
  let node: HardhatNode;
  let proxy: RpcProxy;
  let witan: Witan;
  const open: Chain[] = [];
  beforeAll(async () => {
    node = await startHardhatNode();
    witan = await deployWitan({ nodes: 3, node });
  });
  afterAll(() => node.close());
  beforeEach(async () => {
    proxy = await startRpcProxy(node.rpcUrl);
  });
  afterEach(async () => {
    for (const chain of open.splice(0)) chain.close();
    await proxy.close();
  });

  async function connect(parameters: Partial<CreateChainParameters> = {}): Promise<Chain> {
    const chain = await createChain({ rpcUrl: node.rpcUrl, ...witan.deployment, ...parameters });
    open.push(chain);
    return chain;
  }
  const failureOf = (attempt: Promise<unknown>): Promise<ChainError> =>
    attempt.then(
      () => expect.fail("it worked"),
      (e) => e,
    );
  /** Nobody listens there any more. */
  async function closedUrl(): Promise<string> {
    const gone = await startRpcProxy(node.rpcUrl);
    await gone.close();
    return gone.url;
  }

  it("reads typed contracts", async () => {
    const chain = await connect();
    const { nodes, governor } = chain.contracts;
    expect((await chain.read(() => nodes.committee(1))).size).toBe(3n);
    expect((await chain.read(() => governor.trackRules(0))).openLimit).toBe(8n);
    expect(chain.account).toBeUndefined();
  });

  it("works over a provider in the same process", async () => {
    const local = await deployWitan({ nodes: 1 });
    const chain = await connect({ rpcUrl: undefined, provider: local.provider, ...local.deployment });
    expect(await chain.blockNumber()).toBeGreaterThan(0);
    const refused = await failureOf(
      chain.read(() => chain.contracts.nodes.indexOf(local.deployment.contracts.NodeGovernor, 1)),
    );
    expect(refused).toMatchObject({ errorName: "NodeRegistryNotMember" });
  });

  it("needs to be told where the chain is", async () => {
    expect(await failureOf(connect({ rpcUrl: undefined }))).toMatchObject({ code: "invalid-input" });
    expect(await failureOf(connect({ rpcUrl: "ftp://127.0.0.1" }))).toMatchObject({ code: "invalid-input" });
  });

  it("says that an RPC is down", async () => {
    const error = await failureOf(connect({ rpcUrl: await closedUrl() }));
    expect(error).toBeInstanceOf(ChainError);
    expect(error).toMatchObject({ kind: "rpc-unreachable", code: "rpc-unreachable", retryable: true });
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("gives up on an RPC that accepts the connection and never answers", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    const error = await failureOf(connect({ rpcUrl: `http://127.0.0.1:${port}`, timeoutMs: 100 }));
    expect(error).toMatchObject({ kind: "rpc-timeout", retryable: true });
    silent.close();
  });

  it("gives up on a local provider that never answers", async () => {
    const provider = { request: () => new Promise<never>(() => undefined) };
    const error = await failureOf(connect({ rpcUrl: undefined, provider, timeoutMs: 50 }));
    expect(error).toMatchObject({ kind: "rpc-timeout" });
  });

  it.each(["unavailable", "garbage", "hang up"] as const)(
    "treats an RPC that answers with %s as unreachable",
    async (mode) => {
      proxy.mode = mode;
      expect(await failureOf(connect({ rpcUrl: proxy.url }))).toMatchObject({
        kind: "rpc-unreachable",
        retryable: true,
      });
      expect(proxy.methods).toEqual(["eth_chainId"]);
    },
  );

  it("refuses an RPC on another chain", async () => {
    const error = await failureOf(connect({ chainId: 1 }));
    expect(error).toMatchObject({ kind: "wrong-chain", retryable: false });
    expect(error.shortMessage).toContain("serves chain 31337, not 1");
  });

  it("refuses an address without code", async () => {
    const empty = "0x00000000000000000000000000000000000000aa";
    const error = await failureOf(connect({ contracts: { ...witan.deployment.contracts, ModelRegistry: empty } }));
    expect(error).toMatchObject({ kind: "not-deployed", retryable: false });
    expect(error.shortMessage).toContain("ModelRegistry");
  });

  it("refuses a contract in the place of another", async () => {
    const { contracts } = witan.deployment;
    const names = Object.keys(contracts) as (keyof typeof contracts)[];
    for (const [i, name] of names.entries()) {
      const other = names[(i + 1) % names.length] ?? name;
      const error = await failureOf(connect({ contracts: { ...contracts, [name]: contracts[other] } }));
      expect(error).toMatchObject({ kind: "not-deployed" });
    }
  });

  it("does not use an RPC that has stopped or begun to sync, and says why", async () => {
    await witan.mine(40);
    const head = await (await connect()).blockNumber();
    for (const [fault, reason] of [
      [stuckAt(head - 38), `newest block is ${head - 38}, that of the others ${head}`],
      [syncing(), "still syncing"],
    ] as const) {
      const heal = proxy.add(fault);
      const chain = await connect({ rpcUrl: [proxy.url, node.rpcUrl] });
      expect(await chain.blockNumber()).toBe(head);
      expect(chain.endpoints()).toMatchObject([
        { label: proxy.url, isUsed: false, state: "behind", reason: expect.stringContaining(reason) },
        { label: node.rpcUrl, isUsed: true, state: "ok", reason: null, block: head },
      ]);
      heal();
    }
  });

  it("does not take an RPC that is syncing for one of another chain", async () => {
    const heal = proxy.add(syncing());
    const error = await failureOf(connect({ rpcUrl: proxy.url }));
    expect(error).toMatchObject({ kind: "rpc-behind", retryable: true });
    heal();
    expect(await (await connect({ rpcUrl: proxy.url })).blockNumber()).toBeGreaterThan(0);
  });

  it("tells the time of another RPC without pending blocks once the first has failed", async () => {
    const without = await startRpcProxy(node.rpcUrl);
    without.add(withoutPending());
    const chain = await connect({ rpcUrl: [proxy.url, without.url] });
    expect(chain.tip).toBe("pending");
    proxy.mode = "unavailable";
    const { timestamp } = await (await connect()).provider.send("eth_getBlockByNumber", ["latest", false]);
    expect(await chain.now()).toBe(Number(timestamp));
    expect(await chain.read(() => chain.contracts.nodes.epoch({ blockTag: chain.tip }))).toBe(1n);
    await without.close();
  });

  it("goes to the next RPC when one fails, and stays there while it does", async () => {
    const chain = await connect({ rpcUrl: [proxy.url, node.rpcUrl], timeoutMs: 500 });
    const before = await chain.blockNumber();
    for (const mode of ["unavailable", "hang", "hang up"] as const) {
      proxy.mode = mode;
      expect(await chain.blockNumber()).toBe(before);
    }
    const { length } = proxy.methods;
    await chain.blockNumber();
    expect(proxy.methods).toHaveLength(length);
  });

  it("goes to the next RPC when one serves another chain", async () => {
    const elsewhere = await startHardhatNode({ chainId: 4242 });
    const chain = await connect({ rpcUrl: [elsewhere.rpcUrl, node.rpcUrl] });
    expect(await chain.blockNumber()).toBeGreaterThan(0);
    const error = await failureOf(connect({ rpcUrl: [elsewhere.rpcUrl, await closedUrl()] }));
    expect(error).toMatchObject({ kind: "rpc-unreachable", retryable: true });
    expect(error.details).toContain("serves chain 4242");
    expect(await failureOf(connect({ rpcUrl: elsewhere.rpcUrl }))).toMatchObject({ kind: "wrong-chain" });
    await elsewhere.close();
  });

  it("asks for the chain id again once an RPC was away, for it may have come back as another", async () => {
    const chain = await connect({ rpcUrl: proxy.url });
    proxy.mode = "unavailable";
    await failureOf(chain.blockNumber());
    proxy.mode = "pass";
    proxy.methods.length = 0;
    await chain.blockNumber();
    expect(proxy.methods).toEqual(["eth_chainId", "eth_blockNumber"]);
  });

  it("never shows what is secret in an RPC's address", async () => {
    const secrets = ["hunter2hunter2", "k3y-in-the-path", "k3y-in-the-query"];
    const { port } = new URL(proxy.url);
    const rpcUrl = `http://operator:${secrets[0]}@127.0.0.1:${port}/v3/${secrets[1]}?key=${secrets[2]}`;
    proxy.mode = "garbage";
    const errors = [
      await failureOf(connect({ rpcUrl })),
      await failureOf(connect({ rpcUrl: rpcUrl.replace(port, new URL(await closedUrl()).port) })),
    ];
    proxy.mode = "pass";
    proxy.refuse = () => ({ code: -32000, message: `unknown key ${secrets[1]} of operator:${secrets[0]}` });
    errors.push(await failureOf(connect({ rpcUrl })));
    for (const error of errors) {
      const shown = JSON.stringify([error.message, error.stack, error.cause, error]);
      for (const secret of secrets) expect(shown).not.toContain(secret);
    }
  });

  it("tells the chain's time, not the wall's", async () => {
    const chain = await connect();
    const before = await chain.now();
    await witan.increaseTime(3_600);
    expect(await chain.now()).toBeGreaterThanOrEqual(before + 3_600);
  });

  it("tells the latest block's time where a node makes no pending block", async () => {
    proxy.refuse = (_, params) =>
      params.includes("pending") ? { code: -32000, message: "pending state is not available" } : undefined;
    const chain = await connect({ rpcUrl: proxy.url });
    expect(chain.tip).toBe("latest");
    const { timestamp } = await chain.provider.send("eth_getBlockByNumber", ["latest", false]);
    expect(await chain.now()).toBe(Number(timestamp));
  });

  it("gives events in order, however few blocks the RPC gives at once", async () => {
    const all = await (await connect()).events();
    proxy.refuse = (method, [filter]) => {
      if (method !== "eth_getLogs") return undefined;
      const { fromBlock, toBlock } = filter as { fromBlock: string; toBlock: string };
      const tooMany = Number(toBlock) - Number(fromBlock) >= 3;
      return tooMany ? { code: -32005, message: "query returned more than 10000 results" } : undefined;
    };
    const chain = await connect({ rpcUrl: proxy.url });
    expect(await chain.events()).toEqual(all);
    expect(all.map(({ name }) => name)).toContain("GenesisClosed");
    const places = all.map(({ blockNumber, logIndex }) => blockNumber * 1_000 + logIndex);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it("gives events of some names and topics alone", async () => {
    const chain = await connect();
    const [, second] = witan.operators;
    const topic = `0x${second?.address.slice(2).toLowerCase().padStart(64, "0")}` as const;
    const admitted = await chain.events({ names: ["NodeAdmitted"], topics: [null, topic] });
    expect(admitted.map(({ args }) => [args.index, args.operator])).toEqual([[1n, second?.address]]);
    expect(await chain.events({ names: ["TrackSet"], toBlock: 0 })).toEqual([]);
  });

  it("passes on an RPC's refusal with its words", async () => {
    const chain = await connect({ rpcUrl: proxy.url });
    proxy.refuse = () => ({ code: -32601, message: "no such method here" });
    const error = await failureOf(chain.blockNumber());
    expect(error).toMatchObject({ kind: "rpc-error", details: "no such method here" });
  });
});
