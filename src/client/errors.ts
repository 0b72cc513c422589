import { BaseError } from "../errors.js";
import type { Address, ContentId, Hex } from "../records/index.js";

/** No anchor on chain holds the record, so nothing proves its author. */
export class NotAnchoredError extends BaseError {
  readonly contentId: ContentId;

  /** @param unread Anchors whose manifests could not be read: one of them may still hold the record. */
  constructor(contentId: ContentId, unread = 0) {
    super("not-anchored", `No anchor holds record ${contentId}.`, {
      retryable: unread > 0,
      ...(unread > 0
        ? { details: `${unread} anchors could not be searched, because their manifests are out of reach.` }
        : {}),
    });
    this.contentId = contentId;
  }
}

/** The record is anchored, but not by the author that it names, or not by the one that the caller named. */
export class WrongAuthorError extends BaseError {
  readonly contentId: ContentId;
  readonly expected: Address;
  readonly found: readonly Address[];

  constructor(contentId: ContentId, expected: Address, found: readonly Address[]) {
    super("wrong-author", `Record ${contentId} is not anchored by ${expected}.`, {
      details: `It is anchored by ${found.join(", ")}.`,
    });
    this.contentId = contentId;
    this.expected = expected;
    this.found = found;
  }
}

/** A proof that does not lead from the record to the anchored root. */
export class InvalidProofError extends BaseError {
  readonly root: Hex;

  constructor(contentId: ContentId, root: Hex) {
    super("invalid-proof", `The proof does not show that record ${contentId} is under root ${root}.`);
    this.root = root;
  }
}

/** A manifest that does not match its anchor. */
export class InvalidManifestError extends BaseError {
  constructor(root: Hex, reason: string, cause?: unknown) {
    super("invalid-manifest", `The manifest of anchor ${root} is not right: ${reason}.`, { cause });
  }
}

/** There is no such proposal in the blocks that were read. */
export class UnknownProposalError extends BaseError {
  constructor(proposalId: string) {
    super("unknown-proposal", `There is no proposal ${proposalId}.`);
  }
}

/** There is no such directive in the blocks that were read. */
export class UnknownDirectiveError extends BaseError {
  constructor(directiveId: Hex) {
    super("unknown-directive", `There is no directive ${directiveId}.`);
  }
}

/** The proposal is not in the state that the verb needs. */
export class ProposalStateError extends BaseError {
  readonly state: string;

  constructor(proposalId: string, state: string, verb: string, hints: readonly string[] = []) {
    super("proposal-state", `Proposal ${proposalId} is ${state} and cannot be ${verb}.`, { hints });
    this.state = state;
  }
}

/** So many proposals of one order have ended that no further is made. */
export class AttemptsExhaustedError extends BaseError {
  constructor(kind: string) {
    super("attempts-exhausted", `Too many proposals of this ${kind} have ended.`, {
      hints: ["Change the order, or its evidence."],
    });
  }
}
