import { type OrderOf, replicaSubject, workloadSubject } from "../records/index.js";
import { retentionChange } from "./retention.js";
import type { Decision, EvidenceCheck, NodeView, VoteInput } from "./types.js";

const MAX_REASON_LENGTH = 200;

/**
 * Decides on one proposal: first whether it is honest, then whether it is true, then whether it is wise. Undefined if people
 * alone should decide: an abstention would use up the vote of the node's operator.
 */
export function decide(input: VoteInput): Decision | undefined {
  const { proposal, evidence } = input;
  const [disagreement] = proposal.disagreements;
  if (disagreement !== undefined) return against(`the proposal contradicts itself: ${disagreement}`);
  if (proposal.payload === undefined) return against("the payload cannot be read");
  const bad = evidence.find(({ status }) => status !== "verified");
  if (bad)
    return against(`evidence ${bad.contentId.slice(0, 10)} is ${bad.status}${bad.reason ? `: ${bad.reason}` : ""}`);

  // A proposal that others would not open: it may be out of date, or meant to keep out the one that they would.
  if (proposal.deviations.length > 0) return undefined;

  const { order, subject } = proposal.payload;
  switch (order.kind) {
    case "Restart":
      return decideRestart(order, subject, evidence, input.view);
    case "Rollback":
      return decideRollback(order, subject, evidence, input.view);
    case "AcceptModel":
      return decideModel(order, input);
    case "Deploy":
      if (subject !== workloadSubject(order.workload)) return against(notThe("workload", order.workload, subject));
      if (!input.view.workloads.has(order.workload)) return abstain(unknownWorkload(order.workload));
      return inFavour(`the release ${order.release.name} is named by its sha256`);
    case "Scale":
      if (order.replicas > input.policy.maxReplicas) return against(`more than ${input.policy.maxReplicas} replicas`);
      if (!input.view.workloads.has(order.workload)) return abstain(unknownWorkload(order.workload));
      return inFavour(`${order.replicas} replicas are within bounds`);
    case "StartRound":
      if (!input.view.tasks.has(order.task)) return abstain(`this node does not train ${order.task}`);
      return inFavour(`up to ${order.rounds} rounds of ${order.task} are within bounds`);
    case "Ban":
      return decideBan(order, evidence);
    case "SetParameter":
      return decideParameter(order);
    default:
      return inFavour("calls, payload and evidence agree");
  }
}

function decideRestart(
  order: OrderOf<"Restart">,
  subject: string,
  evidence: readonly EvidenceCheck[],
  view: NodeView,
): Decision {
  if (subject !== replicaSubject(order.replica)) return against(notThe("replica", order.replica, subject));
  const matches = evidence.some(
    ({ record }) =>
      record?.kind === "Incident" &&
      record.value.resolution === null &&
      record.value.subject === subject &&
      record.value.observed.instance === order.instance,
  );
  if (!matches) return against(`no evidence speaks of instance ${order.instance} of ${subject}`);
  const own = view.replicas.find((replica) => replica.subject === subject);
  if (own === undefined) return inFavour("the evidence holds; this node does not see the replica");
  if (own.instance !== order.instance) return against(`instance ${order.instance} is already replaced`);
  if (own.alive && own.healthy) return against(`this node sees ${subject} alive and healthy`);
  return inFavour(`this node too sees ${subject} ${own.alive ? "sick" : "down"}`);
}

function decideRollback(
  order: OrderOf<"Rollback">,
  subject: string,
  evidence: readonly EvidenceCheck[],
  view: NodeView,
): Decision {
  if (subject !== workloadSubject(order.workload)) return against(notThe("workload", order.workload, subject));
  const matches = evidence.some(
    ({ record }) =>
      record?.kind === "Incident" && record.value.subject === subject && record.value.observed.release === order.from,
  );
  if (!matches) return against(`no evidence speaks of release ${order.from.slice(0, 10)} of ${order.workload}`);
  const own = view.replicas.filter(
    ({ workload, release }) => workload === order.workload && release.sha256 === order.from,
  );
  if (view.workloads.has(order.workload) && own.length === 0) return against("no replica runs that release any more");
  const sick = own.filter(({ alive, healthy }) => !alive || !healthy).length;
  if (own.length > 0 && sick === 0) return against("this node sees that release healthy");
  return inFavour(own.length === 0 ? "the evidence holds" : `this node too sees ${sick} of ${own.length} failing`);
}

/** A record that was released does not come back: people decide how long records are kept, unless it is for ever. */
function decideParameter({ name, value }: OrderOf<"SetParameter">): Decision | undefined {
  switch (retentionChange(name, BigInt(value))) {
    case "removes":
      return undefined;
    case "out-of-bounds":
      return against(`${name} is out of bounds`);
    default:
      return inFavour("calls, payload and evidence agree");
  }
}

/** People decide on a ban, unless the evidence proves what the node did. */
function decideBan(order: OrderOf<"Ban">, evidence: readonly EvidenceCheck[]): Decision | undefined {
  const guilty = new Set(
    evidence.flatMap(({ record }) =>
      record?.kind === "Incident" && record.value.kind === "equivocation" ? [record.value.subject] : [],
    ),
  );
  const proven = order.indices.every((index) => guilty.has(`node/${index}`));
  return proven ? inFavour("the evidence holds two different ballots that the node signed") : undefined;
}

function decideModel(order: OrderOf<"AcceptModel">, { evidence, modelTest, policy }: VoteInput): Decision {
  const cited = evidence.find(({ contentId }) => contentId === order.model)?.record;
  if (cited?.kind !== "Model") return against("the evidence does not hold the model");
  if (cited.value.name !== order.name || cited.value.round !== order.round)
    return against("the record is of another model or round");
  if (modelTest === undefined || modelTest.samples < policy.minSamples)
    return abstain("no held-out data to test it on");
  const { candidateAccuracy, acceptedAccuracy, samples } = modelTest;
  const result = `${percent(candidateAccuracy)} on ${samples} held-out samples`;
  if (acceptedAccuracy === null) {
    return candidateAccuracy >= policy.minFirstAccuracy ? inFavour(result) : against(`only ${result}`);
  }
  const comparison = `${result}, the accepted model ${percent(acceptedAccuracy)}`;
  return candidateAccuracy >= acceptedAccuracy - policy.tolerance ? inFavour(comparison) : against(comparison);
}

const notThe = (kind: string, name: string, subject: string) => `the subject ${subject} is not the ${kind} ${name}`;
const unknownWorkload = (workload: string) => `this node does not know the workload ${workload}`;
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const inFavour = (reason: string) => decision("for", reason);
const against = (reason: string) => decision("against", reason);
const abstain = (reason: string) => decision("abstain", reason);

function decision(support: Decision["support"], reason: string): Decision {
  return { support, reason: reason.length > MAX_REASON_LENGTH ? `${reason.slice(0, MAX_REASON_LENGTH - 1)}…` : reason };
}
