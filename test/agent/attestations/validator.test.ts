import { describe, expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import type { Contradiction } from "../../../src/agent/aggregation/pool.js";
import { encodeAttestation } from "../../../src/agent/attestations/message.js";
import { OpenDirectives, type OpenDirectivesDependencies } from "../../../src/agent/attestations/openDirectives.js";
import { AttestationPool } from "../../../src/agent/attestations/pool.js";
import { signAttestation } from "../../../src/agent/attestations/sign.js";
import type { Attestation, Statement } from "../../../src/agent/attestations/statement.js";
import { AttestationValidator } from "../../../src/agent/attestations/validator.js";
import type { IssuedDirective, NodeSummary } from "../../../src/client/index.js";
import type { ReportContext } from "../../../src/ports/chain/index.js";
import { blsPublicKey, loadBls } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { frozen, TestClock } from "../../harness/clock.js";

const bls = await loadBls();
const context: ReportContext = { chainId: 31_337, directives: `0x${"60".repeat(20)}` };
const secretOf = (index: number) => new Uint8Array(32).fill(index + 1);
const keys = [0, 1, 2].map((index) => blsPublicKey(secretOf(index)));
const accountOf = (index: number): Address => `0x${`a${index}`.repeat(20)}`;
const nodeOf = (index: number, change: Partial<NodeSummary> = {}): NodeSummary => ({
  ...{ index, operator: accountOf(index), formerOperators: [], agent: accountOf(index), peerId: "" },
  key: keys[index] ?? "0x",
  ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true, ...change },
});
const directiveId = `0x${"11".repeat(32)}` as const;
const directive = { id: directiveId, status: "Issued", activeAt: 900, deadline: 2_000, epoch: 1 } as IssuedDirective;
const done: Statement = { directiveId, report: "done", outcome: `0x${"22".repeat(32)}` };
const failed: Statement = { ...done, report: "failed" };
const ready: Statement = { ...done, report: "ready", outcome: null };

/** What a node signs, or another in its name. */
const sign = (index: number, statement = done, by = index): Attestation =>
  signAttestation({ bls, context, blsSecret: secretOf(by), index, statement });

interface DoorOptions {
  readonly nodes?: readonly NodeSummary[];
  readonly epoch?: number;
  /** Called while signatures are verified. */
  readonly meanwhile?: (open: OpenDirectives) => void;
}

/** One node's intake, with one directive that is active. */
function door({ nodes = [0, 1, 2].map((index) => nodeOf(index)), epoch = 1, meanwhile }: DoorOptions = {}) {
  const clock = new TestClock(frozen());
  const latest = new LatestView(clock);
  latest.update({ committees: new Committees(nodes), chainTime: 1_000 });
  const client = {
    chain: { now: async () => 1_000 },
    listIssuedDirectives: async () => [],
    listNodes: async () => nodes,
  } as unknown as OpenDirectivesDependencies["client"];
  const { signal } = new AbortController();
  const open = new OpenDirectives({ client, clock, latest, signal, onError: (error) => Promise.reject(error) });
  open.update([{ ...directive, epoch }]);
  const pool = new AttestationPool(clock);
  const heard = { attestations: [] as Attestation[], contradictions: [] as Contradiction<Attestation>[] };
  const abusers: string[] = [];
  const validator = new AttestationValidator({
    ...{ context, bls, pool, open, latest },
    clock: { monotonic: () => clock.monotonic(), sleep: async () => meanwhile?.(open) },
    onAbuse: (peer) => abusers.push(peer),
    onAttestation: (attestation) => heard.attestations.push(attestation),
    onContradiction: (contradiction) => heard.contradictions.push(contradiction),
  });
  return {
    ...{ abusers, clock, heard, open, pool, validator },
    hear: (message: Attestation | Uint8Array, relay = "neighbour") =>
      validator.check(message instanceof Uint8Array ? message : encodeAttestation(message), relay),
  };
}

