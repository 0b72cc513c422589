import { describe, expect, it } from "vitest";
import { OpenProposals } from "../../../src/agent/ballots/openProposals.js";
import { type Client, type Proposal, type ProposalState, UnknownProposalError } from "../../../src/client/index.js";
import { stepped } from "../../harness/clock.js";

const minute = 60_000;
const proposalOf = (id: string, state: ProposalState): Proposal => ({ id, state, rules: { epoch: 3 } }) as Proposal;

/** The open votes of a node on a chain that has these proposals, by id. */
function open(onChain: Record<string, ProposalState> = {}) {
  const clock = stepped();
  const reads: string[] = [];
  const client = {
    listOpenedProposalIds: async () => {
      reads.push("ids");
      return Object.keys(onChain);
    },
    getProposal: async ({ proposalId }: { proposalId: string }) => {
      reads.push(proposalId);
      const state = onChain[proposalId];
      if (state === undefined) throw new UnknownProposalError(proposalId);
      return proposalOf(proposalId, state);
    },
  } as unknown as Client;
  return { clock, client, onChain, reads, votes: new OpenProposals(client, clock, { has: () => true }) };
}

describe("a vote as it was last read", () => {
  it("takes ballots that count while it is active, and ballots that will count while it is pending", () => {
    const { votes } = open();
    const [active, pending, passed] = [
      proposalOf("1", "Active"),
      proposalOf("2", "Pending"),
      proposalOf("3", "Succeeded"),
    ];
    votes.update([active, pending, passed]);
    expect(votes.active).toEqual([active]);
    expect(["1", "2", "3", "4"].map((id) => votes.get(id))).toEqual([active, undefined, undefined, undefined]);
    expect(["1", "2", "3", "4"].map((id) => votes.standingOf(id))).toMatchObject([
      { epoch: 3, open: true },
      { epoch: 3, open: true },
      { epoch: 3, open: false },
      undefined,
    ]);
  });

  it("is forgotten with the next snapshot, and remembered as closed where it has ended", () => {
    const { votes } = open();
    votes.update([proposalOf("1", "Active"), proposalOf("2", "Active")]);
    votes.update([proposalOf("2", "Active")]);
    expect(votes.standingOf("1")).toBeUndefined();
    votes.end("1");
    expect(votes.standingOf("1")).toEqual({ epoch: 0, open: false });
    // A reorganisation brings it back.
    votes.update([proposalOf("1", "Active")]);
    expect(votes.standingOf("1")).toMatchObject({ epoch: 3, open: true });
  });
});

describe("votes of which ballots are held", () => {
  it("have ended where the snapshot says so: the chain is not asked", async () => {
    const { reads, votes } = open();
    votes.update([proposalOf("1", "Active"), proposalOf("2", "Pending"), proposalOf("3", "Queued")]);
    votes.end("4");
    expect(await votes.ended(["1", "2", "3", "4"])).toEqual(["3", "4"]);
    expect(reads).toEqual([]);
  });

  it("have ended where they left the snapshot and the chain has another state", async () => {
    const { votes } = open({ 1: "Executed", 2: "Defeated", 3: "Canceled" });
    expect(await votes.ended(["1", "2", "3"])).toEqual(["1", "2", "3"]);
  });

  it("go on where they were opened after the snapshot", async () => {
    const { clock, votes } = open({ 1: "Active", 2: "Pending" });
    for (let minutes = 0; minutes <= 20; minutes += 5) {
      expect(await votes.ended(["1", "2"])).toEqual([]);
      clock.pass(5 * minute);
    }
  });

  it("are given up after ten minutes in which nobody has opened them, whatever happens to the wall clock", async () => {
    const { clock, votes } = open();
    expect(await votes.ended(["1"])).toEqual([]);
    clock.stepWall(60 * minute);
    expect(await votes.ended(["1"])).toEqual([]);
    clock.stepWall(-120 * minute);
    clock.pass(10 * minute - 1);
    expect(await votes.ended(["1"])).toEqual([]);
    clock.pass(1);
    expect(await votes.ended(["1"])).toEqual(["1"]);
  });

  it("have ten minutes anew where they were known in between, or nobody asked for them", async () => {
    const { clock, votes } = open();
    await votes.ended(["1", "2"]);
    clock.pass(6 * minute);
    votes.update([proposalOf("1", "Active")]);
    await votes.ended(["1"]);
    votes.update([]);
    clock.pass(6 * minute);
    expect(await votes.ended(["1", "2"])).toEqual([]);
    clock.pass(4 * minute);
    expect(await votes.ended(["1", "2"])).toEqual([]);
    clock.pass(6 * minute);
    expect(await votes.ended(["1", "2"])).toEqual(["1", "2"]);
  });

  it("cost one reading, however many a hostile node names", async () => {
    const { reads, votes } = open({ 7: "Executed" });
    const named = Array.from({ length: 300 }, (_, id) => `${id}`);
    expect(await votes.ended(named)).toEqual(["7"]);
    expect(reads).toEqual(["ids", "7"]);
  });

  it("are unknown where a reorganisation takes them back between two readings", async () => {
    const { client, clock, votes } = open();
    client.listOpenedProposalIds = async () => ["1"];
    expect(await votes.ended(["1"])).toEqual([]);
    clock.pass(10 * minute);
    expect(await votes.ended(["1"])).toEqual(["1"]);
  });

  it("stay while the chain cannot be read", async () => {
    const { client, onChain, votes } = open({ 1: "Executed" });
    const { getProposal } = client;
    client.getProposal = () => Promise.reject(new Error("the line is broken"));
    await expect(votes.ended(["1"])).rejects.toThrow("the line is broken");
    client.getProposal = getProposal;
    expect(Object.keys(onChain)).toEqual(["1"]);
    expect(await votes.ended(["1"])).toEqual(["1"]);
  });
});
