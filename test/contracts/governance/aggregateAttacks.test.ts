import { SecretKey } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, dataLength, dataSlice, getBytes, toBeHex, toBigInt } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  admissionOf,
  encodeG2,
  fp,
  type G2,
  G2_INFINITY,
  ORDER,
  P,
  POSSESSION_DOMAIN,
  provePossession,
  publicKeyOf,
  secretOf,
  sign,
} from "../libraries/eip2537.js";
import {
  aggregate,
  aggregateOver,
  type Ballots,
  batchOf,
  castBy,
  countOf,
  digestOf,
  PATHS,
  type Poll,
  pollOf,
  refusalOf,
  secretOfNode,
  signersOf,
} from "./aggregates.js";
import { ethers, freshWorld, networkHelpers, type World } from "./setting.js";
import { flagCall, passTo, State, Story, Support } from "./story.js";

/** The order of secp256k1. */
const SECP256K1 = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const INVALID = ["NodeRegistryInvalidSignature"];
const SUPPORTS = [Support.against, Support.for, Support.abstain];

let world: World;
let story: Story;
let poll: Poll;

/** A vote among five nodes that has begun, in which node 4 has voted Against. */
beforeEach(async () => {
  world = await freshWorld();
  story = await opened("learning.enabled");
  poll = await pollOf(world.governor, story.id);
  await story.vote(voter(4), Support.against);
});

async function opened(name: string): Promise<Story> {
  const proposal = new Story(world.governor, [await flagCall(world, name)]);
  await proposal.propose(world.operators[0]);
  await proposal.waitForStart();
  return proposal;
}

function voter(index: number) {
  const found = world.operators[index];
  if (!found) throw new Error(`there is no node ${index}`);
  return found;
}

/** That `attempt` is refused so, and leaves the tally and who has voted as they were. */
async function refused(attempt: () => Promise<unknown>, refusal: unknown[], of = story): Promise<void> {
  const before = await countOf(world.governor, of.id, 10);
  expect(await refusalOf(attempt())).toEqual(refusal);
  expect(await countOf(world.governor, of.id, 10)).toEqual(before);
}

/** Brings an aggregate that says of these ballots that `signature` is theirs. */
function claim(ballots: Ballots, signature: string, of = story): Promise<unknown> {
  return world.governor.castVotesByAggregate(of.id, signersOf(ballots), signature);
}

/** `castVotesBySig` with one ballot, signed for `signedFor`. */
async function bringOne(index: number, support: number, signer = voter(index), signedFor = poll): Promise<unknown> {
  return world.governor.castVotesBySig(story.id, await batchOf(signedFor, [{ index, support, voter: signer }]));
}

async function timelockAccount() {
  const address = await world.timelock.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, ethers.parseEther("10"));
  return ethers.getSigner(address);
}

