import { describe, expect, it } from "vitest";
import {
  type Decision,
  decide as decideIfAny,
  type EvidenceCheck,
  type NodeView,
  VoteDefaults,
  type VoteInput,
} from "../../src/policy/index.js";
import { place } from "../../src/policy/placement/index.js";
import type { Address, ContentId, Incident, Model, Order, WorkloadSpec } from "../../src/records/index.js";
import { spec } from "../records/samples.js";
import { replica, v1, v2 } from "./fixtures.js";
import { host, view as placementView, workload } from "./placement/fixtures.js";

/** For what a machine has an opinion on. */
function decide(input: VoteInput): Decision {
  const decision = decideIfAny(input);
  if (decision === undefined) throw new Error("it is left to people");
  return decision;
}

/** The chain's time in these tests, in seconds. */
const NOW = 1_800_000_000;
const id: ContentId = `0x${"aa".repeat(32)}`;
const dead = replica(3, { alive: false, healthy: false });
const down: Incident = {
  schema: "witan/incident/1",
  kind: "replica-down",
  severity: "high",
  subject: dead.subject,
  observed: { instance: dead.instance ?? "" },
  detection: { probe: "process" },
  resolution: null,
};
const verified = (value: Incident): EvidenceCheck => ({
  contentId: id,
  status: "verified",
  record: { kind: "Incident", value },
  anchoredAt: NOW - 60,
});
const view = (replicas: NodeView["replicas"]): NodeView => ({
  replicas,
  workloads: new Set(["web"]),
  tasks: new Set(["mnist"]),
});
const restart: Order = { kind: "Restart", replica: "web/3", instance: dead.instance ?? "" };

function ballot(order: Order, subject: string, change: Partial<VoteInput> = {}) {
  return decide({
    proposal: {
      kind: order.kind,
      payload: { schema: "witan/directive/1", subject, order },
      deviations: [],
      disagreements: [],
      track: "emergency",
    },
    evidence: [],
    view: view([]),
    now: NOW,
    policy: VoteDefaults,
    ...change,
  });
}

describe("a ballot on a restart", () => {
  const on = (change: Partial<VoteInput>) =>
    ballot(restart, dead.subject, { evidence: [verified(down)], view: view([dead]), ...change });

  it("is For when the evidence holds and the node sees the same", () => {
    expect(on({})).toEqual({ support: "for", reason: "this node too sees replica/web/3 down" });
  });

  it("is For where the node does not see the replica only if a host says so", () => {
    const unseen = { view: view([]) };
    expect(on(unseen)).toMatchObject({ support: "against", reason: expect.stringContaining("does not see") });
    expect(on({ ...unseen, evidence: [{ ...verified(down), isHostsWord: true }] }).support).toBe("for");
    const ofAnother = { ...verified({ ...down, observed: { instance: "1@1" } }), isHostsWord: true };
    expect(on({ ...unseen, evidence: [verified(down), ofAnother] }).support).toBe("against");
  });

  it.each(["missing", "corrupt", "unanchored", "wrong-author", "invalid"] as const)(
    "is Against when evidence is %s, and says so",
    (status) => {
      const decision = on({ evidence: [{ contentId: id, status, reason: "why" }] });
      expect(decision.support).toBe("against");
      expect(decision.reason).toContain(status);
    },
  );

  it("is Against when the node sees the contrary, or the instance is gone, or the evidence is of another", () => {
    expect(on({ view: view([{ ...dead, alive: true, healthy: true }]) })).toMatchObject({ support: "against" });
    expect(on({ view: view([{ ...dead, instance: "9@9" }]) }).reason).toContain("already replaced");
    expect(on({ evidence: [verified({ ...down, observed: { instance: "1@1" } })] }).support).toBe("against");
    expect(on({ evidence: [] }).support).toBe("against");
  });

  it("is Against when the proposal contradicts itself or hides its payload", () => {
    const proposal = {
      kind: "Restart",
      payload: undefined,
      deviations: [],
      disagreements: [],
      track: "emergency",
    } as const;
    expect(on({ proposal }).support).toBe("against");
    expect(on({ proposal: { ...proposal, disagreements: ["the subject differs"] } }).reason).toContain(
      "the subject differs",
    );
    expect(ballot(restart, "replica/web/1").support).toBe("against");
  });
});

