import { describe, expect, it } from "vitest";
import { ballotsOf, equivocationIncident } from "../../../src/agent/ballots/equivocationIncident.js";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import type { NodeBallot, Support } from "../../../src/client/index.js";
import { encodeRecord } from "../../../src/records/index.js";
import { bls } from "../../harness/bls.js";
import { altered, context, memberOf, proposal, type SignOptions, signed, signedByOperator } from "./signedBallots.js";
import { createTestValidator } from "./testValidator.js";

const second = 1_000;
const minute = 60 * second;

describe("a ballot that comes to a node", () => {
  it.each<Support>(["for", "against", "abstain"])("is kept and relayed where its node signed %s", async (support) => {
    const { validate, found, pool } = await createTestValidator();
    const ballot = signed(3, support);
    expect(await validate(ballot)).toBe("accept");
    expect(found).toEqual({ ballots: [ballot], equivocations: [] });
    expect(pool.get(proposal, 3)).toEqual(ballot);
  });

  it("is refused where it is no ballot at all", async () => {
    const { validate, validator, pool } = await createTestValidator();
    const good = encodeBallot(signed(3, "for"));
    const change = (position: number, value: number) => good.map((byte, at) => (at === position ? value : byte));
    const malformed = {
      empty: new Uint8Array(),
      "a version of another day": change(0, 2),
      "a support that there is not": change(1, 3),
      "a byte too long": Uint8Array.from([...good, 0]),
      "a byte too short": good.subarray(0, good.length - 1),
      "without a signature": good.subarray(0, 38),
      "as long as an operator's": good.subarray(0, 38 + 64),
      noise: Uint8Array.from({ length: 134 }, (_, i) => (i * 73) % 256),
      text: new TextEncoder().encode("for"),
    };
    for (const [what, bytes] of Object.entries(malformed)) expect(await validate(bytes, what), what).toBe("reject");
    expect(validator.counts.malformed).toBe(Object.keys(malformed).length);
    expect([pool.proposals, validator.checks]).toEqual([[], 0]);
  });

  it.each<[string, SignOptions]>([
    ["another node's key", { by: 4 }],
    ["its own, on another proposal", { proposalId: "8" }],
    ["its own, for another governor", { context: { ...context, governor: `0x${"61".repeat(20)}` } }],
    ["its own, on another chain", { context: { ...context, chainId: 1 } }],
  ])("is refused where it was signed with %s", async (_what, options) => {
    const { validate, found, validator } = await createTestValidator();
    expect(await validate({ ...signed(3, "for", options), proposalId: proposal })).toBe("reject");
    expect(validator.counts.badSignatures).toBe(1);
    expect(found.ballots).toEqual([]);
  });

  it("is refused where the signature is of another support, or no point of the curve", async () => {
    const { validate } = await createTestValidator();
    expect(await validate({ ...signed(3, "for"), support: "against" })).toBe("reject");
    expect(await validate({ ...signed(3, "abstain"), support: "for" })).toBe("reject");
    expect(await validate({ ...signed(3, "for"), support: "abstain" })).toBe("reject");
    for (const fill of [0x00, 0xc0, 0xff]) {
      expect(await validate({ ...signed(3, "for"), signature: new Uint8Array(96).fill(fill) })).toBe("reject");
    }
    expect(await validate({ ...signed(3, "for"), signature: Uint8Array.from([0xc0, ...new Uint8Array(95)]) })).toBe(
      "reject",
    );
  });

  it("is ignored for a node that is not known yet, refused for one that was removed before", async () => {
    const nodes = [memberOf(0), memberOf(1, { removedAt: 2 }), memberOf(2, { admittedAt: 3 })];
    const standings = { [proposal]: { epoch: 2, open: true }, "8": { epoch: 1, open: true } };
    const { validate, validator } = await createTestValidator({ nodes, standings });
    expect(await validate(signed(9, "for"))).toBe("ignore");
    expect(await validate(signed(1, "for"))).toBe("reject");
    expect(await validate(signed(2, "for"))).toBe("reject");
    expect(validator.checks).toBe(0);
    // It was one when this vote was opened.
    expect(await validate(signed(1, "for", { proposalId: "8" }))).toBe("accept");
  });

  it("is ignored once the vote has ended", async () => {
    const { validate, validator } = await createTestValidator({ standings: { [proposal]: { epoch: 1, open: false } } });
    expect(await validate(signed(3, "for"))).toBe("ignore");
    expect(validator.counts.notNow).toBe(1);
  });

  it("is the operator's where keys cannot be added up", async () => {
    const { validate, validator } = await createTestValidator({ aggregates: false });
    expect(await validate(await signedByOperator(3, "against"))).toBe("accept");
    expect(await validate(await signedByOperator(4, "against", 3))).toBe("reject");
    expect(await validate(altered(await signedByOperator(5, "for")))).toBe("reject");
    expect(await validate({ ...signed(6, "for"), signature: new Uint8Array(64).fill(0xff) })).toBe("reject");
    expect(await validate(signed(6, "for"))).toBe("reject");
    expect(validator.counts).toMatchObject({ accepted: 1, badSignatures: 3, malformed: 1 });
  });
});

