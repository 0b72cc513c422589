import { describe, expect, it } from "vitest";
import {
  decide,
  type EvidenceCheck,
  type NodeView,
  VoteDefaults,
  type VoteInput,
  type WorkloadReleases,
} from "../../src/policy/index.js";
import { createPublisherKey, signRelease } from "../../src/ports/keys/index.js";
import type { ContentId, Hex, Incident, Order, Release } from "../../src/records/index.js";
import { replica, v1, v2 } from "./fixtures.js";

const NOW = 1_800_000_000;
const id: ContentId = `0x${"aa".repeat(32)}`;
const releaseOf = (name: string, sha256: Hex): Release => ({ name, command: ["node", `${name}.mjs`], sha256 });
const good = releaseOf("v1", v1);
const broken = releaseOf("v2", v2);
const sick = replica(0, { healthy: false, release: { name: "v2", sha256: v2 } });

function viewOf(change: Partial<NodeView> = {}): NodeView {
  return { replicas: [sick, replica(1)], workloads: new Set(["web"]), tasks: new Set(["mnist"]), ...change };
}

function ballot(order: Order, subject: string, change: Partial<VoteInput> = {}) {
  return decide({
    proposal: {
      kind: order.kind,
      payload: { schema: "witan/directive/1", subject, order },
      deviations: [],
      disagreements: [],
      track: "operations",
    },
    evidence: [],
    view: viewOf(),
    now: NOW,
    policy: VoteDefaults,
    ...change,
  })?.support;
}

describe("a vote on a rollback", () => {
  const failing: Incident = {
    schema: "witan/incident/1",
    kind: "release-failing",
    severity: "critical",
    subject: "workload/web",
    observed: { release: v2, name: "v2" },
    detection: { probe: "http-health" },
    resolution: null,
  };
  const evidenceOf = (change: Partial<EvidenceCheck> = {}, value = failing): EvidenceCheck[] => [
    { contentId: id, status: "verified", record: { kind: "Incident", value }, anchoredAt: NOW - 60, ...change },
  ];
  const releases = (running: Hex, ...all: Release[]): ReadonlyMap<string, WorkloadReleases> =>
    new Map([["web", { running, good: all }]]);
  const on = (to: Release | null, change: Partial<VoteInput> = {}) =>
    ballot({ kind: "Rollback", workload: "web", from: v2, to }, "workload/web", {
      evidence: evidenceOf(),
      view: viewOf({ releases: releases(v2, good) }),
      ...change,
    });

  it("leads back to what was last done on the workload, and never to a command in the payload", () => {
    expect([on(null), on(good)]).toEqual(["for", "for"]);
    expect(on({ ...good, command: ["sh", "evil.sh"] })).toBe("against");
    expect(on({ ...good, name: "another" })).toBe("against");
    expect(on(releaseOf("v0", `0x${"33".repeat(32)}`))).toBe("against");
    // What is left is no place to go back to, and where nothing is known there is none.
    expect(on(broken, { view: viewOf({ releases: releases(v2, good, broken) }) })).toBe("against");
    expect(on(good, { view: viewOf() })).toBe("against");
  });

  it("needs the release to fail, not a replica of it: all of them, alive, and not one alone on the workload", () => {
    const sick = (index: number, alive = true) =>
      replica(index, { alive, healthy: false, release: { name: "v2", sha256: v2 } });
    const well = replica(9, { release: { name: "v2", sha256: v2 } });
    const seen = (...replicas: ReturnType<typeof replica>[]) =>
      on(null, { view: viewOf({ replicas, releases: releases(v2, good) }) });
    expect([seen(sick(1), well), seen(sick(1, false), sick(2, false)), seen(sick(1))]).toEqual(
      Array(3).fill("against"),
    );
    expect([seen(sick(1), sick(2)), seen(sick(1), replica(9))]).toEqual(["for", "for"]);
  });

  it("needs evidence that is fresh", () => {
    const age = VoteDefaults.maxEvidenceSeconds;
    expect(on(null, { evidence: evidenceOf({ anchoredAt: NOW - age }) })).toBe("for");
    expect(on(null, { evidence: evidenceOf({ anchoredAt: NOW - age - 1 }) })).toBe("against");
  });

  it("needs evidence of what no order has resolved", () => {
    expect(on(null, { evidence: evidenceOf({ resolved: true }) })).toBe("against");
    const resolution = { resolves: id, directive: id, outcome: id };
    expect(on(null, { evidence: evidenceOf({}, { ...failing, resolution }) })).toBe("against");
    expect(on(null, { evidence: evidenceOf({}, { ...failing, kind: "state-critical" }) })).toBe("against");
  });

  it("needs the release to be the one that runs now", () => {
    const elsewhere = (running: Hex) =>
      viewOf({ replicas: [], workloads: new Set(), releases: releases(running, good) });
    // A node that does not run it takes the word of a host, and nobody else's.
    const evidence = evidenceOf({ isHostsWord: true });
    expect(on(null, { evidence, view: elsewhere(v2) })).toBe("for");
    expect(on(null, { view: elsewhere(v2) })).toBe("against");
    expect(on(null, { evidence, view: elsewhere(v1) })).toBe("against");
    expect(on(null, { view: viewOf({ replicas: [], workloads: new Set() }) })).toBe("against");
    expect(on(null, { view: viewOf({ replicas: [replica(0)], releases: releases(v1, good) }) })).toBe("against");
  });
});