describe("a ballot on a proposal that others would not open", () => {
  const deviations = ["it takes effect 4294967295 s after its issue, not at once"];
  const payload = { schema: "witan/directive/1", subject: dead.subject, order: restart } as const;
  const proposal = { kind: restart.kind, payload, deviations, disagreements: [], track: "emergency" } as const;
  const on = (change: Partial<VoteInput> = {}) =>
    decideIfAny({
      proposal,
      evidence: [verified(down)],
      view: view([dead]),
      now: NOW,
      policy: VoteDefaults,
      ...change,
    });

  it("is left to people, however true its evidence is", () => {
    expect(on()).toBeUndefined();
    expect(on({ proposal: { ...proposal, deviations: [] } })?.support).toBe("for");
  });

  it("is Against all the same where it lies", () => {
    expect(on({ proposal: { ...proposal, disagreements: ["the subject differs"] } })?.support).toBe("against");
    expect(on({ evidence: [{ contentId: id, status: "corrupt" }] })?.support).toBe("against");
  });
});

describe("a ballot on a rollback", () => {
  const rollback: Order = { kind: "Rollback", workload: "web", from: v2, to: null };
  const failing = verified({
    ...down,
    kind: "release-failing",
    subject: "workload/web",
    observed: { release: v2, name: "v2" },
  });
  const broken = replica(1, { healthy: false, release: { name: "v2", sha256: v2 } });
  const on = (change: Partial<VoteInput>) =>
    ballot(rollback, "workload/web", { evidence: [failing], view: view([broken, replica(2)]), ...change });

  it("is For while the release fails, Against once nothing runs it or all that do are well", () => {
    expect(on({}).support).toBe("for");
    expect(on({ view: view([replica(1)]) }).support).toBe("against");
    expect(on({ view: view([{ ...broken, healthy: true }]) }).support).toBe("against");
    expect(on({ evidence: [verified(down)] }).support).toBe("against");
    expect(ballot(rollback, "workload/api", { evidence: [failing] }).support).toBe("against");
  });
});

describe("a ballot on a model", () => {
  const model: Model = {
    schema: "witan/model/1",
    name: "mnist",
    version: 1,
    round: 2,
    parents: [],
    weights: {
      cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
      bytes: 1,
      sha256: v1,
      format: "safetensors",
    },
    shapes: {},
    samples: 1,
    contributors: [],
    aggregation: { rule: "fedavg" },
    privacy: null,
    evaluation: null,
  };
  const order: Order = { kind: "AcceptModel", name: "mnist", model: id, parent: null, round: 2, accuracy: 0.9 };
  const evidence: EvidenceCheck[] = [{ contentId: id, status: "verified", record: { kind: "Model", value: model } }];
  const on = (modelTest: VoteInput["modelTest"], change: Partial<VoteInput> = {}) =>
    ballot(order, "model/mnist", { evidence, ...(modelTest ? { modelTest } : {}), ...change }).support;

  it("follows the node's own test of it against the accepted one", () => {
    expect(on({ candidateAccuracy: 0.9, acceptedAccuracy: null, samples: 100 })).toBe("for");
    expect(on({ candidateAccuracy: 0.2, acceptedAccuracy: null, samples: 100 })).toBe("against");
    expect(on({ candidateAccuracy: 0.88, acceptedAccuracy: 0.9, samples: 100 })).toBe("for");
    expect(on({ candidateAccuracy: 0.8, acceptedAccuracy: 0.9, samples: 100 })).toBe("against");
    expect(on({ candidateAccuracy: 0.9, acceptedAccuracy: null, samples: 1 })).toBe("abstain");
    expect(on(undefined)).toBe("abstain");
    expect(on(undefined, { evidence: [] })).toBe("against");
    expect(ballot({ ...order, round: 3 }, "model/mnist", { evidence }).support).toBe("against");
  });
});

