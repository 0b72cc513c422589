import { describe, expect, it } from "vitest";
import type { Address, Order } from "../../../src/records/index.js";
import { restartOrder, useTestDao } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";
import { proposalOf } from "../../harness/orders.js";

const dao = useTestDao({ nodes: 5, guardian: operatorKey(4).address as Address });
const input = (order: Order) => proposalOf(dao, order);

describe("watchProposals", () => {
  it("tells each change from opening to execution, and goes on from a cursor", async () => {
    const stop = new AbortController();
    const changes = dao.client(4).watchProposals({ signal: stop.signal });
    const { proposalId } = await dao.client(0).openProposal(input(restartOrder));
    await dao.carryOut(proposalId);
    const seen = [];
    while (seen.length < 7) seen.push((await changes.next()).value);
    expect(seen.map((change) => change?.change)).toEqual([
      "opened",
      "voted",
      "voted",
      "voted",
      "voted",
      "queued",
      "executed",
    ]);
    expect(new Set(seen.map((change) => change?.proposalId))).toEqual(new Set([proposalId]));
    const cursor = seen[4]?.event;
    const rest = dao.client(3).watchProposals({ signal: stop.signal, ...(cursor === undefined ? {} : { cursor }) });
    expect((await rest.next()).value?.change).toBe("queued");
    stop.abort();
    expect((await changes.next()).done).toBe(true);
  });
});
