import { createHash } from "node:crypto";
import type { Wallet } from "ethers";
import type { OperatorConsents } from "../../src/client/index.js";
import { type Admission, hashOperatorConsent, NO_DEADLINE } from "../../src/ports/chain/index.js";
import type { Address, ContentId, Hex, Order, OrderOf } from "../../src/records/index.js";
import { restartOrder, type TestDao } from "./dao.js";
import { admissionOf, blsKey, operatorKey, shortTracks } from "./deploy.js";

export const hash = (text: string) => `0x${createHash("sha256").update(text).digest("hex")}` as Hex;
export const release = { name: "v2", command: ["node", "workload.js"], sha256: hash("v2") };
export const evidence = [hash("b"), hash("a")] as ContentId[];

export const newcomer = operatorKey("newcomer");
/** Takes over the seat of the operator 3. */
export const successor = operatorKey("successor");

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
  { kind: "Ban", operators: [operatorKey(4).address as Address], reason: "signed two ballots" },
  { kind: "ChangeOperator", from: operatorKey(3).address as Address, to: successor.address as Address },
  { kind: "SetParameter", name: "learning.rounds", value: "10" },
  { kind: "SetFlag", name: "learning.enabled", value: true },
  { kind: "SetTrack", track: "operations", rules: { ...shortTracks.operations, votingPeriod: 1_200 } },
  { kind: "Experiment", name: "kill one", faults: ["process-kill"] },
  { kind: "AdmitPublisher", key: hash("publisher"), name: "release team" },
];

const contextOf = ({ witan: { deployment } }: TestDao) => ({
  chainId: deployment.chainId,
  registry: deployment.contracts.NodeRegistry,
});

/** What admits the newcomer. */
export function newcomerOf(dao: TestDao): Admission {
  return admissionOf(contextOf(dao), newcomer, blsKey("newcomer"));
}

/** Both operators' signatures under a change of the seat's operator; by default it was not changed since its admission. */
export function consentsOf(dao: TestDao, { from, to }: OrderOf<"ChangeOperator">, nonce = 1): OperatorConsents {
  const digest = hashOperatorConsent(contextOf(dao), { from, to, nonce, deadline: NO_DEADLINE });
  const sign = (operator: Wallet) => operator.signingKey.sign(digest).serialized as Hex;
  return { deadline: NO_DEADLINE, from: sign(operatorKey(3)), to: sign(successor) };
}

/** What `openProposal` needs for an order of {@link orders}: evidence, and what its effect needs. */
export function proposalOf(dao: TestDao, order: Order) {
  return {
    order,
    evidence,
    ...(order.kind === "Admit" ? { admissions: [newcomerOf(dao)] } : {}),
    ...(order.kind === "ChangeOperator" ? { consents: consentsOf(dao, order) } : {}),
  };
}
