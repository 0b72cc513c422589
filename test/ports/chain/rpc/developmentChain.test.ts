import { createServer } from "node:http";
import { parseEther, toQuantity } from "ethers";
import { describe, expect, it, onTestFinished } from "vitest";
import { developmentChain } from "../../../../src/ports/chain/rpc/developmentChain.js";
import type { Address } from "../../../../src/records/index.js";

interface Asked {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

const account: Address = `0x${"11".repeat(20)}`;
const rich: Address = `0x${"22".repeat(20)}`;
const hash = `0x${"33".repeat(32)}`;

/** An RPC node on loopback that answers as the test says; `asked` are the requests in order. */
async function nodeOf(answer: (asked: Asked) => object) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const payload = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
    asked.push(payload);
    response.end(JSON.stringify({ jsonrpc: "2.0", id: payload.id, ...answer(payload) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { asked, url: `http://127.0.0.1:${address.port}` };
}

describe("a development chain", () => {
  it("tells its id and funds an account with 100 ether, each request under a number of its own", async () => {
    const { asked, url } = await nodeOf(({ method }) => ({ result: method === "eth_chainId" ? "0x7a69" : true }));
    const chain = developmentChain(url);
    expect(await chain.chainId()).toBe(31_337);
    expect(await chain.fund(account)).toBeUndefined();
    expect(asked.map(({ method }) => method)).toEqual(["eth_chainId", "hardhat_setBalance"]);
    const [to, balance] = asked[1]?.params ?? [];
    expect([to, BigInt(String(balance))]).toEqual([account, parseEther("100")]);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(2);
  });

  it("has an unlocked account pay where no balance can be set, and waits for the block", async () => {
    let looks = 0;
    const results: Record<string, () => object> = {
      hardhat_setBalance: () => ({ error: { code: -32601, message: "the method does not exist" } }),
      eth_accounts: () => ({ result: [rich] }),
      eth_sendTransaction: () => ({ result: hash }),
      eth_getTransactionReceipt: () => ({ result: ++looks < 3 ? null : { status: "0x1" } }),
    };
    const { asked, url } = await nodeOf(({ method }) => results[method]?.() ?? { error: { code: -32601 } });
    await developmentChain(url).fund(account);
    expect(asked.find(({ method }) => method === "eth_sendTransaction")?.params).toEqual([
      { from: rich, to: account, value: toQuantity(parseEther("100")) },
    ]);
    expect(looks).toBe(3);
  });

  it.each([
    ["refuses to set a balance and to name an account", () => ({ error: { code: -32601, message: "not here" } })],
    [
      "sets no balance and has no unlocked account",
      ({ method }: Asked) => (method === "eth_accounts" ? { result: [] } : { error: { code: -32601, message: "no" } }),
    ],
  ])("is no chain that %s", async (_what, answer) => {
    const { url } = await nodeOf(answer);
    await expect(developmentChain(url).fund(account)).rejects.toMatchObject({
      kind: "rpc-error",
      hints: [expect.stringContaining("geth --dev")],
    });
  });

  it("is told apart from a chain that is not there, and from an address that is none", async () => {
    await expect(developmentChain("http://127.0.0.1:1").chainId()).rejects.toMatchObject({ kind: "rpc-unreachable" });
    expect(() => developmentChain("127.0.0.1:8545")).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});
