import { describe, expect, it } from "vitest";
import { ballotsOf, equivocationIncident } from "../../../src/agent/ballots/equivocationIncident.js";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import type { NodeBallot, Support } from "../../../src/client/index.js";
import { encodeRecord } from "../../../src/records/index.js";
import {
  altered,
  bls,
  context,
  memberOf,
  openDoor,
  proposal,
  type SignOptions,
  signed,
  signedByOperator,
} from "./roll.js";

const second = 1_000;
const minute = 60 * second;

describe("a ballot that comes to a node", () => {
  it.each<Support>(["for", "against", "abstain"])("is kept and relayed where its node signed %s", async (support) => {
    const { hear, heard, pool } = await openDoor();
    const ballot = signed(3, support);
    expect(await hear(ballot)).toBe("accept");
    expect(heard).toEqual({ ballots: [ballot], equivocations: [] });
    expect(pool.get(proposal, 3)).toEqual(ballot);
  });

  it("is refused where it is no ballot at all", async () => {
    const { hear, intake, pool } = await openDoor();
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
    for (const [what, bytes] of Object.entries(malformed)) expect(await hear(bytes, what), what).toBe("reject");
    expect(intake.counts.malformed).toBe(Object.keys(malformed).length);
    expect([pool.proposals, intake.checks]).toEqual([[], 0]);
  });

  it.each<[string, SignOptions]>([
    ["another node's key", { by: 4 }],
    ["its own, on another proposal", { proposalId: "8" }],
    ["its own, for another governor", { context: { ...context, governor: `0x${"61".repeat(20)}` } }],
    ["its own, on another chain", { context: { ...context, chainId: 1 } }],
  ])("is refused where it was signed with %s", async (_what, options) => {
    const { hear, heard, intake } = await openDoor();
    expect(await hear({ ...signed(3, "for", options), proposalId: proposal })).toBe("reject");
    expect(intake.counts.badSignatures).toBe(1);
    expect(heard.ballots).toEqual([]);
  });

  it("is refused where the signature is of another support, or no point of the curve", async () => {
    const { hear } = await openDoor();
    expect(await hear({ ...signed(3, "for"), support: "against" })).toBe("reject");
    expect(await hear({ ...signed(3, "abstain"), support: "for" })).toBe("reject");
    expect(await hear({ ...signed(3, "for"), support: "abstain" })).toBe("reject");
    for (const fill of [0x00, 0xc0, 0xff]) {
      expect(await hear({ ...signed(3, "for"), signature: new Uint8Array(96).fill(fill) })).toBe("reject");
    }
    expect(await hear({ ...signed(3, "for"), signature: Uint8Array.from([0xc0, ...new Uint8Array(95)]) })).toBe(
      "reject",
    );
  });

  it("is ignored for a node that is not known yet, refused for one that was removed before", async () => {
    const nodes = [memberOf(0), memberOf(1, { removedAt: 2 }), memberOf(2, { admittedAt: 3 })];
    const polls = { [proposal]: { epoch: 2, open: true }, "8": { epoch: 1, open: true } };
    const { hear, intake } = await openDoor({ nodes, polls });
    expect(await hear(signed(9, "for"))).toBe("ignore");
    expect(await hear(signed(1, "for"))).toBe("reject");
    expect(await hear(signed(2, "for"))).toBe("reject");
    expect(intake.checks).toBe(0);
    // It was one when this vote was opened.
    expect(await hear(signed(1, "for", { proposalId: "8" }))).toBe("accept");
  });

  it("is ignored once the vote has ended", async () => {
    const { hear, intake } = await openDoor({ polls: { [proposal]: { epoch: 1, open: false } } });
    expect(await hear(signed(3, "for"))).toBe("ignore");
    expect(intake.counts.notNow).toBe(1);
  });

  it("is the operator's where keys cannot be added up", async () => {
    const { hear, intake } = await openDoor({ aggregates: false });
    expect(await hear(await signedByOperator(3, "against"))).toBe("accept");
    expect(await hear(await signedByOperator(4, "against", 3))).toBe("reject");
    expect(await hear(altered(await signedByOperator(5, "for")))).toBe("reject");
    expect(await hear({ ...signed(6, "for"), signature: new Uint8Array(64).fill(0xff) })).toBe("reject");
    expect(await hear(signed(6, "for"))).toBe("reject");
    expect(intake.counts).toMatchObject({ accepted: 1, badSignatures: 3, malformed: 1 });
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
    const { hear } = await openDoor({ library: { ...bls, verifyDecoded: verifyLot } });
    const attempts = await Promise.allSettled([hear(signed(3, "for")), hear(signed(4, "for"))]);
    expect(attempts.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    broken = false;
    expect(await hear(signed(3, "for"))).toBe("accept");
  });
});

describe("a ballot that is known", () => {
  it("is ignored, and relayed again every five seconds for whoever missed it", async () => {
    const { clock, hear, heard, intake } = await openDoor();
    const ballot = signed(3, "for");
    expect(await hear(ballot)).toBe("accept");
    expect(await hear(ballot)).toBe("ignore");
    clock.pass(5 * second - 1);
    expect(await hear(ballot)).toBe("ignore");
    clock.pass(1);
    expect([await hear(ballot), await hear(ballot)]).toEqual(["accept", "ignore"]);
    expect([heard.ballots.length, intake.checks]).toEqual([1, 1]);
  });

  it("is relayed once where it comes from many neighbours at the same time", async () => {
    const { hear, heard } = await openDoor();
    const verdicts = await Promise.all([1, 2, 3, 4].map((n) => hear(signed(3, "for"), `neighbour ${n}`)));
    expect(verdicts.sort()).toEqual(["accept", "ignore", "ignore", "ignore"]);
    expect(heard.ballots).toHaveLength(1);
  });

  it("is ignored with another signature, without a check and at any time", async () => {
    const { clock, hear, intake, pool } = await openDoor();
    const ballot = signed(3, "for");
    await hear(ballot);
    expect(await hear(altered(ballot))).toBe("ignore");
    clock.pass(minute);
    expect(await hear(altered(ballot))).toBe("ignore");
    expect(intake.checks).toBe(1);
    expect(pool.get(proposal, 3)).toEqual(ballot);
  });
});

describe("a node that signs two different ballots", () => {
  it("is heard of once, with both as evidence; a third is ignored", async () => {
    const { clock, hear, heard, intake, pool } = await openDoor();
    const [first, other, third] = [signed(3, "for"), signed(3, "against"), signed(3, "abstain")];
    expect([await hear(first), await hear(other)]).toEqual(["accept", "accept"]);
    const checks = intake.checks;
    clock.pass(minute);
    expect([await hear(other), await hear(third)]).toEqual(["ignore", "ignore"]);
    expect(intake.checks).toBe(checks);
    expect(heard).toEqual({ ballots: [first], equivocations: [{ first, second: other }] });
    expect(pool.get(proposal, 3)).toEqual(first);
    expect(intake.counts).toMatchObject({ accepted: 1, equivocations: 1 });
  });

  it("is not accused by a second ballot that somebody else signed", async () => {
    const { hear, heard } = await openDoor();
    await hear(signed(3, "for"));
    expect(await hear(signed(3, "against", { by: 4 }))).toBe("reject");
    expect(heard.equivocations).toEqual([]);
  });

  it("gives the same record to whoever sees it, in whatever order", async () => {
    const pair = [signed(3, "against"), signed(3, "for")] as const;
    const contentIds = new Set<string>();
    for (const [one, other] of [pair, [pair[1], pair[0]] as const]) {
      const { hear, heard } = await openDoor();
      await Promise.all([hear(one), hear(other)]);
      const [equivocation] = heard.equivocations;
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
    const { clock, hear, intake } = await openDoor();
    for (let n = 0; n < 15; n++) expect(await hear(bad(n))).toBe("reject");
    expect(await hear(signed(0, "for"))).toBe("accept");
    expect(await hear(bad(15))).toBe("reject");
    expect(await hear(signed(1, "for"))).toBe("ignore");
    expect(await hear(signed(1, "for"), "another")).toBe("accept");
    expect(intake.counts.overLimit).toBe(1);
    clock.pass(minute - 1);
    expect(await hear(signed(2, "for"))).toBe("ignore");
    clock.pass(1);
    expect(await hear(signed(2, "for"))).toBe("accept");
  });

  it("forgive a neighbour one bad ballot every ten seconds", async () => {
    const { clock, hear } = await openDoor();
    for (let n = 0; n < 40; n++) {
      expect(await hear(bad(n))).toBe("reject");
      clock.pass(10 * second);
    }
    expect(await hear(signed(0, "for"))).toBe("accept");
  });

  it("take a node's ballots on eight proposals that are not on chain, one after another or at once", async () => {
    const { hear, intake, polls, pool } = await openDoor();
    const on = (index: number, n: number) => signed(index, "for", { proposalId: `${100 + n}` });
    for (let n = 0; n < 8; n++) expect(await hear(on(3, n))).toBe("accept");
    expect(await hear(on(3, 8))).toBe("ignore");
    expect(intake.counts.notNow).toBe(1);

    const verdicts = await Promise.all(Array.from({ length: 20 }, (_, n) => hear(on(4, n))));
    expect(verdicts.filter((verdict) => verdict === "accept")).toHaveLength(8);
    expect(pool.proposals).toHaveLength(8);

    // One of them is opened, which makes room.
    polls.set("100", { epoch: 1, open: true });
    expect(await hear(on(3, 8))).toBe("accept");
    expect(await hear(signed(3, "for"))).toBe("accept");
  });

  it("take ballots on 256 proposals that are not on chain, whoever sends them", async () => {
    const { hear, pool } = await openDoor({ nodes: Array.from({ length: 33 }, (_, index) => memberOf(index)) });
    const eightOf = (index: number) =>
      Array.from({ length: 8 }, (_, n) => signed(index, "for", { proposalId: `${1_000 + 8 * index + n}` }));
    for (let index = 0; index < 33; index++) await Promise.all(eightOf(index).map((ballot) => hear(ballot)));
    expect(pool.proposals).toHaveLength(256);
    // What is known may have more ballots, and what is on chain is not concerned.
    expect(await hear(signed(32, "for", { proposalId: "1000" }))).toBe("accept");
    expect(await hear(signed(32, "for"))).toBe("accept");
  });

  it("find a few bad ballots among many good ones with few checks", async () => {
    const size = 200;
    const { hear, intake } = await openDoor({ nodes: Array.from({ length: size }, (_, index) => memberOf(index)) });
    const liars = new Set([17, 101, 160]);
    const ballots = Array.from({ length: size }, (_, n) => signed(n, "for", liars.has(n) ? { by: size } : {}));
    const verdicts = await Promise.all(ballots.map((ballot, n) => hear(ballot, `neighbour ${n % 4}`)));
    expect(verdicts).toEqual(ballots.map((_, n) => (liars.has(n) ? "reject" : "accept")));
    // One for all, two for each halving down to eight, and those one by one.
    expect(intake.checks).toBeLessThanOrEqual(1 + liars.size * (2 * Math.ceil(Math.log2(size / 8)) + 8));
  });

  it("verify what comes together by one check where all of it is good", async () => {
    const { hear, intake } = await openDoor();
    const supports = ["for", "against", "abstain", "for", "for", "abstain", "against"] as const;
    await Promise.all(supports.map((support, index) => hear(signed(index, support))));
    expect(intake.counts.accepted).toBe(7);
    expect(intake.checks).toBe(1);
  });
});
