import type { DirectiveKind, Order, Outcome } from "../../records/index.js";

/** What a handler is told about the directive that it carries out. */
export interface Assignment {
  readonly directiveId: `0x${string}`;
  readonly order: Order;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
}

/** What was done, as an `Outcome` record will say it. */
export type ExecutionResult = Pick<Outcome, "result" | "detail" | "logs" | "durationMs" | "produced">;

/** Whether a node sees for itself what an outcome claims. */
export interface OutcomeCheck {
  readonly holds: boolean;
  readonly why: string;
}

/**
 * A way of carrying out some kinds of directives. One node leads and does the deed; the others see for themselves and
 * attest. Every method may be called again after a crash, and ends the same.
 */
export interface DirectiveHandler {
  readonly kinds: readonly DirectiveKind[];

  /** Whether every node does the deed alone and states the same outcome, so that nobody needs to lead. */
  readonly alone?: boolean;

  /** Fetches and checks what the order needs; a node that has done so reports `ready`. */
  prepare?(assignment: Assignment): Promise<void>;

  /** What each node adds while another leads, such as training. Runs until the directive has ended. */
  assist?(assignment: Assignment): Promise<void>;

  /**
   * Whether somebody else was seen leading lately, so that nobody needs to take over; also where this node has not listened
   * for long enough to tell.
   */
  led?(directiveId: string): boolean;

  /** The deed. Throws what is worth another try; a failure that is final is a deed with the result `failed`. */
  carryOut(assignment: Assignment): Promise<ExecutionResult>;

  /** Whether this node agrees with another's outcome. */
  agrees(assignment: Assignment, outcome: Outcome): Promise<OutcomeCheck>;
}