describe("a ballot on an operator's order", () => {
  const release = { name: "v2", command: ["node", "server.mjs"], sha256: v2 };
  const rounds = {
    task: "mnist",
    base: null,
    firstRound: 1,
    rounds: 5,
    minParticipants: 3,
    timeoutSeconds: 60,
    localEpochs: 1,
    learningRate: 0.1,
    batchSize: 32,
    seed: 1,
  };

  it.each([
    [{ kind: "Deploy", workload: "web", release, batch: 2 }, "workload/api", "against"],
    [{ kind: "Scale", workload: "web", replicas: 7 }, "workload/web", "for"],
    [{ kind: "Scale", workload: "web", replicas: 7 }, "workload/api", "against"],
    [{ kind: "Scale", workload: "api", replicas: 7 }, "workload/api", "abstain"],
    [{ kind: "StartRound", ...rounds }, "task/mnist", "for"],
    [{ kind: "StartRound", ...rounds, task: "other" }, "task/other", "abstain"],
    [{ kind: "SetFlag", name: "learning", value: true }, "flag/learning", "for"],
  ] as [Order, string, string][])("%o on %s is %s", (order, subject, support) => {
    expect(ballot(order, subject).support).toBe(support);
  });

  it.each([
    ["emoji", "👩‍🚀".repeat(100)],
    ["three bytes a character", "日".repeat(400)],
    ["half pairs", "\ud83d".repeat(400)],
  ])("gives a reason that the chain takes where what it quotes is long: %s", (_, reason) => {
    const decision = ballot(restart, dead.subject, { evidence: [{ contentId: id, status: "invalid", reason }] });
    expect(decision.support).toBe("against");
    expect(decision.reason.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(decision.reason)).toBeLessThanOrEqual(200);
  });

  it("never gives a reason of more than 200 bytes", () => {
    const decision = ballot(restart, dead.subject, {
      evidence: [{ contentId: id, status: "missing", reason: "x".repeat(500) }],
    });
    expect(Buffer.byteLength(decision.reason)).toBe(200);
  });
});

describe("a ballot on a ban", () => {
  const operatorOf = (index: number): Address => `0x${String(index).padStart(40, "0")}`;
  const ban = (...indices: number[]): Order => ({ kind: "Ban", operators: indices.map(operatorOf), reason: "it lies" });
  const proof = (index: number) =>
    verified({
      ...down,
      kind: "equivocation",
      subject: `node/${index}`,
      observed: { operator: operatorOf(index) },
    });

  it("is For where the evidence proves it against each of the nodes", () => {
    expect(ballot(ban(3), "node/3", { evidence: [proof(3)] }).support).toBe("for");
  });

  it("is left to people, without a ballot that would use up their vote, where it does not", () => {
    for (const [order, evidence] of [
      [ban(3), []],
      [ban(3), [proof(4)]],
      [ban(3, 4), [proof(3)]],
      [ban(3), [verified(down)]],
    ] as const) {
      expect(() => ballot(order, "node/3", { evidence })).toThrow("left to people");
    }
  });
});

describe("a ballot on a parameter", () => {
  const on = (name: string, value: string) => {
    const order: Order = { kind: "SetParameter", name, value };
    const payload = { schema: "witan/directive/1", subject: `parameter/${name}`, order } as const;
    const proposal = { kind: order.kind, payload, deviations: [], disagreements: [], track: "constitution" } as const;
    return decideIfAny({ proposal, evidence: [], view: view([]), now: NOW, policy: VoteDefaults })?.support;
  };

  it("is left to people where records would be let go of: they do not come back", () => {
    expect(on("retain.State", "2592000")).toBeUndefined();
    expect(on("retain.State", "0")).toBe("for");
  });

  it("is For as many replicas as there may be, and against more", () => {
    expect(on("replicas.max", "16")).toBe("for");
    expect(on("replicas.max", "17")).toBe("against");
    expect(on("learning.rounds", "10")).toBe("for");
  });

  it("is left to people where it is not known to be harmless", () => {
    expect(on("governance.secret", "1")).toBeUndefined();
  });
});

