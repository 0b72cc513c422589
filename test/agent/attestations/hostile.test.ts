import { describe, expect, it } from "vitest";
import type { AttestationCounts } from "../../../src/agent/attestations/validator.js";
import type { Client } from "../../../src/client/index.js";
import type { Hex } from "../../../src/records/index.js";
import { blsKey } from "../../harness/deploy.js";
import { bls } from "../ballots/roll.js";
import { all, altered, type Committee, createCommittee, done, failed, outcomeOf, patience } from "./committee.js";

const four = [0, 1, 2, 3];
const six = [0, 1, 2, 3, 4, 5];

/** Nodes that have looked at a directive, and one more that says to them what it likes. */
async function besieged(honest = four) {
  const liar = honest.length;
  const world = await createCommittee({ nodes: honest.length + 1 });
  await world.seat(honest);
  const directive = await world.issue();
  await world.look();
  const countsOf = (index: number) => world.seatOf(index).exchange.counts;
  return {
    world,
    directive,
    liar,
    countsOf,
    sum: (reason: keyof AttestationCounts) => honest.reduce((sum, index) => sum + countsOf(index)[reason], 0),
  };
}

type Message = ReturnType<Committee["sign"]> | Uint8Array;

describe("attestations that are not what they say", () => {
  it.each<[string, keyof AttestationCounts, (sign: Committee["sign"], id: Hex) => Message]>([
    ["bytes that are none", "malformed", () => new Uint8Array(166)],
    ["a signature with a bit turned", "badSignatures", (sign, id) => altered(sign(id, 6, done))],
    ["another node's name", "badSignatures", (sign, id) => ({ ...sign(id, 6, done), index: 0 })],
    ["another outcome", "badSignatures", (sign, id) => ({ ...sign(id, 6, done), outcome: outcomeOf(9) })],
    ["another report", "badSignatures", (sign, id) => ({ ...sign(id, 6, done), report: "failed" })],
    ["an index that is nobody's", "notMembers", (sign, id) => sign(id, 77, done, blsKey(6))],
  ])("by %s are kept by nobody, relayed by nobody, and cost their sender its connections", async (_, reason, make) => {
    const { countsOf, directive, sum, world } = await besieged(six);
    for (let times = 0; times < 20; times++) await world.say(6, make(world.sign, directive.id));
    // Of a mesh in a ring its next two on either side are its neighbours.
    const [neighbours, others] = [
      [0, 1, 4, 5],
      [2, 3],
    ];
    await expect.poll(() => world.refused.map(({ by }) => by).sort(), patience).toEqual(neighbours);
    expect(new Set(world.refused.map(({ peer }) => peer))).toEqual(new Set(["node 6"]));
    for (const index of neighbours) expect(countsOf(index)[reason]).toBeGreaterThanOrEqual(16);
    for (const index of others) expect(Object.values(countsOf(index)).every((count) => count === 0)).toBe(true);
    expect(sum("accepted")).toBe(0);
    await world.heard(directive, 0);

    await world.attest(directive, done, ...four);
    await world.run();
    await world.counts(directive.id, all(four, done));
    expect(await world.statusOf(directive.id)).toBe("Done");
  });

  it("on a directive that is unknown, not active, lapsed or ended are ignored, and held against nobody", async () => {
    const { directive, sum, world } = await besieged();
    const ended = await world.issue("web-1");
    for (const index of [0, 1, 2]) {
      await world.setting
        .client(index)
        .reportDirective({ directiveId: ended.id, report: "done", outcome: outcomeOf(1) });
    }
    const later = await world.issue("web-2", { delay: 100_000 });
    const short = await world.issue("web-1", { window: 30 });
    await world.setting.witan.increaseTime(60);
    const unknown = `0x${"77".repeat(32)}` as const;
    const untimely = [unknown, later.id, short.id, ended.id].map((id) => world.sign(id, 4, done));
    for (let times = 0; times < 5; times++) await world.say(4, ...untimely);
    await expect.poll(() => sum("notNow"), patience).toBe(20 * four.length);
    for (const { id } of [later, short, ended]) {
      expect(four.flatMap((index) => world.seatOf(index).exchange.heard({ ...directive, id }))).toEqual([]);
    }
    expect(world.refused).toEqual([]);
    // Who is ready may say so before the directive is active.
    await world.say(4, world.sign(later.id, 4, { report: "ready", outcome: null }));
    await world.heard(later, 1);
  });

  it("of a node that was removed before the issue are refused, of one that was removed after it taken", async () => {
    const world = await createCommittee({ nodes: 6 });
    await world.seat([0, 1, 2]);
    const before = await world.issue("web-1");
    const ban = { kind: "Ban", indices: [5], reason: "absent" } as const;
    const { proposalId } = await world.setting.client().openProposal({ order: ban });
    await world.setting.carryOut(proposalId);
    const after = await world.issue("web-2", { window: 100_000 });
    await world.look();
    await world.say(5, world.sign(before.id, 5, done), world.sign(after.id, 5, done));
    await world.heard(before, 1);
    const refused = () => [0, 1, 2].map((index) => world.seatOf(index).exchange.counts.notMembers);
    await expect.poll(refused, patience).toEqual([1, 1, 1]);
    await world.heard(after, 0);
  });

  it("twice are one; different ones of one node are one too, the first, and are told of once", async () => {
    const { directive, sum, world } = await besieged();
    const first = world.sign(directive.id, 4, done);
    await world.say(4, first);
    await world.heard(directive, 1);
    const second = world.sign(directive.id, 4, failed);
    const third = world.sign(directive.id, 4, { ...done, outcome: outcomeOf(9) });
    for (const message of [first, second, third, second]) await world.say(4, message);
    await expect.poll(() => sum("contradictions"), patience).toBe(3 * four.length);
    for (const index of four) {
      expect(world.seatOf(index).exchange.heard(directive)).toMatchObject([done]);
    }
    const told = world.logs.filter(({ message }) => message.startsWith("a node attests two different things"));
    expect(told.map(({ node }) => node).sort()).toEqual(four);
    expect(told).toContainEqual(expect.objectContaining({ index: 4, first: `done ${done.outcome}` }));
    expect(world.refused).toEqual([]);

    // Whoever brings the other one to the chain costs the honest nothing.
    const liar = world.setting.client(4);
    await liar.reportDirective({ directiveId: directive.id, report: "failed", outcome: outcomeOf(2) });
    await world.attest(directive, done, 0, 1, 2);
    await world.run();
    await world.counts(directive.id, { ...all([0, 1, 2], done), 4: failed });
    expect(await world.statusOf(directive.id)).toBe("Done");
  });

  it("cannot make others pay: nobody settles nonsense of which only its node knows", async () => {
    const { world, directive } = await besieged();
    await world.say(4, world.sign(directive.id, 4, failed));
    await world.heard(directive, 1);
    world.pass(3_600_000);
    for (let looks = 0; looks < 3; looks++) await world.look();
    await world.leave(directive, 100);
    await world.look();
    expect(await world.transactions(directive.id)).toEqual([]);
  });
});