describe("a vote on a release", () => {
  const contents = {
    schema: "witan/release-contents/1",
    workload: "web",
    name: "v2",
    command: ["node", "v2.mjs"],
    env: { MODE: "fast" },
    files: [{ path: "v2.mjs", sha256: v2 }],
  } as const;
  const signed = signRelease(createPublisherKey(), contents);
  const on = (release: Release, change: Partial<VoteInput> = {}, workload = "web") =>
    ballot({ kind: "Deploy", workload, release, batch: 2 }, `workload/${workload}`, change);

  it("is For one that an admitted publisher has signed, and people's otherwise", () => {
    expect(on(signed, { isPublished: true })).toBe("for");
    expect(on(signed, { isPublished: false })).toBeUndefined();
    expect(on(broken)).toBeUndefined();
    expect(on(broken, { policy: { ...VoteDefaults, unsignedReleases: true } })).toBe("for");
  });

  it("is Against one that runs anything else than what was signed", () => {
    const { signed: parts } = signed;
    if (parts === undefined) throw new Error("it is not signed");
    for (const changed of [
      { ...signed, name: "v3" },
      { ...signed, command: ["node", "v2.mjs", "--evil"] },
      { ...signed, command: ["sh", "v2.mjs"] },
      { ...signed, signed: { ...parts, env: { NODE_OPTIONS: "--require=evil.cjs" } } },
      { ...signed, signed: { ...parts, files: [{ path: "v2.mjs", sha256: v1 }] } },
    ]) {
      expect(on(changed, { isPublished: true })).toBe("against");
    }
    expect(on(signed, { isPublished: true }, "api")).toBe("against");
  });
});

describe("a vote on the number of replicas", () => {
  const on = (replicas: number, seen = 10) =>
    ballot({ kind: "Scale", workload: "web", replicas }, "workload/web", {
      view: viewOf({ replicas: Array.from({ length: seen }, (_, index) => replica(index)) }),
    });
  const { ceiling, floor, step } = VoteDefaults.scale;

  it("is For a step within floor and ceiling, and people's beyond", () => {
    expect([on(10 + step), on(10 - step), on(floor, 1), on(ceiling, ceiling)]).toEqual(["for", "for", "for", "for"]);
    expect([on(10 + step + 1), on(10 - step - 1)]).toEqual([undefined, undefined]);
    expect([on(floor - 1, 1), on(ceiling + 1, ceiling)]).toEqual([undefined, undefined]);
  });
});

describe("a vote on rounds", () => {
  const rounds = {
    kind: "StartRound" as const,
    ...{ task: "mnist", base: null, firstRound: 1, minParticipants: 3, seed: 1 },
    ...VoteDefaults.rounds,
  };

  it("is For what is within every bound, and people's beyond one of them", () => {
    expect(ballot(rounds, "task/mnist")).toBe("for");
    expect(ballot({ ...rounds, learningRate: 1e9 }, "task/mnist")).toBeUndefined();
    expect(ballot({ ...rounds, localEpochs: 1_000 }, "task/mnist")).toBeUndefined();
    for (const name of ["rounds", "timeoutSeconds", "batchSize"] as const)
      expect(ballot({ ...rounds, [name]: rounds[name] + 1 }, "task/mnist")).toBeUndefined();
  });
});

describe("what is people's", () => {
  const key = `0x${"44".repeat(32)}` as const;
  const rules = {
    ...{ votingDelay: 1, votingPeriod: 1, quorum: 1, approval: 1 },
    ...{ fastPath: true, timelock: 1, expiry: 1, openLimit: 1 },
  };

  it.each<Order>([
    { kind: "Admit", operators: [`0x${"11".repeat(20)}`] },
    { kind: "SetTrack", track: "emergency", rules },
    { kind: "SetParameter", name: "anything", value: "1" },
    { kind: "AdmitPublisher", key, name: "somebody" },
    { kind: "RevokePublisher", key, reason: "stolen" },
    { kind: "Experiment", name: "kill one", faults: [] },
  ])("gets no ballot from an agent: $kind", (order) => {
    expect(ballot(order, "anything")).toBeUndefined();
  });

  it("is also what the operator has taken from the agent", () => {
    const order: Order = { kind: "SetFlag", name: "learning", value: true };
    expect(ballot(order, "flag/learning")).toBe("for");
    const policy = { ...VoteDefaults, decides: new Set(["Restart"] as const) };
    expect(ballot(order, "flag/learning", { policy })).toBeUndefined();
  });
});