describe("a ballot on a workload that the mesh places", () => {
  const release = { name: "v2", command: ["node", "server.mjs"], sha256: v2 };
  const hosts = [host("a", { labels: { disk: "ssd" } }), host("b")];
  const placed = placementView([workload("web", { replicas: 4 })], hosts);
  const strategy = { kind: "rolling", maxUnavailable: 2, maxSurge: 0 } as const;
  const deploy = (changes: Partial<WorkloadSpec> = {}): Order => ({
    ...{ kind: "Deploy", workload: "web", release },
    spec: { ...placedSpec, ...changes },
  });
  const placedSpec: WorkloadSpec = { ...spec, replicas: 4, selector: {}, strategy, failureLimit: 0 };
  const specs = new Map([["web", placedSpec]]);
  const fleet = { view: placed, placement: place(placed), specs, changing: new Set<string>() };
  const on = (order: Order, change: Partial<VoteInput> = {}, seconds = 3_600) =>
    decideIfAny({
      proposal: {
        ...{ kind: order.kind, payload: { schema: "witan/directive/1", subject: "workload/web", order } },
        ...{ deviations: [], disagreements: [], track: "operations", seconds },
      },
      ...{
        evidence: [],
        view: { replicas: [], workloads: new Set(), tasks: new Set() },
        now: NOW,
        policy: VoteDefaults,
      },
      ...{ fleet, isPublished: true, ...change },
    });

  it("is For what an admitted publisher has signed and hosts can carry out, also of a node that runs none of it", () => {
    expect(on(deploy())?.support).toBe("for");
    expect(on(deploy(), { isPublished: false })).toBeUndefined();
  });

  it.each<[string, Order, string]>([
    [
      "a window that is shorter than the plan",
      deploy({ timing: { ...spec.timing, minReadySeconds: 900, progressSeconds: 930 } }),
      "is shorter than the plan",
    ],
    [
      "a replica that would run twice",
      deploy({ exclusive: true, strategy: { ...strategy, maxSurge: 1 } }),
      "must not run beside another",
    ],
    ["a failure limit that the first wave cannot show", deploy({ failureLimit: 1 }), "needs a first wave of 3"],
    ["labels that no host has", deploy({ selector: { disk: "tape" } }), "no replica of web can be placed"],
    [
      "a batch, as for a workload of one machine",
      { kind: "Deploy", workload: "web", release, batch: 2 },
      "the mesh places web",
    ],
  ])("is Against %s", (_, order, reason) => {
    for (const isPublished of [true, false]) {
      const decision = on(order, { isPublished });
      expect([decision?.support, decision?.reason]).toEqual(["against", expect.stringContaining(reason)]);
    }
  });

  it("is never For a Rollback that hosts cannot carry out in its window", () => {
    const good = { name: "v1", command: ["node", "server.mjs"], sha256: v1 };
    const failing: Incident = {
      ...{ ...down, kind: "release-failing", subject: "workload/web", observed: { release: v2 } },
    };
    const rollback: Order = { kind: "Rollback", workload: "web", from: v2, to: good };
    const known: Partial<VoteInput> = {
      evidence: [verified(failing)],
      view: {
        ...{ replicas: [0, 1, 2, 3].map((n) => replica(n, { healthy: false, release: { name: "v2", sha256: v2 } })) },
        ...{ workloads: new Set(["web"]), tasks: new Set() },
        releases: new Map([["web", { running: v2, good: [good] }]]),
      },
    };
    expect(on(rollback, known)?.support).toBe("for");
    const late = on(rollback, known, 300);
    expect([late?.support, late?.reason]).toEqual(["against", expect.stringContaining("is shorter than the plan")]);
  });

  it("takes a Scale within bounds of what is ordered now", () => {
    const scale = (replicas: number): Order => ({ kind: "Scale", workload: "web", replicas });
    expect(on(scale(12))?.support).toBe("for");
    expect(on(scale(13))).toBeUndefined();
    const changing = { ...fleet, changing: new Set(["web"]) };
    expect([on(scale(5), { fleet: changing })?.support, on(scale(3), { fleet: changing })]).toEqual(["for", undefined]);
    const everywhere = placementView([workload("web", { replicas: "all" })], hosts);
    const all = { ...fleet, view: everywhere, placement: place(everywhere) };
    expect([on(scale(10), { fleet: all })?.support, on(scale(11), { fleet: all })]).toEqual(["for", undefined]);
  });
});
