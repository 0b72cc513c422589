import {
  encodePayload,
  isSelfConsistent,
  type OrderOf,
  type Release,
  replicaSubject,
  workloadSubject,
} from "../records/index.js";
import { fittedText } from "../utils/text/decode.js";
import { judgeSuspension } from "./claims/suspend.js";
import { isReleaseFailing } from "./incidents.js";
import { placementFault } from "./placementFault.js";
import { retentionChange } from "./retention/retention.js";
import type { Decision, EvidenceCheck, VoteInput, VotePolicy } from "./types.js";

/** The most bytes of a reason: it quotes what others wrote, is written on chain, and each byte costs gas. */
const MAX_REASON_BYTES = 200;

/**
 * What the agent does by itself is one table in docs/voting.md. It votes Against lies, and For what it can check itself or
 * what its operator's bounds allow; anything else is left to people.
 *
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
  if (!input.policy.decides.has(order.kind)) return undefined;
  switch (order.kind) {
    case "Restart":
      return decideRestart(order, subject, input);
    case "Rollback":
      return decideRollback(order, subject, input);
    case "AcceptModel":
      return decideModel(order, input);
    case "Deploy":
      return decideDeploy(order, subject, input);
    case "Scale":
      return decideScale(order, subject, input);
    case "StartRound":
      return decideRounds(order, input);
    case "Ban":
      return decideBan(order, evidence);
    case "SetParameter":
      return decideParameter(order, input.policy);
    case "SetFlag":
      return inFavour("calls, payload and evidence agree");
    case "Suspend": {
      const { reason, support } = judgeSuspension(order, subject, input.view);
      return decision(support, reason);
    }
    default:
      return undefined;
  }
}

function decideRestart(
  order: OrderOf<"Restart">,
  subject: string,
  { evidence, now, policy, view }: VoteInput,
): Decision {
  if (subject !== replicaSubject(order.replica)) return against(notThe("replica", order.replica, subject));
  const about = evidence.filter(
    ({ record }) =>
      record?.kind === "Incident" &&
      record.value.resolution === null &&
      record.value.subject === subject &&
      record.value.observed.instance === order.instance,
  );
  if (about.length === 0) return against(`no evidence speaks of instance ${order.instance} of ${subject}`);
  const own = view.replicas.find((replica) => replica.subject === subject);
  if (own === undefined) {
    const fresh = about.filter((check) => check.resolved !== true && isFresh(check, now, policy));
    return byHostsWord(fresh, subject);
  }
  if (own.instance !== order.instance) return against(`instance ${order.instance} is already replaced`);
  if (own.alive && own.healthy) return against(`this node sees ${subject} alive and healthy`);
  return inFavour(`this node too sees ${subject} ${own.alive ? "sick" : "down"}`);
}

/**
 * A claim of fact about the release that runs now. It leads back to the release that was last done on this workload, and never
 * to a command that its proposer chose.
 */
function decideRollback(
  order: OrderOf<"Rollback">,
  subject: string,
  { evidence, fleet, now, policy, proposal, view }: VoteInput,
): Decision | undefined {
  const { from, to, workload } = order;
  if (subject !== workloadSubject(workload)) return against(notThe("workload", workload, subject));
  const fault = placementFault(order, fleet, proposal.seconds);
  if (fault !== undefined) return against(fault);
  const about = evidence.filter(
    ({ record }) =>
      record?.kind === "Incident" &&
      record.value.kind === "release-failing" &&
      record.value.resolution === null &&
      record.value.subject === subject &&
      record.value.observed.release === from,
  );
  if (about.length === 0) return against(`no evidence speaks of release ${from.slice(0, 10)} of ${workload}`);
  const unresolved = about.filter(({ resolved }) => resolved !== true);
  if (unresolved.length === 0) return against("another order has resolved what the evidence speaks of");
  const fresh = unresolved.filter((check) => isFresh(check, now, policy));
  if (fresh.length === 0) return against(`the evidence is over ${policy.maxEvidenceSeconds} s old`);

  const releases = view.releases?.get(workload);
  if (to !== null) {
    const last = releases?.good.findLast(({ sha256 }) => sha256 !== from);
    if (last === undefined || !isSameRelease(last, to))
      return against(`${to.name} is not the release that was last done on ${workload}`);
  }
  const own = view.replicas.filter((replica) => replica.workload === workload && replica.release.sha256 === from);
  if (view.workloads.has(workload) && own.length === 0) return against("no replica runs that release any more");
  if (own.length === 0 && releases?.running !== from) return against("it is not the release that runs now");
  if (own.length === 0) return byHostsWord(fresh, subject);
  const failing = own.filter(({ alive, healthy }) => alive && !healthy).length;
  const others = view.replicas.some((replica) => replica.workload === workload && replica.release.sha256 !== from);
  // As nodes tell a release that fails from a replica that does: all fail, and the machine is not to blame.
  if (!isReleaseFailing({ all: own.length, failing, others }))
    return against(`this node sees ${failing} of ${own.length} failing`);
  return inFavour(`this node too sees ${failing} of ${own.length} failing`);
}

