import { describe, expect, it } from "vitest";
import type { AttestationCounts } from "../../../src/agent/attestations/validator.js";
import type { Client } from "../../../src/client/index.js";
import type { Hex, Order } from "../../../src/records/index.js";
import { bls } from "../../harness/bls.js";
import { blsKey } from "../../harness/deploy.js";
import { all } from "../../harness/mesh.js";
import { patience } from "../../harness/patience.js";
import { type AttestationMesh, altered, createAttestationMesh, done, failed, outcomeOf } from "./attestationMesh.js";

const four = [0, 1, 2, 3];
const six = [0, 1, 2, 3, 4, 5];

/** Nodes that have read a directive, and one more that publishes what it likes. */
async function withLiar(honest = four) {
  const liar = honest.length;
  const mesh = await createAttestationMesh({ nodes: honest.length + 1 });
  await mesh.start(honest);
  const directive = await mesh.issue();
  await mesh.update();
  const countsOf = (index: number) => mesh.node(index).exchange.counts;
  return {
    mesh,
    directive,
    liar,
    countsOf,
    sum: (reason: keyof AttestationCounts) => honest.reduce((sum, index) => sum + countsOf(index)[reason], 0),
  };
}

type Message = ReturnType<AttestationMesh["sign"]> | Uint8Array;

