import { z } from "zod";
import { address, count, directiveKind, finite, hash, list, share } from "./fields.js";
import { HealthStates, NamedStates } from "./types.js";

/** One MAPE-K cycle of one node: how it is, by which figures, and what it advises. */
export const stateSchema = z.strictObject({
  schema: z.literal("witan/state/1"),
  node: address,
  cycle: count,
  /** Milliseconds since the Unix epoch. */
  time: count,
  phi: finite,
  state: z.enum(NamedStates),
  health: z.enum(HealthStates),
  metrics: z.strictObject({
    cpu: share,
    memory: share,
    loss: share,
    connectivity: share,
    latencyMs: z.number().min(0),
  }),
  advised: list(directiveKind, 32),
  /** The node's state before this one. */
  previous: hash.nullable(),
});

export type State = z.output<typeof stateSchema>;
