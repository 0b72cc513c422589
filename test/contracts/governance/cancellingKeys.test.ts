import { SecretKey } from "@chainsafe/blst";
import { getBytes, toBeHex, toBigInt } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { NO_DEADLINE } from "../../../src/ports/chain/index.js";
import { beginVote, castAggregate, expectRefused, INVALID } from "../../harness/contracts/attacks.js";
import {
  aggregate,
  type BallotContext,
  type BallotsOfNodes,
  ballotContextOf,
  digestOf,
  secretOfNode,
} from "../../harness/contracts/ballots.js";
import { accountOf } from "../../harness/contracts/consents.js";
import { contracts, openVote, useOpenGenesis } from "../../harness/contracts/currentGovernance.js";
import { networkHelpers } from "../../harness/contracts/deployGovernance.js";
import {
  BALLOT_DOMAIN,
  consented,
  encodeG2,
  G2_INFINITY,
  hashToG2,
  ORDER,
  provePossession,
  publicKeyOf,
  secretOf,
} from "../../harness/contracts/eip2537.js";
import { type GovernanceHelper, Support } from "../../harness/contracts/governanceHelper.js";

const scalarOf = (secret: SecretKey) => toBigInt(secret.toBytes());
const secretAt = (scalar: bigint) => SecretKey.fromBytes(getBytes(toBeHex(((scalar % ORDER) + ORDER) % ORDER, 32)));

/** What node `index` signs, times a number: any account that saw it can multiply it, and a negative one cancels it. */
function partOf({ domain, proposalId }: BallotContext, index: number, times = 1n, support: number = Support.for) {
  const digest = hashToG2(digestOf({ domain, proposalId }, support), BALLOT_DOMAIN);
  return digest.multiply((((scalarOf(secretOfNode(index)) * times) % ORDER) + ORDER) % ORDER);
}

describe("A signature that is made to cancel another's", () => {
  let proposal: GovernanceHelper;
  let context: BallotContext;
  beforeEach(async () => {
    ({ proposal, context } = await beginVote());
  });

  it("is what it seems: a node's own, plus or minus what others have signed", async () => {
    expect(encodeG2(partOf(context, 0).add(partOf(context, 1)))).toBe(aggregate(context, { for: [0, 1] }));
    expect(
      partOf(context, 0)
        .add(partOf(context, 0, -1n))
        .is0(),
    ).toBe(true);
  });

  it("makes no ballot of another's: neither strikes it out of the sum nor puts it in", async () => {
    // Node 4 hands in its own signature less that of node 0, which it has seen.
    const hostile = partOf(context, 4).subtract(partOf(context, 0));
    const sum = encodeG2(partOf(context, 0).add(partOf(context, 1)).add(hostile));
    for (const claimed of [[0, 1, 4], [0, 1], [0, 4], [1], [0], [4]]) {
      await expectRefused(proposal, () => castAggregate(proposal, { for: claimed }, sum), INVALID);
    }
    // Or in favour of node 2, which has signed nothing.
    const invented = encodeG2(partOf(context, 1).add(partOf(context, 4)).subtract(partOf(context, 0)));
    for (const claimed of [
      [1, 2, 4],
      [1, 2],
      [2, 4],
      [0, 1, 4],
    ]) {
      await expectRefused(proposal, () => castAggregate(proposal, { for: claimed }, invented), INVALID);
    }
    // What is left is what nodes 1 and 4 have signed, and counts as that.
    await castAggregate(proposal, { for: [1, 4] }, sum);
    expect(await proposal.votes()).toEqual({ for: 2n, against: 0n, abstain: 0n });
  });

  it("turns no side: less what a node signed For is not what it would sign Against", async () => {
    const turned = partOf(context, 4).subtract(partOf(context, 0));
    for (const ballots of [
      { for: [4], against: [0] },
      { for: [0, 4] },
      { for: [4], abstain: [0] },
      { against: [0, 4] },
    ]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, encodeG2(turned)), INVALID);
    }
    // An abstention signs both sides: taking one away needs that node's own signature of the other.
    const abstention = partOf(context, 0).add(partOf(context, 0, 1n, Support.against));
    for (const [ballots, signature] of [
      [{ for: [0] }, abstention],
      [{ against: [0] }, abstention],
      [{ for: [0] }, abstention.subtract(partOf(context, 4, 1n, Support.against))],
      [{ for: [0, 4] }, abstention.add(partOf(context, 4))],
    ] as const) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, encodeG2(signature)), INVALID);
    }
    await castAggregate(proposal, { abstain: [0] }, encodeG2(abstention));
  });

  it("counts for nothing as infinity, or as several times the same", async () => {
    const cancelled = encodeG2(partOf(context, 0).add(partOf(context, 0, -1n)));
    expect(cancelled).toBe(G2_INFINITY);
    for (const ballots of [{ for: [0] }, { for: [0, 4] }, { for: [0], against: [4] }, { abstain: [4] }]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, cancelled), INVALID);
    }
    for (const times of [2n, 3n, -1n, ORDER - 2n]) {
      const ofOne = encodeG2(partOf(context, 0, times));
      for (const claimed of [[0], [0, 1], [0, 1, 2]]) {
        await expectRefused(proposal, () => castAggregate(proposal, { for: claimed }, ofOne), INVALID);
      }
    }
  });
});