describe("a library that fails", () => {
  it("is reported for the ballots that it was asked about, and asked again for the next", async () => {
    let broken = true;
    // Only the failure is made up: the library has none that a ballot could bring about.
    const verifyLot: typeof bls.verifyDecoded = (lot) => {
      if (broken) throw new Error("out of memory");
      return bls.verifyDecoded(lot);
    };
    const { validate } = await createTestValidator({ bls: { ...bls, verifyDecoded: verifyLot } });
    const attempts = await Promise.allSettled([validate(signed(3, "for")), validate(signed(4, "for"))]);
    expect(attempts.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    broken = false;
    expect(await validate(signed(3, "for"))).toBe("accept");
  });
});

describe("a ballot that is known", () => {
  it("is ignored, and relayed again every five seconds for whoever missed it", async () => {
    const { clock, validate, found, validator } = await createTestValidator();
    const ballot = signed(3, "for");
    expect(await validate(ballot)).toBe("accept");
    expect(await validate(ballot)).toBe("ignore");
    clock.pass(5 * second - 1);
    expect(await validate(ballot)).toBe("ignore");
    clock.pass(1);
    expect([await validate(ballot), await validate(ballot)]).toEqual(["accept", "ignore"]);
    expect([found.ballots.length, validator.checks]).toEqual([1, 1]);
  });

  it("is relayed once where it comes from many neighbours at the same time", async () => {
    const { validate, found } = await createTestValidator();
    const verdicts = await Promise.all([1, 2, 3, 4].map((n) => validate(signed(3, "for"), `neighbour ${n}`)));
    expect(verdicts.sort()).toEqual(["accept", "ignore", "ignore", "ignore"]);
    expect(found.ballots).toHaveLength(1);
  });

  it("is ignored with another signature, without a check and at any time", async () => {
    const { clock, validate, validator, pool } = await createTestValidator();
    const ballot = signed(3, "for");
    await validate(ballot);
    expect(await validate(altered(ballot))).toBe("ignore");
    clock.pass(minute);
    expect(await validate(altered(ballot))).toBe("ignore");
    expect(validator.checks).toBe(1);
    expect(pool.get(proposal, 3)).toEqual(ballot);
  });
});

describe("a node that signs two different ballots", () => {
  it("is heard of once, with both as evidence; a third is ignored", async () => {
    const { clock, validate, found, validator, pool } = await createTestValidator();
    const [first, other, third] = [signed(3, "for"), signed(3, "against"), signed(3, "abstain")];
    expect([await validate(first), await validate(other)]).toEqual(["accept", "accept"]);
    const checks = validator.checks;
    clock.pass(minute);
    expect([await validate(other), await validate(third)]).toEqual(["ignore", "ignore"]);
    expect(validator.checks).toBe(checks);
    expect(found).toEqual({ ballots: [first], equivocations: [{ first, second: other }] });
    expect(pool.get(proposal, 3)).toEqual(first);
    expect(validator.counts).toMatchObject({ accepted: 1, equivocations: 1 });
  });

  it("is not accused by a second ballot that somebody else signed", async () => {
    const { validate, found } = await createTestValidator();
    await validate(signed(3, "for"));
    expect(await validate(signed(3, "against", { by: 4 }))).toBe("reject");
    expect(found.equivocations).toEqual([]);
  });

  it("gives the same record to whoever sees it, in whatever order", async () => {
    const pair = [signed(3, "against"), signed(3, "for")] as const;
    const contentIds = new Set<string>();
    for (const [one, other] of [pair, [pair[1], pair[0]] as const]) {
      const { validate, found } = await createTestValidator();
      await Promise.all([validate(one), validate(other)]);
      const [equivocation] = found.equivocations;
      if (equivocation === undefined) throw new Error("nobody was caught");
      expect(equivocation.first).toEqual(one);
      const incident = equivocationIncident(equivocation, memberOf(3));
      expect(ballotsOf(incident)).toEqual({ first: pair[0], second: pair[1] });
      contentIds.add(encodeRecord("Incident", incident).contentId);
    }
    expect(contentIds.size).toBe(1);
  });

  it("is not named by an incident that holds anything else", () => {
    const [inFavour, against] = [signed(3, "for"), signed(3, "against")];
    const incidentOf = (a: NodeBallot, b: NodeBallot) => equivocationIncident({ first: a, second: b }, memberOf(3));
    const good = incidentOf(inFavour, against);
    expect(ballotsOf(incidentOf(inFavour, altered(inFavour)))).toBeUndefined();
    expect(ballotsOf(incidentOf(inFavour, signed(4, "against")))).toBeUndefined();
    expect(ballotsOf(incidentOf(inFavour, signed(3, "against", { proposalId: "8" })))).toBeUndefined();
    expect(ballotsOf({ ...good, subject: "node/4" })).toBeUndefined();
    expect(ballotsOf({ ...good, kind: "replica-down" })).toBeUndefined();
    expect(ballotsOf({ ...good, observed: { ...good.observed, second: "bm90aGluZw==" } })).toBeUndefined();
    expect(ballotsOf({ ...good, observed: { ...good.observed, first: 1 } })).toBeUndefined();
  });
});

describe("limits", () => {
  const bad = (n: number) => signed(n % 7, "for", { by: 7 });

  it("mute a neighbour after sixteen bad ballots, for a minute, and nobody else", async () => {
    const { clock, validate, validator } = await createTestValidator();
    for (let n = 0; n < 15; n++) expect(await validate(bad(n))).toBe("reject");
    expect(await validate(signed(0, "for"))).toBe("accept");
    expect(await validate(bad(15))).toBe("reject");
    expect(await validate(signed(1, "for"))).toBe("ignore");
    expect(await validate(signed(1, "for"), "another")).toBe("accept");
    expect(validator.counts.overLimit).toBe(1);
    clock.pass(minute - 1);
    expect(await validate(signed(2, "for"))).toBe("ignore");
    clock.pass(1);
    expect(await validate(signed(2, "for"))).toBe("accept");
  });

  it("forgive a neighbour one bad ballot every ten seconds", async () => {
    const { clock, validate } = await createTestValidator();
    for (let n = 0; n < 40; n++) {
      expect(await validate(bad(n))).toBe("reject");
      clock.pass(10 * second);
    }
    expect(await validate(signed(0, "for"))).toBe("accept");
  });

  it("strike a peer for what is no ballot at all, and not for what may merely be late or early", async () => {
    const { abusers, standings, validate } = await createTestValidator();
    standings.set("8", { epoch: 1, open: false });
    for (let n = 0; n < 40; n++) {
      await validate(signed(0, "for", { proposalId: "8" }), "late");
      await validate(signed(9, "for"), "early");
      await validate(new Uint8Array(), `liar ${n % 2}`);
    }
    expect(abusers).toEqual(["liar 0", "liar 1"]);
  });

  it("ignore the rest of what a liar sends at once, and nothing of another peer", async () => {
    const { validate, validator } = await createTestValidator();
    const flood = Array.from({ length: 100 }, (_, n) => validate(bad(n), "liar"));
    expect(await validate(signed(0, "for"), "honest")).toBe("accept");
    const verdicts = await Promise.all(flood);
    expect(verdicts.slice(0, 64)).toEqual(Array(64).fill("reject"));
    expect(verdicts.slice(64)).toEqual(Array(36).fill("ignore"));
    expect(validator.counts).toMatchObject({ accepted: 1, badSignatures: 64, overLimit: 36 });
  });

  it("take a node's ballots on eight proposals that are not on chain, one after another or at once", async () => {
    const { validate, validator, standings, pool } = await createTestValidator();
    const on = (index: number, n: number) => signed(index, "for", { proposalId: `${100 + n}` });
    for (let n = 0; n < 8; n++) expect(await validate(on(3, n))).toBe("accept");
    expect(await validate(on(3, 8))).toBe("ignore");
    expect(validator.counts.notNow).toBe(1);

    const verdicts = await Promise.all(Array.from({ length: 20 }, (_, n) => validate(on(4, n))));
    expect(verdicts.filter((verdict) => verdict === "accept")).toHaveLength(8);
    expect(pool.proposals).toHaveLength(8);

    // One of them is opened, which makes room.
    standings.set("100", { epoch: 1, open: true });
    expect(await validate(on(3, 8))).toBe("accept");
    expect(await validate(signed(3, "for"))).toBe("accept");
  });

  it("take ballots on 256 proposals that are not on chain, whoever sends them", async () => {
    const { validate, pool } = await createTestValidator({
      nodes: Array.from({ length: 33 }, (_, index) => memberOf(index)),
    });
    const eightOf = (index: number) =>
      Array.from({ length: 8 }, (_, n) => signed(index, "for", { proposalId: `${1_000 + 8 * index + n}` }));
    for (let index = 0; index < 33; index++) await Promise.all(eightOf(index).map((ballot) => validate(ballot)));
    expect(pool.proposals).toHaveLength(256);
    // What is known may have more ballots, and what is on chain is not concerned.
    expect(await validate(signed(32, "for", { proposalId: "1000" }))).toBe("accept");
    expect(await validate(signed(32, "for"))).toBe("accept");
  });

  it("find a few bad ballots among many good ones with few checks", async () => {
    const size = 200;
    const { validate, validator } = await createTestValidator({
      nodes: Array.from({ length: size }, (_, index) => memberOf(index)),
    });
    const liars = new Set([17, 101, 160]);
    const ballots = Array.from({ length: size }, (_, n) => signed(n, "for", liars.has(n) ? { by: size } : {}));
    const verdicts = await Promise.all(ballots.map((ballot, n) => validate(ballot, `neighbour ${n % 4}`)));
    expect(verdicts).toEqual(ballots.map((_, n) => (liars.has(n) ? "reject" : "accept")));
    // One for all, two for each halving down to eight, and those one by one.
    expect(validator.checks).toBeLessThanOrEqual(1 + liars.size * (2 * Math.ceil(Math.log2(size / 8)) + 8));
  });

  it("verify what comes together by one check where all of it is good", async () => {
    const { validate, validator } = await createTestValidator();
    const supports = ["for", "against", "abstain", "for", "for", "abstain", "against"] as const;
    await Promise.all(supports.map((support, index) => validate(signed(index, support))));
    expect(validator.counts.accepted).toBe(7);
    expect(validator.checks).toBe(1);
  });
});
