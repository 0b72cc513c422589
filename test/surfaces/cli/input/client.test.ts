import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wallet } from "ethers";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client } from "../../../../src/client/index.js";
import { withClient } from "../../../../src/surfaces/cli/input/client.js";
import { unusedDao } from "../../../harness/unusedDao.js";

const block = Uint8Array.of(0xa0);

/** A network document that leads to a DAO that nobody has used. */
async function documented(change: object = {}) {
  const dir = await mkdtemp(join(tmpdir(), "witan-client-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const { deployment, methods, rpc } = await unusedDao();
  const network = join(dir, "network.json");
  await writeFile(network, JSON.stringify({ rpc, deployment, ...change }));
  return { network, rpc, methods };
}

/** Whether chain and content of a client were closed. */
async function isClosed({ chain, content }: Client): Promise<boolean> {
  const uses = await Promise.allSettled([chain.blockNumber(), content.put(block)]);
  return uses.every(({ status }) => status === "rejected");
}

describe("a command's client", () => {
  it("is of the document's network, gives what the work gives, and is closed afterwards", async () => {
    const { network } = await documented();
    let used: Client | undefined;
    const result = await withClient({ network }, async (client) => {
      used = client;
      expect(await client.chain.blockNumber()).toBe(1);
      return client.chain.chainId;
    });
    expect(result).toBe(31_337);
    expect(used && (await isClosed(used))).toBe(true);
  });

  it("is closed after work that fails, whose error the command gets", async () => {
    const { network } = await documented();
    let used: Client | undefined;
    const running = withClient({ network }, async (client) => {
      used = client;
      throw new Error("the proposal is over");
    });
    await expect(running).rejects.toThrow("the proposal is over");
    expect(used && (await isClosed(used))).toBe(true);
  });

  it("reaches the chain by the RPC address that was named, and not by the document's", async () => {
    const { network, rpc } = await documented({ rpc: "http://127.0.0.1:9" });
    await expect(withClient({ network }, async () => 1)).rejects.toMatchObject({ code: "rpc-unreachable" });
    expect(await withClient({ network, rpc }, async ({ chain }) => chain.blockNumber())).toBe(1);
  });

  it("is for reading without a key: nothing is sent, and the content is a store of its own", async () => {
    const { network, methods } = await documented();
    await withClient({ network }, async ({ account, chain, content }) => {
      expect([account, chain.signer]).toEqual([undefined, undefined]);
      expect(await content.has(await content.put(block))).toBe(true);
    });
    expect(methods).not.toContain("eth_sendRawTransaction");
  });

  it("sends blocks to the network's nodes with a key", async () => {
    const { network } = await documented();
    const signer = new Wallet(`0x${"07".repeat(32)}`);
    await withClient({ network, signer }, async ({ account, content }) => {
      expect(account).toBe(signer.address);
      await expect(content.put(block)).rejects.toMatchObject({
        code: "content-storage",
        details: "the network document names no gateway",
      });
    });
  });

  it("is not opened without a network document", async () => {
    let opened = false;
    const running = withClient({ network: "/nowhere/network.json" }, async () => {
      opened = true;
    });
    await expect(running).rejects.toMatchObject({ code: "config" });
    expect(opened).toBe(false);
  });
});
