import type { DirectiveKind, Order, Outcome } from "../../records/index.js";

/** The directive that a handler works on. */
export interface DirectiveContext {
  readonly directiveId: `0x${string}`;
  readonly order: Order;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
}

/** What was done, as an `Outcome` record will say it. */
export type ExecutionResult = Pick<Outcome, "result" | "detail" | "produced">;

/** Whether a node sees for itself what an outcome claims. */
export interface OutcomeCheck {
  readonly holds: boolean;
  readonly why: string;
}

/**
 * Executes some kinds of directives. One node leads and executes; the others verify its outcome and attest it. Every
 * method may be called again after a crash, and ends the same.
 */
export interface DirectiveHandler {
  readonly kinds: readonly DirectiveKind[];

  /** Whether an order is about what this node runs. A node says nothing of an order on what it cannot see; all by default. */
  concerns?(order: Order, signal?: AbortSignal): boolean | Promise<boolean>;

  /** Whether every node executes by itself and states the same outcome, so that none needs to lead. */
  readonly isLeaderless?: boolean;

  /**
   * Fetches and checks what the order needs, ahead of its activation too. Resolves with whether there is such a thing, once all of
   * it lies here: then the node reports `ready`.
   */
  prepare?(context: DirectiveContext): Promise<boolean>;

  /** A node's own part while another leads, such as training. Runs until the directive has ended. */
  assist?(context: DirectiveContext): Promise<void>;

  /** Whether another node was heard leading recently; true too while this node has not listened long enough to tell. */
  hasLeader?(directiveId: string): boolean;

  /**
   * Executes the order. Throws if a later try may succeed; a final failure is the result `failed`. Undefined if this node
   * cannot carry it out, and has changed nothing: it leaves the order to another.
   */
  execute(context: DirectiveContext): Promise<ExecutionResult | undefined>;

  /** Whether this node sees for itself what another node's outcome claims. */
  verify(context: DirectiveContext, outcome: Outcome): Promise<OutcomeCheck>;
}
