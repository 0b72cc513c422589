import { describe, expect, it } from "vitest";
import type { Order } from "../../../src/records/index.js";
import { createAggregateSender } from "../../harness/aggregates.js";
import { useChangingDao } from "../../harness/client/daos.js";
import { AGENT_PERIOD, ban, openVote, rotate } from "../../harness/client/directives.js";
import { accountOf } from "../../harness/client/records.js";
import { blsKey } from "../../harness/deploy.js";

/** Decided on the constitution's track: slowly, and never early. */
const slow: Order = { kind: "SetParameter", name: "learning.rounds", value: "10" };
const other: Order = { ...slow, value: "20" };

describe("listBallots", () => {
  const dao = useChangingDao(7);

  const account = (index: number) => accountOf(dao, index);
  const rotatedKey = (index: number) => blsKey(`rotated ${index}`);

  const open = (order: Order) => openVote(dao, { order });

  const ballotsOn = async (proposalId: string) =>
    (await dao.client(2).listBallots({ proposalId })).map(({ voter, index, support, reason }) => [
      voter,
      index,
      support,
      reason,
    ]);

  it("lists aggregated ballots one by one, beside single ballots", async () => {
    const together = createAggregateSender(dao);
    const proposalId = await open(slow);
    const aggregate = await together.aggregate(proposalId, { for: [3, 0], against: [1], abstain: [5] });
    const batch = await together.batch(proposalId, [
      [2, "for"],
      [6, "against"],
    ]);
    const alone = await dao.client(4).castVote({ proposalId, support: "abstain", reason: "seen by hand" });

    const ballots = await dao.client(1).listBallots({ proposalId });
    const [a, b, c] = [aggregate, batch, alone].map(({ hash, blockNumber }) => ({
      transactionHash: hash,
      blockNumber,
    }));
    expect(ballots).toEqual([
      { voter: account(0), index: 0, support: "for", reason: "", ...a },
      { voter: account(1), index: 1, support: "against", reason: "", ...a },
      { voter: account(3), index: 3, support: "for", reason: "", ...a },
      { voter: account(5), index: 5, support: "abstain", reason: "", ...a },
      { voter: account(2), index: 2, support: "for", reason: "", ...b },
      { voter: account(6), index: 6, support: "against", reason: "", ...b },
      { voter: account(4), index: 4, support: "abstain", reason: "seen by hand", ...c },
    ]);
    const { votes } = await dao.client().getProposal({ proposalId });
    for (const support of ["for", "against", "abstain"] as const)
      expect(ballots.filter((ballot) => ballot.support === support)).toHaveLength(votes[support]);
  });

  it("lists no ballots of another proposal", async () => {
    const together = createAggregateSender(dao);
    const [first, second] = [await open(slow), await open(other)];
    await together.aggregate(first, { for: [0] });
    await together.aggregate(second, { against: [0, 1] });
    await dao.client(2).castVote({ proposalId: second, support: "for" });
    expect(await ballotsOn(first)).toEqual([[account(0), 0, "for", ""]]);
    expect(await ballotsOn(second)).toEqual([
      [account(0), 0, "against", ""],
      [account(1), 1, "against", ""],
      [account(2), 2, "for", ""],
    ]);
  });

  it("lists the same ballots after a voter is removed or rotates its key, with the index of their epoch", async () => {
    await dao.witan.increaseTime(AGENT_PERIOD);
    const before = await open(slow);
    await createAggregateSender(dao).aggregate(before, { for: [0], against: [1], abstain: [3] });
    await ban(dao, 1);
    await rotate(dao, 3, "rotated 3");
    await rotate(dao, 6, "rotated 6");
    // Their committee is that of the opening.
    await dao.client(6).castVote({ proposalId: before, support: "for", reason: "late" });
    expect(await ballotsOn(before)).toEqual([
      [account(0), 0, "for", ""],
      [account(1), 1, "against", ""],
      [account(3), 3, "abstain", ""],
      [account(6), 6, "for", "late"],
    ]);

    const after = await open(other);
    const newKeys = createAggregateSender(dao, (index) =>
      index === 7 ? rotatedKey(3) : (dao.witan.blsKeys[index] ?? rotatedKey(6)),
    );
    await newKeys.aggregate(after, { for: [7, 0] });
    await dao.client(6).castVote({ proposalId: after, support: "against", reason: "by hand" });
    expect(await ballotsOn(after)).toEqual([
      [account(0), 0, "for", ""],
      [account(3), 7, "for", ""],
      [account(6), 8, "against", "by hand"],
    ]);
  });

  it("lists the same ballots that watchers of proposals are notified of", async () => {
    const stop = new AbortController();
    const changes = dao.client(4).watchProposals({ signal: stop.signal });
    const proposalId = await open(slow);
    await createAggregateSender(dao).aggregate(proposalId, { for: [0, 1] });
    await dao.client(2).castVote({ proposalId, support: "for" });
    const seen = [];
    while (seen.length < 3) seen.push((await changes.next()).value);
    expect(seen.map((change) => [change?.change, change?.event.name, change?.proposalId])).toEqual([
      ["opened", "ProposalCreated", proposalId],
      ["voted", "BallotsCounted", proposalId],
      ["voted", "VoteCast", proposalId],
    ]);
    stop.abort();
    expect((await changes.next()).done).toBe(true);
  });
});