describe("a settler whose duty it is", () => {
  /** All attest, but for a first in line that is missing; each of them may settle as soon as it has heard enough. */
  async function attested(change: (first: number, ahead: number, world: Committee) => Partial<Client> | undefined) {
    const world = await createCommittee();
    const directive = await world.issue();
    const [first = -1, ahead = -1, ...others] = world.lineOf(directive.id);
    const its = change(first, ahead, world);
    if (its !== undefined) await world.seat([first], { client: its });
    await world.seat([ahead, ...others]);
    await world.look();
    const attest = () => world.attest(directive, done, ahead, ...(its === undefined ? [] : [first]), ...others);
    const enacted = () => expect.poll(() => world.statusOf(directive.id), patience).toBe("Done");
    return { world, directive, first, ahead, attest, enacted };
  }

  it("is missing, and the next settles a step later", async () => {
    const { attest, directive, enacted, first, world } = await attested(() => undefined);
    await attest();
    await world.run();
    await enacted();
    const [only, ...more] = await world.brought(directive.id);
    expect([only?.method, more]).toEqual(["reportByAggregate", []]);
    expect(only?.by).not.toBe(first);
  });

  it("holds all of them back, and the next settles a step later", async () => {
    const { attest, directive, enacted, first, world } = await attested(() => ({
      attestDirective: () => Promise.reject(new Error("not today")),
    }));
    await attest();
    await world.run();
    await enacted();
    const [only, ...more] = await world.brought(directive.id);
    expect([only?.method, more]).toEqual(["reportByAggregate", []]);
    expect(only?.by).not.toBe(first);
  });

  it("brings only one of them, and the others bring the rest", async () => {
    let brought = false;
    const { attest, directive, enacted, first, world } = await attested((index, _, { setting }) => ({
      attestDirective: (parameters) => {
        if (brought) throw new Error("that was enough");
        brought = true;
        const attestations = parameters.attestations.slice(0, 1);
        return setting.client(index).attestDirective({ ...parameters, attestations });
      },
    }));
    await attest();
    await expect.poll(async () => Object.keys(await world.counted(directive.id)).length, patience).toBe(1);
    await world.run();
    await enacted();
    expect(await world.brought(directive.id)).toMatchObject([{ by: first }, { method: "reportByAggregate" }]);
  });

  it("is overtaken after it has looked: it leaves out whoever counts by now, and brings the rest", async () => {
    let overtakes = true;
    const { ahead, attest, directive, enacted, first, world } = await attested((index, other, { setting, sign }) => ({
      attestDirective: async (parameters) => {
        if (overtakes) {
          overtakes = false;
          const attestations = [sign(parameters.directiveId, other, done)];
          await setting.client(other).attestDirective({ ...parameters, attestations });
        }
        return setting.client(index).attestDirective(parameters);
      },
    }));
    await attest();
    await enacted();
    expect((await world.transactions(directive.id)).filter((each) => each.failed)).toEqual([]);
    expect(await world.brought(directive.id)).toMatchObject([{ by: ahead }, { by: first }]);
  });

  it("does not see yet what is on chain: what the refusal names is enough", async () => {
    const unseeing = { listReports: async () => [] };
    const { ahead, attest, directive, enacted, first, world } = await attested(() => unseeing);
    const attestations = [world.sign(directive.id, ahead, done)];
    const said = { directiveId: directive.id, report: "done", outcome: outcomeOf(1) } as const;
    await world.setting.client(ahead).attestDirective({ ...said, attestations });
    await attest();
    await enacted();
    expect(await world.brought(directive.id)).toMatchObject([{ by: ahead }, { by: first }]);
  });

  it("spoils what it brings, which costs it and nobody else", async () => {
    const { attest, directive, enacted, first, world } = await attested((index, _, { setting }) => ({
      attestDirective: (parameters) => {
        const [one, other, ...rest] = parameters.attestations;
        if (one === undefined || other === undefined) throw new Error("nothing to spoil");
        const attestations = [{ ...one, signature: other.signature }, ...rest];
        return setting.client(index).attestDirective({ ...parameters, attestations });
      },
    }));
    await attest();
    await world.run();
    await enacted();
    const sent = await world.transactions(directive.id);
    expect(sent.filter(({ by, failed }) => failed && by !== first)).toEqual([]);
    expect(sent.filter((each) => !each.failed)).toHaveLength(1);
  });

  it("has signed wrongly itself: what it finds bad is left out, and it brings the rest", async () => {
    const world = await createCommittee();
    const directive = await world.issue();
    const [first = -1, ...others] = world.lineOf(directive.id);
    // No other node can make it hold what is bad.
    const sign: typeof bls.sign = (secret, digest) => bls.sign(secret, digest.toReversed());
    await world.seat([first], { library: { ...bls, sign } });
    await world.seat(others);
    await world.look();
    await world.attest(directive, done, first);
    await world.attest(directive, done, ...others);
    await expect.poll(() => world.statusOf(directive.id), patience).toBe("Done");
    const [only, ...more] = await world.brought(directive.id);
    expect([only?.by, more]).toEqual([first, []]);
    expect(await world.counted(directive.id)).not.toHaveProperty(String(first));
  });
});
