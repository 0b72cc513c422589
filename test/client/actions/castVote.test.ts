import { describe, expect, it } from "vitest";
import { useGuardedDao } from "../../harness/client/daos.js";
import { failureOf, restartOrder } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";
import { proposalOf } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("castVote", () => {
  it("refuses accounts that may not vote, second votes, unknown supports and long reasons", async () => {
    const { proposalId } = await dao.client(0).openProposal(proposalOf(dao, restartOrder));
    await dao.witan.increaseTime(1);
    await dao.client(0).castVote({ proposalId, support: "abstain" });
    const again = await failureOf(dao.client(0).castVote({ proposalId, support: "for" }));
    expect(again).toMatchObject({ errorName: "GovernorAlreadyCastVote", args: { voter: dao.client(0).account } });
    const stranger = await dao.connect(operatorKey("stranger"));
    expect(await failureOf(stranger.castVote({ proposalId, support: "for" }))).toMatchObject({
      errorName: "GovernorNotMember",
    });
    const reader = await dao.connect();
    expect(await failureOf(reader.castVote({ proposalId, support: "for" }))).toMatchObject({ kind: "read-only" });
    const odd = { proposalId, support: "maybe" } as unknown as Parameters<typeof reader.castVote>[0];
    expect(await failureOf(dao.client(1).castVote(odd))).toMatchObject({ code: "invalid-input" });
    const wordy = { proposalId, support: "for", reason: "x".repeat(1_025) } as const;
    expect(await failureOf(dao.client(1).castVote(wordy))).toMatchObject({ code: "invalid-input" });
  });
});
