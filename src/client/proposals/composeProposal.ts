import { InvalidInputError } from "../../errors.js";
import { standardWindow } from "../../policy/index.js";
import { type Call, hashDescription, hashProposal, NO_CONTENT } from "../../ports/chain/index.js";
import {
  type ContentId,
  type Directive,
  type DirectivePayload,
  directiveId,
  directiveSalt,
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

const MAX_SECONDS = 0xffff_ffff;
const MAX_ATTEMPT = 0xffff_ffff;

export interface ProposalParameters extends EffectMaterial {
  readonly order: Order;
  /** The subject, such as "workload/web"; it follows from the order by default. */
  readonly subject?: string | undefined;
  /** The records that are its evidence, in any order; at most 16. */
  readonly evidence?: readonly ContentId[] | undefined;
  /** Seconds between issue and activation; 0 by default. */
  readonly delay?: number | undefined;
  /** Seconds after activation within which outcomes count; ten minutes by default, an hour for rounds. */
  readonly window?: number | undefined;
  /** The last directive on the subject, for an order on a workload or replica; zero by default. */
  readonly base?: Hex | undefined;
  /** Which proposal of the same order this is, counted from 0; 0 by default. */
  readonly attempt?: number | undefined;
  /** The time of its opening, in seconds, divided by 300, on a track without a voting delay; 0 by default. */
  readonly openingWindow?: number | undefined;
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
  readonly descriptionHash: Hex;
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
    window = standardWindow(order.kind),
    base = NO_CONTENT,
    attempt = 0,
    openingWindow = 0,
  } = parameters;
  for (const seconds of [delay, window]) {
    if (!isCount(seconds, MAX_SECONDS)) {
      throw new InvalidInputError(
        `A delay or window is a whole number of seconds up to ${MAX_SECONDS}, not ${seconds}.`,
      );
    }
  }
  if (!isCount(attempt, MAX_ATTEMPT)) {
    throw new InvalidInputError(`An attempt is a whole number up to ${MAX_ATTEMPT}, not ${attempt}.`);
  }
  if (!isCount(openingWindow, Number.MAX_SAFE_INTEGER)) {
    throw new InvalidInputError(`The window of an opening is a whole number, not ${openingWindow}.`);
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
    salt: directiveSalt(openingWindow, attempt),
    base,
    evidence,
  };
  const effect = effectOf(addresses, order, parameters);
  const calls = [...(effect === undefined ? [] : [effect]), issueCall(addresses, directive)];
  const description = describeProposal(payload, block.contentId, evidence);
  const descriptionHash = hashDescription(description);
  return {
    proposalId: hashProposal(calls, descriptionHash),
    directiveId: directiveId(directive),
    directive,
    payload,
    block,
    calls,
    description,
    descriptionHash,
  };
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
