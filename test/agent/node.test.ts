import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id, type Wallet } from "ethers";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { type AgentConfig, type AgentConfigInput, parseAgentConfig } from "../../src/agent/config.js";
import { DiskSpace, type DiskStatus } from "../../src/agent/maintenance/diskSpace.js";
import { type RunningNode, startNode } from "../../src/agent/node.js";
import { Instructions } from "../../src/agent/signing/instructions.js";
import { createClient } from "../../src/client/index.js";
import { createChain } from "../../src/ports/chain/index.js";
import { createMemoryContent } from "../../src/ports/content/index.js";
import { writeAccountKey } from "../../src/ports/keys/accountKeyFile.js";
import { sealEnvelope } from "../../src/ports/keys/envelope.js";
import { PAYLOAD_TOPIC } from "../../src/ports/keys/payloadTopic.js";
import { encodePayload } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { createLogger } from "../../src/utils/logger.js";
import { mayMount, smallDisk } from "../faults/smallDisk.js";
import { restartOrder } from "../harness/dao.js";
import { deployWitan, operatorKey, type Witan } from "../harness/deploy.js";
import { type HardhatNode, startHardhatNode } from "../harness/hardhatNode.js";
import { patience } from "../harness/patience.js";

const PASSWORD = "correct horse";
const silent = createLogger("silent", () => undefined);
let chainNode: HardhatNode;
let witan: Witan;
let folder: string;

beforeAll(async () => {
  chainNode = await startHardhatNode();
  witan = await deployWitan({ node: chainNode, nodes: 6 });
  folder = await mkdtemp(join(tmpdir(), "witan-node-"));
});
afterAll(async () => {
  await chainNode.close();
  await rm(folder, { recursive: true, force: true });
});

/** The configuration of a node that has no fleet and trains nothing. */
async function configOf(index: number, change: Partial<AgentConfigInput> = {}): Promise<AgentConfig> {
  const dir = await mkdtemp(join(folder, `node-${index}-`));
  const operator = join(dir, "operator.json");
  await writeAccountKey(operator, operatorOf(index), PASSWORD, { scryptN: 1024 });
  const input: AgentConfigInput = {
    name: `node-${index}`,
    dataDir: join(dir, "data"),
    chain: { rpcUrls: [chainNode.rpcUrl], ...witan.deployment },
    keys: { agent: operator },
    content: {},
    http: { port: 0 },
    cycleMs: 150,
    anchorEveryMs: 500,
    logLevel: "silent",
    ...change,
  };
  return parseAgentConfig(input, dir);
}

function operatorOf(index: number): Wallet {
  const wallet = witan.operators[index];
  if (wallet === undefined) throw new Error(`there is no node ${index}`);
  return wallet;
}

async function running(config: AgentConfig): Promise<RunningNode> {
  const node = await startNode(config, PASSWORD, silent);
  onTestFinished(() => node.stop());
  return node;
}

it("keeps the records, manifests and payloads that it wrote, whatever is collected", async () => {
  const { content, self, keepPayload } = await running(await configOf(0));
  const chain = await createChain({ rpcUrl: chainNode.rpcUrl, ...witan.deployment });
  onTestFinished(() => chain.close());
  const reader = createClient({ chain, content });
  const listed = () => reader.listRecords({ kind: "State", author: self });
  await expect.poll(async () => (await listed()).length, patience).toBeGreaterThan(1);
  const governor = chain.addresses.NodeGovernor;
  const payload = encodePayload({
    schema: "witan/directive/1",
    subject: "workload/web",
    order: { kind: "Scale", workload: "web", replicas: 3 },
  });
  const envelope = await sealEnvelope(
    operatorOf(0),
    { chainId: chain.chainId, governor, topic: PAYLOAD_TOPIC },
    Buffer.from(payload.bytes).toString("base64"),
  );
  const cid = await keepPayload(envelope);
  const stray = await content.put(new TextEncoder().encode("nobody's"));
  const before = await listed();
  expect(await content.gc({ graceMs: 0 })).toMatchObject({ removed: 1, missing: [] });
  expect([await content.has(cid), await content.has(stray)]).toEqual([true, false]);
  // From a client that has read nothing yet, so that manifests are read again too.
  const fresh = createClient({ chain, content });
  for (const { contentId } of before) await fresh.fetchRecord({ contentId, kind: "State" });
  const reasons = new Set<string>();
  for await (const { reason } of content.pins.list()) reasons.add(reason);
  expect(reasons).toEqual(new Set(["record", "manifest", "payload"]));
});

