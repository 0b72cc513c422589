import fc from "fast-check";
import {
  type Address,
  type BatchManifest,
  type ContentId,
  checksumAddress,
  contentIdOf,
  contentIdToCid,
  type DirectivePayload,
  type Incident,
  type Model,
  type Order,
  type Outcome,
  type RecordKind,
  type RecordValue,
  type State,
  type WorkloadSpec,
} from "../../src/records/index.js";

/** A ContentId that is the same for one text. */
export const idOf = (text: string): ContentId => contentIdOf(new TextEncoder().encode(text));
export const cidOf = (text: string): string => contentIdToCid(idOf(text), "raw");
export const NODE = address(`0x${"5a".repeat(20)}`);
export const OTHER = address(`0x${"c4".repeat(20)}`);

export function address(text: string): Address {
  const checked = checksumAddress(text);
  if (checked === undefined) throw new Error(`${text} is no address`);
  return checked;
}

export const state: State = {
  schema: "witan/state/1",
  node: NODE,
  cycle: 7,
  time: 1_795_000_000_000,
  phi: 1.25,
  state: "HARMONIC",
  health: "healthy",
  metrics: { cpu: 0.25, memory: 0.5, loss: 0, connectivity: 1, latencyMs: 12.5 },
  advised: ["Scale", "StartRound"],
  previous: idOf("before"),
};

export const incident: Incident = {
  schema: "witan/incident/1",
  kind: "replica-down",
  severity: "high",
  subject: "replica/web/3",
  observed: { alive: false, exitCode: 137, signal: "SIGKILL" },
  detection: { probe: "process", threshold: "alive" },
  resolution: { resolves: idOf("incident"), directive: idOf("directive"), outcome: idOf("outcome") },
};

export const model: Model = {
  schema: "witan/model/1",
  name: "mnist",
  version: 3,
  round: 3,
  parents: [idOf("parent")],
  weights: { cid: cidOf("weights"), bytes: 31_400, sha256: idOf("weights"), format: "safetensors" },
  shapes: { bias: [10], weight: [10, 784] },
  samples: 60_000,
  contributors: [{ node: NODE, samples: 12_000, update: cidOf("update") }],
  aggregation: { rule: "fedavg" },
  privacy: { epsilon: 1, delta: 1e-5 },
  evaluation: { dataset: "mnist-test", samples: 10_000, accuracy: 0.91, loss: 0.31 },
};

export const outcome: Outcome = {
  schema: "witan/outcome/1",
  directive: idOf("directive"),
  result: "done",
  detail: [{ subject: "replica/web/3", result: "done", note: "restarted" }],
  produced: [idOf("model")],
};

const release = { name: "v2", command: ["node", "web.mjs", "--port", "0"], sha256: idOf("web.mjs") };

export const spec: WorkloadSpec = {
  replicas: 100,
  selector: { disk: "ssd" },
  spread: "zone",
  exclusive: false,
  irreversible: false,
  strategy: { kind: "canary", maxUnavailable: 10, maxSurge: 0, shares: [10, 50, 100], soakSeconds: 60 },
  timing: {
    startSeconds: 30,
    minReadySeconds: 10,
    progressSeconds: 120,
    probeSeconds: 5,
    intervalSeconds: 10,
    lagSeconds: 10,
  },
  failureLimit: null,
  probe: { path: "/health", timeoutMs: 2_000 },
};

/** One order of every kind, and of a Deploy both. */
export const orders: readonly Order[] = [
  { kind: "Deploy", workload: "web", release, batch: 2 },
  { kind: "Deploy", workload: "web", release, spec },
  { kind: "Scale", workload: "web", replicas: 9 },
  { kind: "Rollback", workload: "web", from: idOf("web.mjs"), to: null },
  { kind: "Restart", replica: "web/3", instance: "4711" },
  {
    kind: "StartRound",
    task: "mnist",
    base: null,
    firstRound: 1,
    rounds: 10,
    minParticipants: 3,
    timeoutSeconds: 60,
    localEpochs: 1,
    learningRate: 0.1,
    batchSize: 32,
    seed: 42,
  },
  { kind: "AcceptModel", name: "mnist", model: idOf("model"), parent: null, round: 3, accuracy: 0.91 },
  { kind: "Admit", operators: [NODE, OTHER] },
  { kind: "Ban", operators: [OTHER, NODE], reason: "signed two ballots" },
  { kind: "ChangeOperator", from: NODE, to: OTHER },
  { kind: "SetParameter", name: "learning.rounds", value: (2n ** 256n - 1n).toString() },
  { kind: "SetFlag", name: "chaos.enabled", value: true },
  {
    kind: "SetTrack",
    track: "operations",
    rules: {
      votingDelay: 60,
      votingPeriod: 86_400,
      quorum: 20_000,
      approval: 30_000,
      fastPath: true,
      timelock: 600,
      expiry: 604_800,
      openLimit: 4,
    },
  },
  { kind: "Experiment", name: "kill one", faults: ["process-kill"] },
  { kind: "Suspend", indices: [1, 3] },
  { kind: "AdmitPublisher", key: idOf("publisher"), name: "release team" },
  { kind: "RevokePublisher", key: idOf("publisher"), reason: "its key was stolen" },
];

