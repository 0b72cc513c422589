import { describe, expect, it } from "vitest";
import { isRevert } from "../../../src/ports/chain/index.js";
import { type Order, parseSalt, trackOfKind } from "../../../src/records/index.js";
import { useGuardedDao } from "../../harness/client/daos.js";
import { restartOf } from "../../harness/client/directives.js";
import { failureOf, restartOrder } from "../../harness/dao.js";
import { operatorKey, shortTracks } from "../../harness/deploy.js";
import { evidence, orders, proposalOf, release } from "../../harness/orders.js";

const dao = useGuardedDao();

const rollback: Order = { kind: "Rollback", workload: "web", from: release.sha256, to: null };
const flagTo = (value: boolean): Order => ({ kind: "SetFlag", name: "learning", value });
const scaleTo = (replicas: number): Order => ({ kind: "Scale", workload: "web", replicas });

describe("openProposal", () => {
  it("opens every kind on its track, and it is read back and found in agreement", async () => {
    const tally: string[] = [];
    for (const [i, order] of orders.entries()) {
      const client = dao.client(i % 5);
      const opened = await client.openProposal(proposalOf(dao, order));
      expect(opened.opened).toBe(true);
      const proposal = await dao.client((i + 1) % 5).getProposal({ proposalId: opened.proposalId, withPayload: true });
      expect(proposal).toMatchObject({
        id: opened.proposalId,
        track: trackOfKind(order.kind),
        proposer: client.account,
        directive: opened.directive,
        directiveId: opened.directiveId,
        payload: opened.payload,
        evidence: [...evidence].sort(),
        votes: { for: 0, against: 0, abstain: 0 },
        eta: null,
        calls: opened.calls,
        rules: { committeeSize: 5 },
        transactionHash: opened.transactionHash,
      });
      const { payload } = proposal;
      if (payload === undefined) throw new Error("the payload was asked for");
      expect(client.checkProposal({ proposal, payload })).toEqual([]);
      tally.push(`${order.kind} ${proposal.track}`);
      expect(JSON.parse(JSON.stringify(proposal))).toEqual(proposal);
    }
    expect(new Set(tally).size).toBe(14);
  });

  it("opens none to suspend a seat that never was", async () => {
    const before = (await dao.client().listProposals()).length;
    const opening = dao.client().openProposal({ order: { kind: "Suspend", indices: [4, 5, 7] } });
    await expect(opening).rejects.toThrow("There is no node 5, 7: 5 were admitted, from 0 on.");
    expect(await dao.client().listProposals()).toHaveLength(before);
  });

  it("opens one proposal for five nodes that see one incident at one moment", async () => {
    const opened = await Promise.all(dao.clients.map((client) => client.openProposal(proposalOf(dao, restartOrder))));
    expect(new Set(opened.map(({ proposalId }) => proposalId)).size).toBe(1);
    expect(opened.filter(({ opened }) => opened)).toHaveLength(1);
    expect(new Set(opened.map(({ openedBy }) => openedBy)).size).toBe(1);
    expect(new Set(opened.map(({ transactionHash }) => transactionHash)).size).toBe(1);
    const created = await dao.client().chain.events({ names: ["ProposalCreated"] });
    expect(created.filter(({ args }) => args.proposalId.toString() === opened[0]?.proposalId)).toHaveLength(1);
  });

  it("finds a proposal that is still in the pending block", async () => {
    const rpc = (method: string, ...params: unknown[]) => dao.witan.provider.request({ method, params });
    await rpc("evm_setAutomine", false);
    const first = dao.client(0).openProposal(proposalOf(dao, restartOrder));
    while (((await rpc("eth_pendingTransactions")) as unknown[]).length === 0) await dao.client().chain.now();
    const second = dao.client(1).openProposal(proposalOf(dao, restartOrder));
    await dao.client().chain.now();
    await dao.witan.mine();
    await rpc("evm_setAutomine", true);
    expect(await first).toMatchObject({ opened: true });
    expect(await second).toMatchObject({ opened: false, openedBy: dao.client(0).account });
  });

  it("finds a proposal that is open without a transaction", async () => {
    await dao.client(0).openProposal(proposalOf(dao, restartOrder));
    const before = await dao.client().chain.blockNumber();
    const again = await dao.client(1).openProposal(proposalOf(dao, restartOrder));
    expect(again).toMatchObject({ opened: false, openedBy: dao.client(0).account, receipt: null });
    expect(await dao.client().chain.blockNumber()).toBe(before);
  });

  it("opens for members alone, a bounded number at a time", async () => {
    const stranger = await dao.connect(operatorKey("stranger"));
    expect(await failureOf(stranger.openProposal(proposalOf(dao, restartOrder)))).toMatchObject({
      errorName: "GovernorInsufficientProposerVotes",
    });
    const flood = (n: number) => dao.client(0).openProposal(proposalOf(dao, restartOf(`web/${n}`)));
    for (let n = 0; n < shortTracks.emergency.openLimit; n++) await flood(n);
    const error = await failureOf(flood(99));
    expect(isRevert(error, "GovernorTooManyOpenProposals")).toBe(true);
    expect(error.args).toMatchObject({ limit: 8n, proposer: dao.client(0).account });
  });

  it.each<[string, Order[]]>([
    ["a rollback of one release, twice", [rollback, rollback]],
    ["a flag, set, cleared and set again", [flagTo(true), flagTo(false), flagTo(true)]],
    ["replicas, scaled there and back", [scaleTo(3), scaleTo(2), scaleTo(3)]],
    ["a replica, restarted twice", [restartOrder, restartOrder]],
  ])("gives the same order again once it was carried out: %s", async (_what, given) => {
    const ids: string[] = [];
    for (const [i, order] of given.entries()) {
      const opened = await dao.client(i).openProposal({ order, evidence });
      expect(opened.opened).toBe(true);
      ids.push(await dao.carryOut(opened.proposalId));
    }
    expect(new Set(ids).size).toBe(given.length);
    const issued = await dao.client().listDirectives();
    expect(issued.map(({ id }) => id)).toEqual([...ids].reverse());
  });

  it("gives an order again that was voted down, while one that may still pass is joined", async () => {
    const first = await dao.client(0).openProposal({ order: flagTo(true) });
    expect(await dao.client(1).openProposal({ order: flagTo(true) })).toMatchObject({
      ...first,
      opened: false,
      receipt: null,
    });
    const { deadline } = await dao.client().getProposal(first);
    await dao.witan.increaseTime(deadline - (await dao.client().chain.now()) + 1);
    const second = await dao.client(1).openProposal({ order: flagTo(true) });
    expect(second.opened).toBe(true);
    expect([first, second].map(({ directive }) => parseSalt(directive.salt).attempt)).toEqual([0, 1]);
    await dao.carryOut(second.proposalId);
  });

  it("opens the attempt that its caller names", async () => {
    const { directive, opened } = await dao.client().openProposal({ order: flagTo(true), attempt: 7 });
    expect([opened, parseSalt(directive.salt)]).toEqual([true, { window: 0n, attempt: 7 }]);
  });

  it("opens anew what a reorganisation undid", async () => {
    const back = await dao.witan.snapshot();
    const { proposalId } = await dao.client(0).openProposal(proposalOf(dao, restartOrder));
    expect((await dao.client(1).listProposals()).map((proposal) => proposal.id)).toEqual([proposalId]);
    await back();
    expect(await dao.client(1).listProposals()).toEqual([]);
    expect(await dao.client(1).openProposal(proposalOf(dao, restartOrder))).toMatchObject({ opened: true });
  });
});
