import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ContentStore } from "../../../src/ports/content/index.js";
import { withAgentStore, withChosenStore } from "../../../src/surfaces/cli/store.js";

const block = Uint8Array.of(0xa0);
const address = `0x${"11".repeat(20)}`;
const names = ["NodeRegistry", "KnowledgeRegistry", "ModelRegistry", "ParameterRegistry", "DirectiveRegistry"];
const contracts = Object.fromEntries(
  [...names, "NodePresence", "HostRegistry", "PublisherRegistry", "NodeGovernor", "NodeTimelock"].map((name) => [
    name,
    address,
  ]),
);

/** An agent's configuration and a network document, of an agent and a chain that do not run. */
async function files(gateways: readonly string[] = []) {
  const dir = await mkdtemp(join(tmpdir(), "witan-store-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const config = join(dir, "config.json");
  const network = join(dir, "network.json");
  const chain = { rpcUrls: ["http://127.0.0.1:1"], chainId: 1, deployedAtBlock: 0, contracts };
  const agent = { name: "node", dataDir: join(dir, "data"), chain, keys: { agent: "agent.json" } };
  await writeFile(config, JSON.stringify({ ...agent, content: { peers: [] }, http: { port: 0 } }));
  const deployment = { chainId: 1, contracts, deployedAtBlock: 0 };
  await writeFile(network, JSON.stringify({ rpc: "http://127.0.0.1:1", deployment, gateways }));
  return { config, network };
}

/** The paths that a server on loopback was asked for; it has no block. */
async function emptyServer() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe("the store of an agent that does not run", () => {
  it("keeps what one command has put for the next one", async () => {
    const { config } = await files();
    const cid = await withAgentStore(config, (store) => store.put(block));
    expect(await withAgentStore(config, (store) => store.get(cid))).toEqual(block);
  });

  it("is released after work that fails", async () => {
    const { config } = await files();
    const failing = withAgentStore(config, async () => {
      throw new Error("no such pin");
    });
    await expect(failing).rejects.toThrow("no such pin");
    const cid = await withAgentStore(config, (store) => store.put(block));
    expect(await withAgentStore(config, (store) => store.has(cid))).toBe(true);
  });

  it("is not opened while another has it", async () => {
    const { config } = await files();
    const inner = withAgentStore(config, () => withAgentStore(config, async () => "both"));
    await expect(inner).rejects.toMatchObject({ code: "content-locked" });
  });

  it("is not opened without a configuration", async () => {
    await expect(withAgentStore("/nowhere/config.json", async () => 1)).rejects.toMatchObject({ code: "config" });
  });
});

describe("the store that the options name", () => {
  it("is one, not two", async () => {
    const { config, network } = await files();
    const both = withChosenStore({ config, network, kubo: "http://127.0.0.1:1" }, async () => 1);
    await expect(both).rejects.toMatchObject({ code: "invalid-input" });
  });

  it("is the node with Kubo's RPC if that is named, and the network is not read", async () => {
    const { asked, url } = await emptyServer();
    const putting = withChosenStore({ network: "/nowhere/network.json", kubo: url }, (store) => store.put(block));
    await expect(putting).rejects.toMatchObject({ code: expect.stringMatching(/^content-/) });
    expect(asked[0]).toMatch(/^\/api\/v0\//);
  });

  it("is the network's gateways otherwise", async () => {
    const { asked, url } = await emptyServer();
    const { network } = await files([url]);
    const cid = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
    const getting = withChosenStore({ network }, (store) => store.get(cid));
    await expect(getting).rejects.toMatchObject({ code: "content-missing" });
    expect(asked[0]).toContain(cid);
  });

  it("is empty if the network names no gateway, and is closed afterwards", async () => {
    const { network } = await files();
    let used: ContentStore | undefined;
    const cid = await withChosenStore({ network }, async (store) => {
      used = store;
      return store.put(block);
    });
    await expect(used?.get(cid)).rejects.toMatchObject({ code: "content-storage" });
  });
});