export const payloadOf = (order: Order): DirectivePayload => ({
  schema: "witan/directive/1",
  subject: "workload/web",
  order,
});

export const manifest: BatchManifest = {
  schema: "witan/batch/1",
  author: NODE,
  leaves: [
    { kind: "State", contentId: idOf("state") },
    { kind: "Incident", contentId: idOf("incident") },
  ],
};

export const records: { readonly [Kind in RecordKind]: RecordValue<Kind> } = {
  State: state,
  Incident: incident,
  Model: model,
  Outcome: outcome,
};

/** Numbers that a record may hold. */
export const number = fc.oneof(
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((value) => !Object.is(value, -0) && (!Number.isInteger(value) || Number.isSafeInteger(value))),
  fc.maxSafeInteger(),
);
export const contentId: fc.Arbitrary<ContentId> = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes): ContentId => `0x${Buffer.from(bytes).toString("hex")}`);
const share = fc.double({ min: 0, max: 1, noNaN: true }).filter((value) => !Object.is(value, -0));
const label = fc
  .string({ minLength: 1, maxLength: 40, unit: "grapheme" })
  .filter((text) => !/[\p{Cc}]/u.test(text) && text !== "__proto__" && text.length <= 253);

/** Any incident: the record with the freest content. */
export const anyIncident: fc.Arbitrary<Incident> = fc.record({
  schema: fc.constant("witan/incident/1" as const),
  kind: fc.constantFrom("replica-down" as const, "state-critical" as const),
  severity: fc.constantFrom("low" as const, "critical" as const),
  subject: label,
  observed: fc.dictionary(label, fc.oneof(number, fc.boolean(), fc.string({ unit: "binary", maxLength: 100 })), {
    maxKeys: 20,
    noNullPrototype: true,
  }),
  detection: fc.oneof(
    fc.record({ probe: label }),
    fc.record({ probe: label, threshold: fc.string({ unit: "grapheme", maxLength: 50 }) }),
  ),
  resolution: fc.option(fc.record({ resolves: contentId, directive: contentId, outcome: contentId })),
});

/** Any state. */
export const anyState: fc.Arbitrary<State> = fc.record({
  schema: fc.constant("witan/state/1" as const),
  node: fc
    .uint8Array({ minLength: 20, maxLength: 20 })
    .map((bytes) => address(`0x${Buffer.from(bytes).toString("hex")}`)),
  cycle: fc.maxSafeNat(),
  time: fc.maxSafeNat(),
  phi: number,
  state: fc.constantFrom("CHAOTIC" as const, "EUPHORIC" as const),
  health: fc.constantFrom("healthy" as const, "unhealthy" as const),
  metrics: fc.record({
    cpu: share,
    memory: share,
    loss: share,
    connectivity: share,
    latencyMs: fc.double({ min: 0, max: 1e6, noNaN: true }).filter((value) => !Object.is(value, -0)),
  }),
  advised: fc.uniqueArray(fc.constantFrom("Deploy" as const, "Scale" as const, "Restart" as const)),
  previous: fc.option(contentId),
});

const seconds = fc.integer({ min: 1, max: 1_000 });
const rolling = { maxUnavailable: fc.nat(10_000), maxSurge: fc.nat(10_000) };
const hostLabel = fc.stringMatching(/^[a-z]{1,20}$/);

/** Any specification of a workload. */
export const anySpec: fc.Arbitrary<WorkloadSpec> = fc.record({
  replicas: fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constant("all" as const)),
  selector: fc.dictionary(hostLabel, hostLabel, { maxKeys: 16, noNullPrototype: true }),
  spread: fc.option(hostLabel),
  exclusive: fc.boolean(),
  irreversible: fc.boolean(),
  strategy: fc.oneof(
    fc.record({ kind: fc.constant("rolling" as const), ...rolling }),
    fc.record({
      kind: fc.constant("canary" as const),
      ...rolling,
      shares: fc
        .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 15 })
        .map((shares) => [...shares.sort((a, b) => a - b), 100]),
      soakSeconds: fc.nat(86_400),
    }),
    fc.record({ kind: fc.constant("blue-green" as const), soakSeconds: fc.nat(86_400) }),
  ),
  timing: fc
    .record({ startSeconds: seconds, minReadySeconds: seconds, probeSeconds: seconds, lagSeconds: seconds })
    .chain((timing) =>
      fc.tuple(fc.nat(1_000), fc.nat(1_000)).map(([more, longer]) => ({
        ...timing,
        progressSeconds: timing.startSeconds + timing.minReadySeconds + more,
        intervalSeconds: timing.probeSeconds + longer,
      })),
    ),
  failureLimit: fc.option(fc.nat(10_000)),
  probe: fc.record({
    path: fc.stringMatching(/^\/[!-~]{0,100}$/),
    timeoutMs: fc.integer({ min: 1, max: 60_000 }),
  }),
});

/** The same value with the keys of every object in another order. */
export function reordered<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reordered) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, child]) => [key, reordered(child)]),
  ) as T;
}
