import { expect, it, onTestFinished } from "vitest";
import { createClient } from "../../../src/client/index.js";
import { createChain } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import type { Order } from "../../../src/records/index.js";
import { createSetting } from "../../client/setting.js";

const DEEP = 32;
const scale = (replicas: number): Order => ({ kind: "Scale", workload: "web", replicas });

/** A reader of a DAO that counts what it asks of the contracts. */
async function reading() {
  const setting = await createSetting({ nodes: 3 });
  onTestFinished(() => setting.close());
  const { witan } = setting;
  let calls = 0;
  const chain = await createChain({
    provider: {
      request(request) {
        if (request.method === "eth_call") calls += 1;
        return witan.provider.request(request);
      },
    },
    ...witan.deployment,
    pollMs: 5,
  });
  onTestFinished(() => chain.close());
  const client = createClient({ chain, content: createMemoryContent() });
  return {
    setting,
    witan,
    client,
    async counted<T>(work: () => Promise<T>): Promise<{ answer: T; calls: number }> {
      const before = calls;
      const answer = await work();
      return { answer, calls: calls - before };
    },
    open: async (replicas: number) =>
      (await setting.client().openProposal({ order: scale(replicas), evidence: [] })).proposalId,
  };
}

it("asks no more of what has ended, however much there is, once that is deep enough", async () => {
  const { client, counted, open, setting, witan } = await reading();
  for (let replicas = 1; replicas <= 5; replicas++) await setting.carryOut(await open(replicas));
  const running = await open(6);
  const open_ = () => client.listProposals({ states: ["Pending", "Active"] });
  const issued = () => client.listDirectives({ statuses: ["Issued"] });
  const first = await counted(open_);
  expect(first.answer.map(({ id }) => id)).toEqual([running]);
  expect((await counted(issued)).answer).toHaveLength(5);
  await witan.increaseTime(7_200);
  expect(await issued()).toEqual([]);

  await witan.mine(DEEP + 1);
  const again = await counted(open_);
  // All lapsed by now, the last one undecided: each is asked for once more.
  expect(again.calls).toBeGreaterThanOrEqual(6);
  await issued();
  await witan.mine(DEEP + 1);
  await open_();
  expect(await counted(issued)).toEqual({ answer: [], calls: 0 });
  expect(await counted(open_)).toEqual({ answer: [], calls: 0 });
  const lapsed = await counted(() => client.listDirectives({ statuses: ["Lapsed"] }));
  expect(lapsed).toMatchObject({ answer: { length: 5 }, calls: 0 });

  const fresh = await open(7);
  const one = await counted(open_);
  expect(one.answer.map(({ id }) => id)).toEqual([fresh]);
  // The state of one, and then all of it.
  expect(one.calls).toBeLessThan(10);
});

it("sees what a reorganisation has taken back, though it had ended", async () => {
  const { client, open, setting, witan } = await reading();
  const proposalId = await open(1);
  await setting.pass(proposalId);
  const back = await witan.snapshot();
  const { eta } = await setting.client().queueProposal({ proposalId });
  await witan.increaseTime(Math.max(1, eta - (await client.chain.now())));
  await setting.client().executeProposal({ proposalId });
  for (let times = 0; times < 3; times++) {
    expect(await client.listProposals({ states: ["Executed"] })).toHaveLength(1);
    await witan.mine(DEEP / 4);
  }
  await back();
  expect(await client.listProposals({ states: ["Executed"] })).toEqual([]);
  expect(await client.listProposals({ states: ["Succeeded"] })).toMatchObject([{ id: proposalId }]);
});
