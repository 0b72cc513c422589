import { describe, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../../src/client/index.js";
import { createChain } from "../../../src/ports/chain/index.js";
import { estimatesOnLatest } from "../../faults/rpcFaults.js";
import { startRpcProxy } from "../../faults/rpcProxy.js";
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

  it("takes effect in the block that opens the vote, also on a node that estimates gas on the block before", async () => {
    const { deployment, operators, provider } = dao.witan;
    const proxy = await startRpcProxy(provider);
    const signer = operators[1];
    const chain = await createChain({ rpcUrl: proxy.url, ...deployment, signer, pollMs: 5 });
    onTestFinished(async () => {
      chain.close();
      await proxy.close();
    });
    proxy.add(estimatesOnLatest());
    const client = createClient({ chain, content: dao.content });
    const { proposalId } = await dao.client().openProposal({ order: scaleOf("early") });
    const { start } = await client.getProposal({ proposalId });
    await provider.request({ method: "evm_increaseTime", params: [start - (await chain.now()) + 2] });
    expect(await client.getProposal({ proposalId })).toMatchObject({ state: "Active" });
    await client.castVote({ proposalId, support: "for" });
    expect(await client.getProposal({ proposalId })).toMatchObject({ votes: { for: 1 } });
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
