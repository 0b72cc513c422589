import { OnChainKinds } from "../../client/index.js";
import type { DirectiveContext, DirectiveHandler, ExecutionResult } from "./handler.js";

/**
 * Directives that take effect in the contracts when they are issued. Every node states the same outcome by itself, so that
 * all attest one record.
 */
export function createOnChainHandler(): DirectiveHandler {
  return {
    kinds: OnChainKinds,
    isLeaderless: true,
    // The timelock runs the effect and the issue in one transaction: what was issued has taken effect.
    async execute({ order }: DirectiveContext): Promise<ExecutionResult> {
      const detail = [{ subject: order.kind, result: "done" as const, note: "took effect on chain with its issue" }];
      return { result: "done", detail, produced: [] };
    },
    verify: async () => ({ holds: true, why: "it took effect on chain" }),
  };
}
