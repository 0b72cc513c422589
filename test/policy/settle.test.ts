import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDecided, type SettleInput, type Tally, whenToSettle } from "../../src/policy/index.js";

type Rules = SettleInput["rules"];

/** Emergency's shape: a third for the quorum, more For than Against, two thirds of all end it early. */
const emergency: Rules = { committeeSize: 9, quorum: 3_300, approval: 5_000, fastPath: 6_700 };
/** Membership's shape: it lasts until its deadline. */
const membership: Rules = { committeeSize: 9, quorum: 5_000, approval: 6_700, fastPath: 0 };
const votes = (inFavour: number, against = 0, abstain = 0): Tally => ({ for: inFavour, against, abstain });
const none = votes(0);

/**
 * What the governor does with a tally, written after the contracts and not after the policy: shares become whole votes,
 * rounded up, in whole numbers of any size.
 */
class Governor {
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** What a vote that ends with this tally brings. */
  succeeds(tally: Tally): boolean {
    const { approval, committeeSize, quorum } = this.#rules;
    const quorumReached = BigInt(tally.for + tally.abstain) >= votesOf(quorum, committeeSize);
    const approved = BigInt(tally.for) >= votesOf(approval, tally.for + tally.against);
    return quorumReached && tally.for > tally.against && approved;
  }

  /** Whether no more ballots are taken after these, though the deadline has not come. */
  isClosed(tally: Tally): boolean {
    const fastPathVotes = votesOf(this.#rules.fastPath, this.#rules.committeeSize);
    return fastPathVotes > 0n && BigInt(tally.for) >= fastPathVotes && this.succeeds(tally);
  }

  /** Every tally that this one may still become, itself included. */
  futures(tally: Tally): Tally[] {
    const missing = this.#rules.committeeSize - tally.for - tally.against - tally.abstain;
    const counts = Array.from({ length: missing + 1 }, (_, count) => count);
    return counts.flatMap((f) =>
      counts.flatMap((a) =>
        counts
          .filter((s) => f + a + s <= missing)
          .map((s) => votes(tally.for + f, tally.against + a, tally.abstain + s)),
      ),
    );
  }

  /** Whether whoever has not voted can change anything. */
  isDecided(tally: Tally): boolean {
    const futures = this.futures(tally);
    if (futures.length === 1 || this.isClosed(tally)) return true;
    const outcomes = new Set(futures.map((future) => this.succeeds(future)));
    return outcomes.size === 1 && !futures.some((future) => this.isClosed(future));
  }
}

function votesOf(share: number, whole: number): bigint {
  const product = BigInt(share) * BigInt(whole);
  return product / 10_000n + (product % 10_000n === 0n ? 0n : 1n);
}

/** A share in basis points, often one at which rounding decides. */
function share(size: number): fc.Arbitrary<number> {
  const near = fc
    .tuple(fc.integer({ min: 0, max: size }), fc.integer({ min: -1, max: 1 }))
    .map(([part, off]) => Math.min(10_000, Math.max(0, Math.round((part * 10_000) / size) + off)));
  return fc.oneof(near, fc.integer({ min: 0, max: 10_000 }), fc.constantFrom(0, 3_300, 5_000, 6_700, 7_500, 10_000));
}

const poll = fc.integer({ min: 1, max: 8 }).chain((committeeSize) =>
  fc.record({
    rules: fc.record({
      committeeSize: fc.constant(committeeSize),
      quorum: share(committeeSize),
      approval: share(committeeSize),
      fastPath: fc.oneof(fc.constant(0), share(committeeSize)),
    }),
    ballots: fc
      .array(fc.constantFrom("for", "for", "against", "abstain", "missing"), {
        minLength: committeeSize,
        maxLength: committeeSize,
      })
      .map((all) => all.filter((each): each is keyof Tally => each !== "missing")),
  }),
);

function tallyOf(ballots: readonly (keyof Tally)[]): Tally {
  const count = (support: keyof Tally) => ballots.filter((each) => each === support).length;
  return votes(count("for"), count("against"), count("abstain"));
}

describe("a vote", () => {
  it("is decided exactly when no ballot that may still come changes its outcome or its end", () => {
    fc.assert(
      fc.property(poll, ({ rules, ballots }) => {
        const tally = tallyOf(ballots);
        expect(isDecided(rules, tally)).toBe(new Governor(rules).isDecided(tally));
      }),
      { numRuns: 3_000 },
    );
  });

  it("stays decided whatever comes", () => {
    fc.assert(
      fc.property(poll, ({ rules, ballots }) => {
        const tally = tallyOf(ballots);
        // Where it ends, nothing comes any more.
        fc.pre(isDecided(rules, tally) && !new Governor(rules).isClosed(tally));
        for (const future of new Governor(rules).futures(tally)) expect(isDecided(rules, future)).toBe(true);
      }),
    );
  });

  it.each<[string, Rules, Tally, boolean]>([
    ["the fast path is reached", emergency, votes(7), true],
    ["one more For would reach the fast path", emergency, votes(6), false],
    ["it passes for certain, and can no longer end early", emergency, votes(5, 3), true],
    ["all that are missing could still turn it", emergency, votes(4, 1), false],
    ["nobody is missing", emergency, votes(3, 3, 3), true],
    ["too many are Against", emergency, votes(0, 5), true],
    ["a tie is the best that may come of it", emergency, votes(1, 4, 1), true],
    ["one more than a tie may come of it", emergency, votes(1, 4), false],
    ["it passes for certain at its deadline", membership, votes(7), true],
    ["it would fail if the rest were Against", membership, votes(6), false],
    ["the approval cannot be reached any more", membership, votes(2, 3), true],
    ["the quorum needs abstentions that may come", membership, votes(3, 0, 1), false],
  ])("where %s", (_what, rules, tally, decided) => {
    expect(isDecided(rules, tally)).toBe(decided);
    expect(new Governor(rules).isDecided(tally)).toBe(decided);
  });
});

describe("ballots that wait", () => {
  function settle(change: Partial<SettleInput>) {
    return whenToSettle({
      rules: emergency,
      counted: none,
      pending: none,
      secondsLeft: 300,
      marginSeconds: 60,
      waitedMs: 0,
      waitForMoreMs: 30_000,
      ...change,
    });
  }

  it("are settled at once when they decide what was open", () => {
    expect(settle({ pending: votes(7) })).toBe("decided");
    expect(settle({ pending: votes(0, 5) })).toBe("decided");
    expect(settle({ counted: votes(4), pending: votes(3) })).toBe("decided");
  });

  it("wait for others as long as they decide nothing", () => {
    expect(settle({ pending: votes(6) })).toBeUndefined();
    expect(settle({ pending: votes(6), waitedMs: 29_999 })).toBeUndefined();
    expect(settle({ pending: votes(6), waitedMs: 30_000 })).toBe("waited");
  });

  it("are not settled at once where others have decided without them", () => {
    const late = { rules: membership, counted: votes(7), pending: votes(1, 1) };
    expect(settle(late)).toBeUndefined();
    expect(settle({ ...late, waitedMs: 30_000 })).toBe("waited");
  });

  it("are settled as the vote's end nears, whatever they decide", () => {
    expect(settle({ pending: votes(1), secondsLeft: 61 })).toBeUndefined();
    expect(settle({ pending: votes(1), secondsLeft: 60 })).toBe("deadline");
    expect(settle({ pending: votes(1), secondsLeft: 0 })).toBe("deadline");
  });

  it("cost nothing where there are none", () => {
    expect(settle({ counted: votes(6), secondsLeft: 0, waitedMs: 1e9 })).toBeUndefined();
  });
});
