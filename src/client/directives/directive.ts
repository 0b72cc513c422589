import type { Address, ContentId, Directive, Hex } from "../../records/index.js";

/** The status of a directive, in the order of the contract's enum. */
export const DirectiveStatuses = ["Unknown", "Issued", "Done", "Failed", "Lapsed"] as const;
export type DirectiveStatus = (typeof DirectiveStatuses)[number];

/** The reports that a node can make on a directive, in the order of the contract's enum. */
export const DirectiveReports = ["none", "ready", "done", "failed"] as const;
export type DirectiveReport = Exclude<(typeof DirectiveReports)[number], "none">;

/** A directive that was issued. Moments are in seconds since the Unix epoch, by the chain. Survives JSON. */
export interface IssuedDirective extends Directive {
  readonly id: Hex;
  readonly status: DirectiveStatus;
  readonly issuedAt: number;
  /** The nodes carry it out from this moment on. */
  readonly activeAt: number;
  /** Outcomes count until this moment. */
  readonly deadline: number;
  /** The committee that reports on it. */
  readonly epoch: number;
  readonly committeeSize: number;
  /** The indices of those of the committee that have left it since, or are suspended now: what they report enacts nothing. */
  readonly departed: readonly number[];
  /** How many equal reports of the others enact it. */
  readonly needed: number;
  /**
   * The outcome that more than half of the committee attested, as far as it was still seated with the same agent, and present;
   * null before.
   */
  readonly outcome: ContentId | null;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}

/** One node's report on a directive. */
export interface DirectiveAttestation {
  /** The agent's account, also if its operator reported for the node. */
  readonly node: Address;
  readonly report: DirectiveReport;
  /** Null for "ready". */
  readonly outcome: ContentId | null;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}
