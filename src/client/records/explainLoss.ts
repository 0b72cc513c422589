import { messageOf } from "../../errors.js";
import { isPastRetention, retainParameter, retentionRules } from "../../policy/index.js";
import { encodeName } from "../../ports/chain/index.js";
import { ContentError } from "../../ports/content/index.js";
import type { RecordKind } from "../../records/index.js";
import type { ClientContext } from "../client.js";

const SECONDS_OF_A_DAY = 86_400;

/**
 * Explains why a record could not be fetched: if records of its kind are kept for a shorter time than has passed, by the DAO's vote
 * or without one, the error says so. Every other error is returned unchanged.
 *
 * @param anchoredAt Seconds, by the chain.
 */
export async function explainLoss(
  { chain }: Pick<ClientContext, "chain">,
  kind: RecordKind,
  anchoredAt: number,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof ContentError) || (error.kind !== "missing" && error.kind !== "timeout")) return error;
  const name = retainParameter(kind);
  const read = async () => {
    const { set, value } = await chain.read(() => chain.contracts.parameters.tryParameter(encodeName(name)));
    const parameters = new Map(set ? [[name, value] as const] : []);
    return { set, now: await chain.now(), rules: retentionRules(parameters, { min: 0, max: 0 }) };
  };
  // If the chain does not answer either, the caller still gets the error about the record.
  const voted = await read().catch(() => undefined);
  if (voted === undefined || !isPastRetention({ kind, anchoredAt }, voted.now, voted.rules)) return error;
  const since = new Date(anchoredAt * 1_000).toISOString();
  const days = Math.round((voted.rules.retain[kind] / SECONDS_OF_A_DAY) * 10) / 10;
  return new ContentError(error.kind, `A record that was anchored at ${since} is kept by nobody that could be asked.`, {
    cause: error,
    details: messageOf(error),
    hints: [
      `${voted.set ? "By vote" : "Without a vote"} (${name}) records of its kind are kept for ${days} days, and then let go of.`,
    ],
  });
}
