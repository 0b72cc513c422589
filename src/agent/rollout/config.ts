import { z } from "zod";
import { hostParts } from "../../records/schemas/host.js";
import { AgentDefaults } from "../defaults.js";

const port = z.int().min(1).max(65_535);

/** What this node says on chain of the machine that it runs replicas on, and how it runs them: docs/hosts.md. */
export const hostSchema = z.strictObject({
  labels: hostParts.labels.default({}),
  addresses: hostParts.addresses.default([]),
  slots: hostParts.slots,
  /** Runs the replicas that the mesh places on this host; without it the host only watches those of others. */
  run: z
    .strictObject({
      /** The folder of replicas and releases; `host` in the data folder by default. */
      dir: z.string().min(1).optional(),
      /** Where replicas listen, each on a port of its own of 127.0.0.1. */
      ports: z.strictObject({ from: port, count: z.int().min(1).max(4_096) }),
      /** Where other hosts ask how the replicas are: what `addresses` lead to. */
      listen: z.strictObject({ host: z.string().min(1).default("127.0.0.1"), port: z.int().min(0).max(65_535) }),
      /** Where relative paths in the commands of releases start; the agent's working directory by default. */
      root: z.string().min(1).optional(),
      /** The most bytes that unpacked bundles of releases take. */
      maxReleaseBytes: z.int().min(1_048_576).max(1_099_511_627_776).default(AgentDefaults.maxReleaseBytes),
    })
    .optional(),
});
