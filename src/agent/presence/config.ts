import { z } from "zod";
import { PresenceDefaults } from "./defaults.js";

const interval = z.int().min(10).max(3_600_000);

/** How the agent finds out who is silent, as its operator writes it; every field may be left out. All nodes should agree. */
export const presenceSchema = z.strictObject({
  /** Between two probes of nodes of which nothing was heard lately. */
  periodMs: interval.default(PresenceDefaults.periodMs),
  /** How long each of the checks waits that a node must fail in a row to be silent, the first one first. */
  timeoutsMs: z
    .array(interval)
    .min(2)
    .max(8)
    .default([...PresenceDefaults.timeoutsMs]),
  /** Between two of these checks: all of them together take longer than a restart. */
  checkMs: interval.default(PresenceDefaults.checkMs),
  /** A node that was heard in this time needs no check. */
  quietMs: interval.default(PresenceDefaults.quietMs),
  /** Between two checks of a node that is silent. */
  recheckMs: interval.default(PresenceDefaults.recheckMs),
  /** Between two words to the others about silent nodes. */
  hintMs: interval.default(PresenceDefaults.hintMs),
  /** How soon this node samples again whether it reaches most others. It believes a sample for twice as long. */
  sampleMs: interval.default(PresenceDefaults.sampleMs),
});

export type PresenceConfig = z.output<typeof presenceSchema>;