describe("What is signed for something else", () => {
  const elsewhere: [string, (poll: Poll) => Poll][] = [
    ["another proposal", (of) => ({ ...of, proposalId: of.proposalId + 1n })],
    ["another chain", (of) => ({ ...of, domain: { ...of.domain, chainId: 1n } })],
    ["another governor", (of) => ({ ...of, domain: { ...of.domain, verifyingContract: ethers.ZeroAddress } })],
    ["another contract by name", (of) => ({ ...of, domain: { ...of.domain, name: "DirectiveRegistry" } })],
    ["another version", (of) => ({ ...of, domain: { ...of.domain, version: "2" } })],
  ];
  it.each(elsewhere)("counts for nothing: %s", async (_what, change) => {
    for (const ballots of [{ for: [0, 1] }, { against: [0] }, { abstain: [0, 2] }, { for: [0], against: [1] }]) {
      await refused(() => claim(ballots, aggregate(change(poll), ballots)), INVALID);
    }
    for (const support of SUPPORTS) {
      await refused(() => bringOne(0, support, voter(0), change(poll)), ["NodeRegistryInvalidSignatureOf", 0n]);
    }
    // The same, signed for this poll, counts.
    await claim({ for: [0, 1] }, aggregate(poll, { for: [0, 1] }));
    await bringOne(2, Support.for);
    expect(await story.votes()).toEqual({ for: 3n, against: 1n, abstain: 0n });
  });

  it("counts for no other proposal that is open", async () => {
    const other = await opened("another");
    const ballots = { for: [0, 1] };
    await refused(() => claim(ballots, aggregate(poll, ballots), other), INVALID, other);
    await claim(ballots, aggregate(poll, ballots));
  });

  it("counts for no other support", async () => {
    const supports = ["against", "for", "abstain"] as const;
    for (const [signed, signedAs] of supports.entries()) {
      for (const [claimed, claimedAs] of supports.entries()) {
        if (signed === claimed) continue;
        const signature = aggregate(poll, { [signedAs]: [0, 1] });
        await refused(() => claim({ [claimedAs]: [0, 1] }, signature), INVALID);

        const entry = await batchOf(poll, [{ index: 0, support: signed, voter: voter(0) }]);
        const relabelled = concat([dataSlice(entry, 0, 4), toBeHex(claimed, 1), dataSlice(entry, 5)]);
        await refused(
          () => world.governor.castVotesBySig(story.id, relabelled),
          ["NodeRegistryInvalidSignatureOf", 0n],
        );
      }
    }
  });

  it("does not change sides between nodes", async () => {
    const signature = aggregate(poll, { for: [0], against: [1], abstain: [2] });
    for (const ballots of [
      { for: [1], against: [0], abstain: [2] },
      { for: [0], against: [2], abstain: [1] },
      { for: [2], against: [1], abstain: [0] },
      { for: [0, 2], against: [1] },
      { abstain: [0, 1] },
    ]) {
      await refused(() => claim(ballots, signature), INVALID);
    }
    // One that is For and one that is Against are not one that abstains.
    const opposed = aggregate(poll, { for: [0], against: [1] });
    for (const abstain of [[0], [1], [0, 1]]) await refused(() => claim({ abstain }, opposed), INVALID);
  });

  it("counts for nothing under the domain of possession proofs of old", async () => {
    const signature = sign(secretOfNode(0), digestOf(poll, Support.for), POSSESSION_DOMAIN);
    await refused(() => claim({ for: [0] }, signature), INVALID);
  });
});

describe("A claim that other nodes have signed", () => {
  it("is refused with a bit too many, a bit too few or another bit", async () => {
    const signature = aggregate(poll, { for: [0, 1] });
    for (const claimed of [[0, 1, 2], [0, 1, 2, 3], [0], [1], [0, 2], [2, 3]]) {
      await refused(() => claim({ for: claimed }, signature), INVALID);
    }
    for (const set of ["against", "abstain"] as const) {
      await refused(() => claim({ for: [0, 1], [set]: [2] }, signature), INVALID);
    }
    await claim({ for: [0, 1] }, signature);
  });

  it("is refused of indices beyond the committee, though their keys have signed", async () => {
    for (const [index, word, bit] of [
      [5, 0n, 1n << 5n],
      [255, 0n, 1n << 255n],
    ] as const) {
      for (const set of ["for", "against", "abstain"]) {
        const ballots = { [set]: [index] };
        await refused(() => claim(ballots, aggregate(poll, ballots)), ["NodeRegistryNotMembers", word, bit]);
      }
      const ballots = { for: [0], against: [index] };
      await refused(() => claim(ballots, aggregate(poll, ballots)), ["NodeRegistryNotMembers", word, bit]);
    }
  });

  it("is refused of nodes that had left or came later", async () => {
    const registry = world.nodes.connect(await timelockAccount());
    await registry.admit([admissionOf(world.stranger.address, "key 5")]);
    const newcomer = { for: [0, 5] };
    await refused(() => claim(newcomer, aggregate(poll, newcomer)), ["NodeRegistryNotMembers", 0n, 32n]);
    await refused(() => bringOne(5, Support.for, world.stranger), ["NodeRegistryNotMembers", 0n, 32n]);

    await registry.remove([1]);
    const { key, possession } = admissionOf(voter(2).address, "key 6");
    await registry.rotateKey(2, key, possession);
    await networkHelpers.mine();
    const later = await opened("later");
    const laterPoll = await pollOf(world.governor, later.id);
    for (const [index, account] of [
      [1, voter(1)],
      [2, voter(2)],
    ] as const) {
      const refusal = ["NodeRegistryNotMembers", 0n, 1n << BigInt(index)];
      const ballots = { for: [0], abstain: [index] };
      await refused(() => claim(ballots, aggregate(laterPoll, ballots), later), refusal, later);
      const batch = await batchOf(laterPoll, [{ index, support: 1, voter: account }]);
      await refused(() => world.governor.castVotesBySig(later.id, batch), refusal, later);
    }
    // Nor do the old key under the new index, or the new key under the old one.
    const oldKey = aggregate(laterPoll, { for: [6] }, () => secretOfNode(2));
    await refused(() => claim({ for: [6] }, oldKey, later), INVALID, later);
    const newKey = aggregate(poll, { for: [2] }, () => secretOfNode(6));
    await refused(() => claim({ for: [2] }, newKey), INVALID);
  });

  it("is refused when a node is in two sets", async () => {
    for (const ballots of [
      { for: [0, 1], against: [1] },
      { for: [0, 1], abstain: [1] },
      { against: [1], abstain: [0, 1] },
      { for: [1], against: [1], abstain: [1] },
    ]) {
      await refused(() => claim(ballots, aggregate(poll, ballots)), ["NodeRegistryOverlappingSets", 0n]);
    }
  });

  it("is refused of nobody", async () => {
    for (const signature of [aggregate(poll, { for: [0] }), G2_INFINITY, "0x"]) {
      await refused(() => claim({}, signature), ["NodeRegistryNoSigners"]);
    }
    await refused(() => world.governor.castVotesBySig(story.id, "0x"), INVALID);
  });
});