it("starts two nodes that anchor their states, and read one another's blocks", async () => {
  const first = await running(await configOf(0));
  const second = await running(await configOf(1, { content: { peers: first.content.multiaddrs() } }));
  await expect.poll(() => second.content.connections(), patience).toBe(1);
  const chain = await createChain({ rpcUrl: chainNode.rpcUrl, ...witan.deployment });
  onTestFinished(() => chain.close());
  // A client of the second node reads the first one's records over IPFS.
  const reader = createClient({ chain, content: second.content });
  const states = () => reader.listRecords({ kind: "State", author: first.self, limit: 1 });
  await expect.poll(async () => (await states()).length, patience).toBe(1);
  const [newest] = await states();
  const { value } = await reader.fetchRecord({ contentId: newest?.contentId ?? "0x", kind: "State" });
  expect(value).toMatchObject({ node: operatorOf(0).address, health: "healthy" });
  expect(await second.status()).toMatchObject({
    name: "node-1",
    agent: operatorOf(1).address,
    peers: 1,
    lastError: undefined,
    block: expect.any(Number),
    endpoints: [
      {
        label: expect.stringContaining("127.0.0.1"),
        isUsed: true,
        state: "ok",
        reason: null,
        block: expect.any(Number),
      },
    ],
    replication: { replicas: { min: 2, max: 3 }, belowMinimum: expect.any(Number), expired: 0 },
    maintenance: { lastGc: null, lastScrub: null, failing: [] },
  });
});

it("keeps a catalog, or none where it is told so", async () => {
  const [withOne, without] = [await configOf(0), await configOf(1, { catalog: false })];
  const nodes = [await running(withOne), await running(without)];
  expect(nodes.map(({ catalog }) => catalog !== undefined)).toEqual([true, false]);
  const files = async ({ dataDir }: AgentConfig) => await readdir(dataDir);
  expect(await files(withOne)).toContain("catalog.db");
  expect(await files(without)).not.toContain("catalog.db");
});

it("keeps a payload for a member, and nothing else for anybody", async () => {
  const node = await running(await configOf(0));
  const { chainId, contracts } = witan.deployment;
  const context = { chainId, governor: contracts.NodeGovernor, topic: PAYLOAD_TOPIC };
  const { bytes, cid } = encodePayload({ schema: "witan/directive/1", subject: "replica/web/3", order: restartOrder });
  const body = Buffer.from(bytes).toString("base64");
  expect(await node.keepPayload(await sealEnvelope(operatorOf(1), context, body))).toBe(cid);
  expect(await node.content.get(cid)).toEqual(bytes);

  const stranger = await sealEnvelope(operatorKey("a stranger"), context, body);
  await expect(node.keepPayload(stranger)).rejects.toMatchObject({ code: "invalid-input" });
  const elsewhere = await sealEnvelope(operatorOf(1), { ...context, chainId: 1 }, body);
  await expect(node.keepPayload(elsewhere)).rejects.toThrow("is not a member");
  const noPayload = await sealEnvelope(operatorOf(1), context, Buffer.from("hello").toString("base64"));
  await expect(node.keepPayload(noPayload)).rejects.toMatchObject({ code: "invalid-record" });
  await expect(node.keepPayload(new Uint8Array(3))).rejects.toMatchObject({ code: "bad-envelope" });
});

