import { describe, expect, it } from "vitest";
import { type NodeBallot, type Support, schemeOf } from "../../../src/client/index.js";
import { ballotOf } from "../../harness/client/ballots.js";
import { openVote, restartOf, scaleOf } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";

const dao = useTestDao();

const opened = (workload: string) => openVote(dao, { order: scaleOf(workload) });

describe("ballots that one node brings for many", () => {
  it.each(["bls", "account"] as const)("count together, signed by %s", async (by) => {
    const proposalId = await opened(`by-${by}`);
    const supports: Support[] = ["for", "against", "abstain", "for"];
    const ballots = await Promise.all(supports.map((support, i) => ballotOf(dao, 3 - i, proposalId, support, by)));
    expect(ballots.map(schemeOf)).toEqual([by, by, by, by]);
    const { logs } = await dao.client(4).castVotes({ proposalId, ballots });
    expect(logs.map(({ name }) => name)).toEqual(["BallotsCounted"]);
    const cast = await dao.client().listBallots({ proposalId });
    expect(cast.map(({ index, support }) => [index, support])).toEqual([
      [0, "for"],
      [1, "abstain"],
      [2, "against"],
      [3, "for"],
    ]);
    await expect(dao.client(4).castVotes({ proposalId, ballots })).rejects.toMatchObject({
      errorName: "GovernorNothingNew",
    });
  });

  it.each(["bls", "account"] as const)("count where some of them count already, signed by %s", async (by) => {
    const proposalId = await opened(`again-${by}`);
    const ballots = await Promise.all([0, 1, 2].map((index) => ballotOf(dao, index, proposalId, "against", by)));
    await dao.client(4).castVotes({ proposalId, ballots: ballots.slice(0, 1) });
    await dao.client(1).castVote({ proposalId, support: "for", reason: "by hand, and otherwise" });
    await dao.client(4).castVotes({ proposalId, ballots });
    const cast = await dao.client().listBallots({ proposalId });
    expect(cast.map(({ index, support }) => [index, support])).toEqual([
      [0, "against"],
      [1, "for"],
      [2, "against"],
    ]);
  });

  it("are refused on a claim of fact where one is not For", async () => {
    const proposalId = await openVote(dao, { order: restartOf("web/1") });
    const ballots = [await ballotOf(dao, 0, proposalId, "for"), await ballotOf(dao, 1, proposalId, "against")];
    const cast = dao.client(4).castVotes({ proposalId, ballots });
    await expect(cast).rejects.toMatchObject({ errorName: "GovernorClaimOfFact" });
  });

  it("are refused before anything is sent where they do not belong together", async () => {
    const [one, other] = [await opened("one"), await opened("other")];
    const good = await ballotOf(dao, 0, one, "for");
    const cast = (...ballots: NodeBallot[]) => dao.client(4).castVotes({ proposalId: one, ballots });
    await expect(cast()).rejects.toThrow("there is at least one");
    await expect(cast(good, await ballotOf(dao, 1, one, "for", "account"))).rejects.toThrow("signed in one way");
    await expect(cast(good, { ...good, index: 1, signature: new Uint8Array(95) })).rejects.toThrow("signed in one way");
    await expect(cast(good, await ballotOf(dao, 1, other, "for"))).rejects.toThrow("on one proposal");
    await expect(cast(good, await ballotOf(dao, 0, one, "against"))).rejects.toThrow("A node has one ballot.");
    const operators = await ballotOf(dao, 0, one, "for", "account");
    const many = Array.from({ length: 2_001 }, (_, index) => ({ ...operators, index }));
    await expect(cast(...many)).rejects.toThrow("A transaction takes 2000 ballots, not 2001.");
  });

  it("are refused by the contracts if one signature is not of its ballot", async () => {
    const proposalId = await opened("lie");
    const ballots = [await ballotOf(dao, 0, proposalId, "for"), await ballotOf(dao, 1, proposalId, "for")];
    const lie = ballots.map((ballot) => ({ ...ballot, support: "against" as const }));
    await expect(dao.client(4).castVotes({ proposalId, ballots: lie })).rejects.toMatchObject({
      errorName: "NodeRegistryInvalidSignature",
    });
  });
});