describe("an attestation", () => {
  it("is kept, relayed and told of where a member has signed it", async () => {
    const { hear, heard, pool, validator } = door();
    const all = [sign(0), sign(1, failed), sign(1, ready)];
    for (const each of all) expect(await hear(each)).toBe("accept");
    expect([heard.attestations, pool.list(directiveId).map(({ message }) => message)]).toEqual([all, all]);
    expect(validator.counts).toMatchObject({ accepted: 3, badSignatures: 0 });
  });

  it.each<[string, keyof AttestationValidator["counts"], Attestation | Uint8Array]>([
    ["is no attestation at all", "malformed", Uint8Array.of(1, 2, 3)],
    ["is signed by another node", "badSignatures", sign(0, done, 1)],
    ["is signed for another outcome", "badSignatures", { ...sign(0), outcome: `0x${"23".repeat(32)}` }],
    ["has a signature that is no point of the curve", "badSignatures", { ...sign(0), signature: new Uint8Array(96) }],
    ["is of no member", "notMembers", { ...sign(0), index: 7 }],
  ])("is refused where it %s, and held against its neighbour", async (_, reason, message) => {
    const { abusers, hear, heard, pool, validator } = door();
    for (let time = 0; time < 16; time++) expect(await hear(message)).toBe("reject");
    expect(validator.counts[reason]).toBe(16);
    expect([abusers, heard.attestations, pool.list(directiveId)]).toEqual([["neighbour"], [], []]);
    expect([await hear(sign(0)), await hear(sign(0), "another")]).toEqual(["ignore", "accept"]);
  });

  it("is refused of a node that was removed before the issue, taken of one that was removed after it", async () => {
    const { hear } = door({ nodes: [nodeOf(0, { removedAt: 2 }), nodeOf(1, { removedAt: 3 })], epoch: 2 });
    expect([await hear(sign(0)), await hear(sign(1))]).toEqual(["reject", "accept"]);
  });

  it("is ignored, and held against nobody, while its node or its directive is not known here", async () => {
    const { abusers, hear, validator } = door({ epoch: 5 });
    for (let time = 0; time < 20; time++) {
      expect(await hear({ ...sign(2), index: 7 })).toBe("ignore");
      expect(await hear(sign(1, { ...done, directiveId: `0x${"12".repeat(32)}` }))).toBe("ignore");
    }
    expect(validator.counts).toMatchObject({ notMembers: 20, notNow: 20 });
    expect(abusers).toEqual([]);
  });

  it("is ignored where its directive ends while it is verified", async () => {
    const { hear, heard, pool } = door({ meanwhile: (open) => open.update([]) });
    expect(await hear(sign(0))).toBe("ignore");
    expect([heard.attestations, pool.list(directiveId)]).toEqual([[], []]);
  });
});

describe("an attestation that is known", () => {
  it("is relayed again after five seconds, by a clock that does not follow the wall", async () => {
    const { clock, hear, heard, validator } = door();
    await hear(sign(0));
    clock.stepWall(60_000);
    clock.pass(4_999);
    expect(await hear(sign(0))).toBe("ignore");
    clock.pass(1);
    expect(await hear({ ...sign(0), signature: sign(1).signature })).toBe("ignore");
    expect([await hear(sign(0)), await hear(sign(0))]).toEqual(["accept", "ignore"]);
    validator.forget(directiveId);
    expect(await hear(sign(0))).toBe("accept");
    expect(heard.attestations).toEqual([sign(0)]);
  });

  it("is accepted once where it comes from many neighbours at the same time", async () => {
    const { hear, heard } = door();
    const results = await Promise.all([1, 2, 3].map((peer) => hear(sign(0), `${peer}`)));
    expect(results.sort()).toEqual(["accept", "ignore", "ignore"]);
    expect(heard.attestations).toHaveLength(1);
  });
});

describe("a node that says two different things of one directive", () => {
  it("counts with the first, and is told of once, with both as evidence", async () => {
    const { abusers, hear, heard, pool } = door();
    expect(await hear(sign(0))).toBe("accept");
    const other = { ...done, outcome: `0x${"23".repeat(32)}` } as const;
    for (const each of [failed, failed, other]) expect(await hear(sign(0, each))).toBe("ignore");
    // What comes after the second is not even verified.
    expect(await hear(sign(0, other, 1))).toBe("ignore");
    expect(pool.get(sign(0))).toEqual(sign(0));
    expect(heard.contradictions).toEqual([{ first: sign(0), second: sign(0, failed) }]);
    expect(abusers).toEqual([]);
  });

  it("counts once and is told of once where all of it comes at the same time", async () => {
    const { hear, heard, pool } = door();
    const results = await Promise.all([done, failed, failed].map((each, peer) => hear(sign(0, each), `${peer}`)));
    expect(results.sort()).toEqual(["accept", "ignore", "ignore"]);
    expect([pool.list(directiveId).length, heard.contradictions.length]).toEqual([1, 1]);
  });

  it("is not accused by what another node has signed in its name", async () => {
    const { hear, heard } = door();
    await hear(sign(0));
    expect(await hear(sign(0, failed, 1))).toBe("reject");
    expect(heard.contradictions).toEqual([]);
  });
});

it("verifies what is in the pool again: what is bad leaves it, and nobody is blamed", async () => {
  const { abusers, open, pool, validator } = door();
  const [good, bad] = [sign(0), sign(1, done, 2)];
  for (const each of [good, bad]) pool.add(each);
  await validator.recheck([good, bad]);
  expect(pool.list(directiveId).map(({ message }) => message)).toEqual([good]);
  open.update([]);
  await validator.recheck([good]);
  expect([pool.list(directiveId), abusers]).toEqual([[], []]);
});