function isFresh({ anchoredAt }: EvidenceCheck, now: number, { maxEvidenceSeconds }: VotePolicy): boolean {
  return anchoredAt !== undefined && anchoredAt >= now - maxEvidenceSeconds;
}

/** Of what a node does not see itself it believes the word of a host, and nobody else's. */
function byHostsWord(evidence: readonly EvidenceCheck[], subject: string): Decision {
  return evidence.some(({ isHostsWord }) => isHostsWord === true)
    ? inFavour(`this node does not see ${subject}; a host says so`)
    : against(`this node does not see ${subject}, and no host that it knows says so`);
}

/** Whether two releases run the same: their canonical bytes agree, whatever the order of their keys. */
function isSameRelease(a: Release, b: Release): boolean {
  const bytes = (release: Release) => {
    const order = { kind: "Deploy", workload: "-", release, batch: 1 } as const;
    return encodePayload({ schema: "witan/directive/1", subject: "-", order }).contentId;
  };
  return bytes(a) === bytes(b);
}

/** People decide on a release, unless an admitted publisher has signed all that is run. */
function decideDeploy(order: OrderOf<"Deploy">, subject: string, input: VoteInput): Decision | undefined {
  const { release, workload } = order;
  const { isPublished, policy, view } = input;
  if (subject !== workloadSubject(workload)) return against(notThe("workload", workload, subject));
  if (release.signed !== undefined && release.signed.workload !== workload)
    return against(`${release.name} was signed for ${release.signed.workload}`);
  if (!isSelfConsistent(release)) return against(`the hash of ${release.name} is not that of what it runs`);
  const fault = placementFault(order, input.fleet, input.proposal.seconds);
  if (fault !== undefined) return against(fault);
  const isNamed = release.signed === undefined && policy.unsignedReleases;
  if (isPublished !== true && !isNamed) return undefined;
  if (order.spec === undefined && !view.workloads.has(workload)) return abstain(unknownWorkload(workload));
  return inFavour(
    isNamed ? `${release.name} is named by its sha256` : `an admitted publisher has signed ${release.name}`,
  );
}

function decideScale(
  { replicas, workload }: OrderOf<"Scale">,
  subject: string,
  { fleet, policy, view }: VoteInput,
): Decision | undefined {
  if (subject !== workloadSubject(workload)) return against(notThe("workload", workload, subject));
  const { ceiling, floor, step } = policy.scale;
  if (replicas < floor || replicas > ceiling) return undefined;
  const placed = fleet?.view.workloads.find(({ name }) => name === workload);
  if (placed === undefined && !view.workloads.has(workload)) return abstain(unknownWorkload(workload));
  // Of one that has a replica on each host, a Scale makes one of so many.
  const runs: readonly { readonly workload: string }[] =
    placed === undefined ? view.replicas : [...(fleet?.placement.seats.values() ?? [])];
  const current =
    typeof placed?.replicas === "number"
      ? placed.replicas
      : runs.filter((replica) => replica.workload === workload).length;
  if (Math.abs(replicas - current) > step) return undefined;
  // Its hosts would be excused from the rollout, and their word is what its gates wait for.
  if (replicas < current && fleet?.changing.has(workload)) return undefined;
  return inFavour(`${replicas} replicas instead of ${current} are within bounds`);
}

function decideRounds(order: OrderOf<"StartRound">, { policy, view }: VoteInput): Decision | undefined {
  const bounds = Object.entries(policy.rounds) as [keyof VotePolicy["rounds"], number][];
  if (bounds.some(([name, most]) => order[name] > most)) return undefined;
  if (!view.tasks.has(order.task)) return abstain(`this node does not train ${order.task}`);
  return inFavour(`up to ${order.rounds} rounds of ${order.task} are within bounds`);
}

/** A record that was released does not come back: people decide how long records are kept, unless it is for ever. */
function decideParameter({ name, value }: OrderOf<"SetParameter">, policy: VotePolicy): Decision | undefined {
  switch (retentionChange(name, BigInt(value))) {
    case "removes":
      return undefined;
    case "out-of-bounds":
      return against(`${name} is out of bounds`);
    case "keeps":
      return inFavour("no record is let go of");
    default:
      return policy.harmlessParameters.includes(name) ? inFavour(`${name} is harmless`) : undefined;
  }
}

/** People decide on a ban, unless the evidence proves what the node did. */
function decideBan(order: OrderOf<"Ban">, evidence: readonly EvidenceCheck[]): Decision | undefined {
  const guilty = new Set(
    evidence.flatMap(({ record }) =>
      record?.kind === "Incident" && record.value.kind === "equivocation" ? [record.value.observed.operator] : [],
    ),
  );
  const proven = order.operators.every((operator) => guilty.has(operator));
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
  return { support, reason: fittedText(reason, MAX_REASON_BYTES) };
}
