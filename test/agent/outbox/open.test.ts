import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import type { Outbox } from "../../../src/agent/outbox/outbox.js";
import { type Client, createClient } from "../../../src/client/index.js";
import { createChain } from "../../../src/ports/chain/index.js";
import type { ContentId, State } from "../../../src/records/index.js";
import { pruned, stuckAt } from "../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../faults/rpcProxy.js";
import { createTestDao, incidentOf, stateOf, type TestDao } from "../../harness/dao.js";
import { anchorJointRoot } from "../../harness/jointAnchors.js";

/** Deeper than any reorganisation here. */
const FINAL_BLOCKS = 25;
const DEPTHS = Array.from({ length: 20 }, (_, i) => i + 1);

let setting: TestDao;
let path: string;
beforeAll(async () => {
  setting = await createTestDao({ nodes: 2 });
  path = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
});
afterAll(() => setting.close());

const open = () => openOutbox({ path, client: setting.client(0), finality: FINAL_BLOCKS });

/** How many anchors of the node hold a record, by the chain and the manifests. */
async function anchorsOf(contentId: ContentId): Promise<number> {
  const listed = await (await setting.connect()).listRecords({ limit: 1_000 });
  return listed.filter((record) => record.contentId === contentId).length;
}

describe("an outbox on a chain that is reorganised", () => {
  it.each(DEPTHS)("sends again what a reorganisation of depth %i took back, once", async (depth) => {
    const before = await open();
    const { contentId } = await before.submit("Incident", incidentOf(`reorg/${depth}`));
    const comeBack = await setting.witan.snapshot();
    const first = await before.flush();
    await setting.witan.mine(depth - 1);
    expect(await before.review()).toEqual([]);
    expect(before.unsettled).toBe(1);
    await before.close();

    await comeBack();
    // Other blocks than those that were there.
    await setting.witan.increaseTime(100 + depth);
    const after = await open();
    expect(after.anchorOf(contentId)).toEqual(first);
    const again = await after.review();
    expect(again.map(({ root }) => root)).toEqual([first?.root]);
    expect(after.unsettled).toBe(1);
    expect(await anchorsOf(contentId)).toBe(1);
    expect(await after.review()).toEqual([]);

    await setting.witan.mine(FINAL_BLOCKS - 2);
    await after.review();
    expect(after.unsettled).toBe(1);
    await setting.witan.mine(1);
    await after.review();
    expect([after.waiting, after.unsettled]).toEqual([0, 0]);
    await after.close();

    const later = await open();
    expect([later.waiting, later.unsettled]).toEqual([0, 0]);
    expect(await anchorsOf(contentId)).toBe(1);
    await later.close();
  });

  it("leaves alone what waits while it sends again what was taken back", async () => {
    const outbox = await open();
    const gone = await outbox.submit("Incident", incidentOf("reorg/gone"));
    const comeBack = await setting.witan.snapshot();
    await outbox.flush();
    await comeBack();
    await setting.witan.increaseTime(50);
    const waiting = await outbox.submit("Incident", incidentOf("reorg/waiting"));
    expect((await outbox.review()).map(({ root }) => root)).toEqual([outbox.anchorOf(gone.contentId)?.root]);
    expect([outbox.waiting, outbox.anchorOf(waiting.contentId)]).toEqual([1, undefined]);
    await outbox.flush();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 2]);
    expect(await Promise.all([gone, waiting].map(({ contentId }) => anchorsOf(contentId)))).toEqual([1, 1]);
    await outbox.close();
  });

  describe("behind an RPC that is wrong for a moment", () => {
    let proxy: RpcProxy;
    let client: Client;
    let outbox: Outbox;
    let errors: unknown[];
    beforeAll(async () => {
      proxy = await startRpcProxy(setting.witan.provider);
    });
    beforeEach(async () => {
      const [signer] = setting.witan.operators;
      const chain = await createChain({ rpcUrl: proxy.url, ...setting.witan.deployment, signer, pollMs: 5 });
      client = createClient({ chain, content: setting.content });
      errors = [];
      const file = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
      outbox = await openOutbox({ path: file, client, finality: FINAL_BLOCKS, onError: (error) => errors.push(error) });
    });
    afterEach(async () => {
      proxy.heal();
      await outbox.close();
      client.chain.close();
    });
    afterAll(() => proxy.close());

    it("settles anchors though the node has dropped the state of the last final block", async () => {
      proxy.add(pruned(3));
      await outbox.submit("Incident", incidentOf("pruned"));
      await outbox.flush();
      await setting.witan.mine(FINAL_BLOCKS - 2);
      await outbox.review();
      expect(outbox.unsettled).toBe(1);
      await setting.witan.mine(1);
      await outbox.review();
      expect(outbox.unsettled).toBe(0);
    });

    it("settles joint anchors too, each once this node's own part is final", async () => {
      proxy.add(pruned(3));
      const [own, other] = [0, 1].map((index) => stateOf(setting.client(index).account ?? "0x")) as [State, State];
      await outbox.submit("State", own);
      const offer = await outbox.offer("State");
      const written = { 0: [{ kind: "State", value: own }], 1: [{ kind: "State", value: other }] } as const;
      // The other node is there first; this one joins when that is final.
      const { anchorAgain, batches, id, message } = await anchorJointRoot(setting, written, { signers: [1] });
      const root = offer?.root ?? "0x";
      expect(batches[0]?.root).toBe(root);
      expect(await outbox.noteSigned(root, { id, index: 0, deadline: message.deadline })).toBe(true);
      await setting.witan.mine(FINAL_BLOCKS);
      const { blockNumber, hash } = await anchorAgain([0]);
      await outbox.noteAnchored({ root, blockNumber, transactionHash: hash, joint: { id, index: 0 } });
      await setting.witan.mine(FINAL_BLOCKS - 2);
      await outbox.review();
      expect(outbox.unsettled).toBe(1);
      await setting.witan.mine(1);
      expect(await outbox.review()).toEqual([]);
      expect(outbox.unsettled).toBe(0);
    });

    it("does not take a node that is behind for one that has lost the anchor", async () => {
      await outbox.submit("Incident", incidentOf("behind"));
      const first = await outbox.flush();
      await setting.witan.mine(2);
      const heal = proxy.add(stuckAt((first?.blockNumber ?? 0) - 1));
      expect(await outbox.review()).toEqual([]);
      expect(outbox.unsettled).toBe(1);
      heal();
      expect(await outbox.review()).toEqual([]);
    });

    it("sends again what was taken back though nothing can be said of another anchor", async () => {
      await outbox.submit("Incident", incidentOf("unknown"));
      const unknown = await outbox.flush();
      const comeBack = await setting.witan.snapshot();
      const { contentId } = await outbox.submit("Incident", incidentOf("gone"));
      const gone = await outbox.flush();
      await comeBack();
      await setting.witan.increaseTime(30);
      proxy.refuse = (method, [call]) =>
        method === "eth_call" && JSON.stringify(call).includes(unknown?.root.slice(2) ?? "-")
          ? { code: -32_000, message: "internal error" }
          : undefined;
      expect((await outbox.review()).map(({ root }) => root)).toEqual([gone?.root]);
      expect(await anchorsOf(contentId)).toBe(1);
      expect(errors).toMatchObject([{ kind: "rpc-error" }]);
      await expect(outbox.review()).rejects.toMatchObject({ kind: "rpc-error" });
    });
  });

  it("asks the chain what is final where nobody has said", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
    const outbox = await openOutbox({ path: file, client: setting.client(1) });
    await outbox.submit("Incident", incidentOf("finalized"));
    await outbox.flush();
    await setting.witan.mine(70);
    await outbox.review();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 0]);
    await outbox.close();
  });
});
