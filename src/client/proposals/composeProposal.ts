import { InvalidInputError } from "../../errors.js";
import { type Call, hashProposal, NO_CONTENT } from "../../ports/chain/index.js";
import {
  type ContentId,
  type Directive,
  type DirectivePayload,
  directiveId,
  type EncodedBlock,
  encodePayload,
  type Hex,
  type Order,
  sortEvidence,
  subjectHash,
} from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { describeProposal, subjectOf } from "./description.js";
import { issueCall } from "./directiveCall.js";
import { type EffectMaterial, effectOf } from "./effect.js";
import type { ProposalId } from "./proposal.js";

/** The time in which nodes carry out a directive, unless the proposer says otherwise. */
const DEFAULT_WINDOW_SECONDS = 3_600;
const MAX_SECONDS = 0xffff_ffff;

export interface ProposalParameters extends EffectMaterial {
  readonly order: Order;
  /** The subject, such as "workload/web"; it follows from the order by default. */
  readonly subject?: string | undefined;
  /** The records that are its evidence, in any order; at most 16. */
  readonly evidence?: readonly ContentId[] | undefined;
  /** Seconds between issue and activation; 0 by default. */
  readonly delay?: number | undefined;
  /** Seconds after activation within which outcomes count; an hour by default. */
  readonly window?: number | undefined;
  /** Makes two orders different that are equal in everything else; zero by default. */
  readonly salt?: Hex | undefined;
}

export interface BuiltProposal {
  readonly proposalId: ProposalId;
  readonly directiveId: Hex;
  readonly directive: Directive;
  readonly payload: DirectivePayload;
  /** The payload's block, which must be stored before the proposal is opened. */
  readonly block: EncodedBlock;
  readonly calls: readonly Call[];
  readonly description: string;
}

/** Composes the proposal of an order; the same parameters give the same id on every node. */
export function composeProposal(
  addresses: ClientContext["chain"]["addresses"],
  parameters: ProposalParameters,
): BuiltProposal {
  const {
    order,
    subject = subjectOf(order),
    delay = 0,
    window = DEFAULT_WINDOW_SECONDS,
    salt = NO_CONTENT,
  } = parameters;
  for (const seconds of [delay, window]) {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) {
      throw new InvalidInputError(
        `A delay or window is a whole number of seconds up to ${MAX_SECONDS}, not ${seconds}.`,
      );
    }
  }
  const payload: DirectivePayload = { schema: "witan/directive/1", subject, order };
  const block = encodePayload(payload);
  const evidence = sortEvidence(parameters.evidence ?? []);
  const directive: Directive = {
    kind: order.kind,
    subject: subjectHash(subject),
    payload: block.contentId,
    delay,
    window,
    salt,
    evidence,
  };
  const effect = effectOf(addresses, order, parameters);
  const calls = [...(effect === undefined ? [] : [effect]), issueCall(addresses, directive)];
  const description = describeProposal(payload, block.contentId, evidence);
  return {
    proposalId: hashProposal(calls, description),
    directiveId: directiveId(directive),
    directive,
    payload,
    block,
    calls,
    description,
  };
}
