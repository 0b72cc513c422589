import { ChainError } from "../errors.js";
import type { EndpointHealth } from "./endpointHealth.js";
import { judgeHeads } from "./heads.js";

/**
 * Asks all endpoints for their newest blocks, but for those that are left alone after failures, and notes in each how it
 * compares. Endpoints that do not answer are compared with by the block that they last told of.
 */
export async function surveyHeads(
  endpoints: readonly EndpointHealth[],
  timeoutMs: number,
  wallTimeMs: number,
): Promise<void> {
  const answers = await Promise.all(
    endpoints.map((health) => (health.restMs > 0 ? undefined : unlessItFails(health.readHead(timeoutMs)))),
  );
  const heads = endpoints.map((health, i) => answers[i] ?? health.head);
  const faults = judgeHeads(heads, wallTimeMs / 1_000);
  const newest = Math.max(
    ...heads.flatMap((head, i) => (head === undefined || faults[i] !== undefined ? [] : [head.number])),
  );
  await Promise.all(
    endpoints.map(async (health, i) => {
      const [head, fault] = [answers[i], faults[i]];
      if (head === undefined) return;
      if (fault === undefined) return health.judge(undefined, undefined);
      const isSyncing = fault === "behind" && (await unlessItFails(health.isSyncing(timeoutMs)));
      const why = isSyncing ? "It is still syncing: its" : "Its";
      health.judge(fault, `${why} newest block is ${head.number}, that of the others ${newest}.`);
    }),
  );
}

async function unlessItFails<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    // Noted in the endpoint's health.
    if (error instanceof ChainError) return undefined;
    throw error;
  }
}
