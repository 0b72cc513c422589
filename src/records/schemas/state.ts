import { z } from "zod";
import {
  type Address,
  type ContentId,
  type DirectiveKind,
  DirectiveKinds,
  type DiskState,
  DiskStates,
  type Health,
  Healths,
  type NamedState,
  NamedStates,
} from "../types.js";
import { address, contentId, count, distinct, share } from "./scalars.js";

/** One cycle of a node's MAPE-K loop. */
export interface State {
  readonly schema: "witan/state/1";
  readonly node: Address;
  /** The number of the node's cycle, from 0, without a gap. */
  readonly cycle: number;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly phi: number;
  readonly state: NamedState;
  readonly health: Health;
  readonly metrics: Metrics;
  /** The directive kinds that the node's policy advises, each once. */
  readonly advised: readonly DirectiveKind[];
  /** The node's State before this one; null for its first. */
  readonly previous: ContentId | null;
  /** The worst that the node's disk was since its State before; unset if it was well. */
  readonly disk?: DiskState;
  /** The cycles since the node's State before this one, this one included. */
  readonly summary?: StateSummary;
}

/** What many cycles were like: an agent writes a State down at intervals, and not in each cycle. */
export interface StateSummary {
  readonly cycles: number;
  /** How often the named state or the health differed from those of the cycle before. */
  readonly changes: number;
  /** The cycles in which the node was healthy. */
  readonly healthy: number;
  readonly phi: { readonly min: number; readonly mean: number; readonly max: number };
}

/** The inputs of phi. All but the latency are shares of 1. */
export interface Metrics {
  readonly cpu: number;
  readonly memory: number;
  readonly loss: number;
  readonly connectivity: number;
  readonly latencyMs: number;
}

export const stateSchema = z.strictObject({
  schema: z.literal("witan/state/1"),
  node: address,
  cycle: count,
  time: count,
  phi: z.number(),
  state: z.enum(NamedStates),
  health: z.enum(Healths),
  metrics: z.strictObject({
    cpu: share,
    memory: share,
    loss: share,
    connectivity: share,
    latencyMs: z.number().min(0),
  }),
  advised: z.array(z.enum(DirectiveKinds)).refine((kinds) => distinct(kinds), "must name each kind once"),
  previous: contentId.nullable(),
  disk: z.enum(DiskStates).exactOptional(),
  summary: z
    .strictObject({
      cycles: count,
      changes: count,
      healthy: count,
      phi: z.strictObject({ min: z.number(), mean: z.number(), max: z.number() }),
    })
    .exactOptional(),
}) satisfies z.ZodType<State>;