describe("A ballot that is brought again", () => {
  it.each(PATHS.flatMap((path) => SUPPORTS.map((support) => [path, support] as const)))(
    "after %s with support %i is refused by every path, with every support",
    async (first, support) => {
      await castBy(first, world.governor, story.id, { index: 3, support, voter: voter(3) });
      for (const path of PATHS) {
        const single = path === "castVote" || path === "castVoteBySig";
        const refusal = single ? ["GovernorAlreadyCastVote", voter(3).address] : ["GovernorBallotsOverlap", 0n, 8n];
        for (const again of SUPPORTS) {
          const entry = { index: 3, support: again, voter: voter(3) };
          await refused(() => castBy(path, world.governor, story.id, entry), refusal);
        }
      }
    },
  );

  it("takes all that came with it along", async () => {
    const overlap = ["GovernorBallotsOverlap", 0n, 16n];
    for (const ballots of [{ for: [0, 4] }, { for: [0], against: [4] }, { for: [0, 1], abstain: [2, 4] }]) {
      await refused(() => claim(ballots, aggregate(poll, ballots)), overlap);
    }
    const entries = [0, 1, 4].map((index) => ({ index, support: Support.for, voter: voter(index) }));
    const batch = await batchOf(poll, entries);
    await refused(() => world.governor.castVotesBySig(story.id, batch), overlap);
  });

  it("is refused as the same aggregate, and as one that overlaps", async () => {
    const first = { for: [0, 1], against: [2] };
    const signature = aggregate(poll, first);
    await claim(first, signature);
    await refused(() => claim(first, signature), ["GovernorBallotsOverlap", 0n, 7n]);
    for (const [ballots, bits] of [
      [{ for: [1, 3] }, 2n],
      [{ against: [0], abstain: [3] }, 1n],
      [{ for: [3], against: [1], abstain: [2] }, 6n],
    ] as const) {
      await refused(() => claim(ballots, aggregate(poll, ballots)), ["GovernorBallotsOverlap", 0n, bits]);
    }
    await claim({ for: [3] }, aggregate(poll, { for: [3] }));
    expect(await story.votes()).toEqual({ for: 3n, against: 2n, abstain: 0n });
  });
});

