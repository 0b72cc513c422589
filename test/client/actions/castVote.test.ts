import { describe, expect, it } from "vitest";
import { useGuardedDao } from "../../harness/client/daos.js";
import { openVote, restartOf, scaleOf } from "../../harness/client/directives.js";
import { failureOf } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";

const dao = useGuardedDao();

describe("castVote", () => {
  it("refuses accounts that may not vote, second votes, unknown supports and long reasons", async () => {
    const proposalId = await openVote(dao, { order: scaleOf("web") });
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

  it.each(["against", "abstain"] as const)(
    "refuses %s on a claim of fact, on which a node votes For or not at all",
    async (support) => {
      const proposalId = await openVote(dao, { order: restartOf("web/1") });
      const refused = await failureOf(dao.client(1).castVote({ proposalId, support }));
      expect(refused).toMatchObject({ errorName: "GovernorClaimOfFact" });
      await dao.client(1).castVote({ proposalId, support: "for" });
      expect(await dao.client().getProposal({ proposalId })).toMatchObject({
        rules: { claim: true },
        votes: { for: 1, against: 0, abstain: 0 },
      });
    },
  );
});
