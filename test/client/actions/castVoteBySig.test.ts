import { describe, expect, it } from "vitest";
import { createClientContext, signBallot } from "../../../src/client/index.js";
import type { Address, Hex } from "../../../src/records/index.js";
import { useGuardedDao } from "../../harness/client/daos.js";
import { openVote, scaleOf } from "../../harness/client/directives.js";
import { failureOf } from "../../harness/dao.js";
import { newcomer } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("castVoteBySig", () => {
  it("counts signed ballots from any sender, with or without a reason", async () => {
    const proposalId = await openVote(dao, { order: scaleOf("web") });
    const plain = await dao.client(1).signBallot({ proposalId, support: "for" });
    const reasoned = await dao.client(2).signBallot({ proposalId, support: "against", reason: "it answers me" });
    for (const ballot of [plain, reasoned]) {
      expect(dao.client(0).verifyBallot(ballot)).toBe(true);
      await dao.client(0).castVoteBySig({ ballot });
    }
    expect(await dao.client().getProposal({ proposalId })).toMatchObject({ votes: { for: 1, against: 1 } });
    expect(await dao.client().listBallots({ proposalId })).toMatchObject([
      { voter: plain.voter, support: "for", reason: "" },
      { voter: reasoned.voter, support: "against", reason: "it answers me" },
    ]);
    expect(await failureOf(dao.client(3).castVoteBySig({ ballot: plain }))).toMatchObject({
      errorName: "GovernorAlreadyCastVote",
    });
  });

  it("refuses ballots that were changed, or signed for another chain or governor", async () => {
    const proposalId = await openVote(dao, { order: scaleOf("web") });
    const ballot = await dao.client(1).signBallot({ proposalId, support: "for" });
    const { content, chain } = dao.client(1);
    const elsewhere = createClientContext({ content, chain: { ...chain, chainId: 1 } });
    const foreign = await signBallot(elsewhere, { proposalId, support: "for" });
    const otherGovernor = await signBallot(
      createClientContext({
        content,
        chain: { ...chain, addresses: { ...chain.addresses, NodeGovernor: newcomer.address as Address } },
      }),
      { proposalId, support: "for" },
    );
    for (const bad of [
      { ...ballot, support: "against" as const },
      { ...ballot, voter: dao.client(2).account as Address },
      { ...ballot, reason: "added" },
      { ...ballot, signature: `${ballot.signature.slice(0, -4)}0000` as Hex },
      { ...ballot, signature: "0x12" as Hex },
      foreign,
      otherGovernor,
    ]) {
      expect(dao.client(0).verifyBallot(bad)).toBe(false);
      expect(await failureOf(dao.client(0).castVoteBySig({ ballot: bad }))).toMatchObject({
        errorName: "GovernorInvalidSignature",
      });
    }
    const reader = await dao.connect();
    expect(await failureOf(reader.signBallot({ proposalId, support: "for" }))).toMatchObject({ kind: "read-only" });
  });
});