/** One operator of two nodes can choose keys that cancel out; that needs the secrets of both. */
describe("Two nodes of one operator whose keys cancel out", () => {
  const secret = secretOf("twin");
  let proposal: GovernanceHelper;
  let context: BallotContext;

  /** Nodes 5 and 6. */
  beforeEach(async () => {
    await useOpenGenesis();
    const twins = [secret, secretAt(-scalarOf(secret))].map((own, i) => {
      const operator = accountOf(`twin ${i}`);
      const key = publicKeyOf(own);
      const possession = provePossession(operator, key, scalarOf(own));
      return consented({ operator, agent: operator, key, possession, peerId: toBeHex(1 + i), deadline: NO_DEADLINE });
    });
    await contracts.nodes.admit(twins);
    await networkHelpers.mine();
    proposal = await openVote();
    context = await ballotContextOf(contracts.governor, proposal.id);
  });

  const twin = (index: number) =>
    index === 5 ? secret : index === 6 ? secretAt(-scalarOf(secret)) : secretOfNode(index);

  it("have no vote by infinity, alone or with others", async () => {
    const alone: BallotsOfNodes[] = [
      { for: [5, 6] },
      { against: [5, 6] },
      { abstain: [5, 6] },
      { for: [5], against: [6] },
    ];
    for (const ballots of [...alone, { for: [0, 5, 6] }, { for: [5, 6], against: [0] }]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, G2_INFINITY), INVALID);
    }
    // Nor beside an honest signature of the other side.
    const against = aggregate(context, { against: [0] });
    await expectRefused(proposal, () => castAggregate(proposal, { for: [5, 6], against: [0] }, against), INVALID);
  });

  it("have one vote each, where each has signed", async () => {
    const ballots = { for: [0, 5], against: [6] };
    await castAggregate(proposal, ballots, aggregate(context, ballots, twin));
    expect(await proposal.votes()).toEqual({ for: 2n, against: 1n, abstain: 0n });
    // They count once: of a claim with node 1, node 1 alone is new; of one without it, nothing.
    const beside = { for: [1, 5, 6] };
    await castAggregate(proposal, beside, aggregate(context, beside, twin));
    expect(await proposal.votes()).toEqual({ for: 3n, against: 1n, abstain: 0n });
    const again = { abstain: [1, 5, 6] };
    const refusal = ["GovernorNothingNew", proposal.id];
    await expectRefused(proposal, () => castAggregate(proposal, again, aggregate(context, again, twin)), refusal);
  });

  it("take along the whole aggregate in which they alone are a side, though every part of it is signed", async () => {
    for (const ballots of [
      { for: [5, 6], against: [0, 1, 2] },
      { for: [0, 1, 2], against: [5, 6] },
    ]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, aggregate(context, ballots, twin)), INVALID);
    }
    // Beside an honest ballot of their side, or without them, the others' count.
    await castAggregate(proposal, { against: [0, 1] }, aggregate(context, { against: [0, 1] }));
    const beside = { for: [3, 5, 6], against: [2] };
    await castAggregate(proposal, beside, aggregate(context, beside, twin));
    expect(await proposal.votes()).toEqual({ for: 3n, against: 3n, abstain: 0n });
  });

  it("cannot be told from silent nodes when both are on one side, and vote once at most", async () => {
    // What they have signed adds up to nothing, so whether they have does not show; only both, only on one side.
    const signature = aggregate(context, { for: [0, 1] });
    expect(aggregate(context, { for: [0, 1, 5, 6] }, twin)).toBe(signature);
    for (const ballots of [
      { for: [0, 1, 5] },
      { for: [0, 1, 6] },
      { for: [0, 1, 5], against: [6] },
      { for: [0, 1, 6], abstain: [5] },
      { for: [0, 5, 6] },
      { for: [0, 1, 2, 5, 6] },
    ]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, signature), INVALID);
    }
    await castAggregate(proposal, { for: [0, 1, 5, 6] }, signature);
    expect(await proposal.votes()).toEqual({ for: 4n, against: 0n, abstain: 0n });
    const nothingNew = ["GovernorNothingNew", proposal.id];
    await expectRefused(proposal, () => castAggregate(proposal, { for: [0, 1, 5, 6] }, signature), nothingNew);
  });
});
