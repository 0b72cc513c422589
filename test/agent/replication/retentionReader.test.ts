import { beforeEach, expect, it, onTestFinished } from "vitest";
import { ChainRetentionReader, type RetentionTerms } from "../../../src/agent/replication/retentionReader.js";
import { createClient } from "../../../src/client/index.js";
import { createChain, type FinalityRule, readHeader } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import type { ContentId, Order } from "../../../src/records/index.js";
import { startRpcProxy } from "../../faults/rpcProxy.js";
import { createTestDao, incidentOf, restartOrder, stateOf, type TestDao } from "../../harness/dao.js";
import { startHardhatNode } from "../../harness/deploy.js";

const HOUR = 3_600;
const replicas = { min: 2, max: 3 };
const idOf = (digit: string): ContentId => `0x${digit.repeat(64)}`;
const set = (name: string, value: number): Order => ({ kind: "SetParameter", name, value: `${value}` });

let setting: TestDao;
beforeEach(async () => {
  setting = await createTestDao({ nodes: 3 });
  onTestFinished(() => setting.close());
});

const termsOf = (finality: FinalityRule) => new ChainRetentionReader({ client: setting.client(0), finality, replicas });

async function decide(order: Order): Promise<void> {
  const { proposalId } = await setting.client(0).openProposal({ order });
  await setting.carryOut(proposalId);
}

/** One by one: of blocks that are mined in bulk the development chain keeps no state. */
async function mine(blocks: number): Promise<void> {
  for (let block = 0; block < blocks; block++) await setting.witan.mine();
}

/** The newest block whose records are past, by a look at every block. */
async function slowly(retain: number, { now }: RetentionTerms): Promise<number> {
  const { chain } = setting.client(0);
  let newest = -1;
  for (let block = chain.deployedAtBlock; block <= (await chain.blockNumber()); block++) {
    const header = await readHeader(chain, block);
    if (header !== undefined && now - header.time > retain) newest = block;
  }
  return newest;
}

it("are the defaults before any vote, with nothing past its time", async () => {
  const { rules, lastPastBlock, lastAllPastBlock } = await termsOf(1).read();
  expect(rules.replicas).toEqual(replicas);
  expect([...Object.values(lastPastBlock), lastAllPastBlock]).toEqual([-1, -1, -1, -1, -1]);
});

it("hold once the vote is final, and not before, nor after it was taken back", async () => {
  await mine(20);
  const terms = termsOf(10);
  await terms.read();
  const comeBack = await setting.witan.snapshot();
  await decide(set("replicas.max", 5));
  const heads = async () => (await terms.read()).rules.replicas.max;
  expect(await termsOf(1).read()).toMatchObject({ rules: { replicas: { min: 2, max: 5 } } });
  expect(await heads()).toBe(3);
  await comeBack();
  await setting.witan.increaseTime(100);
  await mine(30);
  expect(await heads()).toBe(3);
  await decide(set("replicas.max", 5));
  expect(await heads()).toBe(3);
  await mine(10);
  expect(await heads()).toBe(5);
});

it("find the block up to which records are past their time as a look at every block does, as time goes on", async () => {
  await decide(set("retain.State", 3 * HOUR));
  await decide(set("retain.Outcome", 5 * HOUR));
  const terms = termsOf(1);
  for (let times = 0; times < 12; times++) {
    const now = await terms.read();
    expect(now.lastPastBlock).toEqual({
      State: await slowly(3 * HOUR, now),
      Outcome: await slowly(5 * HOUR, now),
      Model: -1,
      Incident: -1,
    });
    // As long as a kind is kept for ever, no list is past its time.
    expect(now.lastAllPastBlock).toBe(-1);
    await setting.witan.increaseTime(HOUR);
    await mine(times % 4);
  }
  // Longer again: what was past is not any more, as far as it goes.
  await decide(set("retain.State", 8 * HOUR));
  const now = await terms.read();
  expect(now.lastPastBlock.State).toBe(await slowly(8 * HOUR, now));
  for (const kind of ["Model", "Incident"]) await decide(set(`retain.${kind}`, 6 * HOUR));
  const all = await terms.read();
  expect(all.lastAllPastBlock).toBe(await slowly(8 * HOUR, all));
  expect(all.lastAllPastBlock).toBeGreaterThan(0);
});

