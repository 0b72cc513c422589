import { describe, expect, it } from "vitest";
import { useGuardedDao } from "../../harness/client/daos.js";
import { restartOrder } from "../../harness/dao.js";
import { proposalOf } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("watchProposals", () => {
  it("tells each change from opening to execution, and goes on from a cursor", async () => {
    const stop = new AbortController();
    const changes = dao.client(4).watchProposals({ signal: stop.signal });
    const { proposalId } = await dao.client(0).openProposal(proposalOf(dao, restartOrder));
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
