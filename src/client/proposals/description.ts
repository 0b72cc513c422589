import {
  type ContentId,
  contentIdToCid,
  type DirectivePayload,
  type Order,
  replicaSubject,
  workloadSubject,
} from "../../records/index.js";

/** The subject of an order, unless its proposer says otherwise. Equal orders have equal subjects. */
export function subjectOf(order: Order): string {
  switch (order.kind) {
    case "Deploy":
    case "Scale":
    case "Rollback":
      return workloadSubject(order.workload);
    case "Restart":
      return replicaSubject(order.replica);
    case "StartRound":
      return `task/${order.task}`;
    case "AcceptModel":
      return `model/${order.name}`;
    case "Admit":
    case "Ban":
      return "committee";
    case "ChangeOperator":
      return `seat/${order.from}`;
    case "SetParameter":
      return `parameter/${order.name}`;
    case "SetFlag":
      return `flag/${order.name}`;
    case "SetTrack":
      return `track/${order.track}`;
    case "Experiment":
      return `experiment/${order.name}`;
    case "Suspend":
      return "presence";
    case "AdmitPublisher":
    case "RevokePublisher":
      return `publisher/${order.key}`;
  }
}

/**
 * The description of a proposal: a sentence for people, the payload and the evidence. It depends on these alone, so that nodes
 * that see the same open the same proposal, and a voter can check the description.
 */
export function describeProposal(
  payload: DirectivePayload,
  payloadId: ContentId,
  evidence: readonly ContentId[],
): string {
  const cited = evidence.map((id) => contentIdToCid(id)).join(", ") || "none";
  return `${headline(payload)}\n\nwitan/directive/1 ${contentIdToCid(payloadId)}\nevidence: ${cited}`;
}

function headline({ subject, order }: DirectivePayload): string {
  switch (order.kind) {
    case "Deploy":
      return `Deploy ${order.release.name} on ${subject}`;
    case "Scale":
      return `Scale ${subject} to ${order.replicas}`;
    case "Rollback":
      return `Rollback ${subject} to ${order.to?.name ?? "the release before"}`;
    case "StartRound":
      return `StartRound ${subject}: ${order.rounds} from round ${order.firstRound}`;
    case "AcceptModel":
      return `AcceptModel ${subject} of round ${order.round}`;
    case "Admit":
      return `Admit ${order.operators.join(", ")}`;
    case "Ban":
      return `Ban ${order.operators.join(", ")}`;
    case "ChangeOperator":
      return `ChangeOperator of the seat of ${order.from} to ${order.to}`;
    case "Suspend":
      return `Suspend ${order.indices.map((index) => `node/${index}`).join(", ")}`;
    case "AdmitPublisher":
      return `AdmitPublisher ${order.name}, ${order.key}`;
    case "SetParameter":
    case "SetFlag":
      return `${order.kind} ${subject} to ${order.value}`;
    default:
      return `${order.kind} ${subject}`;
  }
}
