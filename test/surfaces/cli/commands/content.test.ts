import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import type { AgentConfigInput } from "../../../../src/agent/config.js";
import {
  type ContentStore,
  createGatewayContent,
  createGatewayHandler,
  createMemoryContent,
  MAX_BLOCK_BYTES,
} from "../../../../src/ports/content/index.js";
import { encodeSafetensors, float32Tensor } from "../../../../src/records/index.js";
import { content, parseDuration } from "../../../../src/surfaces/cli/commands/content.js";
import { model } from "../../../../src/surfaces/cli/commands/model.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { pullModel } from "../../../../src/surfaces/cli/modelFile.js";
import { alterOnDisk, bytesOf, openDisk, startNode, startServer } from "../../../ports/content/contentNodes.js";
import { kuboLikeServer } from "../../../ports/content/drivers/kuboServer.js";
import { run } from "../../network.js";

const NOBODY = `0x${"11".repeat(20)}` as const;

/** An agent's folder and configuration, without an agent that runs. */
async function agentFolder(peers: readonly string[] = []) {
  const dir = await mkdtemp(join(tmpdir(), "witan-content-cli-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const dataDir = join(dir, "data");
  const names = ["NodeRegistry", "KnowledgeRegistry", "ModelRegistry", "ParameterRegistry", "DirectiveRegistry"];
  const contracts = Object.fromEntries(
    [...names, "NodePresence", "HostRegistry", "PublisherRegistry", "NodeGovernor", "NodeTimelock"].map((name) => [
      name,
      NOBODY,
    ]),
  );
  const input: AgentConfigInput = {
    name: "node",
    dataDir,
    chain: {
      rpcUrls: ["http://127.0.0.1:1"],
      chainId: 1,
      deployedAtBlock: 0,
      contracts: contracts as AgentConfigInput["chain"]["contracts"],
    },
    keys: { agent: "agent.json" },
    content: { peers: [...peers] },
    http: { port: 0 },
  };
  const config = join(dir, "config.json");
  await writeFile(config, JSON.stringify(input));
  return { dir, dataDir, args: ["--config", config] };
}

/** What a store holds, put before a command looks at it. */
async function filled<T>(dataDir: string, fill: (store: ContentStore) => Promise<T>): Promise<T> {
  const store = await openDisk(dataDir);
  const result = await fill(store);
  await store.close();
  return result;
}

const json = (out: string) => JSON.parse(out);
const weights = () => encodeSafetensors([float32Tensor("w", [600_000], new Float32Array(600_000).fill(0.5))]);

it("lists what a store keeps and why, and how much it holds in all", async () => {
  const { dataDir, args } = await agentFolder();
  const cid = await filled(dataDir, async (store) => {
    await store.put(bytesOf(10));
    return store.put(bytesOf(1_000), { keep: "record" });
  });
  const { out } = await run(content, "pins", ...args);
  expect(out).toMatch(new RegExp(`record +${cid} +block +20`));
  expect(out).toContain("1 pins; 2 blocks, 1010 B in all");
  const listed = json((await run(content, "pins", ...args, "--json")).out);
  expect(listed).toMatchObject({ blocks: 2, bytes: 1_010, pins: [{ name: `record/${cid}`, reason: "record" }] });
  expect(json((await run(content, "pins", ...args, "--json", "--reason", "model")).out).pins).toEqual([]);
});

it("collects what nothing keeps, after it was asked what that is, and no sooner than a day", async () => {
  const { dataDir, args } = await agentFolder();
  const [kept, loose] = await filled(dataDir, async (store) => [
    await store.put(bytesOf(10), { keep: "record" }),
    await store.put(bytesOf(2_048, 2)),
  ]);
  expect(json((await run(content, "gc", ...args, "--json")).out)).toMatchObject({ kept: 1, spared: 1, removed: 0 });
  const tried = await run(content, "gc", ...args, "--grace", "0s", "--dry-run");
  expect(tried.out).toContain("would go  1 blocks, 2.0 KiB");
  expect((await run(content, "gc", ...args, "--grace", "0s")).out).toContain("removed  1 blocks, 2.0 KiB");
  const store = await openDisk(dataDir);
  expect([await store.has(kept), await store.has(loose)]).toEqual([true, false]);
});

it("scans offline and names what is lost, drops what is given up, and collects again", async () => {
  const { dataDir, args } = await agentFolder();
  const { cid } = await filled(dataDir, (store) => store.putFile([bytesOf(2 * MAX_BLOCK_BYTES)], { keep: "model" }));
  await alterOnDisk(dataDir, cid);
  const scanned = await run(content, "scrub", ...args, "--offline");
  expect(scanned.code).toBe(ExitCodes.unavailable);
  expect(scanned.out).toContain(`${cid}  model/${cid}`);
  const blocked = await run(content, "gc", ...args, "--grace", "0s", "--json");
  expect(blocked.code).toBe(ExitCodes.unavailable);
  expect(json(blocked.out)).toMatchObject({ removed: 0, missing: [{ cid, pins: [`model/${cid}`] }] });
  expect((await run(content, "unpin", `model/${cid}`, ...args)).out).toContain(`model/${cid}`);
  expect((await run(content, "unpin", `model/${cid}`, ...args)).code).toBe(ExitCodes.usage);
  expect(json((await run(content, "gc", ...args, "--grace", "0s", "--json")).out)).toMatchObject({ removed: 2 });
});

it("scans with its peers, and heals", async () => {
  const peer = await startNode();
  const cid = await peer.put(bytesOf(1_000));
  const { dataDir, args } = await agentFolder(peer.multiaddrs());
  await filled(dataDir, (store) => store.put(bytesOf(1_000), { keep: "record" }));
  await alterOnDisk(dataDir, cid);
  const scanned = await run(content, "scrub", ...args, "--json");
  expect(json(scanned.out)).toMatchObject({ blocks: 1, bad: 1, healed: 1, lost: [] });
});

it("says that an agent holds the folder, and what a time is", async () => {
  const { dataDir, args } = await agentFolder();
  await openDisk(dataDir);
  const refused = await run(content, "pins", ...args);
  expect(refused.code).toBe(ExitCodes.unavailable);
  expect(refused.error).toMatchObject({ hints: [expect.stringContaining("the agent of this node")] });
  expect((await run(content, "gc", ...args, "--grace", "soon")).code).toBe(ExitCodes.usage);
  expect(["90s", "30m", "24h", "7d"].map(parseDuration)).toEqual([90_000, 1_800_000, 86_400_000, 604_800_000]);
});

it("pushes weights into an agent's store and pulls them out again, whole and kept", async () => {
  const { dir, dataDir, args } = await agentFolder();
  const [file, out] = [join(dir, "in.safetensors"), join(dir, "out.safetensors")];
  await writeFile(file, weights());
  const pushed = json((await run(model, "push", file, ...args, "--json")).out);
  expect(pushed).toMatchObject({ bytes: weights().length });
  const pulled = await run(model, "pull", pushed.cid, "--out", out, "--sha256", pushed.sha256, ...args, "--json");
  expect(json(pulled.out)).toEqual({ ...pushed, resumed: 0, out });
  expect(Buffer.compare(await readFile(out), weights())).toBe(0);
  const store = await openDisk(dataDir);
  expect(await store.pins.get(`model/${pushed.cid}`)).toMatchObject({ reason: "model", scope: "tree" });
});

it("pushes to a node with Kubo's RPC, and pulls from a gateway of the network", async () => {
  const { dir } = await agentFolder();
  const file = join(dir, "in.safetensors");
  await writeFile(file, weights());
  const { url, blocks } = await kuboLikeServer();
  const { cid, sha256 } = json((await run(model, "push", file, "--kubo", url, "--json")).out);
  const answer = createGatewayHandler(createMemoryContent(blocks));
  const gateway = await startServer(async (request, response) => {
    const { status, headers, body } = await answer(request.url ?? "/", request.headers.accept);
    response.writeHead(status, headers).end(body);
  });
  const store = createGatewayContent({ urls: [gateway] });
  const out = join(dir, "out.safetensors");
  expect(await pullModel({ content: store, cid, out, sha256 })).toMatchObject({ cid, sha256, resumed: 0 });
  expect((await run(model, "pull", cid, "--out", out, "--kubo", url)).out).toContain(sha256);
});

it("goes on where a pull was cut off, and fetches nothing twice", async () => {
  const { dir } = await agentFolder();
  const memory = createMemoryContent();
  const { cid, sha256, bytes } = await memory.putFile([weights()]);
  const out = join(dir, "out.safetensors");
  let asked = 0;
  const cut = Object.assign(createMemoryContent(), {
    openFile: async (name: string) => {
      const file = await memory.openFile(name);
      return {
        ...file,
        async *read(options = {}) {
          for await (const chunk of file.read(options)) {
            if (asked++ === 1) throw new Error("the line is cut");
            yield chunk;
          }
        },
      };
    },
  });
  await expect(pullModel({ content: cut, cid, out })).rejects.toThrow("the line is cut");
  expect(await readdir(dir)).not.toContain("out.safetensors");
  expect(await pullModel({ content: cut, cid, out, sha256 })).toEqual({ cid, sha256, bytes, resumed: MAX_BLOCK_BYTES });
  expect(asked).toBe(1 + Math.ceil(bytes / MAX_BLOCK_BYTES));
  expect(Buffer.compare(await readFile(out), weights())).toBe(0);
  expect((await readdir(dir)).filter((name) => name.endsWith(".part"))).toEqual([]);
});

it("refuses what an earlier attempt left where it is not of the file, whether or not a sha256 is given", async () => {
  const { dir } = await agentFolder();
  const memory = createMemoryContent();
  const { cid, sha256 } = await memory.putFile([weights()]);
  const out = join(dir, "out.safetensors");
  for (const given of [undefined, sha256]) {
    const left = weights().subarray(0, 1_500_000).slice();
    left[1_000_000] = 77;
    await writeFile(`${out}.${cid.slice(-12)}.part`, left);
    await expect(pullModel({ content: memory, cid, out, sha256: given })).rejects.toMatchObject({ kind: "corrupt" });
    expect(await pullModel({ content: memory, cid, out, sha256: given })).toMatchObject({ resumed: 0 });
  }
  await writeFile(`${out}.${cid.slice(-12)}.part`, bytesOf(weights().length + 1));
  expect(await pullModel({ content: memory, cid, out })).toMatchObject({ resumed: 0 });
});

it("takes no file that is no safetensors file, in or out, and no sha256 that is another's", async () => {
  const { dir, args } = await agentFolder();
  const file = join(dir, "in.bin");
  await writeFile(file, bytesOf(5_000));
  expect((await run(model, "push", file, ...args)).code).toBe(ExitCodes.usage);
  expect((await run(model, "push", join(dir, "none"), ...args)).code).toBe(ExitCodes.usage);
  expect((await run(model, "push", file)).code).toBe(ExitCodes.usage);
  const memory = createMemoryContent();
  const noise = await memory.putFile([bytesOf(3_000_000)]);
  const out = join(dir, "out");
  await expect(pullModel({ content: memory, cid: noise.cid, out })).rejects.toMatchObject({ code: "invalid-record" });
  const { cid } = await memory.putFile([weights()]);
  const other = `0x${"00".repeat(32)}` as const;
  await expect(pullModel({ content: memory, cid, out, sha256: other })).rejects.toMatchObject({ kind: "corrupt" });
  expect((await readdir(dir)).filter((name) => name.startsWith("out"))).toEqual([]);
});

it("pins content from now on, until it is unpinned", async () => {
  const { dataDir, args } = await agentFolder();
  const cid = await filled(dataDir, (store) => store.put(bytesOf(10)));
  expect((await run(content, "pin", cid, ...args, "--block")).out).toContain(`operator/${cid}`);
  expect(json((await run(content, "gc", ...args, "--grace", "0s", "--json")).out)).toMatchObject({
    kept: 1,
    removed: 0,
  });
  await run(content, "unpin", `operator/${cid}`, ...args);
  expect(json((await run(content, "gc", ...args, "--grace", "0s", "--json")).out)).toMatchObject({
    kept: 0,
    removed: 1,
  });
});

it.each([
  ["list", "pins"],
  ["collect", "gc"],
  ["scan", "scrub"],
  ["drop", "unpin"],
])("answers to `%s` as to `%s`, and says so on stderr alone", async (before, now) => {
  const { dataDir, args } = await agentFolder();
  const cid = await filled(dataDir, (store) => store.put(bytesOf(10), { keep: "record" }));
  const rest = [
    ...(now === "unpin" ? [`record/${cid}`] : []),
    ...(now === "scrub" ? ["--offline"] : []),
    ...args,
    "--json",
  ];
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => stderr.mockRestore());
  const { out, code } = await run(content, before, ...rest);
  expect(code).toBe(ExitCodes.ok);
  expect(json(out)).toBeTypeOf("object");
  expect(stderr.mock.calls.map(String).join("")).toContain(`\`witan content ${now}\``);
});
