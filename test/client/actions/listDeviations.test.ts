import { describe, expect, it } from "vitest";
import { NO_CONTENT } from "../../../src/ports/chain/index.js";
import type { Order } from "../../../src/records/index.js";
import { issue, restartOf, scaleOf } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";
import { deploySpec } from "../../harness/workloads.js";

const dao = useTestDao({ nodes: 3 });
const flag: Order = { kind: "SetFlag", name: "learning", value: true };

describe("what others would open too", () => {
  it.each([flag, scaleOf("web"), restartOf("web/1")])("is what openProposal opened: $kind", async (order) => {
    const { proposalId } = await dao.client(0).openProposal({ order });
    const proposal = await dao.client(1).getProposal({ proposalId });
    expect(await dao.client(1).listDeviations({ proposal })).toEqual([]);
  });

  it("is the next attempt after one that has ended", async () => {
    await issue(dao, { order: flag });
    const { proposalId } = await dao.client().openProposal({ order: flag });
    const proposal = await dao.client().getProposal({ proposalId });
    expect(await dao.client().listDeviations({ proposal })).toEqual([]);
  });
});

describe("what others would not open", () => {
  it("takes effect later, or may be carried out for longer, than what they would", async () => {
    const client = dao.client();
    const deviationsOf = async (delay: number, window: number) =>
      client.listDeviations({ proposal: await client.prepareProposal({ order: restartOf("web/1"), delay, window }) });
    expect(await deviationsOf(0, 600)).toEqual([]);
    expect(await deviationsOf(0xffff_ffff, 600)).toEqual(["it takes effect 4294967295 s after its issue, not at once"]);
    expect(await deviationsOf(0, 3_600)).toEqual(["it may be carried out for 3600 s, not for 600 s"]);
  });

  it("may be carried out for longer than a month, where the mesh does so by stages", async () => {
    const client = dao.client();
    const deviationsOf = async (window: number) =>
      client.listDeviations({
        proposal: await client.prepareProposal({ order: deploySpec("web", "v1"), window }),
        isPlaced: true,
      });
    expect(await deviationsOf(3_600)).toEqual([]);
    expect(await deviationsOf(31 * 86_400)).toEqual(["it may be carried out for 2678400 s, not for 2592000 s at most"]);
  });

  it("skips an attempt", async () => {
    const { proposalId } = await dao.client().openProposal({ order: flag, attempt: 1 });
    const proposal = await dao.client().getProposal({ proposalId });
    expect(await dao.client().listDeviations({ proposal })).toEqual(["attempt 0 of the same order was never opened"]);
  });

  it("is out of date since another order on its subject was issued, which the registry refuses too", async () => {
    const client = dao.client();
    const { proposalId } = await client.openProposal({ order: scaleOf("web") });
    const last = await issue(dao, { order: { kind: "Scale", workload: "web", replicas: 2 } });
    const proposal = await client.getProposal({ proposalId });
    expect(await client.listDeviations({ proposal })).toEqual([`another order on its subject was issued: ${last}`]);
    await expect(dao.carryOut(proposalId)).rejects.toMatchObject({
      errorName: "DirectiveRegistryStaleBase",
      args: { last },
    });
  });
});

it("finds nothing in a proposal that issues no directive", async () => {
  const proposal = { calls: [], descriptionHash: NO_CONTENT, directive: null };
  expect(await dao.client().listDeviations({ proposal })).toEqual([]);
});