describe("A signature that is no signature", () => {
  const ballots = { for: [0, 1], against: [2] };
  let valid: string;
  beforeEach(() => {
    valid = aggregate(poll, ballots);
  });

  it("is refused as infinity, whoever is claimed", async () => {
    for (const claimed of [{ for: [0] }, { against: [1] }, { abstain: [2] }, ballots, { for: [0, 1, 2, 3] }]) {
      await refused(() => claim(claimed, G2_INFINITY), INVALID);
    }
  });

  it("is refused as infinity of nodes whose keys cancel out", async () => {
    const registry = world.nodes.connect(await timelockAccount());
    const secret = toBigInt(secretOf("twin").toBytes());
    const twins = [secret, ORDER - secret].map((scalar, i) => {
      const operator = ethers.getAddress(toBeHex(0x1000 + i, 20));
      const key = publicKeyOf(SecretKey.fromBytes(getBytes(toBeHex(scalar, 32))));
      return { operator, key, possession: provePossession(operator, key, scalar), peerId: "0x01" };
    });
    await registry.admit(twins);
    await networkHelpers.mine();
    const later = await opened("later");
    for (const claimed of [{ for: [5, 6] }, { against: [5, 6] }, { abstain: [5, 6] }]) {
      await refused(() => claim(claimed, G2_INFINITY, later), INVALID, later);
    }
    const laterPoll = await pollOf(world.governor, later.id);
    const alone = aggregateOver(digestOf(laterPoll, 1), [secretOf("twin")]);
    await claim({ for: [5] }, alone, later);
  });

  it("is refused outside the subgroup", async () => {
    const outside = cofactorPoint();
    expect(outside.isTorsionFree()).toBe(false);
    expect(() => outside.assertValidity()).toThrow();
    await refused(() => claim(ballots, encodeG2(outside)), INVALID);
    await refused(() => claim(ballots, encodeG2(decodeG2(valid).add(outside))), INVALID);
    expect(encodeG2(decodeG2(valid))).toBe(valid);
    await claim(ballots, valid);
  });

  it("is refused off the curve and negated", async () => {
    const { x, y } = decodeG2(valid).toAffine();
    await refused(() => claim(ballots, `0x${fp(x.c0 + 1n)}${fp(x.c1)}${fp(y.c0)}${fp(y.c1)}`), INVALID);
    await refused(() => claim(ballots, encodeG2(decodeG2(valid).negate())), INVALID);
    await refused(() => claim(ballots, encodeG2(bls12_381.G2.Point.BASE)), INVALID);
  });

  it("is refused with field elements that are not reduced, the same point written otherwise", async () => {
    for (const i of [0, 1, 2, 3]) {
      const element = toBigInt(dataSlice(valid, 64 * i, 64 * i + 64));
      for (const same of [element + P, element + (1n << 384n), element + (1n << 511n)]) {
        const written = concat([dataSlice(valid, 0, 64 * i), `0x${fp(same)}`, dataSlice(valid, 64 * i + 64)]);
        await refused(() => claim(ballots, written), INVALID);
      }
    }
    expect(dataLength(valid)).toBe(256);
  });

  it("is refused of any other length", async () => {
    const unpadded = concat([0, 1, 2, 3].map((i) => dataSlice(valid, 64 * i + 16, 64 * i + 64)));
    const others = ["0x", "0x00", dataSlice(valid, 0, 255), `${valid}00`, unpadded, concat([valid, valid])];
    for (const other of [...others, dataSlice(valid, 0, 128), dataSlice(valid, 0, 96)]) {
      await refused(() => claim(ballots, other), INVALID);
    }
  });

  it("is refused when zero words follow the sets, or words that cannot be", async () => {
    const { first, second, both } = signersOf(ballots);
    for (const [signers, words] of [
      [{ first: [...first, 0n], second, both }, 2n],
      [{ first, second: [...second, 0n], both }, 2n],
      [{ first, second, both: [0n] }, 1n],
      [{ first, second, both: [0n, 0n, 0n] }, 3n],
      [{ first: [...first, 1n], second, both }, 2n],
      [{ first: [...first, 0n, 1n], second, both }, 3n],
      [{ first, second: [...second, 1n << 255n], both }, 2n],
      [{ first, second, both: [0n, 1n] }, 2n],
    ] as const) {
      const written = { first: [...signers.first], second: [...signers.second], both: [...signers.both] };
      await refused(() => world.governor.castVotesByAggregate(story.id, written, valid), ["BitmapMalformed", words]);
    }
    await claim(ballots, valid);
  });
});

