import { describe, expect, it } from "vitest";
import { useGuardedDao } from "../../harness/client/daos.js";
import { openVote, scaleOf } from "../../harness/client/directives.js";
import { restartOrder } from "../../harness/dao.js";
import { shortTracks } from "../../harness/deploy.js";
import { proposalOf } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("watchProposals", () => {
  it("tells each change from opening to execution, and goes on from a cursor", async () => {
    const stop = new AbortController();
    const changes = dao.client(4).watchProposals({ signal: stop.signal });
    const { proposalId } = await dao.client(0).openProposal(proposalOf(dao, restartOrder));
    await dao.carryOut(proposalId);
    const seen = [];
    while (seen.length < 6) seen.push((await changes.next()).value);
    expect(seen.map((change) => change?.change)).toEqual(["opened", "voted", "voted", "voted", "queued", "executed"]);
    expect(new Set(seen.map((change) => change?.proposalId))).toEqual(new Set([proposalId]));
    const cursor = seen[3]?.event;
    const rest = dao.client(3).watchProposals({ signal: stop.signal, ...(cursor === undefined ? {} : { cursor }) });
    expect((await rest.next()).value?.change).toBe("queued");
    stop.abort();
    expect((await changes.next()).done).toBe(true);
  });

  it("tells that a vote closes later, since enough nodes voted For when it was about to close", async () => {
    const stop = new AbortController();
    const changes = dao.client(4).watchProposals({ signal: stop.signal });
    const proposalId = await openVote(dao, { order: scaleOf("web") });
    const { deadline } = await dao.client().getProposal({ proposalId });
    await dao.client(0).castVote({ proposalId, support: "for" });
    await dao.witan.increaseTime(deadline - (await dao.client().chain.now()) - 20);
    await dao.client(1).castVote({ proposalId, support: "for" });
    const extended = await dao.client().getProposal({ proposalId });
    expect(extended.state).toBe("Active");
    expect(extended.deadline - deadline).toBeGreaterThanOrEqual(shortTracks.operations.votingPeriod / 6);
    const seen = [];
    while (seen.length < 4) seen.push((await changes.next()).value);
    expect(seen.map((change) => change?.change).sort()).toEqual(["extended", "opened", "voted", "voted"]);
    stop.abort();
  });
});
