import { expect } from "vitest";
import { BallotExchange } from "../../../src/agent/ballots/exchange.js";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import { signNodeBallot } from "../../../src/agent/ballots/sign.js";
import { type NodeBallot, type Proposal, type Support, Supports } from "../../../src/client/index.js";
import { indicesOf } from "../../../src/ports/chain/bitset.js";
import type { Order, Track, TrackRules } from "../../../src/records/index.js";
import { bls } from "../../harness/bls.js";
import { type DeployWitanOptions, shortTracks } from "../../harness/deploy.js";
import { createMesh, type MeshNodeOptions } from "../../harness/mesh.js";
import { NEVER_MS, patience } from "../../harness/patience.js";

/**
 * Operations are voted on for a day, and to the end: nothing passes by the fast path. Emergencies take a day too, but claims
 * of fact have a fast path on every track.
 */
export function slowTracks(change: Partial<TrackRules> = {}): Record<Track, TrackRules> {
  const { emergency, operations } = shortTracks;
  return {
    ...shortTracks,
    emergency: { ...emergency, votingPeriod: 86_400 },
    operations: { ...operations, votingPeriod: 86_400, fastPath: false, ...change },
  };
}

/** An order on which every support counts. */
const scaleOrder: Order = { kind: "Scale", workload: "web", replicas: 4 };

export interface BallotNodeOptions extends MeshNodeOptions {
  readonly waitForMoreMs?: number;
}

export type BallotMesh = Awaited<ReturnType<typeof createBallotMesh>>;

/** A mesh whose nodes exchange ballots. */
export async function createBallotMesh(deploy: DeployWitanOptions = {}) {
  const mesh = await createMesh(
    async (node, { waitForMoreMs = NEVER_MS }: BallotNodeOptions) => ({
      exchange: await BallotExchange.open({ ...node, nodes: [node], waitForMoreMs }),
    }),
    deploy,
  );
  const { dao } = mesh;
  const { chain, getProposal } = dao.client();
  const { governor, nodes } = chain.contracts;
  const topic = `witan/ballots/1/${dao.witan.deployment.contracts.NodeGovernor.toLowerCase()}`;

  /** Who is counted on chain and how, as its events tell; all that the contract says of it agrees. */
  async function counted(proposalId: string): Promise<Record<number, Support>> {
    const events = await chain.events({ names: ["BallotsCounted", "VoteCast"] });
    const { epoch } = await governor.proposalRules(proposalId);
    const votes: { index: number; support: Support }[] = [];
    for (const { name, args } of events) {
      if (args.proposalId.toString() !== proposalId) continue;
      if (name === "VoteCast") {
        const index = Number(await nodes.indexOf(args.voter, epoch));
        votes.push({ index, support: Supports[Number(args.support)] ?? "abstain" });
      } else {
        const bits = { for: args.forBits, against: args.againstBits, abstain: args.abstainBits };
        for (const support of Supports) for (const index of indicesOf(bits[support])) votes.push({ index, support });
      }
    }
    votes.sort((a, b) => a.index - b.index);
    // Nothing counts twice, and what events tell is what the contract keeps. Between two blocks they may differ.
    const numbers = votes.map(({ index }) => index);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(indicesOf([await governor.votedBits(proposalId, 0)])).toEqual(numbers);
    const tally = await governor.proposalVotes(proposalId);
    const count = (support: Support) => BigInt(votes.filter((each) => each.support === support).length);
    expect([...tally]).toEqual([count("against"), count("for"), count("abstain")]);
    return Object.fromEntries(votes.map(({ index, support }) => [index, support]));
  }

  return {
    ...mesh,
    /** Proposes to scale, or another order, and waits until ballots count. */
    async propose(order: Order = scaleOrder): Promise<Proposal> {
      const { proposalId } = await dao.client().openProposal({ order });
      const { start } = await getProposal({ proposalId });
      await mesh.increaseTimeTo(Math.max(start, await chain.now()) + 1);
      await expect.poll(async () => (await getProposal({ proposalId })).state, patience).toBe("Active");
      return getProposal({ proposalId });
    },
    /** Has nodes cast ballots, by index. */
    async vote(proposal: Proposal, ballots: Readonly<Record<number, Support>>): Promise<void> {
      for (const [index, support] of Object.entries(ballots)) {
        const { exchange, account } = mesh.node(Number(index));
        const ballot = { proposalId: proposal.id, support, reason: `node ${index} votes ${support}` };
        await exchange.cast(proposal, ballot, account);
      }
    },
    /** Signs a ballot in a node's name, past every check of its own. */
    async sign(proposalId: string, index: number, support: Support, blsSecret = dao.witan.blsKeys[index]) {
      const client = dao.client(index);
      const node = { account: mesh.accountOf(index), client, blsSecret: blsSecret ?? new Uint8Array() };
      return signNodeBallot({ bls, aggregates: await nodes.aggregates(), node, proposalId, index, support });
    },
    publish: (index: number, ...ballots: readonly NodeBallot[]) =>
      mesh.publish(index, topic, ballots.map(encodeBallot)),
    /** Waits until these nodes, or all, know so many ballots. */
    waitForBallots: (proposalId: string, count: number, ...indices: number[]) =>
      mesh.waitForEach(indices, ({ exchange }) => exchange.view(proposalId).known.length, count),
    counted,
    /** Waits until exactly these are counted. */
    async waitForTally(proposalId: string, ballots: Readonly<Record<number, Support>>): Promise<void> {
      const bits = async () => indicesOf([await governor.votedBits(proposalId, 0)]);
      await expect.poll(bits, patience).toEqual(Object.keys(ballots).map(Number));
      expect(await counted(proposalId)).toEqual(ballots);
    },
    /** All transactions with ballots on a proposal. */
    transactions: (proposalId: string) => mesh.transactions(governor, "castVote", proposalId),
    /** Those that brought what is counted. */
    settlements: (proposalId: string) => mesh.settlements(governor, "castVote", proposalId),
    /** Who settles a proposal, the first in line first. */
    settlersOf: (proposalId: string) => mesh.leadersOf(`settle ${proposalId}`),
  };
}