describe("A batch that is none", () => {
  const bring = (batch: string) => world.governor.castVotesBySig(story.id, batch);
  const entry = (index: number, support: number = Support.for, signer = voter(index)) =>
    batchOf(poll, [{ index, support, voter: signer }]);

  it("is refused with the other of two equivalent signatures", async () => {
    const good = await entry(0);
    const yParityAndS = toBigInt(dataSlice(good, 37));
    const [parity, s] = [yParityAndS >> 255n, yParityAndS & ((1n << 255n) - 1n)];
    const high = SECP256K1 - s;
    // Where a high s reaches the bit of the parity, it is another s to whoever reads it: neither counts.
    for (const written of [high, high ^ (1n << 255n), (high & ((1n << 255n) - 1n)) | ((1n - parity) << 255n)]) {
      const other = concat([dataSlice(good, 0, 37), toBeHex(written, 32)]);
      await refused(() => bring(other), ["NodeRegistryInvalidSignatureOf", 0n]);
    }
    await bring(good);
  });

  it("is refused with the other parity, or with zeros for a signature", async () => {
    const good = await entry(1);
    const flipped = toBigInt(dataSlice(good, 37)) ^ (1n << 255n);
    for (const bad of [
      concat([dataSlice(good, 0, 37), toBeHex(flipped, 32)]),
      concat([dataSlice(good, 0, 37), ethers.ZeroHash]),
      concat([dataSlice(good, 0, 5), ethers.ZeroHash, dataSlice(good, 37)]),
      concat([dataSlice(good, 0, 5), ethers.ZeroHash, ethers.ZeroHash]),
    ]) {
      await refused(() => bring(bad), ["NodeRegistryInvalidSignatureOf", 1n]);
    }
  });

  it("is refused at any length that is not a number of entries", async () => {
    const both = concat([await entry(0), await entry(1)]);
    for (const bad of ["0x00", dataSlice(both, 0, 68), dataSlice(both, 0, 70), dataSlice(both, 0, 137), `${both}00`]) {
      await refused(() => bring(bad), INVALID);
    }
    await bring(both);
  });

  it("is refused with an index twice or out of order", async () => {
    const [zero, one, oneAgainst, two] = [await entry(0), await entry(1), await entry(1, 0), await entry(2)];
    for (const [entries, index] of [
      [[one, one], 1n],
      [[one, oneAgainst], 1n],
      [[zero, one, two, one], 1n],
      [[one, zero], 0n],
      [[two, zero, one], 0n],
    ] as const) {
      await refused(() => bring(concat(entries)), ["NodeRegistryUnsortedSigner", index]);
    }
  });

  it("is refused with a support that is none", async () => {
    for (const support of [3, 4, 255]) {
      const bad = await entry(2, support);
      await refused(() => bring(bad), ["NodeRegistryInvalidSignatureOf", 2n]);
    }
  });

  it("is refused of indices that are not in the committee", async () => {
    for (const [index, word, bit] of [
      [5, 0n, 1n << 5n],
      [256, 1n, 1n],
      [300, 1n, 1n << 44n],
      [2 ** 32 - 1, 2n ** 24n - 1n, 1n << 255n],
    ] as const) {
      const bad = concat([await entry(0), await entry(index, Support.for, voter(1))]);
      await refused(() => bring(bad), ["NodeRegistryNotMembers", word, bit]);
    }
  });

  it("is refused when another account has signed, and all of it with one bad ballot", async () => {
    for (const signer of [voter(1), world.stranger]) {
      const bad = await entry(0, Support.for, signer);
      await refused(() => bring(bad), ["NodeRegistryInvalidSignatureOf", 0n]);
      const hidden = concat([bad, await entry(1), await entry(2)]);
      await refused(() => bring(hidden), ["NodeRegistryInvalidSignatureOf", 0n]);
    }
    const last = concat([await entry(0), await entry(1), await entry(3, Support.for, voter(2))]);
    await refused(() => bring(last), ["NodeRegistryInvalidSignatureOf", 3n]);
  });
});