it("ask a chain that stands still for next to nothing, and go back for no endpoint that is behind", async () => {
  await decide(set("retain.State", HOUR));
  await setting.witan.increaseTime(5 * HOUR);
  const terms = termsOf(1);
  const before = await terms.read();
  const { provider } = setting.client(0).chain;
  const asked: string[] = [];
  const send = provider.send.bind(provider);
  provider.send = (method, params) => {
    asked.push(method);
    return send(method, params);
  };
  const comeBack = await setting.witan.snapshot();
  expect((await terms.read()).lastPastBlock).toEqual(before.lastPastBlock);
  expect(asked.sort()).toEqual(["eth_blockNumber", "eth_getBlockByNumber"]);
  await setting.witan.increaseTime(HOUR);
  const ahead = await terms.read();
  await comeBack();
  expect(await terms.read()).toMatchObject({ now: ahead.now, lastPastBlock: ahead.lastPastBlock });
});

it("keep what is accepted and what is cited, by the newest block and by the last final one", async () => {
  const terms = termsOf(10);
  const exempt = async () => [...(await (await terms.read()).readHolds(() => true))].sort();
  const accept = (model: ContentId, parent: ContentId | null): Order => ({
    kind: "AcceptModel",
    name: "mnist",
    model,
    parent,
    round: 1,
    accuracy: 0.9,
  });
  await decide(accept(idOf("1"), null));
  await mine(10);
  expect(await exempt()).toEqual([idOf("1")]);
  await decide(accept(idOf("2"), idOf("1")));
  expect(await exempt()).toEqual([idOf("1"), idOf("2")]);
  await mine(10);
  expect(await exempt()).toEqual([idOf("2")]);

  const evidence = [idOf("3")];
  const { proposalId } = await setting.client(0).openProposal({ order: restartOrder, evidence });
  expect(await exempt()).toEqual([idOf("2"), idOf("3")]);
  const directiveId = await setting.carryOut(proposalId);
  await mine(10);
  // Of the proposal nothing is to come; the directive is to be carried out.
  expect(await exempt()).toEqual([idOf("2"), idOf("3")]);
  const { records } = await setting
    .client(0)
    .anchorRecords({ records: [{ kind: "Incident", value: incidentOf("x") }] });
  const outcome = records[0]?.contentId;
  for (const index of [0, 1]) await setting.client(index).reportDirective({ directiveId, report: "done", outcome });
  expect(await exempt()).toEqual([idOf("2"), idOf("3")]);
  await mine(10);
  expect(await exempt()).toEqual([idOf("2")]);

  // And what is cited in vain, until the vote has ended.
  const again: Order = { kind: "Restart", replica: "web/9", instance: "web-9/1" };
  await setting.client(1).openProposal({ order: again, evidence: [idOf("4")] });
  await mine(10);
  expect(await exempt()).toEqual([idOf("2"), idOf("4")]);
  await setting.witan.increaseTime(10 * HOUR);
  await mine(10);
  expect(await exempt()).toEqual([idOf("2")]);
});

it("cannot be had where the chain does not answer in part, and then are as they were", async () => {
  const chainNode = await startHardhatNode();
  onTestFinished(() => chainNode.close());
  const its = await createTestDao({ node: chainNode, nodes: 2 });
  onTestFinished(() => its.close());
  const rpc = await startRpcProxy(chainNode.rpcUrl);
  onTestFinished(() => rpc.close());
  const chain = await createChain({ rpcUrl: rpc.url, ...its.witan.deployment });
  onTestFinished(() => chain.close());
  const client = createClient({ chain, content: createMemoryContent() });
  const terms = new ChainRetentionReader({ client, finality: 1, replicas });
  const { records } = await its.client(0).anchorRecords({
    records: [{ kind: "State", value: stateOf(its.witan.operators[0]?.address as `0x${string}`) }],
  });
  expect(records).toHaveLength(1);
  const { proposalId } = await its.client(0).openProposal({ order: set("replicas.max", 4) });
  await its.carryOut(proposalId);
  await terms.read();
  for (const refused of ["eth_call", "eth_getBlockByNumber"]) {
    await its.witan.mine(1);
    rpc.refuse = (method) => (method === refused ? { code: -32_000, message: "missing trie node" } : undefined);
    await expect(terms.read()).rejects.toMatchObject({ code: expect.stringMatching(/^rpc-/) });
    expect(terms.rules.replicas.max).toBe(4);
    rpc.refuse = undefined;
    await expect(terms.read()).resolves.toMatchObject({ rules: { replicas: { max: 4 } } });
  }
});
