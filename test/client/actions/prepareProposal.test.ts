import { describe, expect, it } from "vitest";
import { parseSalt, WINDOW_SECONDS } from "../../../src/records/index.js";
import { issue, restartOf, scaleOf } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";

const dao = useTestDao({ nodes: 3 });

describe("the proposal of an order", () => {
  it("is the same on every node, which opens what it prepared", async () => {
    const prepared = await Promise.all(dao.clients.map((client) => client.prepareProposal({ order: scaleOf("web") })));
    expect(new Set(prepared.map(({ proposalId }) => proposalId)).size).toBe(1);
    const { proposalId } = await dao.client(1).openProposal({ order: scaleOf("web") });
    expect(proposalId).toBe(prepared[0]?.proposalId);
    expect(await dao.client(2).prepareProposal({ order: scaleOf("web") })).toEqual(prepared[2]);
  });

  it("names the last order on its subject, also where that was of another kind", async () => {
    const first = await issue(dao, { order: scaleOf("web") });
    const rollback = { kind: "Rollback", workload: "web", from: `0x${"ab".repeat(32)}`, to: null } as const;
    const { directive, directiveId } = await dao.client().prepareProposal({ order: rollback });
    expect(directive.base).toBe(first);
    expect(await issue(dao, { order: rollback })).toBe(directiveId);
    expect((await dao.client().prepareProposal({ order: scaleOf("api") })).directive.base).toMatch(/^0x0+$/);
  });

  it("is another in the next window where votes begin at once, and the same where they do not", async () => {
    const client = dao.client();
    const windowOf = async (order: Parameters<typeof client.prepareProposal>[0]["order"]) =>
      parseSalt((await client.prepareProposal({ order })).directive.salt).window;
    const before = await windowOf(restartOf("web/1"));
    await dao.witan.increaseTime(WINDOW_SECONDS);
    expect((await windowOf(restartOf("web/1"))) - before).toBe(1n);
    expect(await windowOf(scaleOf("web"))).toBe(0n);
  });
});