describe("attestations that are not what they say", () => {
  it.each<[string, keyof AttestationCounts, (sign: AttestationMesh["sign"], id: Hex) => Message]>([
    ["bytes that are none", "malformed", () => new Uint8Array(166)],
    ["a signature with a bit turned", "badSignatures", (sign, id) => altered(sign(id, 6, done))],
    ["another node's name", "badSignatures", (sign, id) => ({ ...sign(id, 6, done), index: 0 })],
    ["another outcome", "badSignatures", (sign, id) => ({ ...sign(id, 6, done), outcome: outcomeOf(9) })],
    ["another report", "badSignatures", (sign, id) => ({ ...sign(id, 6, done), report: "failed" })],
    ["an index that is nobody's", "notMembers", (sign, id) => sign(id, 77, done, blsKey(6))],
  ])("by %s are kept by nobody, relayed by nobody, and cost their sender its connections", async (_, reason, make) => {
    const { countsOf, directive, sum, mesh } = await withLiar(six);
    for (let times = 0; times < 20; times++) await mesh.publish(6, make(mesh.sign, directive.id));
    // Of a mesh in a ring its next two on either side are its neighbours.
    const [neighbours, others] = [
      [0, 1, 4, 5],
      [2, 3],
    ];
    await expect.poll(() => mesh.refused.map(({ by }) => by).sort(), patience).toEqual(neighbours);
    expect(new Set(mesh.refused.map(({ peer }) => peer))).toEqual(new Set([mesh.nameOf(6)]));
    for (const index of neighbours) expect(countsOf(index)[reason]).toBeGreaterThanOrEqual(16);
    for (const index of others) expect(Object.values(countsOf(index)).every((count) => count === 0)).toBe(true);
    expect(sum("accepted")).toBe(0);
    await mesh.waitForAttestations(directive, 0);

    await mesh.attest(directive, done, ...four);
    await mesh.run();
    await mesh.waitForReports(directive.id, all(four, done));
    expect(await mesh.statusOf(directive.id)).toBe("Done");
  });

  it("on a directive that is unknown, not active, lapsed or ended are ignored, and held against nobody", async () => {
    const { directive, sum, mesh } = await withLiar();
    const ended = await mesh.issue("web-1");
    for (const index of [0, 1, 2]) {
      await mesh.dao.client(index).reportDirective({ directiveId: ended.id, report: "done", outcome: outcomeOf(1) });
    }
    const later = await mesh.issue("web-2", { delay: 100_000 });
    const short = await mesh.issue("web-1", { window: 30 });
    await mesh.dao.witan.increaseTime(60);
    const unknown = `0x${"77".repeat(32)}` as const;
    const untimely = [unknown, later.id, short.id, ended.id].map((id) => mesh.sign(id, 4, done));
    for (let times = 0; times < 5; times++) await mesh.publish(4, ...untimely);
    await expect.poll(() => sum("notNow"), patience).toBe(20 * four.length);
    for (const { id } of [later, short, ended]) {
      expect(four.flatMap((index) => mesh.node(index).exchange.heard({ ...directive, id }))).toEqual([]);
    }
    expect(mesh.refused).toEqual([]);
    // Who is ready may say so before the directive is active.
    await mesh.publish(4, mesh.sign(later.id, 4, { report: "ready", outcome: null }));
    await mesh.waitForAttestations(later, 1);
  });

  it("of a node that was removed before the issue are refused, of one that was removed after it taken", async () => {
    const mesh = await createAttestationMesh({ nodes: 6 });
    await mesh.start([0, 1, 2]);
    const before = await mesh.issue("web-1");
    const ban: Order = { kind: "Ban", operators: [mesh.accountOf(5)], reason: "absent" };
    const { proposalId } = await mesh.dao.client().openProposal({ order: ban });
    await mesh.dao.carryOut(proposalId);
    const after = await mesh.issue("web-2", { window: 100_000 });
    await mesh.update();
    await mesh.publish(5, mesh.sign(before.id, 5, done), mesh.sign(after.id, 5, done));
    await mesh.waitForAttestations(before, 1);
    const refused = () => [0, 1, 2].map((index) => mesh.node(index).exchange.counts.notMembers);
    await expect.poll(refused, patience).toEqual([1, 1, 1]);
    await mesh.waitForAttestations(after, 0);
  });

  it("twice are one; different ones of one node are one too, the first, and are told of once", async () => {
    const { directive, sum, mesh } = await withLiar();
    const first = mesh.sign(directive.id, 4, done);
    await mesh.publish(4, first);
    await mesh.waitForAttestations(directive, 1);
    const second = mesh.sign(directive.id, 4, failed);
    const third = mesh.sign(directive.id, 4, { ...done, outcome: outcomeOf(9) });
    for (const message of [first, second, third, second]) await mesh.publish(4, message);
    await expect.poll(() => sum("contradictions"), patience).toBe(3 * four.length);
    for (const index of four) {
      expect(mesh.node(index).exchange.heard(directive)).toMatchObject([done]);
    }
    const told = mesh.logs.filter(({ message }) => message.startsWith("a node attests two different things"));
    expect(told.map(({ node }) => node).sort()).toEqual(four);
    expect(told).toContainEqual(expect.objectContaining({ index: 4, first: `done ${done.outcome}` }));
    expect(mesh.refused).toEqual([]);

    // Whoever brings the other one to the chain costs the honest nothing.
    const liar = mesh.dao.client(4);
    await liar.reportDirective({ directiveId: directive.id, report: "failed", outcome: outcomeOf(2) });
    await mesh.attest(directive, done, 0, 1, 2);
    await mesh.run();
    await mesh.waitForReports(directive.id, { ...all([0, 1, 2], done), 4: failed });
    expect(await mesh.statusOf(directive.id)).toBe("Done");
  });

  it("cannot make others pay: nobody settles nonsense of which only its node knows", async () => {
    const { mesh, directive } = await withLiar();
    await mesh.publish(4, mesh.sign(directive.id, 4, failed));
    await mesh.waitForAttestations(directive, 1);
    mesh.clock.pass(3_600_000);
    for (let updates = 0; updates < 3; updates++) await mesh.update();
    await mesh.increaseTimeTo(directive.deadline - 100);
    await mesh.update();
    expect(await mesh.transactions(directive.id)).toEqual([]);
  });
});

