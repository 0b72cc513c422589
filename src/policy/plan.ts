import { type ContentId, type DirectiveKind, type Hex, type Order, Severities, subjectHash } from "../records/index.js";
import type { Analysis, KnownIncident, PlannedProposal, PlanPolicy, SharedKnowledge } from "./types.js";

export interface PlanInput {
  readonly analysis: Analysis;
  readonly incidents: readonly KnownIncident[];
  readonly shared: SharedKnowledge;
  readonly policy: PlanPolicy;
}

/** The flag under which nodes in good health start rounds by themselves. */
export const LEARNING_FLAG = "learning";
/** The flag under which nodes in good health ask for more workloads. */
export const SCALING_FLAG = "scaling";

/**
 * What a node proposes: healing for what is broken, growth when all is well. A proposal that is under way is not
 * planned again.
 */
export function plan(input: PlanInput): PlannedProposal[] {
  const { underWay } = input.shared;
  const planned = [...heal(input), ...accept(input), ...learn(input), ...grow(input)];
  const wanted = new Map(planned.map((proposal) => [`${proposal.order.kind} ${proposal.subject}`, proposal]));
  return [...wanted.values()].filter(({ order: { kind }, subject, evidence }) => {
    const hash = subjectHash(subject);
    return !underWay.has(underWayKey(kind, hash)) && !underWay.has(underWayKey(kind, hash, evidence));
  });
}

/** How what is under way is known: an order by its subject, a proposal by its evidence too. */
export function underWayKey(kind: DirectiveKind, subject: Hex, evidence?: readonly ContentId[]): string {
  return evidence === undefined ? `${kind} ${subject}` : `${kind} ${subject} ${[...evidence].sort().join()}`;
}

function heal({ incidents, policy }: PlanInput): PlannedProposal[] {
  return incidents.flatMap(({ contentId, incident }) => {
    if (Severities.indexOf(incident.severity) < Severities.indexOf(policy.minSeverity)) return [];
    const order = healing(incident);
    if (order === undefined) return [];
    return [
      { order, subject: incident.subject, evidence: [contentId], delay: 0, window: policy.directiveWindowSeconds },
    ];
  });
}

function healing(incident: KnownIncident["incident"]): Order | undefined {
  const { instance, release } = incident.observed;
  switch (incident.kind) {
    case "workload-down":
    case "workload-unhealthy":
    case "state-critical":
      return { kind: "Restart", workload: incident.subject.slice("workload/".length), instance: String(instance) };
    case "release-failing": {
      const fleet = incident.subject.slice("fleet/".length);
      return { kind: "Rollback", fleet, from: String(release) as Hex, to: null };
    }
    case "equivocation": {
      const reason = `signed two different ballots on proposal ${incident.observed.proposal}`;
      return { kind: "Ban", indices: [Number(incident.subject.slice("node/".length))], reason };
    }
    case "node-unreachable":
      // Nothing that the others could restart: people look after it.
      return undefined;
  }
}

function accept({ shared: { acceptedModel, lastRound }, policy }: PlanInput): PlannedProposal[] {
  if (lastRound === null) return [];
  const [best] = [...lastRound.models].sort((a, b) => b.accuracy - a.accuracy || a.round - b.round);
  if (best === undefined || best.round <= (acceptedModel?.round ?? -1)) return [];
  if (acceptedModel !== null && best.accuracy < acceptedModel.accuracy + policy.minGain) return [];
  const order: Order = {
    kind: "AcceptModel",
    name: lastRound.task,
    model: best.contentId,
    parent: acceptedModel?.contentId ?? null,
    round: best.round,
    accuracy: best.accuracy,
  };
  const window = policy.directiveWindowSeconds;
  return [{ order, subject: `model/${lastRound.task}`, evidence: [best.contentId], delay: 0, window }];
}

function learn({ analysis, shared, policy }: PlanInput): PlannedProposal[] {
  if (!shared.flags.has(LEARNING_FLAG) || !isThriving(analysis, policy)) return [];
  const { acceptedModel, lastRound } = shared;
  // What the last series brought is accepted or refused before the next one starts.
  if (lastRound !== null && lastRound.base === (acceptedModel?.contentId ?? null)) return [];
  const order: Order = {
    kind: "StartRound",
    base: acceptedModel?.contentId ?? null,
    firstRound: (acceptedModel?.round ?? 0) + 1,
    ...policy.rounds,
  };
  const evidence = acceptedModel === null ? [] : [acceptedModel.contentId];
  return [{ order, subject: `task/${order.task}`, evidence, delay: 0, window: policy.roundsWindowSeconds }];
}

function grow({ analysis, shared, policy }: PlanInput): PlannedProposal[] {
  if (!shared.flags.has(SCALING_FLAG) || !isThriving(analysis, policy)) return [];
  return [...shared.replicas]
    .filter(([, replicas]) => replicas < policy.maxReplicas)
    .map(([fleet, replicas]) => ({
      order: { kind: "Scale", fleet, replicas: replicas + 1 } as const,
      subject: `fleet/${fleet}`,
      evidence: [],
      delay: 0,
      window: policy.directiveWindowSeconds,
    }));
}

function isThriving({ state, heldCycles, health }: Analysis, { euphoricCycles }: PlanPolicy): boolean {
  return state === "EUPHORIC" && health === "healthy" && heldCycles >= euphoricCycles;
}
