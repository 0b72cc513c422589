import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Analysis,
  decide,
  PlanDefaults,
  PRESENCE_SUBJECT,
  plan,
  suspendable,
  underWayKey,
  VoteDefaults,
} from "../../../src/policy/index.js";
import { encodePayload, subjectHash } from "../../../src/records/index.js";
import { nothingShared, wellMachine } from "../fixtures.js";

const analysis: Analysis = {
  phi: 1,
  state: "HARMONIC",
  health: "healthy",
  metrics: wellMachine,
  heldCycles: 1,
  incidents: [],
  advised: [],
};
const plans = (silent: readonly number[], underWay: ReadonlySet<string> = new Set()) =>
  plan({
    analysis,
    incidents: [],
    shared: { ...nothingShared, underWay },
    policy: PlanDefaults,
    toSuspend: silent,
  });

/** How a node votes on a Suspend to which some seats are silent. */
function voteOf(indices: readonly number[], silent: ReadonlySet<number> | undefined, subject = PRESENCE_SUBJECT) {
  return decide({
    proposal: {
      kind: "Suspend",
      payload: { schema: "witan/directive/1", subject, order: { kind: "Suspend", indices } },
      deviations: [],
      disagreements: [],
      track: "emergency",
    },
    evidence: [],
    view: { replicas: [], workloads: new Set(), tasks: new Set(), ...(silent === undefined ? {} : { silent }) },
    now: 0,
    policy: VoteDefaults,
  })?.support;
}

describe("the seats that one order suspends", () => {
  it("are never so many that fewer than half of all seats stay, nor suspended already", () => {
    const seat = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(fc.array(seat), fc.uniqueArray(seat), fc.integer({ min: 1, max: 41 }), (silent, gone, size) => {
        const suspended = new Set(gone.slice(0, Math.floor(size / 2)));
        const named = suspendable(silent, { size, suspended });
        expect(size - suspended.size - named.length).toBeGreaterThanOrEqual(Math.ceil(size / 2));
        expect(named.filter((each) => suspended.has(each) || !silent.includes(each))).toEqual([]);
        expect(named).toEqual([...new Set(named)].sort((a, b) => a - b));
      }),
    );
  });

  it("are the lowest of those that are silent, so that nodes that see the same name the same", () => {
    expect(suspendable([9, 1, 5, 3], { size: 6, suspended: new Set([2]) })).toEqual([1, 3]);
  });

  it("are never more than an order can name, however many are silent", () => {
    const silent = Array.from({ length: 3_000 }, (_, seat) => seat);
    const indices = suspendable(silent, { size: 10_000, suspended: new Set() });
    expect(indices).toHaveLength(1_024);
    const order = { kind: "Suspend", indices } as const;
    expect(() => encodePayload({ schema: "witan/directive/1", subject: PRESENCE_SUBJECT, order })).not.toThrow();
  });
});

describe("a plan for silent seats", () => {
  it("is one order for all, with the same bytes on every node", () => {
    const [planned, ...more] = plans([1, 3]);
    expect(more).toEqual([]);
    expect(planned).toMatchObject({ order: { kind: "Suspend", indices: [1, 3] }, subject: "presence", evidence: [] });
    const payload = { schema: "witan/directive/1", subject: "presence", order: planned?.order } as const;
    expect(() => encodePayload(payload as Parameters<typeof encodePayload>[0])).not.toThrow();
  });

  it("waits while one is under way, and is not made for nobody", () => {
    expect(plans([1], new Set([underWayKey("Suspend", subjectHash(PRESENCE_SUBJECT))]))).toEqual([]);
    expect(plans([])).toEqual([]);
  });
});

describe("a vote on a Suspend", () => {
  it("is For only from a node to which all of the named seats are silent", () => {
    expect(voteOf([1, 3], new Set([1, 2, 3]))).toBe("for");
    expect(voteOf([1, 3], new Set([1]))).not.toBe("for");
    expect(voteOf([1, 3], new Set())).not.toBe("for");
  });

  it("is not For from a node that watches nobody, nor under another subject", () => {
    expect(voteOf([1], undefined)).not.toBe("for");
    expect(voteOf([1], new Set([1]), "presence/2")).not.toBe("for");
  });
});
