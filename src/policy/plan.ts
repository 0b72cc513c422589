import {
  type Address,
  type DirectiveKind,
  type Hex,
  nameOfSubject,
  type Order,
  Severities,
  subjectHash,
  workloadSubject,
} from "../records/index.js";
import { PRESENCE_SUBJECT } from "./claims/suspend.js";
import { standardWindow } from "./defaults.js";
import type { Analysis, KnownIncident, PlannedProposal, PlanPolicy, SharedKnowledge } from "./types.js";

export interface PlanInput {
  readonly analysis: Analysis;
  readonly incidents: readonly KnownIncident[];
  readonly shared: SharedKnowledge;
  readonly policy: PlanPolicy;
  /** The seats to suspend, ascending: {@link suspendable}. None by default. */
  readonly toSuspend?: readonly number[] | undefined;
}

/** The flag under which nodes in good health start rounds by themselves. */
export const LEARNING_FLAG = "learning";
/** The flag under which nodes in good health propose more replicas. */
export const SCALING_FLAG = "scaling";

/**
 * What a node proposes: to heal what is broken, and to learn and grow while all is well. An order that is being carried out
 * is not planned again.
 */
export function plan(input: PlanInput): PlannedProposal[] {
  const { underWay } = input.shared;
  const planned = [...suspend(input), ...heal(input), ...accept(input), ...learn(input), ...grow(input)];
  const wanted = new Map(planned.map((proposal) => [`${proposal.order.kind} ${proposal.subject}`, proposal]));
  return [...wanted.values()].filter(
    ({ order: { kind }, subject }) => !underWay.has(underWayKey(kind, subjectHash(subject))),
  );
}

/** The key of a directive that is under way, by its subject. */
export function underWayKey(kind: DirectiveKind, subject: Hex): string {
  return `${kind} ${subject}`;
}

function heal({ incidents, policy }: PlanInput): PlannedProposal[] {
  return incidents.flatMap(({ contentId, incident }) => {
    if (Severities.indexOf(incident.severity) < Severities.indexOf(policy.minSeverity)) return [];
    const order = healing(incident);
    if (order === undefined) return [];
    return [{ order, subject: incident.subject, evidence: [contentId], delay: 0, window: standardWindow(order.kind) }];
  });
}

/** One order for all that are silent. */
function suspend({ toSuspend = [] }: PlanInput): PlannedProposal[] {
  if (toSuspend.length === 0) return [];
  const order: Order = { kind: "Suspend", indices: toSuspend };
  const window = standardWindow(order.kind);
  return [{ order, subject: PRESENCE_SUBJECT, evidence: [], delay: 0, window }];
}

function healing(incident: KnownIncident["incident"]): Order | undefined {
  const { instance, release } = incident.observed;
  switch (incident.kind) {
    case "replica-down":
    case "replica-unhealthy":
    case "state-critical":
      return { kind: "Restart", replica: nameOfSubject(incident.subject), instance: String(instance) };
    case "release-failing":
      return { kind: "Rollback", workload: nameOfSubject(incident.subject), from: String(release) as Hex, to: null };
    case "equivocation": {
      const reason = `signed two different ballots on proposal ${incident.observed.proposal}`;
      return { kind: "Ban", operators: [String(incident.observed.operator) as Address], reason };
    }
    case "node-unreachable":
      // The other nodes cannot restart it: people do.
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
  const window = standardWindow(order.kind);
  return [{ order, subject: `model/${lastRound.task}`, evidence: [best.contentId], delay: 0, window }];
}

function learn({ analysis, shared, policy }: PlanInput): PlannedProposal[] {
  if (!shared.flags.has(LEARNING_FLAG) || !isThriving(analysis, policy)) return [];
  const { acceptedModel, lastRound } = shared;
  // The best model of the last series is accepted or refused before the next series starts.
  if (lastRound !== null && lastRound.base === (acceptedModel?.contentId ?? null)) return [];
  const order: Order = {
    kind: "StartRound",
    base: acceptedModel?.contentId ?? null,
    firstRound: (acceptedModel?.round ?? 0) + 1,
    ...policy.rounds,
  };
  const evidence = acceptedModel === null ? [] : [acceptedModel.contentId];
  return [{ order, subject: `task/${order.task}`, evidence, delay: 0, window: standardWindow(order.kind) }];
}

function grow({ analysis, shared, policy }: PlanInput): PlannedProposal[] {
  if (!shared.flags.has(SCALING_FLAG) || !isThriving(analysis, policy)) return [];
  return [...shared.replicas]
    .filter(([, replicas]) => replicas < policy.maxReplicas)
    .map(([workload, replicas]) => ({
      order: { kind: "Scale", workload, replicas: replicas + 1 } as const,
      subject: workloadSubject(workload),
      evidence: [],
      delay: 0,
      window: standardWindow("Scale"),
    }));
}

function isThriving({ state, heldCycles, health }: Analysis, { euphoricCycles }: PlanPolicy): boolean {
  return state === "EUPHORIC" && health === "healthy" && heldCycles >= euphoricCycles;
}
