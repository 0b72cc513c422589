import type { Assignment, DirectiveHandler, ExecutionResult } from "./handler.js";

/**
 * Directives that took effect in the contracts in the moment of their issue. Every node states the same outcome alone,
 * so that their attestations meet.
 */
export function createOnChainHandler(): DirectiveHandler {
  return {
    kinds: ["AcceptModel", "Admit", "Ban", "RotateKey", "SetParameter", "SetFlag", "SetTrack"],
    alone: true,
    // The timelock runs the effect and the issue in one transaction: what was issued has taken effect.
    async carryOut({ order }: Assignment): Promise<ExecutionResult> {
      const detail = [{ subject: order.kind, result: "done" as const, note: "took effect on chain with its issue" }];
      return { result: "done", detail, logs: null, durationMs: 0, produced: [] };
    },
    agrees: async () => ({ holds: true, why: "it took effect on chain" }),
  };
}
