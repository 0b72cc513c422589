import { describe, expect, it } from "vitest";
import { ProposalStateError } from "../../../src/client/index.js";
import type { Order } from "../../../src/records/index.js";
import { useGuardedDao } from "../../harness/client/daos.js";
import { failureOf } from "../../harness/dao.js";
import { shortTracks } from "../../harness/deploy.js";
import { proposalOf } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("queueProposal", () => {
  it("starts the timelock, and an early execution says how long it takes", async () => {
    const order: Order = { kind: "Scale", workload: "web", replicas: 3 };
    const { proposalId } = await dao.client(0).openProposal(proposalOf(dao, order));
    expect(await failureOf(dao.client().queueProposal({ proposalId }))).toMatchObject({ state: "Pending" });
    await dao.pass(proposalId);
    expect(await failureOf(dao.client().executeProposal({ proposalId }))).toBeInstanceOf(ProposalStateError);
    await dao.client(1).queueProposal({ proposalId });
    const early = await failureOf(dao.client().executeProposal({ proposalId }));
    expect(early).toBeInstanceOf(ProposalStateError);
    expect(early.message).toMatch(/timelock ends in \d+ s/);
    await dao.witan.increaseTime(shortTracks.operations.timelock);
    expect((await dao.client(2).executeProposal({ proposalId })).receipt).not.toBeNull();
  });
});