describe("a settler whose duty it is", () => {
  /** All attest, but for a first in line that is missing; each of them may settle as soon as it has heard enough. */
  async function attested(
    change: (first: number, ahead: number, mesh: AttestationMesh) => Partial<Client> | undefined,
  ) {
    const mesh = await createAttestationMesh();
    const directive = await mesh.issue();
    const [first = -1, ahead = -1, ...others] = mesh.settlersOf(directive.id);
    const its = change(first, ahead, mesh);
    if (its !== undefined) await mesh.start([first], { client: its });
    await mesh.start([ahead, ...others]);
    await mesh.update();
    const attest = () => mesh.attest(directive, done, ahead, ...(its === undefined ? [] : [first]), ...others);
    const enacted = () => mesh.waitForStatus(directive.id, "Done");
    return { mesh, directive, first, ahead, attest, enacted };
  }

  it("is missing, and the next settles a step later", async () => {
    const { attest, directive, enacted, first, mesh } = await attested(() => undefined);
    await attest();
    await mesh.run();
    await enacted();
    const [only, ...more] = await mesh.settlements(directive.id);
    expect([only?.method, more]).toEqual(["reportByAggregate", []]);
    expect(only?.by).not.toBe(first);
  });

  it("holds all of them back, and the next settles a step later", async () => {
    const { attest, directive, enacted, first, mesh } = await attested(() => ({
      attestDirective: () => Promise.reject(new Error("not today")),
    }));
    await attest();
    await mesh.run();
    await enacted();
    const [only, ...more] = await mesh.settlements(directive.id);
    expect([only?.method, more]).toEqual(["reportByAggregate", []]);
    expect(only?.by).not.toBe(first);
  });

  it("brings only one of them, and the others bring the rest", async () => {
    let brought = false;
    const { attest, directive, enacted, first, mesh } = await attested((index, _, { dao }) => ({
      attestDirective: (parameters) => {
        if (brought) throw new Error("that was enough");
        brought = true;
        const attestations = parameters.attestations.slice(0, 1);
        return dao.client(index).attestDirective({ ...parameters, attestations });
      },
    }));
    await attest();
    await expect.poll(async () => Object.keys(await mesh.counted(directive.id)).length, patience).toBe(1);
    await mesh.run();
    await enacted();
    expect(await mesh.settlements(directive.id)).toMatchObject([{ by: first }, { method: "reportByAggregate" }]);
  });

  it("is overtaken after it has looked: it leaves out whoever counts by now, and brings the rest", async () => {
    let overtakes = true;
    const { ahead, attest, directive, enacted, first, mesh } = await attested((index, other, { dao, sign }) => ({
      attestDirective: async (parameters) => {
        if (overtakes) {
          overtakes = false;
          const attestations = [sign(parameters.directiveId, other, done)];
          await dao.client(other).attestDirective({ ...parameters, attestations });
        }
        return dao.client(index).attestDirective(parameters);
      },
    }));
    await attest();
    await enacted();
    expect((await mesh.transactions(directive.id)).filter((each) => each.failed)).toEqual([]);
    expect(await mesh.settlements(directive.id)).toMatchObject([{ by: ahead }, { by: first }]);
  });

  it("does not see yet what is on chain: what the refusal names is enough", async () => {
    const unseeing = { listReports: async () => [] };
    const { ahead, attest, directive, enacted, first, mesh } = await attested(() => unseeing);
    const attestations = [mesh.sign(directive.id, ahead, done)];
    const reported = { directiveId: directive.id, report: "done", outcome: outcomeOf(1) } as const;
    await mesh.dao.client(ahead).attestDirective({ ...reported, attestations });
    await attest();
    await enacted();
    expect(await mesh.settlements(directive.id)).toMatchObject([{ by: ahead }, { by: first }]);
  });

  it("spoils what it brings, which costs it and nobody else", async () => {
    const { attest, directive, enacted, first, mesh } = await attested((index, _, { dao }) => ({
      attestDirective: (parameters) => {
        const [one, other, ...rest] = parameters.attestations;
        if (one === undefined || other === undefined) throw new Error("nothing to spoil");
        const attestations = [{ ...one, signature: other.signature }, ...rest];
        return dao.client(index).attestDirective({ ...parameters, attestations });
      },
    }));
    await attest();
    await mesh.run();
    await enacted();
    const sent = await mesh.transactions(directive.id);
    expect(sent.filter(({ by, failed }) => failed && by !== first)).toEqual([]);
    expect(sent.filter((each) => !each.failed)).toHaveLength(1);
  });

  it("has signed wrongly itself: what it finds bad is left out, and it brings the rest", async () => {
    const mesh = await createAttestationMesh();
    const directive = await mesh.issue();
    const [first = -1, ...others] = mesh.settlersOf(directive.id);
    // No other node can make it hold what is bad.
    const sign: typeof bls.sign = (secret, digest) => bls.sign(secret, digest.toReversed());
    await mesh.start([first], { bls: { ...bls, sign } });
    await mesh.start(others);
    await mesh.update();
    await mesh.attest(directive, done, first);
    await mesh.attest(directive, done, ...others);
    await mesh.waitForStatus(directive.id, "Done");
    const [only, ...more] = await mesh.settlements(directive.id);
    expect([only?.by, more]).toEqual([first, []]);
    expect(await mesh.counted(directive.id)).not.toHaveProperty(String(first));
  });
});