it("goes on from its folder as the same peer", async () => {
  const config = await configOf(0);
  const before = await startNode(config, PASSWORD, silent);
  const { peerId } = before.content;
  await before.stop();
  expect((await running(config)).content.peerId).toBe(peerId);
});

it("does not start with a wrong password", async () => {
  await expect(startNode(await configOf(0), "battery staple", silent)).rejects.toMatchObject({
    code: "wrong-password",
  });
});

it("does not start where the RPC is down, is another chain's, or has none of the contracts", async () => {
  const { deployment } = witan;
  const down = { chain: { ...deployment, rpcUrls: ["http://127.0.0.1:9"] } };
  await expect(startNode(await configOf(0, down), PASSWORD, silent)).rejects.toMatchObject({ code: "rpc-unreachable" });

  const other = await startHardhatNode({ chainId: 4_242 });
  onTestFinished(() => other.close());
  const wrong = { chain: { ...deployment, rpcUrls: [other.rpcUrl] } };
  await expect(startNode(await configOf(0, wrong), PASSWORD, silent)).rejects.toMatchObject({ code: "wrong-chain" });
  const bare = { chain: { ...deployment, deployedAtBlock: 0, chainId: 4_242, rpcUrls: [other.rpcUrl] } };
  await expect(startNode(await configOf(0, bare), PASSWORD, silent)).rejects.toMatchObject({ code: "not-deployed" });
});

it("leaves nothing open where it does not start: a task that is none, a listening port that is taken", async () => {
  const config = await configOf(0);
  const untaught = { ...config, learning: { task: "chess", index: 0, shards: 2, seed: 7 } };
  await expect(startNode(untaught, PASSWORD, silent)).rejects.toThrow('there is no task "chess"');
  // The folder of blocks is locked by the process that has it open.
  const node = await running(config);

  const listen = node.content.multiaddrs().map((address) => address.replace(/\/p2p\/.*/, ""));
  const clash = await configOf(1, { content: { listen } });
  await expect(startNode(clash, PASSWORD, silent)).rejects.toMatchObject({ code: "content-storage" });
  await running({ ...clash, content: { ...clash.content, listen: ["/ip4/127.0.0.1/tcp/0"] } });
});

/** A proposal that the operator of a node has told it to vote For, and that is not active before `activate`. */
async function instructed({ dataDir }: AgentConfig, which = "") {
  const chain = await createChain({ rpcUrl: chainNode.rpcUrl, ...witan.deployment, signer: operatorOf(1) });
  onTestFinished(() => chain.close());
  const client = createClient({ chain, content: createMemoryContent() });
  const order = {
    kind: "Scale",
    // Of its own: the vote on an order that is open already is the same vote.
    workload: `w${id(`${dataDir}${which}`).slice(2, 14)}`,
    replicas: 4,
  } as const;
  const { proposalId } = await client.openProposal({ order });
  await new Instructions(dataDir).write(proposalId, "for");
  return {
    proposalId,
    ballots: () => client.listBallots({ proposalId }),
    async activate() {
      const { start } = await client.getProposal({ proposalId });
      await witan.increaseTime(Math.max(1, start - (await chain.now()) + 1));
    },
  };
}

it.skipIf(!mayMount)(
  "votes on a full disk, says that it is full, and goes on once there is room (ENOSPC; needs root)",
  async () => {
    using disk = smallDisk(48 * 1024 * 1024);
    const dataDir = join(disk.dir, "data");
    const sizes = { reserveBytes: 128 * 1024, lowSpaceBytes: 1024 * 1024 };
    // A node that has never acted: another would sign nothing new in an empty folder.
    const config = await configOf(2, { dataDir, disk: sizes });
    const node = await startNode(config, PASSWORD, silent);
    const status = async () => (await node.status()) as { disk: DiskStatus; cycle: number; waitingRecords: number };
    await expect.poll(status, patience).toMatchObject({ cycle: expect.any(Number), disk: { state: "ok" } });
    const { activate, ballots, proposalId } = await instructed(config);
    disk.fill();
    await expect.poll(async () => (await status()).disk.state, patience).toBe("full");
    await expect(node.content.putFile([Buffer.alloc(1_000)], { keep: "model" })).rejects.toMatchObject({
      code: "disk-full",
    });
    await activate();
    await expect.poll(ballots, patience).toMatchObject([{ voter: operatorOf(2).address, support: "for" }]);
    expect((await readFile(join(dataDir, "ballots.jsonl"), "utf8")).trim().split("\n")).toMatchObject([
      expect.stringContaining(proposalId),
    ]);
    disk.free();
    await expect
      .poll(status, patience)
      .toMatchObject({ disk: { state: "ok", reserveBytes: sizes.reserveBytes }, lastError: undefined });
    await node.stop();
  },
);