describe("Out of its time", () => {
  const active = ethers.toBeHex(2, 32);
  const ballots = { for: [0], against: [1] };

  /** That neither an aggregate nor a batch counts in this state. */
  async function closed(of: Story, state: bigint): Promise<void> {
    const refusal = ["GovernorUnexpectedProposalState", of.id, state, active];
    expect(await of.state()).toBe(state);
    const its = await pollOf(world.governor, of.id);
    const batch = await batchOf(its, [{ index: 2, support: Support.for, voter: voter(2) }]);
    await refused(() => claim(ballots, aggregate(its, ballots), of), refusal, of);
    await refused(() => world.governor.castVotesBySig(of.id, batch), refusal, of);
  }

  it("nothing counts before the vote opens, and from the second after the snapshot it does", async () => {
    const { governor, operators } = world;
    const later = new Story(governor, [await flagCall(world, "later")]);
    await later.propose(operators[0]);
    await closed(later, State.pending);
    const its = await pollOf(governor, later.id);
    const snapshot = await governor.proposalSnapshot(later.id);
    await networkHelpers.time.setNextBlockTimestamp(snapshot);
    await refused(
      () => claim(ballots, aggregate(its, ballots), later),
      ["GovernorUnexpectedProposalState", later.id, State.pending, active],
      later,
    );
    await passTo(snapshot);
    await networkHelpers.time.setNextBlockTimestamp(snapshot + 1n);
    await claim(ballots, aggregate(its, ballots), later);
    expect(await later.votes()).toEqual({ for: 1n, against: 1n, abstain: 0n });
  });

  it("a ballot counts at the deadline, and nothing after it", async () => {
    const deadline = await world.governor.proposalDeadline(story.id);
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await claim({ for: [3] }, aggregate(poll, { for: [3] }));
    await story.waitForEnd();
    await closed(story, State.defeated);
  });

  it("nothing counts after the fast path, in the queue or once it is done", async () => {
    const enough = { for: [0, 1, 2, 3] };
    await claim(enough, aggregate(poll, enough));
    await closed(story, State.succeeded);
    await story.queue();
    await closed(story, State.queued);
    await story.waitForEta();
    await story.execute();
    await closed(story, State.executed);
  });

  it("nothing counts once it is canceled, before or after the start", async () => {
    await story.cancel(world.guardian);
    await closed(story, State.canceled);
    const later = new Story(world.governor, [await flagCall(world, "later")]);
    await later.propose(world.operators[0]);
    await later.cancel(world.guardian);
    await closed(later, State.canceled);
    await later.waitForStart();
    await closed(later, State.canceled);
  });

  it("nothing counts for a proposal that there is not", async () => {
    const { governor } = world;
    const none = { ...poll, proposalId: 12n };
    const refusal = ["GovernorNonexistentProposal", 12n];
    const brought = governor.castVotesByAggregate(12n, signersOf(ballots), aggregate(none, ballots));
    expect(await refusalOf(brought)).toEqual(refusal);
    const batch = await batchOf(none, [{ index: 2, support: Support.for, voter: voter(2) }]);
    expect(await refusalOf(governor.castVotesBySig(12n, batch))).toEqual(refusal);
  });
});

function decodeG2(point: string): G2 {
  const [x0, x1, y0, y1] = [0, 1, 2, 3].map((i) => toBigInt(dataSlice(point, 64 * i, 64 * i + 64)));
  const { Fp2 } = bls12_381.fields;
  return bls12_381.G2.Point.fromAffine({
    x: Fp2.fromBigTuple([x0 ?? 0n, x1 ?? 0n]),
    y: Fp2.fromBigTuple([y0 ?? 0n, y1 ?? 0n]),
  });
}

/** A point on the curve of G2 whose order divides the cofactor. */
function cofactorPoint(): G2 {
  const { Fp2 } = bls12_381.fields;
  const b = Fp2.fromBigTuple([4n, 4n]);
  for (let i = 1n; ; i++) {
    const x = Fp2.fromBigTuple([i, 0n]);
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), b);
    try {
      const point = bls12_381.G2.Point.fromAffine({ x, y: Fp2.sqrt(square) });
      const cleared = point.multiplyUnsafe(ORDER - 1n).add(point);
      if (!cleared.is0()) return cleared;
    } catch {
      // No square: there is no such point.
    }
  }
}
