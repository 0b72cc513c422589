import { createHash } from "node:crypto";
import type { Address, ContentId, Hex, Order } from "../../src/records/index.js";
import { restartOrder, type TestDao } from "./dao.js";
import { admissionOf, blsKey, operatorKey, shortTracks } from "./deploy.js";

export const hash = (text: string) => `0x${createHash("sha256").update(text).digest("hex")}` as Hex;
export const release = { name: "v2", command: ["node", "workload.js"], sha256: hash("v2") };
export const evidence = [hash("b"), hash("a")] as ContentId[];

export const newcomer = operatorKey("newcomer");
export const admission = admissionOf(newcomer, blsKey("newcomer")) as Record<
  "operator" | "key" | "possession" | "peerId",
  Hex
>;
export const rotationKey = blsKey("rotated");

/** One order of each kind. */
export const orders: Order[] = [
  { kind: "Deploy", workload: "web", release, batch: 2 },
  { kind: "Scale", workload: "web", replicas: 6 },
  { kind: "Rollback", workload: "web", from: release.sha256, to: null },
  { kind: "Rollback", workload: "web", from: release.sha256, to: release },
  restartOrder,
  {
    kind: "StartRound",
    task: "mnist",
    base: null,
    firstRound: 1,
    rounds: 3,
    minParticipants: 3,
    timeoutSeconds: 60,
    localEpochs: 1,
    learningRate: 0.1,
    batchSize: 32,
    seed: 7,
  },
  { kind: "AcceptModel", name: "mnist", model: hash("model"), parent: null, round: 3, accuracy: 0.91 },
  { kind: "Admit", operators: [newcomer.address as Address] },
  { kind: "Ban", indices: [4], reason: "signed two ballots" },
  { kind: "RotateKey", index: 0 },
  { kind: "SetParameter", name: "learning.rounds", value: "10" },
  { kind: "SetFlag", name: "learning.enabled", value: true },
  { kind: "SetTrack", track: "operations", rules: { ...shortTracks.operations, votingPeriod: 1_200 } },
  { kind: "Experiment", name: "kill one", faults: ["process-kill"] },
  { kind: "AdmitPublisher", key: hash("publisher"), name: "release team" },
];

/** The new key of node 0, with its proof of possession. */
export function rotationOf(dao: TestDao): typeof admission {
  return admissionOf(dao.witan.operators[0] ?? newcomer, rotationKey) as typeof admission;
}

/** What `openProposal` needs for an order of {@link orders}: evidence, and the keys that its effect needs. */
export function proposalOf(dao: TestDao, order: Order) {
  return {
    order,
    evidence,
    ...(order.kind === "Admit" ? { admissions: [admission] } : {}),
    ...(order.kind === "RotateKey" ? { rotation: rotationOf(dao) } : {}),
  };
}
