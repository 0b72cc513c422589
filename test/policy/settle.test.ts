import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isClaimTrack,
  isDecided,
  type SettleInput,
  type Tally,
  votesNeeded,
  whenToSettle,
} from "../../src/policy/index.js";
import { Tracks } from "../../src/records/index.js";

type Rules = SettleInput["rules"];

/** Operations' shape: a third For for the quorum, more For than Against, more than half of all end it early. */
const operations: Rules = { counted: 9, neededFor: 3, fastPathFor: 5, approval: 30_000 };
/** The same where nothing ends early. */
const patient: Rules = { ...operations, fastPathFor: 0 };
/** Membership's shape: it lasts until its deadline. */
const membership: Rules = { counted: 9, neededFor: 5, fastPathFor: 0, approval: 40_000 };
/** Emergency's: more than half, who see what is claimed, decide at once. */
const claim: Rules = { counted: 9, neededFor: 5, fastPathFor: 5, approval: 30_000 };
const votes = (inFavour: number, against = 0, abstain = 0): Tally => ({ for: inFavour, against, abstain });
const none = votes(0);

/** What the governor does with a tally, written after the contracts and not after the policy: in whole numbers of any size. */
class Governor {
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** What a vote that ends with this tally brings. */
  succeeds(tally: Tally): boolean {
    const { approval, neededFor } = this.#rules;
    const approved = BigInt(tally.for) * 60_000n >= BigInt(approval) * BigInt(tally.for + tally.against);
    return tally.for >= neededFor && tally.for > tally.against && approved;
  }

  /** Whether no more ballots are taken after these, though the deadline has not come. */
  isClosed(tally: Tally): boolean {
    const { fastPathFor } = this.#rules;
    return fastPathFor > 0 && tally.for >= fastPathFor;
  }

  /** Every tally that this one may still become, itself included. */
  futures(tally: Tally): Tally[] {
    const missing = this.#rules.counted - tally.for - tally.against - tally.abstain;
    const counts = Array.from({ length: missing + 1 }, (_, count) => count);
    return counts.flatMap((f) =>
      counts.flatMap((a) =>
        counts
          .filter((s) => f + a + s <= missing)
          .map((s) => votes(tally.for + f, tally.against + a, tally.abstain + s)),
      ),
    );
  }

  /** Whether the nodes that have not voted can change anything. */
  isDecided(tally: Tally): boolean {
    const futures = this.futures(tally);
    if (futures.length === 1 || this.isClosed(tally)) return true;
    const outcomes = new Set(futures.map((future) => this.succeeds(future)));
    return outcomes.size === 1 && !futures.some((future) => this.isClosed(future));
  }
}

/** Within the bounds of the contracts, often where rounding decides. */
const shares = fc.oneof(
  fc.integer({ min: 20_000, max: 48_000 }),
  fc.constantFrom(20_000, 30_000, 40_000, 45_000, 48_000),
);

const poll = fc
  .record({ counted: fc.integer({ min: 1, max: 8 }), suspended: fc.nat({ max: 4 }), track: fc.constantFrom(...Tracks) })
  .chain(({ counted, suspended, track }) =>
    fc.record({
      rules: fc.record({ quorum: shares, approval: shares, fastPath: fc.boolean() }).map((rules) => ({
        ...votesNeeded(track, rules, { all: counted + suspended, counted }),
        counted,
        approval: rules.approval,
      })),
      ballots: fc
        .array(fc.constantFrom("for", "for", ...(isClaimTrack(track) ? [] : ["against", "abstain"]), "missing"), {
          minLength: counted,
          maxLength: counted,
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
    ["the fast path is reached", operations, votes(5), true],
    ["one more For would reach the fast path", operations, votes(4), false],
    ["it passes for certain, and can no longer end early", operations, votes(3, 0, 5), true],
    ["it passes for certain, and may still end early", operations, votes(4, 0, 4), false],
    ["all that are missing could still turn it", operations, votes(4, 1), false],
    ["nobody is missing", operations, votes(3, 3, 3), true],
    ["too many are Against", operations, votes(0, 5), true],
    ["a tie is the best that may come of it", operations, votes(1, 4, 1), true],
    ["one more than a tie may come of it", operations, votes(1, 4), false],
    ["it passes for certain where nothing ends early", patient, votes(5), true],
    ["it would fail if the rest were Against, and nothing ends early", patient, votes(4), false],
    ["it passes for certain at its deadline", membership, votes(6), true],
    ["it would fail if the rest of the members were Against", membership, votes(5), false],
    ["the approval cannot be reached any more", membership, votes(2, 4), true],
    ["abstentions help nothing pass: too few can still be For", membership, votes(3, 0, 5), true],
    ["too few For are there, and more may come", membership, votes(3, 0, 1), false],
    ["more than half have seen what is claimed", claim, votes(5), true],
    ["half have seen what is claimed", claim, votes(4), false],
  ])("where %s", (_what, rules, tally, decided) => {
    expect(isDecided(rules, tally)).toBe(decided);
    expect(new Governor(rules).isDecided(tally)).toBe(decided);
  });
});

describe("ballots that wait", () => {
  function settle(change: Partial<SettleInput>) {
    return whenToSettle({
      rules: operations,
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
    expect(settle({ pending: votes(5) })).toBe("decided");
    expect(settle({ pending: votes(0, 5) })).toBe("decided");
    expect(settle({ counted: votes(2), pending: votes(3) })).toBe("decided");
  });

  it("wait for others as long as they decide nothing", () => {
    expect(settle({ pending: votes(4) })).toBeUndefined();
    expect(settle({ pending: votes(4), waitedMs: 29_999 })).toBeUndefined();
    expect(settle({ pending: votes(4), waitedMs: 30_000 })).toBe("waited");
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
    expect(settle({ counted: votes(4), secondsLeft: 0, waitedMs: 1e9 })).toBeUndefined();
  });
});