it.skipIf(!mayMount)(
  "starts on a full disk, in the room of its reserve, and votes there (ENOSPC; needs root)",
  async () => {
    using disk = smallDisk(48 * 1024 * 1024);
    const sizes = { reserveBytes: 1024 * 1024, lowSpaceBytes: 2 * 1024 * 1024 };
    // A node that has never acted, whose reserve an earlier attempt has taken.
    const config = await configOf(4, { dataDir: join(disk.dir, "data"), disk: sizes, catalog: false });
    await DiskSpace.open({ ...sizes, dir: config.dataDir, clock: systemClock, logger: silent });
    const { activate, ballots } = await instructed(config);
    disk.fill();
    const node = await startNode(config, PASSWORD, silent);
    expect(await node.status()).toMatchObject({ disk: { state: "full" }, signing: { state: "signing" } });
    await activate();
    await expect.poll(ballots, patience).toMatchObject([{ voter: operatorOf(4).address, support: "for" }]);
    await node.stop();
  },
);

it("keeps a second process out of its data folder before that changes anything in it", async () => {
  const config = await configOf(0);
  const node = await running(config);
  await expect.poll(async () => ((await node.status()) as { cycle: number }).cycle, patience).toBeGreaterThan(0);
  const torn = '{"torn":';
  await writeFile(join(config.dataDir, "transactions.jsonl"), torn, { flag: "a" });
  const second = startNode({ ...config, http: { ...config.http, port: 0 } }, PASSWORD, silent);
  await expect(second).rejects.toMatchObject({ code: "content-locked" });
  // Opening the journal would have cut the line, under the hands of the first.
  expect(await readFile(join(config.dataDir, "transactions.jsonl"), "utf8")).toContain(torn);
});

it("signs nothing on what is open once a journal of its votes was cut at a line end, and says so", async () => {
  const config = await configOf(5);
  const first = await instructed(config);
  const before = await startNode(config, PASSWORD, silent);
  await first.activate();
  await expect.poll(first.ballots, patience).toHaveLength(1);
  await before.stop();
  const second = await instructed(config, "second");
  await writeFile(join(config.dataDir, "ballots.jsonl"), "");
  const node = await running(config);
  await second.activate();
  await expect
    .poll(() => node.status(), patience)
    .toMatchObject({
      damage: [expect.stringContaining("lacks the last 1 lines")],
      signing: { restore: { why: "rolled-back", lost: 1 }, unsaved: null },
    });
  expect(await second.ballots()).toEqual([]);
});

it("starts with a damaged journal of ballots: it records, and signs no ballot, and says why", async () => {
  const config = await configOf(3);
  await mkdir(config.dataDir, { recursive: true });
  await writeFile(join(config.dataDir, "ballots.jsonl"), '{"proposalId":"1","supp\n{"proposalId":"2"}\n');
  const { activate, ballots } = await instructed(config);
  const node = await running(config);
  await activate();
  const reason = expect.stringContaining("ballots.jsonl");
  await expect.poll(() => node.status(), patience).toMatchObject({ damage: [reason], waitingRecords: 0 });
  await expect.poll(async () => ((await node.status()) as { cycle: number }).cycle, patience).toBeGreaterThan(3);
  expect(await ballots()).toEqual([]);
});
