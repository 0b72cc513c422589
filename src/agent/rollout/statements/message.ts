import { z } from "zod";
import type { StageReport, WitnessStatement } from "../../../policy/rollout/index.js";
import { MAX_STAGES } from "../../../records/schemas/bounds.js";
import { hash, label, text } from "../../../records/schemas/scalars.js";

/** The sightings of one statement: what an envelope has room for, with names of the usual length. */
export const MAX_SIGHTINGS = 256;

/** Waves have no bound of their own but the replicas; stages have. */
const stage = z.int().min(0).max(MAX_STAGES);
const seconds = z.int().min(0);

const stageReport = z.strictObject({
  schema: z.literal("witan/stage-report/1"),
  directive: hash,
  stage,
  replica: label,
  host: label,
  result: z.enum(["ready", "watched", "sick", "unable", "inconclusive"]),
  at: seconds,
  note: text,
}) satisfies z.ZodType<StageReport>;

const sighting = z.strictObject({
  replica: label,
  release: hash.nullable(),
  verdict: z.enum(["healthy", "sick", "unsteady", "unreached"]),
  since: z.int().min(0),
});

const witnessStatement = z.strictObject({
  schema: z.literal("witan/witness-statement/1"),
  directive: hash,
  witness: label,
  interval: z.int().min(0),
  seen: z.array(sighting).min(1).max(MAX_SIGHTINGS),
}) satisfies z.ZodType<WitnessStatement>;

/** A host asks the others to send again what they hold of a rollout: it was away. */
const statementsWanted = z.strictObject({
  schema: z.literal("witan/statements-wanted/1"),
  directive: hash,
  host: label,
  /** By the host's own clock: a request that somebody repeats later is not answered. */
  at: seconds,
});

export type StatementsWanted = z.output<typeof statementsWanted>;

/** What hosts say to each other of a rollout, in signed envelopes. */
export type RolloutMessage = StageReport | WitnessStatement | StatementsWanted;

const rolloutMessage = z.discriminatedUnion("schema", [stageReport, witnessStatement, statementsWanted]);

/** The message in the body of an envelope; undefined for anything else. */
export function parseRolloutMessage(body: string): RolloutMessage | undefined {
  try {
    return rolloutMessage.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** The host that a message names as its author. */
export function authorOf(message: RolloutMessage): string {
  return message.schema === "witan/witness-statement/1" ? message.witness : message.host;
}
